//! An AWS account in the emulator.

use std::{path::PathBuf, process::Command, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_kinesis::{primitives::Blob, types::PutRecordsRequestEntry};
use serde_json::{Value, json};

use crate::{REGION, Result};

/// What one `PutRecords` call takes.
const RECORDS_PER_CALL: usize = 500;
const BYTES_PER_CALL: usize = 4 * 1024 * 1024;

/// Makes a user with one inline policy and prints its keys. The endpoint, the account and the policy are arguments.
const MAKE_USER: &str = "\
import json, sys, botocore.session
endpoint, account, name, policy = sys.argv[1:]
iam = botocore.session.Session().create_client('iam', region_name='us-east-1', endpoint_url=endpoint,
    aws_access_key_id=account, aws_secret_access_key='any')
iam.create_user(UserName=name)
if policy:
    iam.put_user_policy(UserName=name, PolicyName='p', PolicyDocument=policy)
key = iam.create_access_key(UserName=name)['AccessKey']
print(json.dumps([key['AccessKeyId'], key['SecretAccessKey']]))
";

/// An account. Its id is also the access key of its root user.
#[derive(Clone, Debug)]
pub struct Account {
    endpoint: String,
    python: PathBuf,
    id: String,
}

impl Account {
    pub(crate) fn new(endpoint: &str, python: &std::path::Path, id: String) -> Self {
        Self { endpoint: endpoint.to_owned(), python: python.to_owned(), id }
    }

    /// The account's id, twelve digits, and its root user's access key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The root user's secret key: the emulator takes any.
    #[must_use]
    pub fn secret(&self) -> &'static str {
        "any-secret"
    }

    /// Where the emulator is.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The body of the documented `POST /api/authenticate` for the root user.
    #[must_use]
    pub fn authentication(&self) -> Value {
        json!({ "accessKey": self.id, "secretKey": self.secret() })
    }

    /// The SDK's settings for the root user.
    pub async fn sdk_config(&self) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .endpoint_url(&self.endpoint)
            .credentials_provider(Credentials::from_keys(&self.id, self.secret(), None))
            .load()
            .await
    }

    /// A Kinesis client.
    pub async fn kinesis(&self) -> aws_sdk_kinesis::Client {
        aws_sdk_kinesis::Client::new(&self.sdk_config().await)
    }

    /// A DynamoDB client.
    pub async fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk_config().await)
    }

    /// A Lambda client.
    pub async fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.sdk_config().await)
    }

    /// Makes a user that may do what the policy says, nothing without one. Returns access key and secret key.
    ///
    /// # Errors
    ///
    /// What the emulator says.
    pub fn user(&self, name: &str, policy: Option<&Value>) -> Result<(String, String)> {
        let policy = policy.map(Value::to_string).unwrap_or_default();
        let output = Command::new(&self.python)
            .args(["-c", MAKE_USER, &self.endpoint, &self.id, name, &policy])
            .env_clear()
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Makes a stream and waits until it is active. Returns its ARN.
    ///
    /// # Errors
    ///
    /// What the emulator says.
    pub async fn create_stream(&self, name: &str, shards: i32) -> Result<String> {
        let kinesis = self.kinesis().await;
        kinesis.create_stream().stream_name(name).shard_count(shards).send().await?;
        loop {
            let answer = kinesis.describe_stream_summary().stream_name(name).send().await?;
            let stream = answer.stream_description_summary.ok_or("a stream without a description")?;
            if stream.stream_status == aws_sdk_kinesis::types::StreamStatus::Active {
                return Ok(stream.stream_arn);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Puts records: partition key and data.
    ///
    /// # Errors
    ///
    /// What the emulator says, and any record it refused.
    pub async fn put_records(
        &self,
        stream: &str,
        records: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<()> {
        let kinesis = self.kinesis().await;
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for (key, data) in records {
            if batch.len() == RECORDS_PER_CALL || bytes + data.len() > BYTES_PER_CALL {
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
    match answer.failed_record_count {
        None | Some(0) => Ok(()),
        Some(failed) => Err(format!("{failed} records were refused").into()),
    }
}
