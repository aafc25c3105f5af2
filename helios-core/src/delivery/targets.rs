//! The tables that events go to, looked at not more often than needed.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;

use super::target::Target;
use crate::{Result, clock::SharedClock, sources::Mapping, warehouse::Warehouse};

/// For so long a table is taken to be as it was: a column added meanwhile is filled from then on.
const MAXIMUM_AGE: Duration = Duration::from_secs(30);

/// Tables by the identity their mapping knows them by, each with its source's policy.
#[derive(Debug)]
pub struct Targets {
    warehouse: Warehouse,
    clock: SharedClock,
    known: Mutex<HashMap<Uuid, (Timestamp, Target)>>,
}

impl Targets {
    /// None yet.
    #[must_use]
    pub fn new(warehouse: Warehouse, clock: SharedClock) -> Self {
        Self { warehouse, clock, known: Mutex::default() }
    }

    /// The table of a mapping.
    ///
    /// # Errors
    ///
    /// As [`Target::describe`].
    pub async fn of(&self, mapping: &Mapping) -> Result<Target> {
        let now = self.clock.now();
        if let Some(target) = self.recent(mapping, now) {
            return Ok(target);
        }
        let target = Target::describe(&self.warehouse, &mapping.table, mapping.table_uuid).await?;
        let target = target.with_policy(mapping.policy);
        self.lock().insert(mapping.table_uuid, (now, target.clone()));
        Ok(target)
    }

    /// Looks at the table again next time.
    pub fn forget(&self, mapping: &Mapping) {
        self.lock().remove(&mapping.table_uuid);
    }

    fn recent(&self, mapping: &Mapping, now: Timestamp) -> Option<Target> {
        let known = self.lock();
        let (seen, target) = known.get(&mapping.table_uuid)?;
        let recent = now.duration_since(*seen).unsigned_abs() < MAXIMUM_AGE && target.table == mapping.table;
        recent.then(|| target.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, (Timestamp, Target)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
