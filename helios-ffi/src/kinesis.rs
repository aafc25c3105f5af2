//! Streams: who may see them, and what is in them.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::ffi::{c_char, c_void};

use helios_core::{HeliosClient as Client, KinesisSampleOptions, PutEvents};

use crate::{
    boundary,
    callback::{HeliosOnProgress, Progress},
    client::HeliosClient,
    error::HeliosError,
    handle::held,
    json,
    operation::{operation, question},
    pointer::{optional_text, output, text},
    status::HeliosStatus,
};

/// Checks the client's AWS credentials and lists the streams they see:
/// `{"authenticated": true, "streamNames": […], "account", "arn"}`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_authenticate(
    client: *const HeliosClient,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    // SAFETY: the caller's promise.
    unsafe { question(client, json, error, Client::authenticate) }
}

/// Lists every stream that the credentials see in their region, by name:
/// `[{"streamName", "streamARN", "status", "mode", "createdAt"}]`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_streams(
    client: *const HeliosClient,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    // SAFETY: the caller's promise.
    unsafe { question(client, json, error, Client::streams) }
}

/// Puts events into a stream: `{"streamName", "events", "bytes", "throttled"}`. Nothing is put unless each of them can be; what a
/// busy stream does not take at once is put again.
///
/// `options_json`: `{"streamName": "clicks", "events": [{…}, …], "partitionKey": "/user/id", "firstEvent": 0}`: the field that
/// is the partition key, by default random ones, and the number that errors give the first event, for who puts many events part by
/// part. If an error comes when some events are in the stream, its text says which are not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_put_events(
    client: *const HeliosClient,
    options_json: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let options = (options_json, "options_json");
    // SAFETY: the caller's promise.
    unsafe {
        operation(client, options, json, error, async |client, options: PutEvents| {
            client.put_events(&options).await
        })
    }
}

/// Reads a few events of a stream and infers the schema that fits them all:
/// `{"sampleEvent": {…}, "inferredSchema": [{"name", "type"}], "samples": […], "columns": [{"name", "type", "why", …}],
/// "proposal": {"orderBy", "partitionBy", …}, "createTableQuery", "eventsRead", "unreadable", "endedBy", "notes"}`.
///
/// `options_json`, or NULL: `{"maxEvents": 100, "position": "now" | "oldest" | an ISO 8601 time, "until": an ISO 8601 time,
/// "timeLimitSeconds": 10,
/// "inference": {"integers": "wide" | "narrow", "decimals": "float" | "decimal",
/// "nullable": "whereMissing" | "never" | "always", "objects": "auto" | "flatten" | "json" | "text", "lowCardinality":
/// true}}`, none of them required.
/// `on_progress` may be NULL. It is called with `{"events", "unreadable", "bytes", "shards", "reads"}` when the shards are
/// known, after each round through them, and four times a second; `user` is passed on to it as it is. If it says stop, what
/// was found by then is the sample.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_kinesis_sample(
    client: *const HeliosClient,
    stream: *const c_char,
    options_json: *const c_char,
    on_progress: HeliosOnProgress,
    user: *mut c_void,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    let progress = Progress::new(on_progress, user);
    boundary::status(error, || {
        let client = held(client, "client")?;
        // SAFETY: the caller's promise.
        let (stream, options, json) = unsafe {
            (text(stream, "stream")?, optional_text(options_json, "options_json")?, output(json, "json")?)
        };
        let options: KinesisSampleOptions = json::options(options, "options_json")?;
        let sample = client.core().kinesis_sample(stream).options(options);
        json.write(json::answer(&client.wait(sample.run_while(|so_far| progress.goes_on(so_far)))?)?);
        Ok(())
    })
}
