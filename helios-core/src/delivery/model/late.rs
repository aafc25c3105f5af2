//! Inserts that arrive after their sender has stopped waiting.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use arrow_array::RecordBatch;
use jiff::Timestamp;

use super::{
    super::{
        batch_column::BatchNumber,
        sink::{Block, Sink},
    },
    gate::tell,
};
use crate::warehouse::TableName;

/// How much later an insert may arrive than its sender waits. Delivery allows for a little more.
pub(super) const LATER: Duration = Duration::from_secs(29);

/// The inserts under way that nobody waits for.
#[derive(Clone, Default)]
pub(super) struct LateInserts {
    inserts: Arc<Mutex<Vec<LateInsert>>>,
    /// The first batch number that was sent under a token.
    first: Arc<Mutex<HashMap<String, BatchNumber>>>,
}

struct LateInsert {
    sink: Arc<dyn Sink>,
    /// `None`: however late.
    until: Option<Timestamp>,
    table: TableName,
    rows: RecordBatch,
    token: String,
    batch: BatchNumber,
    from_text: bool,
    ignore_views: bool,
    timeout: Duration,
}

impl LateInserts {
    pub(super) fn push(&self, sink: &Arc<dyn Sink>, block: Block<'_>, until: Option<Timestamp>) {
        let late = LateInsert {
            sink: Arc::clone(sink),
            until,
            table: block.table.clone(),
            rows: block.rows.clone(),
            token: block.token.to_owned(),
            batch: block.batch,
            from_text: block.from_text,
            ignore_views: block.ignore_views,
            timeout: block.timeout,
        };
        self.inserts.lock().unwrap().push(late);
    }

    pub(super) fn first_number(&self, block: Block<'_>) -> BatchNumber {
        *self.first.lock().unwrap().entry(block.token.to_owned()).or_insert(block.batch)
    }

    /// Lets one of them arrive, unless it is too late. Its answer is lost. `false` if none is in flight.
    pub(super) async fn arrive(&self, which: u64, now: Timestamp) -> bool {
        let late = {
            let mut late = self.inserts.lock().unwrap();
            let Some(count) = u64::try_from(late.len()).ok().filter(|count| *count > 0) else { return false };
            late.swap_remove(usize::try_from(which % count).unwrap())
        };
        if late.until.is_none_or(|until| now <= until) {
            tell(|| format!("arrives late: {} in batch {}", late.table.plain(), late.batch));
            let block = Block {
                table: &late.table,
                rows: &late.rows,
                token: &late.token,
                batch: late.batch,
                from_text: late.from_text,
                ignore_views: late.ignore_views,
                timeout: late.timeout,
            };
            let refused = late.sink.insert(block).await.err();
            tell(|| format!("its answer, unheard: {refused:?}"));
        }
        true
    }
}

impl fmt::Debug for LateInserts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LateInserts").field(&self.inserts.lock().unwrap().len()).finish()
    }
}
