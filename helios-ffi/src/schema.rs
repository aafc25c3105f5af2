//! Schemas, checked before a table is made and compared afterwards.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::ffi::c_char;

use helios_core::{CheckSchema, DriftOptions};

use crate::{client::HeliosClient, error::HeliosError, operation::operation, status::HeliosStatus};

/// Says which events a table with some columns would not take, and why, and what statement would make it. Nothing is made:
/// `{"schema": [{"name", "type", …}], "events", "fitting", "rejected", "rejects": [{"event", "errorType", "message", "column",
/// "path", "wanted", "value"}], "unknownFields": {…}, "createTableQuery"}`.
///
/// `options_json`: `{"streamName"}` to sample a stream or `{"events": [{…}, …]}`, and if wanted `"schema"` (by default the
/// one that is inferred), `"edits"`, each one of `{"rename": {"column", "to"}}`, `{"retype": {"column", "type"}}`,
/// `{"unit": {"column", "value"}}`,
/// `{"default": {"column", "value"}}`, `{"drop": {"column"}}`, `{"add": {"column": {"name", "type", …}}}`; `"tableName"`,
/// `"databaseName"`, `"orderBy"`, `"partitionBy"`, `"unknownFields"`, `"missingFields"` as of
/// `helios_client_create_table`, and `"sample"`, the options of `helios_client_kinesis_sample`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_check_schema(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, options: CheckSchema| {
            client.check_schema(&options).await
        })
    }
}

/// Compares a table with later events of the stream that fills it: `{"streamARN", "databaseName", "tableName", "events",
/// "fitting", "rejected", "rejects": […], "newFields": [{"field", "column", "events", "why", "examples"}], "changed":
/// [{"column", "type", "events", "errorType", "message", "path", "proposed", "why"}], "unsent": […], "alter"}`, the last the
/// statement that mends what can be mended, or null. Nothing is changed.
///
/// `options_json`: `{"tableName"}`, and if wanted `"databaseName"`, `"streamName"`, which is needed where several streams feed
/// the table, `"events"` in place of a sample, and `"sample"`, the options of `helios_client_kinesis_sample`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_schema_drift(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, options: DriftOptions| {
            client.schema_drift(&options).await
        })
    }
}
