//! The queries that this server runs, and for whom.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::HeaderMap;
use helios_core::QueryId;

use crate::{refusal::Refusal, session::SessionId};

/// Queries under way by their names. A clone is the same list.
///
/// What is not in it cannot be cancelled or looked at from outside: neither what others run on the same ClickHouse, nor
/// what another session runs here.
#[derive(Clone, Default)]
pub(crate) struct Queries(Arc<Mutex<Running>>);

/// Each with the session that began it, if it had one.
type Running = HashMap<QueryId, Option<SessionId>>;

impl Queries {
    /// Notes a query until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// If one of this name runs.
    pub(crate) fn begin(&self, id: &QueryId, headers: &HeaderMap) -> Result<Noted, Refusal> {
        let mut running = self.lock();
        if running.contains_key(id) {
            return Err(Refusal::QueryIdTaken);
        }
        running.insert(id.clone(), SessionId::of(headers));
        Ok(Noted { queries: self.clone(), id: id.clone() })
    }

    /// Whether a query of this name runs for whoever sends these headers.
    pub(crate) fn are_running(&self, id: &QueryId, headers: &HeaderMap) -> bool {
        match self.lock().get(id) {
            Some(None) => true,
            Some(owner) => *owner == SessionId::of(headers),
            None => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Queries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queries").field("running", &self.lock().len()).finish()
    }
}

/// A query's place in the list.
#[derive(Debug)]
pub(crate) struct Noted {
    queries: Queries,
    id: QueryId,
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.queries.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, header};

    use super::*;

    fn session(id: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(id))])
    }

    #[test]
    fn a_query_belongs_to_the_session_that_began_it() {
        let (queries, id) = (Queries::default(), QueryId::new("report-7").unwrap());
        let (ann, bob) = (session("helios_session=ann"), session("helios_session=bob"));
        let noted = queries.begin(&id, &ann).unwrap();
        assert!(queries.are_running(&id, &ann));
        assert!(!queries.are_running(&id, &bob) && !queries.are_running(&id, &HeaderMap::new()));
        assert_eq!(queries.begin(&id, &bob).unwrap_err(), Refusal::QueryIdTaken);
        assert!(queries.are_running(&id, &ann), "who came too late has taken nothing away");
        drop(noted);
        assert!(!queries.are_running(&id, &ann));
        let _open = queries.begin(&id, &HeaderMap::new()).unwrap();
        assert!(queries.are_running(&id, &bob), "what began without a session is everybody's");
    }
}
