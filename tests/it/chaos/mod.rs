//! Processes that are killed at any moment, or given more than they can hold: in the end every event is there, once.
//!
//! `HELIOS_KILL_ROUNDS` says how often each of them is killed, `HELIOS_KILL_SEED` when: a failure prints it.

mod arena;
mod bombs;
mod consumer_process;
mod engine_process;
mod killed_child;
mod killed_consumer;
mod killed_engine;
mod killed_function;
mod killed_replay;
mod put;

use std::time::Duration;

use helios_tests::Random;
use uuid::Uuid;

/// How long a round may take before it counts as hung.
const ROUND: Duration = Duration::from_secs(60);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// How many rounds a test has: so many, unless it is told otherwise.
fn rounds(default: u64) -> u64 {
    setting("HELIOS_KILL_ROUNDS", default)
}

/// The choices of a run: those of its seed.
#[expect(clippy::print_stdout, reason = "a failure shows its seed")]
fn chance() -> Random {
    let random = Uuid::new_v4().as_u128() % 1_000_000;
    let chance = Random::new(setting("HELIOS_KILL_SEED", random.try_into().unwrap()));
    println!("HELIOS_KILL_SEED={}", chance.seed());
    chance
}
