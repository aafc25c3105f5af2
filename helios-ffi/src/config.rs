//! The settings of a client.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::{
    ffi::c_char,
    ptr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use helios_core::ConfigKey;

use crate::{
    boundary,
    error::HeliosError,
    handle::{free, hand_out, held},
    pointer::text,
    status::HeliosStatus,
};

/// Settings. Any number of threads may use one at the same time.
#[derive(Debug, Default)]
pub struct HeliosConfig {
    settings: Mutex<helios_core::HeliosConfig>,
}

impl HeliosConfig {
    pub(crate) fn settings(&self) -> MutexGuard<'_, helios_core::HeliosConfig> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Settings that are all at their defaults: the embedded engine in the folder `helios-data`, and for AWS what its SDKs
/// find. To be freed by `helios_config_free`. NULL if there are millions already.
#[unsafe(no_mangle)]
pub extern "C" fn helios_config_new() -> *mut HeliosConfig {
    boundary::value(ptr::null_mut(), || hand_out(HeliosConfig::default()).unwrap_or(ptr::null_mut()))
}

/// Takes all settings from the environment, in place of those set before: `HELIOS_CLICKHOUSE_URL` is the setting
/// `clickhouse_url`, and so on. No other thread may change the environment meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_config_read_env(
    config: *mut HeliosConfig,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        let config = held(config, "config")?;
        let settings = helios_core::HeliosConfig::from_env()?;
        *config.settings() = settings;
        Ok(())
    })
}

/// Sets one setting. The keys: `clickhouse_url`, `clickhouse_user`, `clickhouse_password`, `clickhouse_database`,
/// `clickhouse_compression` (`lz4`, `zstd` or `none`), `data_path`, `chdb_lib`, `aws_region`, `aws_endpoint_url`, `aws_access_key_id`, `aws_secret_access_key`,
/// `aws_session_token`, `aws_profile`, `aws_role_arn`, `aws_external_id`, `mapping_table`, `ledger_table`,
/// `delivery_function`.
///
/// `HELIOS_STATUS_CONFIG_INVALID` for a key that is none, naming the nearest one. Whether the settings are right, and
/// agree with each other, is checked by `helios_client_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_config_set(
    config: *mut HeliosConfig,
    key: *const c_char,
    value: *const c_char,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        let config = held(config, "config")?;
        // SAFETY: the caller's promise.
        let (key, value) = unsafe { (text(key, "key")?, text(value, "value")?) };
        config.settings().set(key.parse::<ConfigKey>()?, value);
        Ok(())
    })
}

/// Frees settings. NULL is fine. The clients made from them keep their own copy.
#[unsafe(no_mangle)]
pub extern "C" fn helios_config_free(config: *mut HeliosConfig) {
    boundary::value((), || free(config));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_documented() {
        let source = include_str!("config.rs");
        let documented = source.split("Sets one setting.").nth(1).unwrap();
        for key in ConfigKey::ALL {
            assert!(documented.contains(&format!("`{key}`")), "{key} is missing in helios_config_set");
        }
    }
}
