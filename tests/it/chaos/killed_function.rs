//! The delivery function, killed.

use std::{collections::HashMap, time::Duration};

use helios_core::clock::{Clock as _, SystemClock};
use helios_tests::Answer;
use tokio::time::timeout;

use super::{ROUND, arena::Arena, rounds};
use crate::{consumer_source::wait_for, delivery_source::start};

/// The delivery function, as Lambda drives it: each shard's records in order, cut at random, again from the first that is
/// not acknowledged, and all of them after a crash; now and then it gives up on some, and goes on behind them.
#[tokio::test]
async fn a_function_that_is_killed_loses_and_doubles_nothing() {
    let mut arena = Arena::build(2).await;
    arena.stage.deliver_by_function(&arena.stage.sink).await;
    let shards = arena.stage.double.shards(false);
    let mut acknowledged: HashMap<String, usize> = HashMap::new();
    let mut function = start(arena.environment.clone()).await;
    let (mut killed, mut left_open, mut given_up) = (0, 0, 0);
    let rounds = rounds(10);
    arena.put(300);
    while killed < rounds || shards.iter().any(|shard| left(&arena, &acknowledged, shard) > 0) {
        if killed < rounds && shards.iter().all(|shard| left(&arena, &acknowledged, shard) < 20) {
            arena.put(200);
        }
        let shard = &shards[usize::try_from(arena.chance.below(2)).unwrap()];
        let left = left(&arena, &acknowledged, shard);
        if left == 0 {
            continue;
        }
        let mut from = *acknowledged.get(shard).unwrap_or(&0);
        let mut left = u64::try_from(left).unwrap();
        // What comes before the first event of all nobody can miss.
        if left > 1 && from > 0 && (arena.chance.below(10) == 0 || given_up == 0) {
            let skipped = 1 + arena.chance.below(left - 1);
            from += usize::try_from(skipped).unwrap();
            left -= skipped;
            given_up += skipped;
        }
        let count = 1 + usize::try_from(arena.chance.below(left.min(100))).unwrap();
        let event = arena.stage.event(shard, from..from + count);
        let kills = killed < rounds && arena.chance.below(2) == 0;
        let moment = Duration::from_millis(arena.chance.below(60));
        // Once at a moment that is known: between an insert and its answer.
        let is_known = kills && killed == 0;
        if is_known {
            arena.proxy.hold_answers(0);
        }
        let before = arena.proxy.inserts();
        let moment = async {
            if is_known {
                wait_for(|| arena.proxy.inserts() > before).await;
            } else {
                SystemClock.sleep(moment).await;
            }
        };
        let answer = tokio::select! {
            answer = timeout(ROUND, function.invoke(&event)) => Some(answer.unwrap().unwrap()),
            () = moment, if kills => None,
        };
        match answer {
            Some(Answer::Response(answer)) => {
                let first = answer["batchItemFailures"][0]["itemIdentifier"].as_str().map(str::to_owned);
                let records = arena.stage.double.records(shard);
                let at =
                    first.map(|first| records.iter().position(|one| one.sequence_number() == first).unwrap());
                acknowledged.insert(shard.clone(), at.unwrap_or(from + count));
            }
            Some(Answer::Error(error)) => panic!("{error:?}"),
            None => {
                killed += 1;
                function.kill().await.unwrap();
                left_open += arena.open_ranges().await.0;
                arena.proxy.let_go();
                function = start(arena.environment.clone()).await;
            }
        }
    }
    println!(
        "{left_open} ranges were left open by processes that were killed; {given_up} records were given up"
    );
    assert!(left_open > 0 && given_up > 0, "none was killed at its work");
    arena.check().await;
}

/// How many records of a shard are not acknowledged.
fn left(arena: &Arena, acknowledged: &HashMap<String, usize>, shard: &str) -> usize {
    arena.stage.double.records(shard).len() - acknowledged.get(shard).unwrap_or(&0)
}
