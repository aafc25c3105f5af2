//! End-to-end tests.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

mod fake_kinesis;
mod fixtures;
mod shard_reader;
mod stream_errors;
mod streams;
