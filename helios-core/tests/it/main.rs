//! The library against the real engine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helper functions")]

mod cases;
mod chance;
mod comparison;
mod defaults;
mod delivery;
mod engine;
mod failing_ledger;
mod inference;
mod json;
mod made_up;
mod names;
mod policies;
mod proof;
mod quarantine;
mod refused;
mod samples;
mod schemas;
mod targets;
mod values;
