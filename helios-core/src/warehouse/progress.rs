//! How far a query is.

use std::time::Duration;

use clickhouse::Row;
use serde::{Deserialize, Serialize, Serializer};

use super::{QueryId, Warehouse, from_clickhouse};
use crate::Result;

/// How far a query that runs is.
///
/// On the wire: `{"queryId": "report-7", "readRows": 1000, "readBytes": 8000, "totalRows": 5000, "elapsedSeconds": 0.25,
/// "memoryUsage": 1048576}`; `totalRows` is `null` where ClickHouse has no estimate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QueryProgress {
    /// The query's name.
    pub query_id: QueryId,
    /// Rows read so far.
    pub read_rows: u64,
    /// Bytes read so far, in memory.
    pub read_bytes: u64,
    /// About how many rows there are to read, by ClickHouse's own estimate.
    pub total_rows: Option<u64>,
    /// How long it has run. On the wire: `elapsedSeconds`, a number.
    #[serde(rename = "elapsedSeconds", serialize_with = "seconds")]
    pub elapsed: Duration,
    /// Bytes of memory that it holds.
    pub memory_usage: u64,
}

fn seconds<S: Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(elapsed.as_secs_f64())
}

/// The embedded engine has query ids of its own, and the client's in the comment.
const PROGRESS: &str = "\
    SELECT elapsed, read_rows, read_bytes, total_rows_approx, memory_usage FROM system.processes \
    WHERE is_initial_query AND (query_id = {id:String} OR splitByChar(' ', Settings['log_comment'])[2] = {id:String}) \
    ORDER BY query_id = {id:String} DESC LIMIT 1";

#[derive(Row, Deserialize)]
struct ProgressRow {
    elapsed: f64,
    read_rows: u64,
    read_bytes: u64,
    total_rows_approx: u64,
    memory_usage: i64,
}

impl Warehouse {
    /// How far the query of this name is; `None` if none runs.
    ///
    /// On a server without other rights, a user sees their own queries, if they may read `system.processes`. In a cluster
    /// it is found only on the node that is asked.
    ///
    /// # Errors
    ///
    /// What ClickHouse says.
    pub async fn query_progress(&self, id: &QueryId) -> Result<Option<QueryProgress>> {
        let row = self.client().query_raw(PROGRESS).param("id", id.as_str()).fetch_optional::<ProgressRow>();
        let row = row.await.map_err(|error| from_clickhouse(error).at("query_progress"))?;
        Ok(row.map(|row| QueryProgress {
            query_id: id.clone(),
            read_rows: row.read_rows,
            read_bytes: row.read_bytes,
            total_rows: Some(row.total_rows_approx).filter(|rows| *rows > 0),
            elapsed: Duration::try_from_secs_f64(row.elapsed).unwrap_or_default(),
            // Below zero while what others allocated is freed here.
            memory_usage: row.memory_usage.try_into().unwrap_or(0),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_has_seconds_and_says_where_there_is_no_estimate() {
        let progress = QueryProgress {
            query_id: QueryId::new("report-7").unwrap(),
            read_rows: 1000,
            read_bytes: 8000,
            total_rows: None,
            elapsed: Duration::from_millis(250),
            memory_usage: 1 << 20,
        };
        assert_eq!(
            serde_json::to_value(progress).unwrap(),
            serde_json::json!({
                "queryId": "report-7",
                "readRows": 1000,
                "readBytes": 8000,
                "totalRows": null,
                "elapsedSeconds": 0.25,
                "memoryUsage": 1_048_576,
            })
        );
    }
}
