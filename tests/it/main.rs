//! End to end: every operation on the real engine and the AWS emulator.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at its first surprise")]

mod accounts;
mod back_pressure;
mod canary;
mod cancel;
mod cases;
mod chaos;
mod conformance;
mod consumer;
mod consumer_source;
mod create_table;
mod databases;
mod delivery_function;
mod delivery_report;
mod delivery_source;
mod escapes;
mod escapes_fuzz;
mod fake_kinesis;
mod fault_proxy;
mod fixtures;
mod http;
mod http_query;
mod ledger;
mod left_out;
mod lossy_proxy;
mod put_events;
mod query;
mod query_arrow;
mod query_as;
mod query_bytes;
mod query_faults;
mod reader;
mod sample;
mod self_check;
mod serving;
mod settings_proxy;
mod shard_reader;
mod shop;
mod slow_clickhouse;
mod source_life;
mod source_permissions;
mod source_scene;
mod sources;
mod stream_errors;
mod streams;
