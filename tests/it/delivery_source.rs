//! A source, the function that delivers it, and events as Lambda hands them over.

use std::{
    collections::HashMap,
    io::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use helios_core::{CreateTable, HeliosClient, TableCreated};
use helios_embedded::{Credentials, Listener};
use helios_tests::{Account, Answer, Function, FunctionError, Runtime, binary, deploy};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::shop::{account, client, client_of, columns, database, rows};

const SCHEMA: &[(&str, &str)] = &[("id", "UInt64"), ("name", "Nullable(String)")];
/// The ClickHouse user of the function.
pub(crate) const USER: &str = "delivery";
/// A free loopback port.
pub(crate) const ANYWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A stream that feeds a table, and a ClickHouse password that nothing may print.
pub(crate) struct Source {
    account: Account,
    pub(crate) client: HeliosClient,
    pub(crate) stream_arn: String,
    pub(crate) table: String,
    pub(crate) statement: String,
    pub(crate) password: String,
}

impl Source {
    pub(crate) async fn create() -> Self {
        let account = account().await;
        account.create_stream("clicks", 1).await.unwrap();
        deploy_stand_in(&account).await;
        let client = client_of(&account);
        let database = database().await;
        let created = create_table(&client, &database).await;
        Self {
            stream_arn: created.stream_arn,
            table: format!("{database}.events"),
            statement: created.create_table_query,
            password: secret(),
            account,
            client,
        }
    }

    /// One more table that the stream feeds.
    pub(crate) async fn second_table(&self) -> String {
        let database = database().await;
        create_table(&self.client, &database).await;
        format!("{database}.events")
    }

    /// The engine on a loopback port, as a ClickHouse server.
    pub(crate) async fn listen(&self, address: SocketAddr) -> Listener {
        let credentials = Credentials::new(USER, &self.password);
        client().warehouse().engine().unwrap().listen(address, Some(credentials)).await.unwrap()
    }

    pub(crate) fn environment(&self, clickhouse: SocketAddr) -> HashMap<String, String> {
        let variables = [
            ("AWS_REGION", self.account.region()),
            ("AWS_ENDPOINT_URL", self.account.endpoint()),
            ("AWS_ACCESS_KEY_ID", self.account.id()),
            ("AWS_SECRET_ACCESS_KEY", self.account.secret_key()),
            ("HELIOS_CLICKHOUSE_URL", &format!("http://{clickhouse}")),
            ("HELIOS_CLICKHOUSE_USER", USER),
            ("HELIOS_CLICKHOUSE_PASSWORD", &self.password),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    pub(crate) async fn function(&self, clickhouse: SocketAddr) -> Runtime {
        start(self.environment(clickhouse)).await
    }

    pub(crate) fn event(&self, records: &[Record<'_>]) -> Value {
        event(&self.stream_arn, records)
    }

    pub(crate) async fn ids(&self) -> Vec<u64> {
        ids(&self.table).await
    }

    /// The sequence numbers and bytes of what is in quarantine.
    pub(crate) async fn quarantined(&self) -> Vec<(String, Vec<u8>)> {
        let rows = rows(&format!(
            "SELECT sequence_number, hex(raw_data) AS raw FROM quarantine.events \
             WHERE original_table = '{}' ORDER BY sequence_number",
            self.table
        ))
        .await;
        let parsed = rows.iter().map(|row| serde_json::from_str::<Value>(row).unwrap());
        parsed.map(|row| (text(&row["sequence_number"]), unhex(row["raw"].as_str().unwrap()))).collect()
    }
}

/// Shard, place in it, and payload.
pub(crate) type Record<'a> = (&'a str, u64, &'a [u8]);

async fn create_table(client: &HeliosClient, database: &str) -> TableCreated {
    let spec = CreateTable::new("clicks", "events", columns(SCHEMA)).database(database).order_by(["id"]);
    client.create_table(&spec).await.unwrap()
}

/// What makes the trigger possible. It is never invoked: nothing is put into the stream.
async fn deploy_stand_in(account: &Account) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"#!/bin/sh\n").unwrap();
    deploy(account, function(file.path(), HashMap::new())).await.unwrap();
}

fn function(bootstrap: &Path, environment: HashMap<String, String>) -> Function<'_> {
    Function { name: "helios-delivery", bootstrap, environment, timeout_seconds: 60 }
}

pub(crate) async fn start(environment: HashMap<String, String>) -> Runtime {
    let bootstrap = binary("bootstrap").unwrap();
    Runtime::start(&function(&bootstrap, environment)).await.unwrap()
}

/// A function whose invocations are ended after so long.
pub(crate) async fn start_with_timeout(environment: HashMap<String, String>, seconds: i32) -> Runtime {
    let bootstrap = binary("bootstrap").unwrap();
    let function = Function { timeout_seconds: seconds, ..function(&bootstrap, environment) };
    Runtime::start(&function).await.unwrap()
}

pub(crate) fn event(stream_arn: &str, records: &[Record<'_>]) -> Value {
    let records: Vec<Value> = records
        .iter()
        .map(|(shard, place, data)| {
            let number = sequence_number(*place);
            json!({
                "kinesis": {
                    "kinesisSchemaVersion": "1.0", "partitionKey": "1", "sequenceNumber": number,
                    "data": BASE64_STANDARD.encode(data), "approximateArrivalTimestamp": 1_768_464_000.25
                },
                "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventName": "aws:kinesis:record",
                "eventID": format!("{shard}:{number}"), "awsRegion": "eu-west-1",
                "invokeIdentityArn": "arn:aws:iam::000000000000:role/r", "eventSourceARN": stream_arn
            })
        })
        .collect();
    json!({ "Records": records })
}

pub(crate) fn sequence_number(place: u64) -> String {
    format!("4959{place:052}")
}

pub(crate) fn acknowledged() -> Answer {
    Answer::Response(json!({"batchItemFailures": []}))
}

pub(crate) fn not_acknowledged(place: u64) -> Answer {
    Answer::Response(json!({"batchItemFailures": [{"itemIdentifier": sequence_number(place)}]}))
}

pub(crate) fn failed(answer: Answer) -> FunctionError {
    match answer {
        Answer::Error(error) => error,
        Answer::Response(response) => panic!("acknowledged: {response}"),
    }
}

pub(crate) async fn ids(table: &str) -> Vec<u64> {
    let rows = rows(&format!("SELECT id FROM {table} ORDER BY id")).await;
    rows.iter().map(|row| serde_json::from_str::<Value>(row).unwrap()["id"].as_u64().unwrap()).collect()
}

pub(crate) fn secret() -> String {
    Uuid::new_v4().simple().to_string()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}
