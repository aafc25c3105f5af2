//! What most functions do: read pointers, run an operation of the client, write its answer.

#![expect(unsafe_code, reason = "C's pointers are read")]

use std::{ffi::c_char, future::Future};

use helios_core::{Error, HeliosClient as Client};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    boundary,
    client::HeliosClient,
    error::HeliosError,
    json,
    pointer::{handle, output, text},
    runtime::block_on,
    status::HeliosStatus,
};

/// Runs an operation whose options are one JSON object, here with its name as an argument.
///
/// As for every function of `helios.h`: pointers that are not NULL are what it asks for.
pub(crate) unsafe fn operation<'a, O, T, F>(
    client: *const HeliosClient,
    (options, argument): (*const c_char, &'static str),
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
    run: impl FnOnce(&'a Client, O) -> F,
) -> HeliosStatus
where
    O: DeserializeOwned,
    T: Serialize,
    F: Future<Output = Result<T, Error>>,
{
    boundary::status(error, || {
        // SAFETY: the caller's promise.
        let (client, options, json) =
            unsafe { (handle(client, "client")?, text(options, argument)?, output(json, "json")?) };
        let options: O = json::object(options, argument)?;
        json.write(json::answer(&block_on(run(&client.client, options))?)?);
        Ok(())
    })
}

/// Runs an operation without options.
///
/// As for every function of `helios.h`: pointers that are not NULL are what it asks for.
pub(crate) unsafe fn question<'a, T, F>(
    client: *const HeliosClient,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
    run: impl FnOnce(&'a Client) -> F,
) -> HeliosStatus
where
    T: Serialize,
    F: Future<Output = Result<T, Error>>,
{
    boundary::status(error, || {
        // SAFETY: the caller's promise.
        let (client, json) = unsafe { (handle(client, "client")?, output(json, "json")?) };
        json.write(json::answer(&block_on(run(&client.client))?)?);
        Ok(())
    })
}
