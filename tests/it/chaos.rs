//! Processes that are killed at any moment: in the end every event is there, once.
//!
//! `HELIOS_KILL_ROUNDS` says how often each of them is killed (default 25), `HELIOS_KILL_SEED` when: a failure prints it.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use helios_core::{
    clock::{Clock as _, SystemClock},
    delivery::ledger::Ledger as _,
};
use helios_embedded::Listener;
use helios_tests::{Answer, Random};
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    consumer_source::{ClickHouse, STREAM, Stage, wait_for},
    delivery_source::{ANYWHERE, start},
    lossy_proxy::LossyProxy,
    shop::rows,
};

/// How long a round may take before it counts as hung.
const ROUND: Duration = Duration::from_secs(60);
/// A tenth of the events is none.
const BAD_EVERY: u64 = 10;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// The choices of a run: those of its seed.
fn chance() -> Random {
    let random = Uuid::new_v4().as_u128() % 1_000_000;
    Random::new(setting("HELIOS_KILL_SEED", random.try_into().unwrap()))
}

/// A stream, its table, and ClickHouse on a port, which outlives whoever is killed.
struct Arena {
    stage: Stage,
    _clickhouse: Listener,
    /// The way there of those who are killed.
    proxy: LossyProxy,
    environment: HashMap<String, String>,
    chance: Random,
    /// What was put: the ids of events, and how many were none.
    good: Vec<u64>,
    bad: usize,
}

impl Arena {
    async fn build(shards: usize) -> Self {
        let (stage, clickhouse) = (Stage::set(shards).await, ClickHouse::new());
        let listener = clickhouse.listen(ANYWHERE).await;
        let proxy = LossyProxy::to(listener.local_addr()).await;
        let environment = clickhouse.environment(&stage.double, proxy.address());
        let chance = chance();
        Self { stage, _clickhouse: listener, proxy, environment, chance, good: Vec::new(), bad: 0 }
    }

    fn put(&mut self, events: u64) {
        for _ in 0..events {
            let id = u64::try_from(self.good.len() + self.bad).unwrap();
            if id % BAD_EVERY == 3 {
                self.stage.double.put(id, format!(r#"{{"id":"none {id}"}}"#));
                self.bad += 1;
            } else {
                self.stage.double.put(id, format!(r#"{{"id":{id}}}"#));
                self.good.push(id);
            }
        }
    }

    /// How many shards have a range that somebody has begun and not finished.
    async fn open_ranges(&self) -> usize {
        let ledger = self.stage.client.ledger().await.unwrap();
        let created = &self.stage.sink.created;
        let entries = ledger.of_source(&created.stream_arn, created.table_uuid).await.unwrap();
        entries.iter().filter(|(_, entry)| entry.open.is_some()).count()
    }

    /// distinct = produced, duplicates = 0, good + quarantined = put, and the report says so.
    async fn check(&self) {
        assert_eq!(self.stage.sink.ids().await, self.good);
        let table = &self.stage.sink.table;
        let quarantined = rows(&format!(
            "SELECT count() AS n, uniqExact(shard, sequence_number) AS different FROM quarantine.events \
             WHERE original_table = '{table}'"
        ))
        .await;
        let counted: Value = serde_json::from_str(&quarantined[0]).unwrap();
        assert_eq!(counted, json!({"n": self.bad, "different": self.bad}));
        let report = self.stage.report().await;
        report.check().unwrap();
        let all = u64::try_from(self.good.len() + self.bad).unwrap();
        assert_eq!(report.inserted + report.quarantined, all, "{report:?}");
        assert_eq!(report.quarantine.events, u64::try_from(self.bad).unwrap());
        assert!(report.shards.iter().all(|shard| shard.lag_seconds == Some(0.0)), "{report:?}");
    }
}

/// A consumer in a process of its own; dropping it kills it, as `kill -9` does.
struct ConsumerProcess {
    child: Child,
    /// How many batches it has told of.
    told: Arc<AtomicUsize>,
}

impl ConsumerProcess {
    fn start(environment: &HashMap<String, String>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_helios-consume"))
            .arg(STREAM)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = Arc::new(AtomicUsize::new(0));
        let (count, output) = (Arc::clone(&told), child.stdout.take().unwrap());
        thread::spawn(move || {
            for _ in BufReader::new(output).lines().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { child, told }
    }
}

impl Drop for ConsumerProcess {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The moments are counted from an event of the process, its first read or batch, so that they are spread over its work and
/// not over its start.
#[tokio::test]
async fn a_consumer_that_is_killed_loses_and_doubles_nothing() {
    let mut arena = Arena::build(2).await;
    println!("HELIOS_KILL_SEED={}", arena.chance.seed());
    let (mut batches, mut left_open) = (0, 0);
    for round in 0..setting("HELIOS_KILL_ROUNDS", 25) {
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
            timeout(ROUND, wait_for(|| consumer.told.load(Ordering::SeqCst) > 0)).await.unwrap();
            arena.proxy.hold_answers(0);
            let before = arena.proxy.inserts();
            arena.put(20);
            timeout(ROUND, wait_for(|| arena.proxy.inserts() > before)).await.unwrap();
        } else {
            arena.put(20);
            SystemClock.sleep(moment).await;
        }
        batches += consumer.told.load(Ordering::SeqCst);
        drop(consumer);
        left_open += arena.open_ranges().await;
        arena.proxy.let_go();
    }
    println!(
        "{batches} batches were told of by processes that were killed; {left_open} ranges were left open"
    );
    assert!(batches > 0 && left_open > 0, "none was killed at its work");
    arena.stage.consume().await;
    arena.check().await;
}

/// The delivery function, as Lambda drives it: each shard's records in order, cut at random, again from the first that is
/// not acknowledged, and all of them after a crash; now and then it gives up on some, and goes on behind them.
#[tokio::test]
async fn a_function_that_is_killed_loses_and_doubles_nothing() {
    let mut arena = Arena::build(2).await;
    println!("HELIOS_KILL_SEED={}", arena.chance.seed());
    arena.stage.deliver_by_function(&arena.stage.sink).await;
    let shards = arena.stage.double.shards(false);
    let mut acknowledged: HashMap<String, usize> = HashMap::new();
    let mut function = start(arena.environment.clone()).await;
    let (mut killed, mut left_open, mut given_up) = (0, 0, 0);
    let rounds = setting("HELIOS_KILL_ROUNDS", 25);
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
                left_open += arena.open_ranges().await;
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
