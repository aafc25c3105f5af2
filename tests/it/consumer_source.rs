//! A stream of the Kinesis double, the table it fills, and a client that delivers in this process.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::types::{EventSourcePosition, FunctionResponseType};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use helios_core::{
    CreateTable, Credentials, HeliosClient, TableCreated,
    clock::{Clock as _, SystemClock},
    delivery::{ConsumeProgress, Consumer},
    sources::Delivery,
    streams::Position,
};
use helios_embedded::Listener;
use helios_tests::{Account, KinesisDouble};
use serde_json::{Value, json};

use crate::{
    delivery_source::{USER, ids, secret},
    shop::{account, client, columns, database},
    source_scene::{FUNCTION, stand_in},
};

/// The stream's name.
pub(crate) const STREAM: &str = "clicks";

/// A table that is filled, from the oldest event on unless it is told otherwise.
pub(crate) struct Sink {
    pub(crate) database: String,
    pub(crate) table: String,
    pub(crate) created: TableCreated,
}

impl Sink {
    pub(crate) async fn create(client: &HeliosClient) -> Self {
        Self::create_at(client, Position::Oldest).await
    }

    pub(crate) async fn create_at(client: &HeliosClient, position: Position) -> Self {
        let database = database().await;
        let spec = CreateTable::new(STREAM, "events", columns(&[("id", "UInt64")]))
            .database(&database)
            .delivery(Delivery::Consumer)
            .start_position(position);
        let created = client.create_table(&spec).await.unwrap();
        Self { table: format!("{database}.events"), database, created }
    }

    pub(crate) async fn ids(&self) -> Vec<u64> {
        ids(&self.table).await
    }
}

/// A stream and its table.
pub(crate) struct Stage {
    pub(crate) double: Arc<KinesisDouble>,
    pub(crate) client: HeliosClient,
    pub(crate) sink: Sink,
    produced: u64,
}

impl Stage {
    pub(crate) async fn set(shards: usize) -> Self {
        let double = KinesisDouble::start(&account().await, STREAM, shards).await.unwrap();
        let client = client_at(double.account(), double.endpoint());
        let sink = Sink::create(&client).await;
        Self { double: Arc::new(double), client, sink, produced: 0 }
    }

    /// Puts events, each with the next id, and returns how many each shard has got.
    pub(crate) fn put(&mut self, events: u64) -> BTreeMap<String, u64> {
        let mut shards = BTreeMap::new();
        for id in self.produced..self.produced + events {
            let shard = self.double.put(id, format!(r#"{{"id":{id}}}"#));
            assert!(!shard.is_empty());
            *shards.entry(shard).or_default() += 1;
        }
        self.produced += events;
        shards
    }

    /// The ids of all events so far.
    pub(crate) fn produced(&self) -> Vec<u64> {
        (0..self.produced).collect()
    }

    /// Every event is in the table, once.
    pub(crate) async fn check(&self) {
        assert_eq!(self.sink.ids().await, self.produced());
    }

    /// Lets the function fill a table, not a consumer. The stream gets a trigger, which does not run.
    pub(crate) async fn deliver_by_function(&self, sink: &Sink) {
        let dynamo = self.double.account().dynamodb();
        let key = [
            ("stream_id", sink.created.stream_arn.clone()),
            ("table_id", sink.created.table_uuid.to_string()),
        ];
        let key = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
        let update = dynamo.update_item().table_name("helios-sources").set_key(Some(key.into()));
        let update = update.update_expression("SET delivery = :function");
        let function = AttributeValue::S("function".to_owned());
        update.expression_attribute_values(":function", function).send().await.unwrap();
        let lambda = self.double.account().lambda();
        let triggers = lambda.list_event_source_mappings().send().await.unwrap();
        if !triggers.event_source_mappings().is_empty() {
            return;
        }
        stand_in(self.double.account()).await;
        let trigger = lambda.create_event_source_mapping().event_source_arn(self.double.arn()).enabled(false);
        let trigger = trigger.function_name(FUNCTION).starting_position(EventSourcePosition::TrimHorizon);
        let trigger = trigger.function_response_types(FunctionResponseType::ReportBatchItemFailures);
        trigger.send().await.unwrap();
    }

    /// Some records of a shard as Lambda hands them over.
    pub(crate) fn event(&self, shard: &str, records: std::ops::Range<usize>) -> Value {
        event(&self.double, shard, records)
    }

    /// Runs a consumer that ends when it has caught up.
    pub(crate) async fn consume(&self) -> helios_core::delivery::ConsumeReport {
        self.client.consume(STREAM).until_caught_up().await.unwrap()
    }
}

/// Some records of a shard as Lambda hands them over.
pub(crate) fn event(double: &KinesisDouble, shard: &str, records: std::ops::Range<usize>) -> Value {
    let arn = double.arn();
    let all = double.records(shard);
    let records = all[records].iter().map(|record| {
        let number = record.sequence_number();
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0", "partitionKey": "1", "sequenceNumber": number,
                "data": BASE64_STANDARD.encode(&record.data),
                "approximateArrivalTimestamp": record.arrival.as_second(),
            },
            "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventName": "aws:kinesis:record",
            "eventID": format!("{shard}:{number}"), "awsRegion": "eu-west-1", "eventSourceARN": arn
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

/// The engine of the process as a ClickHouse server for other processes, with a password of its own.
pub(crate) struct ClickHouse {
    password: String,
}

impl ClickHouse {
    pub(crate) fn new() -> Self {
        Self { password: secret() }
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    pub(crate) async fn listen(&self, address: SocketAddr) -> Listener {
        let credentials = helios_embedded::Credentials::new(USER, &self.password);
        client().warehouse().engine().unwrap().listen(address, Some(credentials)).await.unwrap()
    }

    /// The settings of another process that delivers a double's stream into it, by way of this address.
    pub(crate) fn environment(&self, double: &KinesisDouble, address: SocketAddr) -> HashMap<String, String> {
        let account = double.account();
        [
            ("AWS_REGION", account.region().to_owned()),
            ("AWS_ENDPOINT_URL", double.endpoint().to_owned()),
            ("AWS_ACCESS_KEY_ID", account.id().to_owned()),
            ("AWS_SECRET_ACCESS_KEY", account.secret_key().to_owned()),
            ("HELIOS_CLICKHOUSE_URL", format!("http://{address}")),
            ("HELIOS_CLICKHOUSE_USER", USER.to_owned()),
            ("HELIOS_CLICKHOUSE_PASSWORD", self.password.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// A client in this process that goes by way of this address.
    pub(crate) fn client(&self, double: &KinesisDouble, address: SocketAddr) -> HeliosClient {
        let account = double.account();
        HeliosClient::builder()
            .clickhouse_url(format!("http://{address}"))
            .clickhouse_user(USER, self.password.clone())
            .region(account.region())
            .endpoint_url(double.endpoint())
            .credentials(Credentials::keys(account.id(), account.secret_key()))
            .build()
            .unwrap()
    }
}

/// A client of the process's engine, and of AWS behind this endpoint.
pub(crate) fn client_at(account: &Account, endpoint: &str) -> HeliosClient {
    HeliosClient::builder()
        .data_path(client().warehouse().engine().unwrap().path())
        .region(account.region())
        .endpoint_url(endpoint)
        .credentials(Credentials::keys(account.id(), account.secret_key()))
        .build()
        .unwrap()
}

/// Waits until a consumer has come so far.
pub(crate) async fn until(consumer: &Consumer, has_come: impl Fn(&ConsumeProgress) -> bool) {
    wait_for(|| has_come(&consumer.progress())).await;
}

/// Longer than anything takes here.
const FOREVER: Duration = Duration::from_secs(120);

/// Waits until something is so; fails if it never is.
pub(crate) async fn wait_for(is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            SystemClock.sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(FOREVER, wait).await.is_ok(), "what was waited for has not come");
}
