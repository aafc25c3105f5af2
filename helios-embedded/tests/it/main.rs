//! The embedded engine through its HTTP interface: the real library, the real `clickhouse` client.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, also in its helper functions"
)]

mod answers;
mod cancel;
mod errors;
mod insert;
mod listener;
mod process;
mod select;
mod support;
