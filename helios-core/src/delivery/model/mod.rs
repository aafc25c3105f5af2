//! R4: whatever fails, and whoever comes late, in the end every event is there once.
//!
//! The product's own code runs against a table in memory that knows tokens as ClickHouse does, and against the embedded
//! engine. Its workers are stopped before and after each of their effects, and go on in an order that a seed decides.

mod bench;
mod chance;
#[cfg(feature = "embedded")]
mod engine;
mod gate;
mod guarantees;
mod join;
mod late;
mod regressions;
mod schedule;
mod stream;
mod table;

use std::sync::{Arc, Mutex};

use chance::Chance;
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use gate::LeftOut;
use late::LateInserts;
use schedule::{End, FORGET, Schedule, World};
use stream::{Mix, Stream};
use table::ModelTable;

use super::{
    ledger::MemoryLedger,
    policy::{MissingFields, Policy, UnknownFields},
    sink::Sink,
    target::Target,
    window::Window,
};

/// Set it to repeat one schedule: `HELIOS_MODEL_SEED=17`.
const SEED: &str = "HELIOS_MODEL_SEED";

struct MemoryWorld {
    table: Arc<ModelTable>,
    /// Out of a hundred changes, so many are an exchange of the table, or undo one.
    exchanges: usize,
}

impl World for MemoryWorld {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.table) as Arc<dyn Sink>
    }

    fn describe(&self) -> BoxFuture<'_, Target> {
        ready(self.table.target()).boxed()
    }

    fn change(&self, which: usize) -> BoxFuture<'_, ()> {
        let mut state = self.table.state();
        state.changes += 1;
        match (self.table.has_batch, which) {
            (_, FORGET) => {
                drop(state);
                self.table.forget_tokens();
            }
            // Without a batch that can be counted, bent values and stray rows cannot be noticed: only the schema changes.
            (false, _) => state.schema = 1 - state.schema.min(1),
            (true, which) if which < self.exchanges => state.is_exchanged = !state.is_exchanged,
            (true, 15..25) => state.is_broken = !state.is_broken,
            (true, which) => state.schema = (state.schema + 1 + which % 2) % 3,
        }
        ready(()).boxed()
    }

    fn mend(&self) -> BoxFuture<'_, ()> {
        let mut state = self.table.state();
        (state.is_exchanged, state.is_broken) = (false, false);
        ready(()).boxed()
    }
}

/// What went wrong in a schedule: nothing, if all is well.
fn differences(produced: &[u64], rows: &[u64], quarantined: &[u64]) -> Option<String> {
    let mut found: Vec<_> = rows.iter().chain(quarantined).copied().collect();
    let mut produced = produced.to_vec();
    found.sort_unstable();
    produced.sort_unstable();
    let lost: Vec<_> = produced.iter().filter(|id| found.binary_search(id).is_err()).collect();
    let doubled: Vec<_> = found.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    (found != produced).then(|| format!("lost {lost:?}, doubled {doubled:?}"))
}

/// Runs the schedule of a seed in memory.
async fn run(seed: u64, left_out: LeftOut) -> Result<(), String> {
    let mut chance = Chance::new(seed);
    // Its guard matters only if another table has the name for a while.
    let is_own_number = left_out == LeftOut::OwnNumber;
    let exchanges = if is_own_number { 80 } else { 15 };
    let has_batch = chance.percent(60) || is_own_number;
    let has_provenance = chance.percent(50);
    // Without provenance, a change of the schema may make a range uncertain where rows are refused, or columns are lost.
    let refuses = has_batch || has_provenance || chance.percent(50);
    let changes = if has_batch || has_provenance { chance.below(10) } else { usize::from(!refuses) };
    let bad = [0, 1, 20, 50, 100][chance.below(5)];
    let mix = Mix { bad, refused: if refuses { 10 } else { 0 }, schemas: true };
    let stream = Arc::new(Stream::produce(&mut chance, mix, 24));
    let adds = changes > 0 && chance.percent(50);
    let unknown = match chance.below(3) {
        _ if adds => UnknownFields::AddColumn,
        0 => UnknownFields::Quarantine,
        _ => UnknownFields::Ignore,
    };
    let missing = [MissingFields::Reject, MissingFields::ZeroValue][chance.below(2)];
    let table = ModelTable::new(has_provenance).with_policy(Policy::new(unknown, missing));
    let table = if has_batch {
        let window = Window { blocks: 10_000, seconds: Some(3600) };
        table.with_batch().with_window(window).poisoned([0, 2, 10][chance.below(3)], seed)
    } else {
        table
    };
    let table = Arc::new(table);
    let outages = if has_batch { chance.below(3) } else { 0 };
    let faults = [0, 5, 20][if is_own_number { 2 } else { chance.below(3) }];
    let schedule = Schedule {
        world: &MemoryWorld { table: Arc::clone(&table), exchanges },
        stream: Arc::clone(&stream),
        ledger: Arc::new(MemoryLedger::default()),
        left_out,
        chance: Arc::new(Mutex::new(chance)),
        faults,
        changes,
        outages,
        // What was refused once may be taken later only if the schema changes, or never.
        late_inserts: changes == 0 && !has_batch,
        late: LateInserts::default(),
        clock: Arc::default(),
        mismatched: false,
    };
    let end = schedule.run().await;
    let state = table.state();
    let rows: Vec<_> = state.rows.iter().map(|row| row.id).collect();
    if has_batch {
        let bent: Vec<_> = state.rows.iter().filter(|row| row.is_bent).map(|row| row.id).collect();
        if !bent.is_empty() || !state.strayed.is_empty() {
            return Err(format!("bent {bent:?}, astray {:?}", state.strayed));
        }
    }
    let quarantined: Vec<_> = state.quarantine.iter().map(|(id, _)| *id).collect();
    if !state.misused.is_empty() {
        return Err(format!("a token came with other rows: {:?}", state.misused));
    }
    match differences(&stream.produced, &rows, &quarantined) {
        _ if end != End::Acknowledged => Err(format!("{end:?}")),
        Some(differences) => Err(differences),
        None => Ok(()),
    }
}

/// How many schedules are run: `HELIOS_MODEL_SCHEDULES` in memory, `HELIOS_ENGINE_SCHEDULES` on the engine.
fn schedules(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |count| count.parse().unwrap())
}

fn seeds(count: u64) -> Box<dyn Iterator<Item = u64>> {
    match std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => Box::new(std::iter::once(seed)),
        None => Box::new(0..count),
    }
}

#[tokio::test]
async fn every_event_is_there_once_whatever_fails() {
    for seed in seeds(schedules("HELIOS_MODEL_SCHEDULES", 10_000)) {
        if let Err(wrong) = run(seed, LeftOut::Nothing).await {
            panic!("{SEED}={seed}: {wrong}");
        }
    }
}

/// The model sees what each part of the algorithm is there for. Some parts matter only in rare schedules.
#[tokio::test]
async fn no_part_of_the_algorithm_can_be_left_out() {
    let parts = [
        (LeftOut::Token, 300, 45),
        (LeftOut::Condition, 300, 30),
        (LeftOut::OpenRange, 300, 30),
        (LeftOut::MissingPart, 300, 30),
        (LeftOut::Look, 300, 20),
        (LeftOut::Count, 300, 30),
        (LeftOut::TakeBack, 300, 30),
        (LeftOut::Change, 3000, 3),
        (LeftOut::Sweep, 300, 3),
        (LeftOut::OwnNumber, 3000, 1),
    ];
    for (left_out, schedules, at_least) in parts {
        let mut wrong = 0;
        for seed in 0..schedules {
            wrong += u64::from(run(seed, left_out).await.is_err());
        }
        println!("without {left_out:?}: {wrong} of {schedules} schedules go wrong");
        assert!(wrong >= at_least, "without {left_out:?} only {wrong} of {schedules} schedules go wrong");
    }
}
