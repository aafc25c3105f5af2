//! The client: made, made another one of, freed.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::ffi::c_char;

use helios_core::streams::CredentialsRequest;

use crate::{
    boundary,
    config::HeliosConfig,
    error::HeliosError,
    json,
    pointer::{handle, output, text},
    runtime,
    status::HeliosStatus,
};

/// All of Helios. Any number of threads may use one client at the same time.
#[derive(Debug)]
pub struct HeliosClient {
    pub(crate) client: helios_core::HeliosClient,
}

impl HeliosClient {
    pub(crate) fn into_handle(client: helios_core::HeliosClient) -> *mut Self {
        Box::into_raw(Box::new(Self { client }))
    }
}

/// Makes a client with these settings, to be freed by `helios_client_free`. Opens the embedded engine (up to half a
/// second) unless `clickhouse_url` is set; connects to nothing else yet.
///
/// A process has one engine at a time: clients of the same `data_path` share it, another path can be opened when they
/// all are freed. `HELIOS_STATUS_CONFIG_INVALID` for settings that are wrong or contradict each other,
/// `HELIOS_STATUS_ENGINE_UNAVAILABLE` if the engine cannot be opened.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_new(
    config: *const HeliosConfig,
    client: *mut *mut HeliosClient,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        // SAFETY: the caller's promise.
        let (config, client) = unsafe { (handle(config, "config")?, output(client, "client")?) };
        let _runtime = runtime::enter()?;
        client.write(HeliosClient::into_handle(helios_core::HeliosClient::from_config(
            config.settings.clone(),
        )?));
        Ok(())
    })
}

/// Makes another client that speaks to AWS as somebody else and shares all connections. Both are to be freed, in any order.
///
/// `credentials_json`: `{"accessKey", "secretKey", "sessionToken", "region", "roleArn", "externalId", "profile"}`, none
/// of them required: keys, or a profile, or else what the AWS SDKs find; in a role if one is named.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_with_credentials(
    client: *const HeliosClient,
    credentials_json: *const c_char,
    other: *mut *mut HeliosClient,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        // SAFETY: the caller's promise.
        let (client, credentials, other) = unsafe {
            (handle(client, "client")?, text(credentials_json, "credentials_json")?, output(other, "other")?)
        };
        let _runtime = runtime::enter()?;
        let credentials =
            json::object::<CredentialsRequest>(credentials, "credentials_json")?.credentials()?;
        other.write(HeliosClient::into_handle(client.client.with_credentials(credentials)));
        Ok(())
    })
}

/// Frees a client. NULL is fine. No call on it may be under way; streams it gave stay good. With the last client of an
/// embedded engine, and the last stream, the engine is closed, which takes some milliseconds.
///
/// In a fork of the process that made the client it does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_free(client: *mut HeliosClient) {
    boundary::value((), || {
        if client.is_null() {
            return;
        }
        // In a fork there is none, and the client stays where it is: closing the engine would wait for its threads.
        let Ok(_runtime) = runtime::enter() else { return };
        // SAFETY: made by `into_handle`, and freed once: the caller's promise.
        drop(unsafe { Box::from_raw(client) });
    });
}
