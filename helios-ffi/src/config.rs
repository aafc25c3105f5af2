//! The settings of a client.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::{ffi::c_char, ptr};

use helios_core::ConfigKey;

use crate::{
    boundary,
    error::HeliosError,
    pointer::{exclusive, text},
    status::HeliosStatus,
};

/// Settings. To be used by one thread at a time.
#[derive(Debug)]
pub struct HeliosConfig {
    pub(crate) settings: helios_core::HeliosConfig,
}

/// Settings that are all at their defaults: the embedded engine in the folder `helios-data`, and for AWS what its SDKs
/// find. To be freed by `helios_config_free`.
#[unsafe(no_mangle)]
pub extern "C" fn helios_config_new() -> *mut HeliosConfig {
    boundary::value(ptr::null_mut(), || {
        Box::into_raw(Box::new(HeliosConfig { settings: helios_core::HeliosConfig::default() }))
    })
}

/// Takes all settings from the environment, in place of those set before: `HELIOS_CLICKHOUSE_URL` is the setting
/// `clickhouse_url`, and so on. No other thread may change the environment meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_config_read_env(
    config: *mut HeliosConfig,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        // SAFETY: the caller's promise.
        let config = unsafe { exclusive(config, "config") }?;
        config.settings = helios_core::HeliosConfig::from_env()?;
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
        // SAFETY: the caller's promise.
        let (config, key, value) =
            unsafe { (exclusive(config, "config")?, text(key, "key")?, text(value, "value")?) };
        config.settings.set(key.parse::<ConfigKey>()?, value);
        Ok(())
    })
}

/// Frees settings. NULL is fine. The clients made from them keep their own copy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_config_free(config: *mut HeliosConfig) {
    boundary::value((), || {
        if !config.is_null() {
            // SAFETY: made by `helios_config_new`, and freed once: the caller's promise.
            drop(unsafe { Box::from_raw(config) });
        }
    });
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
