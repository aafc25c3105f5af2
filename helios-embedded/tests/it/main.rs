//! The embedded engine through its HTTP interface: the real library, the real `clickhouse` client.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, also in its helper functions, and its children report by printing"
)]

mod answers;
mod cancel;
mod child;
mod close;
mod control;
mod driver;
mod errors;
mod fork;
mod insert;
mod listener;
mod process;
mod select;
mod support;
