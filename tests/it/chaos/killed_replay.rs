//! The replay of rejects, killed.

use std::{process::Stdio, sync::Arc};

use helios_core::{
    CreateTable, HeliosClient, ReportOptions,
    delivery::quarantine::{RejectSelection, ReplayRejects},
    sources::Delivery,
    streams::Position,
};
use helios_embedded::Listener;
use helios_tests::{Fate, Gate, KinesisDouble, Random, Script};
use serde_json::json;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use super::{ROUND, chance, put::rows, rounds};
use crate::{
    consumer_source::{ClickHouse, STREAM, client_at},
    delivery_source::ANYWHERE,
    shop::{account, columns, database},
};

const EVENTS: u64 = 80;
/// What is done to the table before a replay is repeated.
const CHANGES: [&str; 5] = [
    "",
    // Refuses some events that fit otherwise.
    "ALTER TABLE {t} ADD CONSTRAINT later CHECK id % 8 != 3",
    "ALTER TABLE {t} MODIFY COLUMN v UInt64",
    "ALTER TABLE {t} ADD COLUMN more UInt8 DEFAULT 7",
    // Some events that have fitted do not any more.
    "ALTER TABLE {t} MODIFY COLUMN v UInt16",
];

/// A table some of whose rejects fit it by now.
struct Scene {
    double: KinesisDouble,
    client: HeliosClient,
    database: String,
    clickhouse: ClickHouse,
    listener: Listener,
}

impl Scene {
    async fn set() -> Self {
        let double = KinesisDouble::start(&account().await, STREAM, 2).await.unwrap();
        let client = client_at(double.account(), double.endpoint());
        let (database, clickhouse) = (database().await, ClickHouse::new());
        let spec = CreateTable::new(STREAM, "events", columns(&[("id", "UInt64"), ("v", "UInt8")]))
            .database(&database)
            .delivery(Delivery::Consumer)
            .start_position(Position::Oldest);
        client.create_table(&spec).await.unwrap();
        for id in 0..EVENTS {
            let v = [1, 300, 70_000, 3_000_000][usize::try_from(id % 4).unwrap()];
            double.put(id, json!({"id": id, "v": v}).to_string());
        }
        client.consume(STREAM).until_caught_up().await.unwrap();
        let listener = clickhouse.listen(ANYWHERE).await;
        let scene = Self { double, client, database, clickhouse, listener };
        scene.change("ALTER TABLE {t} MODIFY COLUMN v UInt32").await;
        scene
    }

    async fn change(&self, statement: &str) {
        if !statement.is_empty() {
            let statement = statement.replace("{t}", &format!("{}.events", self.database));
            self.client.warehouse().execute(&statement).await.unwrap();
        }
    }

    /// A replay in a process of its own, on its way through gates.
    async fn replay(&self, script: &Arc<Script>) -> (Child, Gate, Gate) {
        let address = self.listener.local_addr();
        let aws = Gate::to(self.double.endpoint(), script).await.unwrap();
        let clickhouse = Gate::to(&format!("http://{address}"), script).await.unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_helios-replay"))
            .arg(format!("{}.events", self.database))
            .env_clear()
            .envs(self.clickhouse.environment(&self.double, address))
            .env("AWS_ENDPOINT_URL", aws.endpoint())
            .env("HELIOS_CLICKHOUSE_URL", clickhouse.endpoint())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        (child, aws, clickhouse)
    }

    /// A replay that is killed when this call of its was done, and not answered yet. `false` if it has come to its end first.
    async fn replay_and_die_at(&self, call: usize) -> bool {
        let script = Script::with(call, Fate::Unanswered);
        let (mut child, _aws, _clickhouse) = self.replay(&script).await;
        let met = timeout(ROUND, async {
            tokio::select! {
                () = script.met() => true,
                ended = child.wait() => {
                    ended.unwrap();
                    false
                }
            }
        });
        let is_met = met.await.unwrap();
        child.kill().await.unwrap();
        is_met
    }

    /// Each event is a row, with the value that was sent, or a reject.
    async fn check(&self, case: &str, keeps_values: bool) {
        let database = &self.database;
        let held = rows(
            &self.client,
            &format!(
                "SELECT id, v FROM (SELECT id, toUInt64(v) AS v FROM {database}.events UNION ALL \
                 SELECT JSONExtractUInt(raw_data, 'id') AS id, JSONExtractUInt(raw_data, 'v') AS v FROM quarantine.events \
                 WHERE original_table = '{database}.events') ORDER BY id"
            ),
        )
        .await;
        let ids: Vec<_> = held.iter().map(|row| row["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, (0..EVENTS).collect::<Vec<_>>(), "{case}");
        if keeps_values {
            let sent = |id: u64| [1, 300, 70_000, 3_000_000][usize::try_from(id % 4).unwrap()];
            assert!(held.iter().all(|row| row["v"] == sent(row["id"].as_u64().unwrap())), "{case}: {held:?}");
        }
        let options = ReportOptions::new("events").database(database).count_rows();
        let report = self.client.delivery_report(&options).await.unwrap();
        assert!(report.balanced, "{case}: {report:?}");
        let counted = report.counted.unwrap();
        assert_eq!((counted.rows, counted.under_way), (counted.expected, 0), "{case}");
        assert_eq!(counted.rows + report.quarantine.events, EVENTS, "{case}: {report:?}");
    }
}

#[tokio::test]
async fn a_replay_that_is_killed_loses_and_doubles_nothing() {
    let mut chance = chance();
    let script = Script::with(usize::MAX - 1, Fate::Unanswered);
    let whole = Scene::set().await;
    let status = whole.replay(&script).await.0.wait().await.unwrap();
    assert!(status.success());
    whole.check("not killed", true).await;
    let calls = script.calls();
    let insert = calls.iter().position(|call| call.starts_with("clickhouse:INSERT")).unwrap();
    println!("{} calls: {calls:?}", calls.len());
    for round in 0..rounds(4) {
        // At first between the insert and its note, with a constraint.
        let (at, change) = if round == 0 { (insert, CHANGES[1]) } else { any(&mut chance, calls.len()) };
        let scene = Scene::set().await;
        assert!(scene.replay_and_die_at(at).await, "it has no call {at}");
        scene.change(change).await;
        // Killed once more, perhaps, while it finishes what was begun.
        let again = usize::try_from(chance.below(2 * u64::try_from(calls.len()).unwrap())).unwrap();
        let is_killed_again = scene.replay_and_die_at(again).await;
        let case = format!(
            "killed at call {at} ({}), then {change:?}, then killed at {again}: {is_killed_again}",
            calls[at]
        );
        println!("round {round}: {case}");
        let rejects = ReplayRejects::new(RejectSelection::new("events").database(&scene.database));
        timeout(ROUND, scene.client.quarantine_replay(&rejects)).await.unwrap().unwrap();
        scene.check(&case, change != CHANGES[4]).await;
    }
}

fn any(chance: &mut Random, calls: usize) -> (usize, &'static str) {
    let calls = u64::try_from(calls).unwrap();
    let change = chance.below(u64::try_from(CHANGES.len()).unwrap());
    (usize::try_from(chance.below(calls)).unwrap(), CHANGES[usize::try_from(change).unwrap()])
}
