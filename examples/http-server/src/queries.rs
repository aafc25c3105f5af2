//! The queries that this server runs, and for whom.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use helios_core::QueryId;

use crate::{caller::Owner, refusal::Refusal};

/// Queries under way by their names. A clone is the same list.
///
/// What is not in it cannot be cancelled or looked at from outside: neither what others run on the same ClickHouse, nor
/// what another caller runs here.
#[derive(Clone, Default)]
pub(crate) struct Queries(Arc<Mutex<Running>>);

/// Each with whoever began it.
type Running = HashMap<QueryId, Owner>;

impl Queries {
    /// Notes a query until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// If one of this name runs.
    pub(crate) fn begin(&self, id: &QueryId, owner: &Owner) -> Result<Noted, Refusal> {
        let mut running = self.lock();
        if running.contains_key(id) {
            return Err(Refusal::QueryIdTaken);
        }
        running.insert(id.clone(), owner.clone());
        Ok(Noted { queries: self.clone(), id: id.clone() })
    }

    /// Whether a query of this name runs, and is this owner's.
    pub(crate) fn are_running(&self, id: &QueryId, owner: &Owner) -> bool {
        self.lock().get(id) == Some(owner)
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
    use super::*;

    #[test]
    fn a_query_belongs_to_whoever_began_it() {
        let (queries, id) = (Queries::default(), QueryId::new("report-7").unwrap());
        let (ann, bob, nobody) = (Owner::of_token("ann"), Owner::of_token("bob"), Owner::default());
        let noted = queries.begin(&id, &ann).unwrap();
        assert!(queries.are_running(&id, &ann));
        assert!(!queries.are_running(&id, &bob) && !queries.are_running(&id, &nobody));
        assert_eq!(queries.begin(&id, &bob).unwrap_err(), Refusal::QueryIdTaken);
        assert!(queries.are_running(&id, &ann), "who came too late has taken nothing away");
        drop(noted);
        assert!(!queries.are_running(&id, &ann));
        let _open = queries.begin(&id, &nobody).unwrap();
        assert!(queries.are_running(&id, &nobody) && !queries.are_running(&id, &bob));
    }
}
