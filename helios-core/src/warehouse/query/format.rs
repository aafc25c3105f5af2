//! The forms a result can be written in.

use serde::{Deserialize, Serialize};

/// The form of a result that is handed over as bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ResultFormat {
    /// The documented form, `{"data": [row, …], "metadata": {…}}`. On the wire: `"json"`.
    #[default]
    Json,
    /// One JSON object a line. On the wire: `"ndjson"`.
    NdJson,
    /// Comma-separated values (RFC 4180), the names first. On the wire: `"csv"`.
    Csv,
    /// An Arrow IPC stream of the types of [`query_arrow`](super::super::Warehouse::query_arrow). On the wire: `"arrow"`.
    Arrow,
    /// A Parquet file. On the wire: `"parquet"`.
    Parquet,
}

impl ResultFormat {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Json, Self::NdJson, Self::Csv, Self::Arrow, Self::Parquet];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::NdJson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }

    /// The media type, as in `Content-Type`.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::NdJson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}
