//! End to end: every operation on the real engine and the AWS emulator.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod create_table;
mod databases;
mod query;
mod shop;
