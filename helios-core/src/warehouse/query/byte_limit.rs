//! How many bytes a result may have, counted as it comes.
//!
//! ClickHouse counts the blocks of a result, in which a constant column is one value, and looks between blocks: a single row can
//! be as large as its memory.

use crate::{Error, ErrorCode, ErrorKind, Result};

/// ClickHouse's number for a result that is too large.
const TOO_MANY_ROWS_OR_BYTES: u32 = 396;

/// What is left of `maxResultBytes`.
#[derive(Clone, Copy, Debug)]
pub(in crate::warehouse) struct ByteLimit {
    limit: Option<u64>,
    taken: u64,
}

impl ByteLimit {
    pub(in crate::warehouse) fn new(limit: Option<u64>) -> Self {
        Self { limit, taken: 0 }
    }

    /// Takes bytes of the result.
    ///
    /// # Errors
    ///
    /// [`LimitExceeded`](ErrorKind::LimitExceeded) if there were too many with these.
    pub(in crate::warehouse) fn take(&mut self, bytes: usize) -> Result<()> {
        self.check(bytes)?;
        self.taken = self.taken.saturating_add(bytes.try_into().unwrap_or(u64::MAX));
        Ok(())
    }

    /// Fails as [`take`](Self::take), and takes nothing: the bytes are not whole yet.
    pub(in crate::warehouse) fn check(&self, bytes: usize) -> Result<()> {
        self.check_total(self.taken.saturating_add(bytes.try_into().unwrap_or(u64::MAX)))
    }

    /// Fails as [`take`](Self::take) if the result has more bytes than allowed up to here.
    pub(in crate::warehouse) fn check_total(&self, bytes: u64) -> Result<()> {
        let Some(limit) = self.limit.filter(|limit| *limit < bytes) else { return Ok(()) };
        let message = format!(
            "the result is larger than `maxResultBytes` ({limit} bytes); select less, or raise the limit"
        );
        let name = Some("TOO_MANY_ROWS_OR_BYTES".to_owned());
        let code = ErrorCode::ClickHouse { code: TOO_MANY_ROWS_OR_BYTES, name };
        Err(Error::new(ErrorKind::LimitExceeded, message).with_code(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_allowed() {
        let mut limit = ByteLimit::new(Some(10));
        limit.take(4).unwrap();
        limit.check(6).unwrap();
        limit.take(6).unwrap();
        limit.take(0).unwrap();
        let error = limit.take(1).unwrap_err();
        assert_eq!((error.kind(), error.server_code()), (ErrorKind::LimitExceeded, Some(396)));
        assert!(!error.is_retryable());
        ByteLimit::new(None).take(usize::MAX).unwrap();
    }
}
