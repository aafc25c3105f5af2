//! What a whole result is.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{Error, Result};

/// What a result is: its query, its size, its columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryMetadata {
    /// The SQL text as it was given.
    pub query: String,
    /// How many rows `data` has.
    pub row_count: u64,
    /// The columns' names, in order.
    pub column_names: Vec<String>,
    /// The columns' full ClickHouse types, in order.
    pub column_types: Vec<String>,
}

/// A whole result: `{"metadata": {…}, "data": [{column: value}]}`.
#[derive(Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueryResult {
    /// What the result is.
    pub metadata: QueryMetadata,
    /// The rows as ClickHouse wrote them: numbers of any size keep every digit.
    pub data: Vec<Box<RawValue>>,
}

impl QueryResult {
    /// The rows as values of `T`, one JSON object each.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a row does not fit `T`, naming the row.
    pub fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        let read = |(index, row): (usize, &RawValue)| {
            serde_json::from_str(row.get()).map_err(|error| {
                Error::invalid_input(format!("row {index} does not fit the type it is read as: {error}"))
            })
        };
        self.data.iter().map(AsRef::as_ref).enumerate().map(read).collect()
    }
}
