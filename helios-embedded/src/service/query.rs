//! Statements whose answer is their result.

use std::{os::fd::AsRawFd, sync::Arc};

use bytes::BytesMut;
use tokio::{io::Interest, net::unix::pipe, sync::oneshot};

use super::{
    Exchange,
    exception::{Code, Exception},
    job::{Job, Pipe, Verdict},
    judge::Judge,
    response::{Answer, Head},
    rows::{Rows, Source},
    statement::Query,
};
use crate::{
    driver::{Analysis, Class, DriverConnection},
    exit,
    work::NewStatement,
};

/// How much of a result is waited for before the answer begins. A statement that ends or fails within it gets an exact
/// summary or a plain error. A server waits for more.
const HELD_BACK: usize = 64 * 1024;

/// Runs the statement and answers with what it prints.
pub(crate) async fn run(
    exchange: Exchange,
    query: Query,
    judge: Option<Judge>,
    default_format: String,
) -> Result<Answer, Exception> {
    let Pipe { reader, writer, drain, spoiled } = Pipe::new()?;
    let (format_sender, format) = oneshot::channel();
    let session = exchange.session;
    let new = NewStatement {
        query_id: exchange.head.query_id.clone(),
        interrupt: drain,
        time_limit: session.time_limit,
    };
    let (guard, verdict) = Job::start(Arc::clone(&exchange.engine), session.tag, new, move |job| {
        let mut connection = session.open(job.engine())?;
        let file = format!("/proc/self/fd/{}", writer.as_raw_fd());
        let (text, format) = plan(connection.as_mut(), &query, &session.parameters, &file)?;
        job.check()?;
        if let Some(judge) = judge {
            judge.judge(job.engine(), &query.text)?;
        }
        let format = format.unwrap_or(default_format);
        // The receiver is gone only with the client, which `check` and the guard take care of.
        drop(format_sender.send(format.clone()));
        let outcome = connection.run(&text, &format, &session.parameters).map_err(Exception::from_engine);
        drop(writer);
        outcome
    })?;
    let Ok(format) = format.await else {
        // It failed before it ran.
        return Err(ended(verdict).await.err().unwrap_or_else(lost));
    };
    let mut head = Head { format: Some(format), ..exchange.head };

    let mut first = BytesMut::with_capacity(HELD_BACK);
    let limit = if exchange.wait_end_of_query { usize::MAX } else { HELD_BACK };
    if fill(&reader, &mut first, limit).await? {
        let outcome = ended(verdict).await?;
        head.counts = Some(outcome.counts);
        let printed = if first.is_empty() { outcome.printed } else { first.freeze() };
        return Ok(Answer::whole(head, printed));
    }
    if spoiled.get() {
        // There is a gap in what was read: the answer is why.
        return Err(ended(verdict).await.err().unwrap_or_else(lost));
    }
    exit::note_progress();
    Ok(Answer::rows(head, |tag| {
        Rows::new(Source { first: first.freeze(), reader, spoiled, guard, verdict }, exchange.wire, tag)
    }))
}

/// The text to run, and its own format if it names one.
///
/// Statements that select get their result redirected into the pipe. Others print little, and print it directly.
fn plan(
    connection: &mut dyn DriverConnection,
    query: &Query,
    parameters: &[(String, String)],
    file: &str,
) -> Result<(Vec<u8>, Option<String>), Exception> {
    const REDIRECTED: Analysis = Analysis { statements: 1, class: Class::Control };

    let analysis = connection.classify(&query.text);
    // The engine runs every statement it finds, up to the first that does not parse.
    if analysis.statements > 1 {
        return Err(Exception::new(Code::SyntaxError, "Syntax error (Multi-statements are not allowed)"));
    }
    if analysis.statements == 0 {
        let complaint = connection.complaint(&query.text, parameters);
        return Err(complaint.map_or_else(
            || Exception::new(Code::SyntaxError, "Syntax error: not a statement"),
            Exception::from_engine,
        ));
    }
    if query.selects && analysis.class == Class::Control {
        return Err(Exception::new(Code::IntoOutfileNotAllowed, "INTO OUTFILE is not allowed over HTTP"));
    }
    if query.selects && analysis.class == Class::ReadOnly {
        for (text, format) in query.redirected(file) {
            if connection.classify(&text) == REDIRECTED {
                return Ok((text, format.map(str::to_owned)));
            }
        }
    }
    Ok((query.text.clone(), query.format.as_ref().map(|(_, format)| format.clone())))
}

/// Reads until there are `limit` bytes. `true` if the output ended before.
async fn fill(output: &pipe::Receiver, into: &mut BytesMut, limit: usize) -> Result<bool, Exception> {
    while into.len() < limit {
        if read(output, into).await.map_err(|error| unreadable(&error))? == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn read(output: &pipe::Receiver, into: &mut BytesMut) -> std::io::Result<usize> {
    loop {
        output.ready(Interest::READABLE).await?;
        match output.try_read_buf(into) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            outcome => return outcome,
        }
    }
}

pub(crate) fn unreadable(error: &std::io::Error) -> Exception {
    Exception::new(Code::UnknownException, format!("The result could not be read from its pipe: {error}"))
}

async fn ended(verdict: oneshot::Receiver<Verdict>) -> Verdict {
    verdict.await.unwrap_or_else(|_| Err(lost()))
}

/// The thread is gone without a verdict, which only a panic could do.
pub(crate) fn lost() -> Exception {
    Exception::new(Code::UnknownException, "The query's thread ended without a result")
}
