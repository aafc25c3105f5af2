//! SQL, answered as JSON.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::ffi::c_char;

use futures_util::TryStreamExt as _;
use helios_core::QueryOptions;

use crate::{
    boundary,
    client::HeliosClient,
    error::HeliosError,
    json,
    pointer::{handle, optional_text, output, text},
    runtime::block_on,
    status::HeliosStatus,
};

/// Every database with its tables, sorted: `{"default": ["events", "users"]}`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_databases(
    client: *const HeliosClient,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        // SAFETY: the caller's promise.
        let (client, json) = unsafe { (handle(client, "client")?, output(json, "json")?) };
        json.write(json::answer(&block_on(client.client.databases())?)?);
        Ok(())
    })
}

/// Runs one SQL statement and gives its whole result:
/// `{"metadata": {"query", "row_count", "column_names", "column_types"}, "data": [{column: value}]}`.
///
/// `options_json`, or NULL: `{"parameters": {name: value}, "database", "readOnly", "maxExecutionSeconds",
/// "maxResultRows", "maxResultBytes", "maxMemoryUsage", "quote64BitIntegers"}`, none of them required. Values of
/// `parameters`, texts or numbers, take the place of `{name:Type}` in the text, and never become SQL. For large results see
/// `helios_client_query_arrow`.
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
        let (client, sql, options, json) = unsafe {
            (
                handle(client, "client")?,
                text(sql, "sql")?,
                optional_text(options_json, "options_json")?,
                output(json, "json")?,
            )
        };
        let options: QueryOptions = json::options(options, "options_json")?;
        // The chunks are the documented JSON already.
        let whole = block_on(async {
            let mut chunks = client.client.query_json(sql, &options).await?;
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
