//! Which ClickHouse runs.

use serde::Serialize;

use super::{Warehouse, from_clickhouse};
use crate::Result;

/// The ClickHouse of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EngineInfo {
    /// ClickHouse's version: `26.7.2.1`.
    pub version: String,
    /// What the embedded engine is and where it was loaded from: `libchdb, /opt/libchdb.so`. `None` for a server.
    pub origin: Option<String>,
}

impl Warehouse {
    /// Which ClickHouse this connects to. An embedded one knows, a server is asked.
    ///
    /// # Errors
    ///
    /// What keeps a server from answering.
    pub async fn engine_info(&self) -> Result<EngineInfo> {
        #[cfg(feature = "embedded")]
        if let Some(engine) = self.engine() {
            return Ok(EngineInfo {
                version: engine.version().to_owned(),
                origin: Some(engine.origin().to_owned()),
            });
        }
        #[cfg(feature = "engine-process")]
        if let Some(process) = self.engine_process() {
            return Ok(EngineInfo {
                version: process.version().to_owned(),
                origin: Some(process.origin().to_owned()),
            });
        }
        let asked = self.client().query_raw("SELECT version()").fetch_one::<String>().await;
        Ok(EngineInfo { version: asked.map_err(from_clickhouse)?, origin: None })
    }
}
