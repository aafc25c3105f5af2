//! What is known of each request of a connection when its handler is called.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{Framing, UNREADABLE};
use crate::{error::ApiError, refusal::Refusal};

/// The requests of one connection, in their order. A clone is the same list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdicts(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    /// The first so many are clear.
    clear: u64,
    /// So many have been asked about.
    asked: u64,
    /// What is wrong with the one after those that are clear.
    fault: Option<&'static str>,
}

/// Whether a request is the same one for every reader of the connection; if not, why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict(Result<(), &'static str>);

impl Verdicts {
    pub(super) fn note(&self, framing: &Framing) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.clear = framing.clear();
        counts.fault = framing.fault();
    }

    /// The verdict on the next request. One that was not seen on the connection is not clear.
    pub(crate) fn next(&self) -> Verdict {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.asked = counts.asked.saturating_add(1);
        let is_clear = counts.asked <= counts.clear;
        Verdict(if is_clear { Ok(()) } else { Err(counts.fault.unwrap_or(UNREADABLE)) })
    }
}

/// Refuses a request that another reader of the same bytes may take for another one, and ends the connection: so it is with what
/// comes after it, too.
pub(crate) async fn refuse_unclear(request: Request, next: Next) -> Response {
    // Requests without a connection, as tests have them, are what they are.
    let Some(Verdict(Err(why))) = request.extensions().get().copied() else { return next.run(request).await };
    let mut response = ApiError::from(Refusal::BadRequest(why)).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_seen_is_refused() {
        let (verdicts, mut framing) = (Verdicts::default(), Framing::default());
        framing.follow(b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\nGET / HT");
        verdicts.note(&framing);
        assert!(verdicts.next().0.is_ok() && verdicts.next().0.is_ok());
        assert_eq!(verdicts.next().0, Err(UNREADABLE));
    }

    #[test]
    fn nothing_is_clear_after_what_is_not() {
        let (verdicts, mut framing) = (Verdicts::default(), Framing::default());
        framing.follow(
            b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nContent-Length: x\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        );
        verdicts.note(&framing);
        assert!(verdicts.next().0.is_ok());
        assert_eq!(verdicts.next().0, Err(super::super::LENGTH));
        assert_eq!(verdicts.next().0, Err(super::super::LENGTH));
    }
}
