//! An AWS account in the emulator.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_kinesis::{
    primitives::Blob,
    types::{PutRecordsRequestEntry, StreamStatus},
};
use helios_core::streams::{self, AwsSession, AwsSettings};
use tokio::time;
use uuid::Uuid;

use crate::Result;

const REGION: &str = "eu-west-1";
/// PutRecords takes 500 records and 5 MiB at once.
const BATCH_RECORDS: usize = 500;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// An AWS account in the emulator, which takes a key of twelve digits for the account's root.
#[derive(Clone, Debug)]
pub struct Account {
    id: String,
    endpoint: String,
    sdk_config: SdkConfig,
}

impl Account {
    pub(crate) fn new(endpoint: String) -> Self {
        let id = format!("{:012}", Uuid::new_v4().as_u128() % 999_999_999_999 + 1);
        let root = Credentials::new(&id, "root", None, None, "emulator");
        let sdk_config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .endpoint_url(&endpoint)
            .credentials_provider(SharedCredentialsProvider::new(root))
            .build();
        Self { id, endpoint, sdk_config }
    }

    /// The account's twelve digits, which are also its root's access key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The root's secret key.
    #[must_use]
    pub fn secret_key(&self) -> &'static str {
        "root"
    }

    /// The region everything is in.
    #[must_use]
    pub fn region(&self) -> &'static str {
        REGION
    }

    /// The emulator's address.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What a client of any AWS service can be made from.
    #[must_use]
    pub fn sdk_config(&self) -> &SdkConfig {
        &self.sdk_config
    }

    /// What Helios needs to work in this account, as root.
    #[must_use]
    pub fn settings(&self) -> AwsSettings {
        AwsSettings {
            region: Some(REGION.to_owned()),
            endpoint_url: Some(self.endpoint.clone()),
            credentials: streams::Credentials::keys(self.id.clone(), self.secret_key()),
        }
    }

    /// A session of Helios in this account, as root.
    #[must_use]
    pub fn session(&self) -> AwsSession {
        AwsSession::new(self.settings())
    }

    /// Kinesis, as root.
    #[must_use]
    pub fn kinesis(&self) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::new(&self.sdk_config)
    }

    /// DynamoDB, as root.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk_config)
    }

    /// Lambda, as root.
    #[must_use]
    pub fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.sdk_config)
    }

    /// Creates a stream, waits until it is active, and returns its ARN.
    ///
    /// # Errors
    ///
    /// Whatever the emulator says.
    pub async fn create_stream(&self, name: &str, shards: i32) -> Result<String> {
        let kinesis = self.kinesis();
        kinesis.create_stream().stream_name(name).shard_count(shards).send().await?;
        loop {
            let answer = kinesis.describe_stream_summary().stream_name(name).send().await?;
            let summary = answer.stream_description_summary.ok_or("a stream without a description")?;
            if summary.stream_status == StreamStatus::Active {
                return Ok(summary.stream_arn);
            }
            time::sleep(time::Duration::from_millis(20)).await;
        }
    }

    /// Puts events, each a partition key and its bytes, in order.
    ///
    /// # Errors
    ///
    /// If one is refused.
    pub async fn put_events<K, D>(&self, stream: &str, events: impl IntoIterator<Item = (K, D)>) -> Result<()>
    where
        K: Into<String>,
        D: Into<Vec<u8>>,
    {
        let kinesis = self.kinesis();
        let (mut batch, mut bytes) = (Vec::with_capacity(BATCH_RECORDS), 0);
        for (key, data) in events {
            let data: Vec<u8> = data.into();
            if batch.len() == BATCH_RECORDS || bytes + data.len() > BATCH_BYTES {
                put(&kinesis, stream, std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += data.len();
            batch.push(PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(data)).build()?);
        }
        if batch.is_empty() { Ok(()) } else { put(&kinesis, stream, batch).await }
    }
}

async fn put(
    kinesis: &aws_sdk_kinesis::Client,
    stream: &str,
    batch: Vec<PutRecordsRequestEntry>,
) -> Result<()> {
    let answer = kinesis.put_records().stream_name(stream).set_records(Some(batch)).send().await?;
    match answer.failed_record_count.unwrap_or_default() {
        0 => Ok(()),
        failed => Err(format!("{failed} events were not taken by the stream {stream}").into()),
    }
}

/// The names of all streams, by name.
///
/// # Errors
///
/// Those of [`helios_core::streams::list`].
pub async fn stream_names(session: &AwsSession) -> helios_core::Result<Vec<String>> {
    let streams = helios_core::streams::list(session).await?;
    Ok(streams.into_iter().map(|stream| stream.stream_name).collect())
}
