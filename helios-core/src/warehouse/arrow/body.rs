//! Record batches as an Arrow IPC stream.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;
use bytes::Bytes;
use futures_util::Stream as _;

use super::ArrowStream;
use crate::{Error, Result};

/// The bytes of an Arrow IPC stream, message by message: the schema, the batches, the end-of-stream marker.
pub(in crate::warehouse) struct ArrowBody {
    stream: ArrowStream,
    writer: StreamWriter<Vec<u8>>,
    ended: bool,
}

impl ArrowBody {
    /// The stream's bytes.
    pub(in crate::warehouse) fn new(stream: ArrowStream) -> Result<Self> {
        // What is written first, the schema, is the first output.
        let writer = StreamWriter::try_new(Vec::new(), stream.schema()).map_err(unwritten)?;
        Ok(Self { stream, writer, ended: false })
    }

    /// The next piece, `None` at the end.
    pub(in crate::warehouse) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        while self.writer.get_ref().is_empty() && !self.ended {
            match ready!(Pin::new(&mut self.stream).poll_next(cx)?) {
                Some(batch) => self.writer.write(&batch).map_err(unwritten)?,
                None => {
                    self.ended = true;
                    self.writer.finish().map_err(unwritten)?;
                }
            }
        }
        let output = std::mem::take(self.writer.get_mut());
        Poll::Ready(Ok(Some(Bytes::from(output)).filter(|output| !output.is_empty())))
    }
}

fn unwritten(error: ArrowError) -> Error {
    Error::unexpected("the result cannot be written as Arrow").caused_by(error)
}
