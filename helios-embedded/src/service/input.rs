//! The body of a request, decompressed.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::{
    compression::Frames,
    exception::{Code, Exception},
};

/// The longest text that the service reads for SQL, in bytes. Data of an `INSERT` have no limit.
pub(crate) const TEXT_LIMIT: usize = 16 * 1024 * 1024;

/// A request's body, piece by piece.
pub(crate) struct Input {
    body: Incoming,
    frames: Option<Frames>,
    /// Read already, and given out before anything else.
    ahead: Option<Bytes>,
}

impl Input {
    pub(crate) fn new(body: Incoming, compressed: bool) -> Self {
        Self { body, frames: compressed.then(Frames::default), ahead: None }
    }

    /// Puts data back in front.
    pub(crate) fn unread(&mut self, data: Bytes) {
        self.ahead = Some(data).filter(|data| !data.is_empty());
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Exception> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        loop {
            if let Some(frames) = &mut self.frames
                && let Some(content) = frames.next()?
            {
                return Ok(Some(content));
            }
            let Some(frame) = self.body.frame().await else {
                return match &self.frames {
                    Some(frames) if !frames.is_empty() => {
                        Err(Exception::new(Code::CannotDecompress, "The compressed data end inside a frame"))
                    }
                    _ => Ok(None),
                };
            };
            let frame = frame.map_err(|error| {
                Exception::new(Code::NetworkError, format!("The request's body was cut short: {error}"))
            })?;
            let Ok(data) = frame.into_data() else { continue };
            match &mut self.frames {
                Some(frames) => frames.push(&data),
                None => return Ok(Some(data)),
            }
        }
    }

    /// Reads on into `text` until it has at least `length` bytes. `true` at the end of the body.
    pub(crate) async fn fill(&mut self, text: &mut BytesMut, length: usize) -> Result<bool, Exception> {
        while text.len() < length {
            match self.next().await? {
                Some(piece) => text.extend_from_slice(&piece),
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// The whole body, if it is no longer than a statement may be.
    pub(crate) async fn text(&mut self) -> Result<Bytes, Exception> {
        let mut text = BytesMut::new();
        if self.fill(&mut text, TEXT_LIMIT + 1).await? { Ok(text.freeze()) } else { Err(too_long()) }
    }

    /// Reads the rest and forgets it, so that a client that is still sending gets to read its answer.
    pub(crate) fn discard(mut self) {
        tokio::spawn(async move { while matches!(self.body.frame().await, Some(Ok(_))) {} });
    }
}

pub(crate) fn too_long() -> Exception {
    Exception::new(Code::QueryIsTooLarge, format!("The text of a query may have {TEXT_LIMIT} bytes"))
}
