//! What a consumer has done, when it has ended.

use serde::Serialize;

use super::progress::{ConsumeProgress, ShardProgress};

/// Why a consumer has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ConsumeEnd {
    /// Every shard was delivered to what was its end at that moment.
    CaughtUp,
    /// It was told to stop.
    Stopped,
    /// Its time was over.
    TimeLimit,
}

/// What a consumer has done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConsumeReport {
    /// The stream's name.
    pub stream_name: String,
    /// The stream's ARN.
    #[serde(rename = "streamARN")]
    pub stream_arn: String,
    /// Why it ended.
    pub ended: ConsumeEnd,
    /// How long it ran.
    pub seconds: f64,
    /// Kinesis records that all tables have.
    pub records: u64,
    /// Events that came, for each table. received = delivered + quarantined + duplicates skipped.
    pub received: u64,
    /// Events that became rows.
    pub delivered: u64,
    /// Events that went to quarantine.
    pub quarantined: u64,
    /// Events that a table had before.
    pub duplicates_skipped: u64,
    /// Each shard that was read, by its id.
    pub shards: Vec<ShardProgress>,
}

impl ConsumeReport {
    pub(super) fn new(
        (stream_name, stream_arn): (String, String),
        ended: ConsumeEnd,
        seconds: f64,
        progress: ConsumeProgress,
    ) -> Self {
        let ConsumeProgress { records, received, delivered, quarantined, duplicates_skipped, shards } =
            progress;
        Self {
            stream_name,
            stream_arn,
            ended,
            seconds,
            records,
            received,
            delivered,
            quarantined,
            duplicates_skipped,
            shards,
        }
    }
}
