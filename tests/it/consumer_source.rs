//! A stream of the Kinesis double, the table it fills, and a client that delivers in this process.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use helios_core::{
    CreateTable, Credentials, HeliosClient, TableCreated,
    clock::{Clock as _, SystemClock},
    delivery::{ConsumeProgress, Consumer},
    sources::Delivery,
    streams::Position,
};
use helios_tests::{Account, KinesisDouble};

use crate::{
    delivery_source::ids,
    shop::{account, client, columns, database},
};

/// The stream's name.
pub(crate) const STREAM: &str = "clicks";

/// A table that is filled, from the oldest event on.
pub(crate) struct Sink {
    pub(crate) database: String,
    pub(crate) table: String,
    pub(crate) created: TableCreated,
}

impl Sink {
    pub(crate) async fn create(client: &HeliosClient) -> Self {
        let database = database().await;
        let spec = CreateTable::new(STREAM, "events", columns(&[("id", "UInt64")]))
            .database(&database)
            .delivery(Delivery::Consumer)
            .start_position(Position::Oldest);
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

    /// Runs a consumer that ends when it has caught up.
    pub(crate) async fn consume(&self) -> helios_core::delivery::ConsumeReport {
        self.client.consume(STREAM).until_caught_up().await.unwrap()
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

/// Waits until something is so; for ever, if it never is.
pub(crate) async fn wait_for(is_so: impl Fn() -> bool) {
    while !is_so() {
        SystemClock.sleep(Duration::from_millis(10)).await;
    }
}
