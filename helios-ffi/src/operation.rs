//! What most functions do: read pointers, run an operation of the client, write its answer.

#![expect(unsafe_code, reason = "C's pointers are read")]

use std::ffi::c_char;

use helios_core::{Error, HeliosClient as Client};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    boundary,
    client::HeliosClient,
    error::HeliosError,
    handle::held,
    json,
    pointer::{output, text},
    status::HeliosStatus,
};

/// Runs an operation whose options are one JSON object, here with its name as an argument.
///
/// As for every function of `helios.h`: pointers that are not NULL are what it asks for.
pub(crate) unsafe fn operation<O: DeserializeOwned, T: Serialize>(
    client: *const HeliosClient,
    (options, argument): (*const c_char, &'static str),
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
    run: impl AsyncFnOnce(&Client, O) -> Result<T, Error>,
) -> HeliosStatus {
    boundary::status(error, || {
        let client = held(client, "client")?;
        // SAFETY: the caller's promise.
        let (options, json) = unsafe { (text(options, argument)?, output(json, "json")?) };
        let options: O = json::object(options, argument)?;
        json.write(json::answer(&client.wait(run(client.core(), options))?)?);
        Ok(())
    })
}

/// Runs an operation without options.
///
/// As for every function of `helios.h`: pointers that are not NULL are what it asks for.
pub(crate) unsafe fn question<T: Serialize>(
    client: *const HeliosClient,
    json: *mut *mut c_char,
    error: *mut *mut HeliosError,
    run: impl AsyncFnOnce(&Client) -> Result<T, Error>,
) -> HeliosStatus {
    boundary::status(error, || {
        let client = held(client, "client")?;
        // SAFETY: the caller's promise.
        let json = unsafe { output(json, "json")? };
        json.write(json::answer(&client.wait(run(client.core()))?)?);
        Ok(())
    })
}
