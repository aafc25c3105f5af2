//! Events that were put, and where each of them belongs.

use std::{io::Write as _, time::Duration};

use flate2::{Compression, write::GzEncoder};
use helios_core::{
    HeliosClient, QueryOptions, ReportOptions,
    clock::{Clock as _, SystemClock},
};
use helios_tests::KinesisDouble;
use serde_json::{Value, json};

/// Of ten events one does not fit the table, and one is refused by it.
const EVERY: u64 = 10;
const NO_FIT: u64 = 3;
const REFUSED: u64 = 7;

/// What was put.
#[derive(Debug, Default)]
pub(super) struct Put {
    next: u64,
    /// The ids that are rows.
    pub(super) good: Vec<u64>,
    /// The ids that are rejects, and whether ClickHouse refuses them.
    pub(super) rejects: Vec<(u64, bool)>,
}

impl Put {
    /// The statement by which a table `(id UInt64)` refuses some of these events.
    pub(super) fn constraint(table: &str) -> String {
        format!("ALTER TABLE {table} ADD CONSTRAINT refuses CHECK id % {EVERY} != {REFUSED}")
    }

    /// Puts so many more.
    pub(super) fn more(&mut self, double: &KinesisDouble, events: u64) {
        for _ in 0..events {
            let (id, value) = self.next();
            assert!(!double.put(id, format!(r#"{{"id":{value}}}"#)).is_empty());
        }
    }

    /// Puts so many more, each packed, and as many bytes when it is unpacked.
    pub(super) fn more_packed(&mut self, double: &KinesisDouble, events: u64, bytes: usize) {
        for _ in 0..events {
            let (id, value) = self.next();
            let start = format!(r#"{{"id":{value}"#);
            let padding = " ".repeat(bytes - start.len() - 1);
            assert!(!double.put(id, gzip(&[&start, &padding, "}"])).is_empty());
        }
    }

    /// Puts so many that are no objects, packed into one record.
    pub(super) fn list(&mut self, double: &KinesisDouble, events: u64) {
        let elements = "0,".repeat(usize::try_from(events - 1).unwrap());
        assert!(!double.put(self.next, gzip(&["[", &elements, "0]"])).is_empty());
        self.next += events;
    }

    /// The next event's id, and its value as it is sent.
    fn next(&mut self) -> (u64, String) {
        let (id, kind) = (self.next, self.next % EVERY);
        self.next += 1;
        if kind == NO_FIT || kind == REFUSED {
            self.rejects.push((id, kind == REFUSED));
        } else {
            self.good.push(id);
        }
        (id, if kind == NO_FIT { format!(r#""none {id}""#) } else { id.to_string() })
    }

    /// How many were put.
    pub(super) fn count(&self) -> u64 {
        self.next
    }

    /// Waits until as many have come to the table `events` of a database, or into its quarantine.
    pub(super) async fn arrived(&self, client: &HeliosClient, database: &str) {
        let sql = format!(
            "SELECT (SELECT count() FROM {database}.events) + \
             (SELECT count() FROM quarantine.events WHERE original_table = '{database}.events') AS n"
        );
        while rows(client, &sql).await[0]["n"].as_u64().unwrap() < self.next {
            SystemClock.sleep(Duration::from_millis(20)).await;
        }
    }

    /// Each is in the table `events` of a database or in its quarantine, once, and the report says so.
    pub(super) async fn check(&self, client: &HeliosClient, database: &str) {
        let ids = rows(client, &format!("SELECT id FROM {database}.events ORDER BY id")).await;
        let ids: Vec<_> = ids.iter().map(|row| row["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, self.good);
        let quarantined = rows(
            client,
            &format!(
                "SELECT toUInt64(extract(raw_data, '[0-9]+')) AS id, error_type = 'refused' AS refused \
                 FROM quarantine.events WHERE original_table = '{database}.events' ORDER BY id"
            ),
        )
        .await;
        let expected =
            self.rejects.iter().map(|(id, refused)| json!({"id": id, "refused": u8::from(*refused)}));
        assert_eq!(quarantined, expected.collect::<Vec<_>>());
        let options = ReportOptions::new("events").database(database).count_rows();
        let report = client.delivery_report(&options).await.unwrap();
        report.check().unwrap();
        let (good, rejects) = (self.good.len().try_into().unwrap(), self.rejects.len().try_into().unwrap());
        assert_eq!((report.inserted, report.quarantined), (good, rejects), "{report:?}");
        assert_eq!(report.quarantine.events, rejects);
        let counted = report.counted.unwrap();
        assert_eq!((counted.rows, counted.expected, counted.under_way), (good, good, 0));
        assert!(report.shards.iter().all(|shard| shard.lag_seconds == Some(0.0)), "{report:?}");
    }
}

fn gzip(parts: &[&str]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    for part in parts {
        packed.write_all(part.as_bytes()).unwrap();
    }
    packed.finish().unwrap()
}

/// The rows of a query.
pub(super) async fn rows(client: &HeliosClient, sql: &str) -> Vec<Value> {
    let result = client.query_with(sql, &QueryOptions::default()).await.unwrap();
    result.data.iter().map(|row| serde_json::from_str(row.get()).unwrap()).collect()
}
