//! Sources: streams that feed tables.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::ffi::c_char;

use helios_core::{CreateTable, HeliosClient as Client, PlanTable, RemoveSource, sources::NamedSource};

use crate::{
    client::HeliosClient,
    error::HeliosError,
    operation::{operation, question},
    status::HeliosStatus,
};

/// Says what helios_client_create_table would do with the same request, and what would keep it from that. Nothing is made:
/// `{"possible", "obstacles": […], "steps": [{"what", "action": "create" | "use", "detail"}], "createTableQuery", "streamARN",
/// "shards", "batching": {"batchSize", "windowSeconds"}, "deduplicationWindow", "sample": {…}, "permissions": [{"check",
/// "status", "detail", "remedy"}], "warnings": […]}`; `sample` as the answer of helios_client_check_schema.
///
/// `options_json`: as for helios_client_create_table, and if wanted `"sample"`, the options of helios_client_kinesis_sample.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_plan(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, options: PlanTable| {
            client.plan(&options).await
        })
    }
}

/// Makes a table and lets a stream fill it, all or nothing:
/// `{"success": true, "createTableQuery", "message", "tableUUID", "streamARN", "sourceId", "warnings": […]}`. The same request
/// again has the same answer.
///
/// `options_json`: `{"streamName", "tableName", "schema": [{"name", "type"}]}`, and if wanted `"databaseName"`, `"createDatabase"`,
/// `"existingTable"` (`"allow"`, `"refuse"`), `"addBatchColumn"` (`true`: adds the column `_helios_batch` to an existing table that
/// does not have it, with an `ALTER` that the plan shows); of the table `"orderBy"`, `"partitionBy"`, `"ttl"` (`"at + INTERVAL 90 DAY"`),
/// `"engine"`, `"onCluster"`, `"provenance"`; `"startPosition"`, `"delivery"` (`"function"`, or `"consumer"`: no trigger is made);
/// of the trigger `"batchSize"`, `"batchingWindowSeconds"`, `"onFailure"` (an ARN); `"unknownFields"` (`"ignore"`,
/// `"quarantine"`, `"addColumn"`), `"missingFields"` (`"reject"`, `"zeroValue"`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_create_table(
    client: *const HeliosClient,
    spec_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (spec_json, "spec_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, options: CreateTable| {
            client.create_table(&options).await
        })
    }
}

/// Every source as it stands, in the order of creation; of each
/// `{"id", "streamName", "streamType": "kinesis", "tableName", "createdOn": "MM-DD-YYYY", "databaseName", "streamARN", "tableUUID",
/// "state": "pending" | "active" | "paused" | "failing" | "orphaned" | "removing", "delivery", "createdBy", "trigger": {"id",
/// "state", "lastResult", "batchSize", "windowSeconds"}, "delivered": {"received", "inserted", "quarantined",
/// "troubledShards", "lastEventTime"}, "problems": […]}`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_sources(
    client: *const HeliosClient,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    // SAFETY: the caller's promise.
    unsafe { question(client, json, error, Client::sources) }
}

/// Delivers a source's events no more, until it is resumed. Answers the source, as helios_client_sources has it.
///
/// `options_json`: `{"source"}`, its id, or its table: `"clicks"`, `"shop.clicks"`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_pause(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, options: NamedSource| {
            client.pause(options).await
        })
    }
}

/// Goes on with a source where it was paused. As helios_client_pause.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_resume(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, options: NamedSource| {
            client.resume(options).await
        })
    }
}

/// Removes a source: `{"id", "streamARN", "databaseName", "tableName", "table", "triggerDeleted"}`.
///
/// `options_json`: `{"source"}` as of helios_client_pause, and if wanted `"table"`: `"keep"`, or `"drop"` with its rows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_remove(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, options: RemoveSource| {
            client.remove(&options).await
        })
    }
}

/// Finishes or undoes what was interrupted, and mends what was changed by hand:
/// `{"done": [{"id", "table", "what"}], "left": [{"id", "table", "what"}]}`, the latter for a person.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_repair(
    client: *const HeliosClient,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    // SAFETY: the caller's promise.
    unsafe { question(client, json, error, Client::repair) }
}

/// Looks at all that Helios needs, and says what is missing and what to do: `{"healthy", "checks": [{"check", "status": "ok" |
/// "missing" | "unknown", "detail", "remedy"}]}`. Nothing is changed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_doctor(
    client: *const HeliosClient,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    // SAFETY: the caller's promise.
    unsafe { question(client, json, error, Client::doctor) }
}
