//! A stream, its table, and ClickHouse on a port, which stays up when other processes are killed.

use std::{collections::HashMap, time::Duration};

use helios_core::{
    clock::{Clock as _, SystemClock},
    delivery::ledger::Ledger as _,
};
use helios_embedded::Listener;
use helios_tests::Random;

use super::{chance, put::Put};
use crate::{
    consumer_source::{ClickHouse, Stage},
    delivery_source::ANYWHERE,
    lossy_proxy::LossyProxy,
};

pub(super) struct Arena {
    pub(super) stage: Stage,
    _clickhouse: Listener,
    /// How the processes that are killed reach it.
    pub(super) proxy: LossyProxy,
    pub(super) environment: HashMap<String, String>,
    pub(super) chance: Random,
    pub(super) put: Put,
}

impl Arena {
    pub(super) async fn build(shards: usize) -> Self {
        let (stage, clickhouse) = (Stage::set(shards).await, ClickHouse::new());
        let constraint = Put::constraint(&stage.sink.table);
        stage.client.warehouse().execute(&constraint).await.unwrap();
        let listener = clickhouse.listen(ANYWHERE).await;
        let proxy = LossyProxy::to(listener.local_addr()).await;
        let environment = clickhouse.environment(&stage.double, proxy.address());
        Self { stage, _clickhouse: listener, proxy, environment, chance: chance(), put: Put::default() }
    }

    pub(super) fn put(&mut self, events: u64) {
        self.put.more(&self.stage.double, events);
    }

    /// Waits until as many events have arrived as were put.
    pub(super) async fn delivered(&self) {
        self.put.arrived(&self.stage.client, &self.stage.sink.database).await;
    }

    /// How many shards have a range that was begun and is not finished, and how many of these have refused rows.
    pub(super) async fn open_ranges(&self) -> (usize, usize) {
        let ledger = self.stage.client.ledger().await.unwrap();
        let created = &self.stage.sink.created;
        let entries = ledger.of_source(&created.stream_arn, created.table_uuid).await.unwrap();
        let open: Vec<_> = entries.iter().filter_map(|(_, entry)| entry.open.as_ref()).collect();
        (open.len(), open.iter().filter(|open| !open.refused.is_empty()).count())
    }

    /// Waits until a range that is not finished is known to have refused rows, or all is delivered.
    pub(super) async fn rows_are_refused(&self) {
        let refused = async {
            while self.open_ranges().await.1 == 0 {
                SystemClock.sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            () = refused => {}
            () = self.delivered() => {}
        }
    }

    pub(super) async fn check(&self) {
        self.put.check(&self.stage.client, &self.stage.sink.database).await;
    }
}
