//! Opening a client.

use std::collections::BTreeMap;

use helios_core::{ConfigKey, HeliosConfig, Result};
use pyo3::prelude::*;

use crate::{
    awaitable::awaitable,
    client::Client,
    engine,
    runtime::{block_on, unblocked},
};

/// Opens a client: the settings of the environment, and these over them.
#[pyfunction]
pub(crate) fn connect(py: Python<'_>, settings: BTreeMap<String, String>) -> PyResult<Client> {
    block_on(py, open(settings))
}

/// `connect`, to be awaited.
#[pyfunction]
pub(crate) fn connect_async(
    py: Python<'_>,
    settings: BTreeMap<String, String>,
) -> PyResult<Bound<'_, PyAny>> {
    awaitable(py, open(settings))
}

async fn open(settings: BTreeMap<String, String>) -> Result<Client> {
    let config = config(settings)?;
    let place = place(&config);
    let client = unblocked(move || engine::open(config)).await??;
    Ok(Client::new(client, place))
}

fn config(settings: BTreeMap<String, String>) -> Result<HeliosConfig> {
    let mut config = HeliosConfig::from_env()?;
    let given = HeliosConfig::from_map(&settings)?;
    // Whoever asks for one ClickHouse does not get, or contradict, the other one of the environment.
    if given.data_path.is_some() {
        config.clickhouse_url = None;
    }
    if given.clickhouse_url.is_some() {
        config.data_path = None;
    }
    for (name, value) in settings {
        config.set(name.parse::<ConfigKey>()?, value);
    }
    Ok(config)
}

/// Where ClickHouse is, as a person may see it.
fn place(config: &HeliosConfig) -> String {
    match (&config.clickhouse_url, &config.data_path) {
        (Some(url), _) => format!("{url:?}").trim_matches('"').to_owned(),
        (None, Some(path)) => path.display().to_string(),
        (None, None) => helios_core::warehouse::DEFAULT_DATA_PATH.to_owned(),
    }
}
