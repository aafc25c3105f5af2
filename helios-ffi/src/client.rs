//! The client: made, made another one of, cancelled, freed.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::{ffi::c_char, future::Future, mem::ManuallyDrop};

use helios_core::{Error, ErrorKind, streams::CredentialsRequest};
use tokio_util::sync::CancellationToken;

use crate::{
    boundary,
    config::HeliosConfig,
    error::{Failure, HeliosError},
    handle::{free, hand_out, held},
    json,
    pointer::{output, text},
    runtime::{self, block_on},
    status::HeliosStatus,
};

/// All of Helios. Any number of threads may use one client at the same time.
#[derive(Debug)]
pub struct HeliosClient {
    client: ManuallyDrop<helios_core::HeliosClient>,
    cancelled: CancellationToken,
}

impl HeliosClient {
    fn new(client: helios_core::HeliosClient) -> Self {
        Self { client: ManuallyDrop::new(client), cancelled: CancellationToken::new() }
    }

    pub(crate) fn core(&self) -> &helios_core::HeliosClient {
        &self.client
    }

    /// Waits for an operation of this client on the calling thread, until somebody cancels.
    pub(crate) fn wait<T>(&self, operation: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        self.cancellation().wait(operation)
    }

    /// What ends its calls, for those that go on without it.
    pub(crate) fn cancellation(&self) -> Cancellation {
        Cancellation(self.cancelled.clone())
    }
}

/// Whether a client's calls go on.
#[derive(Clone, Debug)]
pub(crate) struct Cancellation(CancellationToken);

impl Cancellation {
    /// Waits for an operation on the calling thread, until somebody cancels.
    pub(crate) fn wait<T>(&self, operation: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        block_on(async {
            self.0.run_until_cancelled(operation).await.unwrap_or_else(|| {
                let message = "cancelled by helios_client_cancel; if the call makes or changes something, \
                               helios_client_repair finishes or undoes what is there of it";
                Err(Error::new(ErrorKind::Cancelled, message))
            })
        })
    }
}

impl Drop for HeliosClient {
    fn drop(&mut self) {
        boundary::value((), || {
            // In a fork there is none, and the client stays where it is: closing the engine would wait for its threads.
            let Ok(_runtime) = runtime::enter() else { return };
            // SAFETY: dropped here and nowhere else.
            unsafe { ManuallyDrop::drop(&mut self.client) };
        });
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
        let config = held(config, "config")?;
        // SAFETY: the caller's promise.
        let client = unsafe { output(client, "client")? };
        let _runtime = runtime::enter()?;
        let made = helios_core::HeliosClient::from_config(config.settings().clone())?;
        client.write(hand_out(HeliosClient::new(made))?);
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
        let client = held(client, "client")?;
        // SAFETY: the caller's promise.
        let (credentials, other) =
            unsafe { (text(credentials_json, "credentials_json")?, output(other, "other")?) };
        let _runtime = runtime::enter()?;
        let credentials =
            json::object::<CredentialsRequest>(credentials, "credentials_json")?.credentials()?;
        other.write(hand_out(HeliosClient::new(client.core().with_credentials(credentials)))?);
        Ok(())
    })
}

/// Makes another client that is the same in everything and shares all connections, at almost no cost: one whose calls can be
/// cancelled without those of the first. Both are to be freed, in any order.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_clone(
    client: *const HeliosClient,
    other: *mut *mut HeliosClient,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        let client = held(client, "client")?;
        // SAFETY: the caller's promise.
        let other = unsafe { output(other, "other")? };
        let _runtime = runtime::enter()?;
        other.write(hand_out(HeliosClient::new(client.core().clone()))?);
        Ok(())
    })
}

/// Ends every call on this client that is under way on other threads, and every one to come, with HELIOS_STATUS_CANCELLED:
/// whatever they do, and also reading the streams it gave. It returns at once. Other clients go on, also those that were made of
/// this one: `helios_client_clone` one for what shall be cancelled by itself. Consumers have a stop of their own.
///
/// A query is ended in ClickHouse too, a moment later. What makes or changes something is broken off as by the end of the process: nothing is
/// lost or doubled by it, and `helios_client_repair` finishes or undoes the rest. A callback is waited for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_cancel(
    client: *const HeliosClient,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        runtime::refuse_fork()?;
        held(client, "client")?.cancelled.cancel();
        Ok(())
    })
}

/// Frees a client. NULL is fine. Calls on it that are under way go on to their end; streams and consumers it gave stay good.
/// With the last client of an embedded engine, and the last stream, call and consumer, the engine is closed, which takes some
/// milliseconds.
///
/// In a fork of the process that made the client it does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn helios_client_free(client: *mut HeliosClient) {
    boundary::value((), || {
        // What a client is made of has locks, and a thread that is not here may hold one.
        if runtime::refuse_fork().is_ok() {
            free(client);
        }
    });
}
