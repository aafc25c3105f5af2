//! SQL, answered as JSON.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::ffi::{c_char, c_void};

use futures_util::{Stream, TryStreamExt as _};
use helios_core::{Error, ErrorKind, HeliosClient as Client, QueryId, QueryOptions, ResultFormat};
use serde::Deserialize;

use crate::{
    boundary, callback,
    callback::{HeliosOnBytes, HeliosOnProgress, HeliosOnRow, Progress},
    client::HeliosClient,
    error::{Failure, HeliosError},
    handle::{Held, held},
    json,
    operation::{operation, question},
    pointer::{optional_text, output, text},
    status::HeliosStatus,
};

/// A statement, how it is to run, and who asks.
pub(crate) struct Asked<'a> {
    pub(crate) client: Held<HeliosClient>,
    pub(crate) sql: &'a str,
    pub(crate) options: QueryOptions,
}

impl Asked<'_> {
    /// As for every function of `helios.h`: pointers that are not NULL are what it asks for.
    pub(crate) unsafe fn read(
        client: *const HeliosClient,
        sql: *const c_char,
        options_json: *const c_char,
    ) -> Result<Self, Failure> {
        let client = held(client, "client")?;
        // SAFETY: the caller's promise.
        let (sql, options) = unsafe { (text(sql, "sql")?, optional_text(options_json, "options_json")?) };
        Ok(Self { client, sql, options: json::options(options, "options_json")? })
    }
}

/// Which ClickHouse the client runs on: `{"version", "origin"}`. `origin` says what the embedded engine is and where it was loaded
/// from; it is `null` for a server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_engine(
    client: *const HeliosClient,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    // SAFETY: the caller's promise.
    unsafe { question(client, json, error, Client::engine_info) }
}

/// Every database with its tables, sorted: `{"default": ["events", "users"]}`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_databases(
    client: *const HeliosClient,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    // SAFETY: the caller's promise.
    unsafe { question(client, json, error, Client::databases) }
}

/// Runs one SQL statement and gives its whole result:
/// `{"metadata": {"query", "row_count", "column_names", "column_types"}, "data": [{column: value}]}`.
///
/// `options_json`, or NULL: `{"parameters": {name: value}, "database", "readOnly", "maxExecutionSeconds",
/// "maxResultRows", "maxResultBytes", "maxMemoryUsage", "limit", "quote64BitIntegers", "times": "iso" | "simple" |
/// "unixTimestamp", "wideIntegers": "text" | "decimal", "queryId"}`, none of them required. Values of `parameters`, texts or
/// numbers, take the place of `{name:Type}` in the text, and never become SQL. `limit` gives the first so many rows; more
/// than a `max…` is HELIOS_STATUS_LIMIT_EXCEEDED. `queryId` is the name by which another thread can cancel and watch it.
/// For large results see `helios_client_query_bytes` and `helios_client_query_arrow`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_query(
    client: *const HeliosClient,
    sql: *const c_char,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        // SAFETY: the caller's promise.
        let (asked, json) = unsafe { (Asked::read(client, sql, options_json)?, output(json, "json")?) };
        // The chunks are the documented JSON already.
        let whole = asked.client.wait(async {
            let mut chunks = asked.client.core().query_json(asked.sql, &asked.options).await?;
            let mut whole = Vec::new();
            while let Some(chunk) = chunks.try_next().await? {
                whole.extend_from_slice(&chunk);
            }
            Ok(whole)
        })?;
        json.write(json::written(whole)?);
        Ok(())
    })
}

/// Runs one SQL statement and hands its result to `on_bytes`, piece by piece, in constant memory: the next piece is asked for
/// when the function has returned, and a slow one slows the query.
///
/// `format`: `"json"` (as `helios_client_query`), `"ndjson"` (one JSON object a line), `"csv"` (RFC 4180, the names first),
/// `"arrow"` (an IPC stream) or `"parquet"`. `options_json`, or NULL, as for `helios_client_query`. `on_progress` may be NULL; it is
/// called about four times a second with `{"queryId", "readRows", "readBytes", "totalRows", "elapsedSeconds",
/// "memoryUsage"}`. `user` is passed on to both.
///
/// Only with HELIOS_STATUS_OK is what `on_bytes` was given a whole result. If a function does not want to go on, the query is
/// cancelled, and the call answers HELIOS_STATUS_CANCELLED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_query_bytes(
    client: *const HeliosClient,
    sql: *const c_char,
    options_json: *const c_char,
    format: *const c_char,
    on_bytes: HeliosOnBytes,
    on_progress: HeliosOnProgress,
    user: *mut c_void,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        // SAFETY: the caller's promise.
        let (asked, format) = unsafe { (Asked::read(client, sql, options_json)?, text(format, "format")?) };
        let format = result_format(format)?;
        let reader = callback::Bytes::new(on_bytes, user).ok_or(Failure::NullArgument("on_bytes"))?;
        hand_over(asked, format, Progress::new(on_progress, user), "on_bytes", |bytes| reader.take(bytes))
    })
}

/// Runs one SQL statement and hands its result to `on_row`, row by row, in constant memory: each is a JSON object
/// `{column: value}`, as `helios_client_query` has it. A slow function slows the query.
///
/// `options_json`, or NULL, as for `helios_client_query`; `on_progress` may be NULL, and is as for `helios_client_query_bytes`.
/// Only with HELIOS_STATUS_OK were those all rows. If a function does not want to go on, the query is cancelled, and the call
/// answers HELIOS_STATUS_CANCELLED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_query_rows(
    client: *const HeliosClient,
    sql: *const c_char,
    options_json: *const c_char,
    on_row: HeliosOnRow,
    on_progress: HeliosOnProgress,
    user: *mut c_void,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        // SAFETY: the caller's promise.
        let asked = unsafe { Asked::read(client, sql, options_json)? };
        let mut reader = callback::Rows::new(on_row, user).ok_or(Failure::NullArgument("on_row"))?;
        let progress = Progress::new(on_progress, user);
        hand_over(asked, ResultFormat::NdJson, progress, "on_row", |lines| reader.take(lines))
    })
}

fn result_format(name: &str) -> Result<ResultFormat, Error> {
    ResultFormat::ALL.into_iter().find(|format| format.as_str() == name).ok_or_else(|| {
        let names = ResultFormat::ALL.map(ResultFormat::as_str).join("`, `");
        Error::new(ErrorKind::InvalidInput, format!("there is no `format` `{name}`; it is one of `{names}`"))
    })
}

/// Runs a query and gives its result to `take`, the caller's function of this name, until that wants no more.
fn hand_over(
    asked: Asked<'_>,
    format: ResultFormat,
    progress: Progress,
    name: &str,
    take: impl FnMut(&[u8]) -> bool,
) -> Result<(), Failure> {
    let Asked { client, sql, options } = asked;
    let query = client.core().query(sql).options(options);
    client.wait(async {
        if progress.is_wanted() {
            let watched = query.on_progress(move |so_far| progress.goes_on(so_far));
            hand_over_chunks(watched.bytes(format).await?, name, take).await
        } else {
            hand_over_chunks(query.bytes(format).await?, name, take).await
        }
    })
}

async fn hand_over_chunks<B: AsRef<[u8]>>(
    mut chunks: impl Stream<Item = Result<B, Error>> + Unpin,
    name: &str,
    mut take: impl FnMut(&[u8]) -> bool,
) -> Result<(), Error> {
    while let Some(chunk) = chunks.try_next().await? {
        if !take(chunk.as_ref()) {
            let message = format!("the query was cancelled: `{name}` wanted no more");
            return Err(Error::new(ErrorKind::Cancelled, message).at("query"));
        }
    }
    Ok(())
}

/// A query by its name.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RunningQuery {
    query_id: QueryId,
}

/// Ends the query of this name, if it runs, whichever client of this ClickHouse began it: `{"queryId", "found"}`. Whoever
/// waits for its result gets HELIOS_STATUS_CANCELLED.
///
/// `options_json`: `{"queryId"}`. That there is no such query is no error. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_cancel_query(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, query: RunningQuery| {
            client.cancel_query(&query.query_id).await
        })
    }
}

/// How far the query of this name is: `{"queryId", "readRows", "readBytes", "totalRows", "elapsedSeconds", "memoryUsage"}`,
/// or `null` if none runs. `totalRows` is an estimate, `null` where ClickHouse has none.
///
/// `options_json`: `{"queryId"}`. May be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_query_progress(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, query: RunningQuery| {
            client.query_progress(&query.query_id).await
        })
    }
}
