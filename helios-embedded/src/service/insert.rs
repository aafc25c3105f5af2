//! Inserts whose data are the request's body.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{
    Exchange,
    exception::{Code, Exception},
    input::Input,
    job::Job,
    query::lost,
    response::{Answer, Head},
    statement::Insert,
    values::Values,
};
use crate::{
    insert_way::InsertHead,
    work::{Interrupt, NewStatement},
};

/// Pieces of data waiting for the engine. A piece is what arrived at once: tens to hundreds of kilobytes.
const WAITING: usize = 4;

enum Piece {
    Data(Bytes),
    /// All data have arrived. Without it the insert is cancelled.
    End,
    /// Nobody wants the insert any more.
    Stop,
}

/// Streams the body into the engine. The data go through the engine's insert stream and never through SQL text, in
/// which a blank line ends them and what follows is run.
pub(crate) async fn run(exchange: Exchange, insert: Insert, mut input: Input) -> Result<Answer, Exception> {
    let (sender, mut pieces) = mpsc::channel(WAITING);
    let session = exchange.session;
    let mut values = (insert.format.eq_ignore_ascii_case("Values")).then(Values::default);
    let waiting = sender.downgrade();
    let wake = Arc::new(move || {
        if let Some(sender) = waiting.upgrade() {
            // Full: then the thread is not waiting.
            drop(sender.try_send(Piece::Stop));
        }
        // There is nothing to be gained by more of it soon.
        false
    });
    let interrupt = Interrupt { wake, spoils: false };
    // How long an insert takes is up to the client, who sends its data.
    let new = NewStatement { query_id: exchange.head.query_id.clone(), interrupt, time_limit: None };
    let (_guard, mut verdict) = Job::start(exchange.engine, session.tag, new, move |job| {
        let mut connection = session.open(job.engine())?;
        let head = InsertHead {
            text: &insert.head,
            input: insert.input.clone(),
            format: &insert.format,
            parameters: &session.parameters,
        };
        let way = job.engine().insert_way();
        let mut stream = way.insert(connection.as_mut(), head).map_err(Exception::from_engine)?;
        while let Some(piece) = pieces.blocking_recv() {
            job.check()?;
            match piece {
                Piece::Data(data) => stream.append(&data).map_err(Exception::from_engine)?,
                Piece::End => return stream.finish().map_err(Exception::from_engine),
                Piece::Stop => break,
            }
        }
        Err(Exception::new(Code::NetworkError, "The request ended before its data"))
    })?;

    let sent = tokio::select! {
        sent = send(&mut input, values.as_mut(), &sender) => sent,
        // The engine may refuse the insert while the client is still thinking about its next row.
        early = &mut verdict => Err(early.unwrap_or_else(|_| Err(lost())).err().unwrap_or_else(lost)),
    };
    // Without the end of the data this cancels the insert.
    drop(sender);
    let outcome = match sent {
        Ok(()) => verdict.await.unwrap_or_else(|_| Err(lost())),
        Err(exception) => Err(exception),
    };
    match outcome {
        Ok(outcome) => {
            Ok(Answer::whole(Head { counts: Some(outcome.counts), ..exchange.head }, Bytes::new()))
        }
        Err(exception) => {
            input.discard();
            Err(exception)
        }
    }
}

/// Sends the data piece by piece, and at last their end. Stops quietly when the engine takes no more: its verdict says
/// why.
async fn send(
    input: &mut Input,
    mut values: Option<&mut Values>,
    pieces: &mpsc::Sender<Piece>,
) -> Result<(), Exception> {
    while let Some(data) = input.next().await? {
        let data = match &mut values {
            Some(values) => values.push(&data, false)?,
            None => data,
        };
        if !data.is_empty() && pieces.send(Piece::Data(data)).await.is_err() {
            return Ok(());
        }
    }
    if let Some(values) = values {
        let rest = values.push(&[], true)?;
        if !rest.is_empty() && pieces.send(Piece::Data(rest)).await.is_err() {
            return Ok(());
        }
    }
    // A closed channel: the verdict is there already.
    drop(pieces.send(Piece::End).await);
    Ok(())
}
