//! Rejects: events that did not fit their table.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::ffi::c_char;

use helios_core::delivery::quarantine::{RejectSelection, ReplayRejects, Retention, ShowRejects};

use crate::{client::HeliosClient, error::HeliosError, operation::operation, status::HeliosStatus};

/// What of a table's events is in quarantine, by reason and place:
/// `{"total", "oldest", "newest", "groups": [{"errorType", "path", "column", "wanted", "events", "oldest", "newest",
/// "example": {…}}]}`.
///
/// `options_json` selects rejects, here as in the functions that follow: `{"tableName"}`, and if wanted `"databaseName"`,
/// `"errorType"`, `"path"`, `"sequenceNumber"`, `"since"`, `"until"`, of which each must be met.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_quarantine(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, selection: RejectSelection| {
            client.quarantine(&selection).await
        })
    }
}

/// Shows rejects with their bytes, the newest first: `{"total", "rejects": [{"errorType", "errorMessage", "rawData", …}]}`.
///
/// `options_json`: those that select rejects, and if wanted `"limit"` (20, at most 1000) and `"offset"`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_quarantine_show(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, show: ShowRejects| {
            client.quarantine_show(&show).await
        })
    }
}

/// Replays rejects: those that fit the table as it is now become rows, once, and leave the quarantine.
/// `{"dryRun", "considered", "fit", "replayed", "message", "remaining": [{"errorType", "path", …, "events"}]}`.
///
/// `options_json`: those that select rejects, and if wanted `"dryRun": true`, which only counts. Repeating it does nothing
/// more; one that was interrupted is finished by the next.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_quarantine_replay(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, replay: ReplayRejects| {
            client.quarantine_replay(&replay).await
        })
    }
}

/// Throws rejects away: they are lost. `{"discarded": 12}`
///
/// `options_json`: those that select rejects.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_quarantine_discard(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, selection: RejectSelection| {
            client.quarantine_discard(&selection).await
        })
    }
}

/// Sets for how long the rejects of a table are kept, at first for ever: `{"tableName", "databaseName", "days"}`.
///
/// `options_json`: `{"tableName", "days"}`, 1 to 36500 days or `null` for ever, and if wanted `"databaseName"`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_quarantine_retention(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, retention: Retention| {
            client.quarantine_retention(&retention).await
        })
    }
}
