//! Sources: streams that feed tables.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::ffi::c_char;

use helios_core::CreateTable;

use crate::{
    boundary,
    client::HeliosClient,
    error::HeliosError,
    json,
    operation::operation,
    pointer::{handle, output},
    runtime::block_on,
    status::HeliosStatus,
};

/// Makes a table and lets a stream fill it, all or nothing:
/// `{"success": true, "createTableQuery", "message", "tableUUID", "streamARN"}`.
///
/// `spec_json`: `{"streamName", "tableName", "schema": [{"name", "type"}]}`, and if wanted `"databaseName"`, `"orderBy"`,
/// `"partitionBy"`, `"startPosition"`, `"createDatabase"`, `"delivery"` (`"function"`, or `"consumer"`: no trigger is made),
/// `"unknownFields"` (`"ignore"`, `"quarantine"`, `"addColumn"`), `"missingFields"` (`"reject"`, `"zeroValue"`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_create_table(
    client: *const HeliosClient,
    spec_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let spec = (spec_json, "spec_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, spec, json, error, async |client, spec: CreateTable| {
            client.create_table(&spec).await
        })
    }
}

/// Every source, in the order of creation:
/// `[{"streamName", "streamType": "kinesis", "tableName", "createdOn": "MM-DD-YYYY"}]`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_sources(
    client: *const HeliosClient,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        // SAFETY: the caller's promise.
        let (client, json) = unsafe { (handle(client, "client")?, output(json, "json")?) };
        json.write(json::answer(&block_on(client.client.sources())?)?);
        Ok(())
    })
}
