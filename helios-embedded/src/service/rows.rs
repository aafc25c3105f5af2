//! A result on its way, read from the engine as the client reads it.

use std::{
    io::ErrorKind,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame};
use tokio::{net::unix::pipe::Receiver, sync::oneshot};

use super::{
    exception::Exception,
    job::{Guard, Spoiled, Verdict},
    query::{lost, unreadable},
};
use crate::wire::{Flushed, Wire};

const CHUNK: usize = 128 * 1024;

/// The longest text of an exception after the first row. With its frame it fits into one read of any client.
const MESSAGE_LIMIT: usize = 4 * 1024;

/// The result was cut short by an exception, whose frame was sent before. The connection ends without the end of the
/// body, so that a client that does not know the frame fails too.
#[derive(Debug, thiserror::Error)]
#[error("the query failed after its first rows were sent")]
pub(crate) struct CutShort;

/// The body of an answer that began before its statement ended.
pub(crate) struct Rows {
    state: State,
    reader: Receiver,
    spoiled: Spoiled,
    verdict: oneshot::Receiver<Verdict>,
    /// Dropped with the body, or with the statement's end: what is sent after that needs no engine.
    guard: Option<Guard>,
    flushed: Flushed,
    tag: String,
}

/// Where rows come from.
pub(crate) struct Source {
    /// Read already.
    pub(crate) first: Bytes,
    pub(crate) reader: Receiver,
    pub(crate) spoiled: Spoiled,
    pub(crate) verdict: oneshot::Receiver<Verdict>,
    pub(crate) guard: Guard,
}

enum State {
    /// Read before the answer began.
    First(Bytes),
    Reading,
    /// The output has ended; well or not is to be seen.
    Deciding,
    /// Everything before the exception has to arrive first.
    Failing(Exception),
    /// The exception has to arrive before the connection ends.
    Failed,
    Done,
}

impl Rows {
    /// Rows of a source. An exception among them carries `tag`, which was announced before.
    pub(crate) fn new(source: Source, wire: Arc<Wire>, tag: &str) -> Self {
        Self {
            state: State::First(source.first),
            reader: source.reader,
            spoiled: source.spoiled,
            verdict: source.verdict,
            guard: Some(source.guard),
            flushed: Flushed::new(wire),
            tag: tag.to_owned(),
        }
    }

    /// The next piece of output; empty at its end.
    fn poll_output(&self, context: &mut Context<'_>) -> Poll<Result<Bytes, Exception>> {
        loop {
            ready!(self.reader.poll_read_ready(context)).map_err(|error| unreadable(&error))?;
            let mut chunk = BytesMut::with_capacity(CHUNK);
            match self.reader.try_read_buf(&mut chunk) {
                // After a gap nothing more is told, until the exception that is sure to come.
                Ok(1..) if self.spoiled.get() => {}
                Ok(_) => return Poll::Ready(Ok(chunk.freeze())),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(unreadable(&error))),
            }
        }
    }
}

impl Body for Rows {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        loop {
            match &mut self.state {
                State::First(first) => {
                    let first = std::mem::take(first);
                    self.state = State::Reading;
                    return Poll::Ready(Some(Ok(Frame::data(first))));
                }
                State::Reading => match ready!(self.poll_output(context)) {
                    Ok(chunk) if chunk.is_empty() => self.state = State::Deciding,
                    Ok(chunk) => return Poll::Ready(Some(Ok(Frame::data(chunk)))),
                    Err(exception) => self.state = State::Failing(exception),
                },
                State::Deciding => {
                    let verdict = ready!(Pin::new(&mut self.verdict).poll(context));
                    self.guard = None;
                    self.state = match verdict.unwrap_or_else(|_| Err(lost())) {
                        Ok(_) => State::Done,
                        Err(exception) => State::Failing(exception),
                    };
                }
                State::Failing(_) => {
                    ready!(self.flushed.poll(context));
                    if let State::Failing(exception) = std::mem::replace(&mut self.state, State::Failed) {
                        let frame = exception_frame(&exception.text, &self.tag);
                        return Poll::Ready(Some(Ok(Frame::data(frame))));
                    }
                }
                State::Failed => {
                    ready!(self.flushed.poll(context));
                    self.state = State::Done;
                    return Poll::Ready(Some(Err(CutShort)));
                }
                State::Done => return Poll::Ready(None),
            }
        }
    }
}

/// ClickHouse's frame for an exception after the first row. The tag, announced in a header, tells it from data.
fn exception_frame(text: &str, tag: &str) -> Bytes {
    let text = text.trim_end();
    let end = text.floor_char_boundary(MESSAGE_LIMIT);
    let message = format!("{}\n", text.get(..end).unwrap_or(text));
    let length = message.len();
    format!("\r\n__exception__\r\n{tag}\r\n{message}{length} {tag}\r\n__exception__\r\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_counts_the_message_with_its_newline() {
        let frame = exception_frame("Code: 395. DB::Exception: no", "abcdefghijklmnop");
        assert_eq!(
            frame,
            "\r\n__exception__\r\nabcdefghijklmnop\r\nCode: 395. DB::Exception: no\n29 abcdefghijklmnop\r\n__exception__\r\n"
        );
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let frame = exception_frame(&"é".repeat(MESSAGE_LIMIT), "t");
        assert!(frame.len() < MESSAGE_LIMIT + 100);
        assert!(str::from_utf8(&frame).is_ok());
    }
}
