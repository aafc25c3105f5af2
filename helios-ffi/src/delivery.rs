//! Delivery: from this process, and what became of it.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::ffi::{c_char, c_void};

use helios_core::{
    ConsumeOptions, ReportOptions,
    delivery::{ConsumeProgress, SettleRange},
};

use crate::{
    callback::{HeliosOnProgress, Progress},
    client::HeliosClient,
    error::HeliosError,
    operation::operation,
    status::HeliosStatus,
};

/// Delivers a stream from this process to all its tables, and waits for its end:
/// `{"streamName", "streamARN", "ended": "caughtUp" | "stopped" | "timeLimit", "seconds", "records", "received",
/// "delivered", "quarantined", "duplicatesSkipped", "shards": [{"shard", …}]}`.
///
/// `options_json`: `{"streamName"}`, and if wanted `"untilCaughtUp"` (by default `true`: it ends when every shard is
/// delivered to its present end; `false`: it goes on with what arrives), `"timeLimitSeconds"`, `"position"`.
/// `on_progress` may be NULL. It is called with `{"records", "received", "delivered", "quarantined", "duplicatesSkipped",
/// "shards": [{"shard", …}]}` after batches, and once a second where none comes; `user` is passed on to it as it is. It
/// goes on where the last delivery has ended, whoever made it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_consume(
    client: *const HeliosClient,
    options_json: *const c_char,
    on_progress: HeliosOnProgress,
    user: *mut c_void,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let progress = Progress::new(on_progress, user);
    let go_on = |so_far: &ConsumeProgress| progress.goes_on(so_far);
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, options: ConsumeOptions| {
            client.consume(&options.stream_name).options(options).run_while(go_on).await
        })
    }
}

/// What became of the events of a source, shard by shard, whether any are missing, and what is in quarantine:
/// `{"streamName", …, "balanced": true, "received", "inserted", "quarantined", "duplicates", "abandoned", "shards": […],
/// "quarantine": {…}, "counted": {"rows", "expected", "underWay"} or null, "errors": […], "warnings": […]}`. It is
/// `balanced` if in every shard received = inserted + quarantined + duplicates + abandoned, no event is known to be missing or in
/// doubt, no shard has stopped, no events have waited for more than half the stream's retention, and the row count matches, if
/// rows were counted.
///
/// `options_json`: `{"tableName"}`, and if wanted `"databaseName"`, `"streamName"`, which is needed where several streams
/// feed the table, and `"countRows"` (by default `false`; `true`: the table's rows are counted and compared with what was
/// inserted).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_delivery_report(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, options: ReportOptions| {
            client.delivery_report(&options).await
        })
    }
}

/// Settles a range that is uncertain or failing: somebody has looked into the table, and says what became of it.
/// `{"shard", "range", "outcome", "message"}`
///
/// `options_json`: `{"tableName", "shard", "outcome": "committed" | "absent" | "abandon"}`, and if wanted `"databaseName"`
/// and `"streamName"`. The shard is `quarantine` for a replay that was interrupted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_settle_range(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, settle: SettleRange| {
            client.settle_range(&settle).await
        })
    }
}
