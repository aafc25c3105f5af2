//! What each guarantee says, for a worker that is killed at each of its steps.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;

use super::{
    super::{
        ledger::{Entry, TroubleKind},
        window::Window,
    },
    bench::{Bench, FOR_EVER, stream},
    chance::Chance,
    gate::Gate,
    stream::Unreadable,
    table::ModelTable,
};
use crate::{ErrorKind, clock::Clock as _};

/// R9: good + quarantined = received, also with a kill between the two writes, and everywhere else.
#[tokio::test]
async fn whatever_share_is_bad_and_wherever_it_is_killed_nothing_is_lost_or_doubled() {
    for bad in [0, 1, 50, 100] {
        for steps in 1.. {
            let bench = Bench::new(ModelTable::new(false), stream(bad));
            let killed = bench.deliver(&bench.batch(0), steps).await.is_none();
            // The next batch is longer, shorter, or has lost its beginning.
            let all = bench.stream.shards[0].len();
            for (from, to) in [(0, 3), (0, all)] {
                let again = bench.stream.batch(0, from, to);
                let report = bench.deliver(&again, FOR_EVER).await.unwrap().unwrap();
                assert_eq!(
                    report.received,
                    report.delivered + report.quarantined + report.duplicates_skipped
                );
            }
            assert_eq!(bench.check(), None, "{bad} % bad, killed after {steps} steps");
            let counters = bench.entry().await.counters;
            assert_eq!(counters.received, counters.inserted + counters.quarantined + counters.duplicates);
            assert_eq!(counters.inserted + counters.quarantined, u64::try_from(all).unwrap());
            if !killed {
                assert!(steps > 4, "it was killed at no step");
                break;
            }
        }
    }
}

/// R5: a token never comes with other rows: that would pass for inserted.
#[tokio::test]
async fn other_events_in_the_place_of_an_open_range_are_an_error() {
    let mut checked = 0;
    for steps in 1.. {
        let bench = Bench::new(ModelTable::new(false), stream(0));
        if bench.deliver(&bench.batch(0), steps).await.is_some() {
            break;
        }
        let is_open = bench.entry().await.open.is_some();
        let mut other = bench.batch(0);
        other.records[2].data = Bytes::from_static(br#"{"id":999,"v":1,"w":1}"#);
        let answer = bench.deliver(&other, FOR_EVER).await.unwrap();
        if is_open {
            let undelivered = answer.unwrap_err();
            assert_eq!(undelivered.error.kind(), ErrorKind::Conflict);
            assert!(undelivered.error.message().contains("differ"), "{undelivered}");
            assert_eq!(undelivered.uncommitted.as_ref(), Some(&other.records[0].sequence_number));
            checked += 1;
        }
        assert!(bench.table.state().rows.iter().all(|row| !is_open || row.id != 999));
    }
    assert!(checked > 2);
}

/// R6: beyond the window a token proves nothing. Only a table that says where its rows come from settles it.
#[tokio::test]
async fn beyond_the_window_a_range_is_uncertain_unless_the_table_tells() {
    type Pass = fn(&Bench);
    let windows: [(Window, Pass); 2] = [
        (Window { blocks: 100, seconds: Some(3600) }, |bench| bench.clock.pass(Duration::from_secs(3600))),
        (Window { blocks: 100, seconds: None }, |bench| bench.table.pass_blocks(100)),
    ];
    for (window, pass) in windows {
        for has_provenance in [false, true] {
            for steps in 1.. {
                let table = ModelTable::new(has_provenance).with_window(window);
                let bench = Bench::new(table, stream(50));
                if bench.deliver(&bench.batch(0), steps).await.is_some() {
                    break;
                }
                let is_open = bench.entry().await.open.is_some();
                pass(&bench);
                let answer = bench.deliver(&bench.batch(0), FOR_EVER).await.unwrap();
                if is_open && !has_provenance {
                    let undelivered = answer.unwrap_err();
                    assert!(undelivered.error.context().any(|context| context == ("state", "UNCERTAIN")));
                    assert!(undelivered.uncommitted.is_some());
                    assert_eq!(bench.entry().await.trouble.unwrap().kind, TroubleKind::Uncertain);
                } else {
                    answer.unwrap();
                    assert_eq!(bench.check(), None, "killed after {steps} steps");
                }
            }
        }
    }
}

/// Just within the window the token still counts.
#[tokio::test]
async fn within_the_window_a_range_is_finished_by_its_token() {
    for steps in 1.. {
        let window = Window { blocks: 100, seconds: Some(3600) };
        let bench = Bench::new(ModelTable::new(false).with_window(window), stream(50));
        if bench.deliver(&bench.batch(0), steps).await.is_some() {
            break;
        }
        bench.clock.pass(Duration::from_secs(3599));
        bench.table.pass_blocks(98);
        bench.deliver(&bench.batch(0), FOR_EVER).await.unwrap().unwrap();
        assert_eq!(bench.check(), None, "killed after {steps} steps");
    }
}

/// What neither batch nor stream have any more is never acknowledged in silence.
#[tokio::test]
async fn an_open_range_that_has_expired_is_uncertain_unless_it_is_in_the_table() {
    let (mut uncertain, mut settled) = (0, 0);
    for has_provenance in [false, true] {
        for steps in 1.. {
            let mut bench = Bench::new(ModelTable::new(has_provenance), stream(50));
            bench.history = Arc::new(Unreadable(|| Ok(Vec::new())));
            let first = bench.stream.batch(0, 0, 6);
            if bench.deliver(&first, steps).await.is_some() {
                break;
            }
            let is_open = bench.entry().await.open.is_some();
            let is_there = !bench.table.state().rows.is_empty();
            let answer = bench.deliver(&bench.batch(6), FOR_EVER).await.unwrap();
            if is_open && !(has_provenance && is_there) {
                let undelivered = answer.unwrap_err();
                assert!(undelivered.error.context().any(|context| context == ("state", "UNCERTAIN")));
                uncertain += 1;
            } else if is_open {
                answer.unwrap();
                assert_eq!(bench.check(), None, "killed after {steps} steps");
                settled += 1;
            }
        }
    }
    assert!(uncertain > 2 && settled > 0, "{uncertain} {settled}");
}

/// Nothing new is begun when the time is over, and what was committed until then is told.
#[tokio::test]
async fn after_the_deadline_nothing_is_begun() {
    let bench = Bench::new(ModelTable::new(false), stream(0));
    let gate = Gate::new(&Arc::new(Mutex::new(Chance::new(0))), &Arc::default(), None);
    let worker = bench.worker(&gate);
    let (target, batch) = (bench.table.target(), bench.batch(0));
    let mut delivery: std::pin::Pin<Box<dyn Future<Output = _> + '_>> =
        Box::pin(worker.deliver(&target, &batch, bench.clock.now()));
    let answer = loop {
        if let Some(answer) = gate.step(&mut delivery).await {
            break answer;
        }
    };
    let undelivered = answer.unwrap_err();
    assert_eq!((undelivered.error.kind(), undelivered.error.is_retryable()), (ErrorKind::Timeout, true));
    assert_eq!(undelivered.uncommitted.as_ref(), Some(&batch.records[0].sequence_number));
    assert!(bench.table.state().rows.is_empty());
    assert_eq!(bench.entry().await, Entry::default());
}
