//! The sources there are.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{MappingState, MappingTable};
use crate::Result;

/// One source: `{"streamName", "streamType": "kinesis", "tableName", "createdOn": "MM-DD-YYYY", …}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Source {
    /// The stream's name.
    pub stream_name: String,
    /// `kinesis`.
    pub stream_type: String,
    /// The table's name, without its database.
    pub table_name: String,
    /// The day of creation in UTC, `MM-DD-YYYY`.
    pub created_on: String,
    /// The table's database.
    pub database_name: String,
    /// The stream's ARN.
    #[serde(rename = "streamARN")]
    pub stream_arn: String,
    /// The table's UUID.
    #[serde(rename = "tableUUID")]
    pub table_uuid: Uuid,
}

/// Every source of the account and region, in the order of creation.
///
/// It comes from the mapping alone: a table that was dropped by hand is still listed, and so is one never queried.
///
/// # Errors
///
/// [`Unauthenticated`](crate::ErrorKind::Unauthenticated), [`PermissionDenied`](crate::ErrorKind::PermissionDenied),
/// [`Unavailable`](crate::ErrorKind::Unavailable): what DynamoDB says.
pub async fn sources(mappings: &MappingTable) -> Result<Vec<Source>> {
    let sources = mappings.all().await?.into_iter().filter(|mapping| mapping.state == MappingState::Active);
    Ok(sources
        .map(|mapping| Source {
            stream_type: "kinesis".to_owned(),
            table_name: mapping.table.table().as_str().to_owned(),
            created_on: mapping.created_on.strftime("%m-%d-%Y").to_string(),
            database_name: mapping.table.database().as_str().to_owned(),
            stream_name: mapping.stream_name,
            stream_arn: mapping.stream_arn,
            table_uuid: mapping.table_uuid,
        })
        .collect())
}
