//! Opening the embedded engine.

use helios_core::{HeliosClient, HeliosConfig, Result};

/// The client of these settings. Opens the embedded engine (blocking) unless they name a server.
pub(crate) fn open(config: HeliosConfig) -> Result<HeliosClient> {
    HeliosClient::from_config(config)
}
