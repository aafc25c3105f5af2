//! Rejects, one by one.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use super::{
    Quarantine,
    selection::RejectSelection,
    stored::{StoredReject, StoredRow, columns},
};
use crate::{Error, Result};

/// The most rejects that are shown at once.
pub const MAX_SHOWN: u32 = 1000;
const SHOWN: u32 = 20;

/// Which rejects to show: on the wire those of a [`RejectSelection`] with `limit` and `offset`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShowRejects {
    /// Which.
    pub selection: RejectSelection,
    /// How many at most, 1 to [`MAX_SHOWN`]. Default: 20.
    pub limit: u32,
    /// How many to pass over. Default: 0.
    pub offset: u64,
}

impl ShowRejects {
    /// The newest 20.
    #[must_use]
    pub fn new(selection: RejectSelection) -> Self {
        Self { selection, limit: SHOWN, offset: 0 }
    }

    /// Sets how many at most.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// Sets how many to pass over.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }
}

impl<'de> Deserialize<'de> for ShowRejects {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::deserialize(deserializer)?;
        let limit = take(&mut members, "limit").map_err(D::Error::custom)?;
        let offset = take(&mut members, "offset").map_err(D::Error::custom)?;
        let selection = serde_json::from_value(Value::Object(members)).map_err(D::Error::custom)?;
        Ok(Self { selection, limit: limit.unwrap_or(SHOWN), offset: offset.unwrap_or(0) })
    }
}

/// Takes a member that is no condition of the selection.
pub(super) fn take<T: for<'de> Deserialize<'de>>(
    members: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<T>, String> {
    let Some(value) = members.remove(name) else { return Ok(None) };
    serde_json::from_value(value).map(Some).map_err(|error| format!("{name}: {error}"))
}

/// Rejects, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ShownRejects {
    /// How many there are.
    pub total: u64,
    /// Those that were asked for.
    pub rejects: Vec<StoredReject>,
}

impl Quarantine {
    /// Shows rejects, the newest first.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a limit that is too large and for an unknown reason, `NotFound` if there is no such table and
    /// nothing of it in quarantine.
    pub async fn show(&self, show: &ShowRejects) -> Result<ShownRejects> {
        let ShowRejects { selection, limit, offset } = show;
        if !(1..=MAX_SHOWN).contains(limit) {
            let message = format!("`limit` is 1 to {MAX_SHOWN}");
            return Err(Error::invalid_input(message).with("limit", limit.to_string()));
        }
        let total = self.extent(selection).await?.events;
        let tail = format!(
            "ORDER BY insertion_timestamp DESC, stream, shard, length(sequence_number), sequence_number, sub_sequence \
             LIMIT {limit} OFFSET {offset}"
        );
        let rows: Vec<StoredRow> = self.select(&columns(None), selection, &tail).await?;
        let rejects = rows.into_iter().map(StoredRow::into_reject).collect::<Result<_>>()?;
        Ok(ShownRejects { total, rejects })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_and_offset_stand_beside_the_conditions() {
        let show: ShowRejects =
            serde_json::from_str(r#"{"tableName":"t","path":"$.a","limit":5,"offset":10}"#).unwrap();
        assert_eq!(show, ShowRejects::new(RejectSelection::new("t").path("$.a")).limit(5).offset(10));
        let default: ShowRejects = serde_json::from_str(r#"{"tableName":"t"}"#).unwrap();
        assert_eq!(default, ShowRejects::new(RejectSelection::new("t")));
        for (text, says) in [
            (r#"{"tableName":"t","limit":"5"}"#, "limit: invalid type"),
            (r#"{"tableName":"t","limits":5}"#, "unknown field `limits`"),
            (r#"{"limit":5}"#, "missing field `tableName`"),
        ] {
            let error = serde_json::from_str::<ShowRejects>(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
