//! The cases through `HeliosClient`.

use futures_util::TryStreamExt as _;
use helios_core::{Error, HeliosClient, QueryId, sources::NamedSource, streams::CredentialsRequest};
use helios_tests::Lab;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    case::{Case, client, digits, format_of},
    face::{Face, Failure, Outcome},
};

pub(super) struct RustFace {
    client: HeliosClient,
}

impl RustFace {
    pub(super) fn new(lab: &Lab) -> Self {
        Self { client: client(lab) }
    }

    async fn run(&self, case: &Case) -> Result<Value, Error> {
        let client = &self.client;
        let (text, options) = case.split();
        Ok(match case.operation.as_str() {
            "engine" => json(client.engine_info().await?),
            "databases" => json(client.databases().await?),
            "query" => json(client.query_with(&text, &read(options)?).await?),
            operation if let Some(format) = format_of(operation) => {
                let chunks = client.query_bytes(&text, &read(options)?, format).await?;
                json(digits(&chunks.try_collect::<Vec<_>>().await?.concat()))
            }
            "cancel_query" => json(client.cancel_query(&running(options)?).await?),
            "query_progress" => json(client.query_progress(&running(options)?).await?),
            "authenticate" => {
                let request: CredentialsRequest = read(options)?;
                let client = match request.is_empty() {
                    true => client.clone(),
                    false => client.with_credentials(request.credentials()?),
                };
                json(client.authenticate().await?)
            }
            "streams" => json(client.streams().await?),
            "put_events" => json(client.put_events(&read(options)?).await?),
            "kinesis_sample" => json(client.kinesis_sample_with(&text, &read(options)?).await?),
            "check_schema" => json(client.check_schema(&read(options)?).await?),
            "schema_drift" => json(client.schema_drift(&read(options)?).await?),
            "plan" => json(client.plan(&read(options)?).await?),
            "create_table" => json(client.create_table(&read(options)?).await?),
            "sources" => json(client.sources().await?),
            "pause" => json(client.pause(read::<NamedSource>(options)?).await?),
            "resume" => json(client.resume(read::<NamedSource>(options)?).await?),
            "remove" => json(client.remove(&read(options)?).await?),
            "repair" => json(client.repair().await?),
            "doctor" => json(client.doctor().await?),
            "consume" => json(client.consume_with(&read(options)?).await?),
            "delivery_report" => json(client.delivery_report(&read(options)?).await?),
            "settle_range" => json(client.settle_range(&read(options)?).await?),
            "quarantine" => json(client.quarantine(&read(options)?).await?),
            "quarantine_show" => json(client.quarantine_show(&read(options)?).await?),
            "quarantine_replay" => json(client.quarantine_replay(&read(options)?).await?),
            "quarantine_discard" => json(client.quarantine_discard(&read(options)?).await?),
            "quarantine_retention" => json(client.quarantine_retention(&read(options)?).await?),
            other => panic!("there is no operation {other}"),
        })
    }
}

impl Face for RustFace {
    async fn call(&mut self, case: &Case) -> Outcome {
        self.run(case).await.map_err(|error| Failure {
            code: error.kind().as_str().to_owned(),
            error: error.text().into_owned(),
            retryable: error.is_retryable(),
            server_code: error.server_code(),
            server_error_name: error.server_error_name().map(str::to_owned),
            position: error.position().map(|at| {
                Box::new(serde_json::json!({"offset": at.offset, "line": at.line, "column": at.column}))
            }),
            aws_code: error.aws_code().map(str::to_owned),
        })
    }
}

fn running(options: Map<String, Value>) -> Result<QueryId, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct RunningQuery {
        query_id: QueryId,
    }
    read::<RunningQuery>(options).map(|query| query.query_id)
}

/// As the other faces read them: from text, where every digit of a number counts.
fn read<T: DeserializeOwned>(options: Map<String, Value>) -> Result<T, Error> {
    serde_json::from_str(&Value::from(options).to_string())
        .map_err(|error| Error::new(helios_core::ErrorKind::InvalidInput, error.to_string()))
}

fn json(answer: impl Serialize) -> Value {
    let text = serde_json::to_string(&answer).unwrap();
    serde_json::from_str(&text).unwrap()
}
