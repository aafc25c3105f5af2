//! What lies between two batches is delivered, or told.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use jiff::Timestamp;

use super::{
    super::{
        batch::{Batch, Record},
        history::History,
        ledger::{LedgerKey, OpenRange},
    },
    bench::{Bench, FOR_EVER, stream},
    stream::{Stream, Unreadable, is_from},
    table::ModelTable,
};
use crate::{
    ErrorKind, Result,
    streams::{Position, ShardStart},
};

/// A stream that counts how often it is looked at, and of which records expire at one of these looks.
#[derive(Debug)]
struct Looked {
    stream: Arc<Stream>,
    looks: AtomicUsize,
    /// At which look, counted from 1, how many of the first records are gone.
    expiry: Mutex<(usize, usize)>,
}

impl History for Looked {
    fn read<'a>(
        &'a self,
        key: &'a LedgerKey,
        range: &'a OpenRange,
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>> {
        self.stream.read(key, range, deadline)
    }

    fn from<'a>(
        &'a self,
        key: &'a LedgerKey,
        start: &'a ShardStart,
        limit: usize,
        deadline: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>> {
        let look = self.looks.fetch_add(1, Ordering::SeqCst) + 1;
        let (at, gone) = *self.expiry.lock().unwrap();
        if look < at || at == 0 {
            return self.stream.from(key, start, limit, deadline);
        }
        let kept = &self.stream.shards[0][gone..];
        let from = kept.iter().filter(|record| is_from(start, record));
        ready(Ok(Some(from.take(limit).cloned().collect()))).boxed()
    }
}

fn looked(bad: u64) -> (Bench, Arc<Looked>) {
    let mut bench = Bench::new(ModelTable::new(false), stream(bad));
    let stream = Arc::clone(&bench.stream);
    let looked = Arc::new(Looked { stream, looks: AtomicUsize::new(0), expiry: Mutex::default() });
    bench.history = Arc::clone(&looked) as Arc<dyn History>;
    (bench, looked)
}

impl Bench {
    async fn must_deliver(&self, batch: &Batch) -> u64 {
        let report = self.deliver(batch, FOR_EVER).await.unwrap().unwrap();
        assert_eq!(report.received, report.delivered + report.quarantined + report.duplicates_skipped);
        report.received
    }
}

#[tokio::test]
async fn what_the_trigger_has_left_out_is_read_from_the_shard() {
    for bad in [0, 50] {
        let (bench, _) = looked(bad);
        bench.must_deliver(&bench.stream.batch(0, 0, 3)).await;
        let end = bench.stream.shards[0].len();
        let received = bench.must_deliver(&bench.stream.batch(0, 9, end)).await;
        assert_eq!(received, u64::try_from(end - 3).unwrap());
        assert_eq!(bench.check(), None);
        let entry = bench.entry().await;
        assert_eq!((entry.gaps.len(), entry.counters.received), (0, u64::try_from(end).unwrap()));
    }
}

#[tokio::test]
async fn it_is_healed_wherever_the_worker_is_killed() {
    for steps in 1.. {
        let (bench, _) = looked(20);
        bench.must_deliver(&bench.stream.batch(0, 0, 3)).await;
        let late = bench.stream.batch(0, 9, bench.stream.shards[0].len());
        let is_done = bench.deliver(&late, steps).await.is_some();
        bench.must_deliver(&late).await;
        assert_eq!(bench.check(), None, "killed after {steps} steps");
        if is_done {
            assert!(steps > 8, "it was killed at no step");
            break;
        }
    }
}

/// A table that was to begin with the oldest event, and was paused before it had one.
fn begun() -> Bench {
    Bench::new(ModelTable::new(false).beginning_at(Position::Oldest), stream(20))
}

#[tokio::test]
async fn what_comes_before_the_first_batch_is_read_from_where_the_table_begins() {
    for steps in 1.. {
        let bench = begun();
        let late = bench.stream.batch(0, 9, bench.stream.shards[0].len());
        let is_done = bench.deliver(&late, steps).await.is_some();
        bench.must_deliver(&late).await;
        assert_eq!(bench.check(), None, "killed after {steps} steps");
        if is_done {
            assert!(steps > 8, "it was killed at no step");
            break;
        }
    }
    // Without a beginning the first batch is one.
    let bench = Bench::new(ModelTable::new(false), stream(20));
    bench.must_deliver(&bench.stream.batch(0, 9, bench.stream.shards[0].len())).await;
    assert!(bench.check().is_some());
    // And whoever says what it follows is believed.
    let bench = begun();
    let follows = Some(bench.stream.shards[0][8].sequence_number.clone());
    bench.must_deliver(&Batch { follows, ..bench.stream.batch(0, 9, bench.stream.shards[0].len()) }).await;
    assert!(bench.check().is_some());
}

#[tokio::test]
async fn what_expires_between_the_look_and_the_reading_is_a_gap() {
    // The first record that was left out, all of them, and more than that.
    for gone in [4, 9, 10] {
        let (bench, looked) = looked(0);
        bench.must_deliver(&bench.stream.batch(0, 0, 3)).await;
        let end = bench.stream.shards[0].len();
        *looked.expiry.lock().unwrap() = (2, gone);
        bench.must_deliver(&bench.stream.batch(0, 9, end)).await;
        let entry = bench.entry().await;
        let number = |at: usize| bench.stream.shards[0][at].sequence_number.clone();
        let [gap] = &entry.gaps[..] else { panic!("{:?}", entry.gaps) };
        let found = (gap.after.sequence_number.clone(), gap.before.sequence_number.clone());
        assert_eq!(found, (number(2), number(gone.min(9))));
        let lost = u64::try_from(gone.min(9) - 3).unwrap();
        assert_eq!(entry.counters.received, u64::try_from(end).unwrap() - lost);
        assert!(bench.check().unwrap().ends_with("doubled []"));
    }
}

#[tokio::test]
async fn a_batch_that_follows_is_not_looked_at() {
    let (bench, looked) = looked(0);
    let end = bench.stream.shards[0].len();
    // The first batch has nothing to follow on; one that overlaps follows by itself; one that says what it follows, too.
    bench.must_deliver(&bench.stream.batch(0, 0, 3)).await;
    bench.must_deliver(&bench.stream.batch(0, 2, 5)).await;
    let follows = Some(bench.stream.shards[0][4].sequence_number.clone());
    bench.must_deliver(&Batch { follows, ..bench.stream.batch(0, 5, 7) }).await;
    assert_eq!(looked.looks.load(Ordering::SeqCst), 0);
    // One look for a batch of which nothing is known.
    bench.must_deliver(&bench.stream.batch(0, 7, 9)).await;
    assert_eq!(looked.looks.load(Ordering::SeqCst), 1);
    // And whoever says what a batch follows is not believed more than that.
    let follows = Some(bench.stream.shards[0][9].sequence_number.clone());
    bench.must_deliver(&Batch { follows, ..bench.stream.batch(0, 10, end) }).await;
    assert_eq!(bench.check(), None);
}

#[tokio::test]
async fn while_it_cannot_be_known_nothing_is_delivered() {
    let (mut bench, _) = looked(0);
    bench.must_deliver(&bench.stream.batch(0, 0, 3)).await;
    bench.history =
        Arc::new(Unreadable(
            || Err(crate::Error::new(ErrorKind::LimitExceeded, "throttled").retryable(true)),
        ));
    let undelivered = bench.deliver(&bench.stream.batch(0, 5, 9), FOR_EVER).await.unwrap().unwrap_err();
    assert!(undelivered.error.is_retryable());
    assert_eq!(undelivered.uncommitted, Some(bench.stream.shards[0][5].sequence_number.clone()));
    assert_eq!(bench.table.state().rows.len(), 3);
}
