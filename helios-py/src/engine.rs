//! Opening the embedded engine, of which Python knows two: libchdb, and the package `chdb`.

use std::{error::Error as _, path::PathBuf};

use helios_core::{Error, ErrorKind, HeliosClient, HeliosConfig, Result, warehouse::DEFAULT_DATA_PATH};
use helios_embedded::{Engine, Error as EngineError};
use pyo3::Python;

use crate::chdb;

/// The client of these settings. Opens the embedded engine (blocking, on a thread for that) unless they name a server:
/// with the libchdb that they name, or with the package `chdb`, or, if that is not installed, with a libchdb that is found.
pub(crate) fn open(config: HeliosConfig) -> Result<HeliosClient> {
    if config.clickhouse_url.is_some() || config.chdb_lib.is_some() {
        return HeliosClient::from_config(config);
    }
    // Before an engine is started for nothing.
    HeliosClient::builder().config(config.clone()).check()?;
    let driver = Python::attach(|py| chdb::driver(py).map_err(|error| unavailable(error.to_string())))?;
    let Some(driver) = driver else {
        return HeliosClient::from_config(config).map_err(|error| {
            if !is_without_library(&error) {
                return error;
            }
            unavailable(
                "no ClickHouse to embed is installed: run `pip install 'helios-py[embedded]'`, or name the file of libchdb \
                 by the setting `chdb_lib` or the environment variable HELIOS_CHDB_LIB, or a server by `clickhouse_url`",
            )
            .caused_by(error)
        });
    };
    let path = config.data_path.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DATA_PATH));
    let engine =
        Engine::open_with(path, driver).map_err(|error| unavailable(error.to_string()).caused_by(error))?;
    HeliosClient::builder().config(config).engine(engine).build()
}

fn is_without_library(error: &Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(EngineError::LibraryMissing { .. }))
}

fn unavailable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::EngineUnavailable, message).at("open the embedded engine")
}
