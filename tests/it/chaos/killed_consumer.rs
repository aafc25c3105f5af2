//! The consumer, killed.

use std::time::Duration;

use helios_core::clock::{Clock as _, SystemClock};
use tokio::time::timeout;

use super::{ROUND, arena::Arena, consumer_process::ConsumerProcess, rounds};
use crate::consumer_source::wait_for;

/// Far less than the time that a killed process might still have had.
const AT_ONCE: Duration = Duration::from_secs(180);

/// The moments are counted from an event of the process, its first read or batch, so that they are spread over its work and
/// not over its start.
#[tokio::test]
async fn a_consumer_that_is_killed_loses_and_doubles_nothing() {
    let mut arena = Arena::build(2).await;
    let (mut batches, mut left_open, mut with_refused) = (0, 0, 0);
    for round in 0..rounds(10) {
        let events = 20 + arena.chance.below(200);
        arena.put(events);
        if round % 5 == 4 {
            let open = arena.stage.double.shards(true);
            let at = usize::try_from(arena.chance.below(u64::try_from(open.len()).unwrap())).unwrap();
            arena.stage.double.split(&open[at]).unwrap();
        }
        let reads = arena.stage.double.reads().len();
        let consumer = ConsumerProcess::start(&arena.environment);
        timeout(ROUND, wait_for(|| arena.stage.double.reads().len() > reads)).await.unwrap();
        let moment = Duration::from_millis(arena.chance.below(400));
        if round == 0 {
            // Once at a moment that is known: behind a batch, and between an insert and its answer.
            timeout(ROUND, wait_for(|| consumer.told() > 0)).await.unwrap();
            arena.proxy.hold_answers(0);
            let before = arena.proxy.inserts();
            arena.put(20);
            timeout(ROUND, wait_for(|| arena.proxy.inserts() > before)).await.unwrap();
        } else if round % 3 == 1 {
            arena.put(20);
            timeout(ROUND, arena.rows_are_refused()).await.unwrap();
        } else {
            arena.put(20);
            SystemClock.sleep(moment).await;
        }
        batches += consumer.told();
        drop(consumer);
        let (open, refused) = arena.open_ranges().await;
        left_open += open;
        with_refused += refused;
        arena.proxy.let_go();
    }
    println!(
        "{batches} batches were told of by processes that were killed; {left_open} ranges were left open, {with_refused} of \
         them with refused rows"
    );
    assert!(batches > 0 && left_open > 0, "none was killed at its work");
    // It takes over what was left open at once, also ranges with refused rows.
    timeout(AT_ONCE, arena.stage.consume()).await.unwrap();
    arena.check().await;
}
