//! Tables that Helios did not create: what their columns get, and from which fields.

use helios_core::{
    delivery::{MissingFields, Policy, UnknownFields},
    warehouse::TableName,
};
use serde_json::json;

use crate::engine::{Fixture, batch};

const SETTINGS: &str = "SETTINGS non_replicated_deduplication_window = 10000";

#[tokio::test]
async fn other_columns_are_computed_from_ephemeral_ones() {
    let fixture = Fixture::new(
        "id UInt64, raw String EPHEMERAL, n Nullable(String) EPHEMERAL, l Array(UInt8) EPHEMERAL, \
         m String EPHEMERAL '7a', k Nullable(String) EPHEMERAL 'k', bytes String DEFAULT unhex(raw), \
         name Nullable(String) MATERIALIZED n, size UInt64 MATERIALIZED length(l), more String DEFAULT unhex(m), \
         kept Nullable(String) MATERIALIZED k",
    )
    .await;
    let events = [
        r#"{"id":1,"raw":"3031","n":"x","l":[1,2],"m":"41","k":"y"}"#,
        r#"{"id":2}"#,
        r#"{"id":3,"raw":"3031","bytes":"own"}"#,
        r#"{"id":4,"n":null,"raw":"zz","raw":"zz"}"#,
        r#"{"id":5,"raw":[7]}"#,
    ];
    let report = fixture.deliver(&batch(0, events)).await.unwrap();
    assert_eq!((report.delivered, report.quarantined), (4, 1));
    let rows =
        fixture.rows("SELECT id, bytes, name, size, more, kept FROM {t} WHERE id < 5 ORDER BY id").await;
    let row = |id: u64, bytes: &str, name: Option<&str>, size: u64, more: &str, kept: &str| json!({"id": id, "bytes": bytes, "name": name, "size": size, "more": more, "kept": kept});
    let expected = [
        row(1, "01", Some("x"), 2, "A", "y"),
        row(2, "", None, 0, "z", "k"),
        row(3, "own", None, 0, "z", "k"),
    ];
    assert_eq!(rows, expected);
    let hex = Fixture::new("id UInt64, raw String EPHEMERAL, bytes String DEFAULT unhex(raw)").await;
    hex.deliver(&batch(0, [r#"{"id":1,"raw":"00ff"}"#])).await.unwrap();
    assert_eq!(hex.rows("SELECT hex(bytes) AS bytes FROM {t}").await, [json!({"bytes": "00FF"})]);
}

#[tokio::test]
async fn states_of_aggregates_are_left_to_their_default() {
    let fixture = Fixture::new(
        "id UInt64, total AggregateFunction(sum, UInt64) DEFAULT initializeAggregation('sumState', id), \
         best SimpleAggregateFunction(max, UInt64)",
    )
    .await;
    let events = [r#"{"id":1,"best":5}"#, r#"{"id":2,"best":6,"total":9}"#];
    assert_eq!(fixture.deliver(&batch(0, events)).await.unwrap().delivered, 2);
    let rows =
        fixture.rows("SELECT id, finalizeAggregation(total) AS total, best FROM {t} ORDER BY id").await;
    assert_eq!(rows, [json!({"id": 1, "total": 1, "best": 5}), json!({"id": 2, "total": 2, "best": 6})]);

    let without = Fixture::new("id UInt64, total AggregateFunction(sum, UInt64)").await;
    let error = without.deliver(&batch(0, [r#"{"id":1}"#])).await.unwrap_err().error;
    assert!(error.to_string().contains("column: total"), "{error}");
}

#[tokio::test]
async fn a_nested_is_filled_from_either_form() {
    let fixture = Fixture::new("id UInt64, n Nested(a UInt8, b Nullable(String), `c d` Array(UInt8))").await;
    let events = [
        r#"{"id":1,"n":[{"a":1,"b":"x","c d":[7]},{"c d":[],"b":null,"a":2}]}"#,
        r#"{"n":{"a":[3,4],"b":["y",null],"c d":[[1],[]]},"id":2}"#,
        r#"{"id":3,"n.a":[5],"n.b":["z"],"n.c d":[[]]}"#,
        r#"{"id":4,"n":[]}"#,
        r#"{"id":5,"n":null}"#,
        r#"{"id":6}"#,
        r#"{"id":7,"n":[{"a":8,"c d":[1]}]}"#,
        r#"{"id":8,"n":{"a":[],"b":[]}}"#,
        r#"{"id":9,"n":[{"a":1,"b":"x","c d":[],"more":5}]}"#,
    ];
    let target = fixture.target().await;
    for (at, unknown) in [UnknownFields::Ignore, UnknownFields::AddColumn].into_iter().enumerate() {
        fixture.execute(&format!("TRUNCATE TABLE {}", fixture.table)).await;
        let target = target.clone().with_policy(Policy::new(unknown, MissingFields::Reject));
        let report = fixture.deliverer.deliver(&target, &batch(100 * at as u64, events), None).await.unwrap();
        assert_eq!((report.delivered, report.quarantined), (9, 0));
        let rows = fixture.rows("SELECT * FROM {t} ORDER BY id").await;
        let row = |id: u64, a: serde_json::Value, b: serde_json::Value, c: serde_json::Value| json!({"id": id, "n.a": a, "n.b": b, "n.c d": c});
        let none = |id| row(id, json!([]), json!([]), json!([]));
        let expected = [
            row(1, json!([1, 2]), json!(["x", null]), json!([[7], []])),
            row(2, json!([3, 4]), json!(["y", null]), json!([[1], []])),
            row(3, json!([5]), json!(["z"]), json!([[]])),
            none(4),
            none(5),
            none(6),
            row(7, json!([8]), json!([null]), json!([[1]])),
            none(8),
            row(9, json!([1]), json!(["x"]), json!([[]])),
        ];
        assert_eq!(rows, expected);
    }
}

#[tokio::test]
async fn what_is_no_nested_is_a_reject() {
    let fixture = Fixture::new("id UInt64, n Nested(a UInt8, b String)").await;
    let target =
        fixture.target().await.with_policy(Policy::new(UnknownFields::Quarantine, MissingFields::Reject));
    let events = [
        r#"{"id":1,"n":5}"#,
        r#"{"id":2,"n":[5]}"#,
        r#"{"id":3,"n":[{"a":1,"b":"x"},{"a":"y","b":"x"}]}"#,
        r#"{"id":4,"n":{"a":[1],"b":[]}}"#,
        r#"{"id":5,"n":[{"a":1,"b":"x"}],"n.a":[1]}"#,
        r#"{"id":6,"n.a":[1],"n":{"a":[1]}}"#,
        r#"{"id":7,"n":[{"a":1,"b":"x"}],"n":[]}"#,
        r#"{"id":8,"n":[{"a":1,"b":"x","c":2}]}"#,
        r#"{"id":9,"n":[{"b":"x"}]}"#,
        r#"{"id":10,"n":[{"a":1,"a":1,"b":"x"}]}"#,
        r#"{"id":11,"n":[{"a":1,"b":"x"}]}"#,
    ];
    let report = fixture.deliverer.deliver(&target, &batch(0, events), None).await.unwrap();
    let query = "SELECT JSONExtractUInt(raw_data, 'id') AS id, error_type FROM {q} ORDER BY id";
    let found: Vec<_> = fixture
        .rows(query)
        .await
        .iter()
        .map(|row| (row["id"].as_u64().unwrap(), row["error_type"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [
        (1, "type_mismatch"),
        (2, "type_mismatch"),
        (3, "type_mismatch"),
        (4, "out_of_range"),
        (5, "duplicate_field"),
        (6, "duplicate_field"),
        (7, "duplicate_field"),
        (8, "unknown_field"),
        (9, "null_value"),
        (10, "duplicate_field"),
    ];
    assert_eq!(found, expected.map(|(id, kind)| (id, kind.to_owned())));
    assert_eq!((report.delivered, report.quarantined), (1, 10));
    let rows = fixture.rows("SELECT * FROM {t}").await;
    assert_eq!(rows, [json!({"id": 11, "n.a": [1], "n.b": ["x"]})]);
}

#[tokio::test]
async fn a_column_beyond_the_events_gets_its_default() {
    let fixture = Fixture::new("id UInt64, inserted_at DateTime DEFAULT now()").await;
    let report = fixture.deliver(&batch(0, [r#"{"id":1}"#])).await.unwrap();
    assert_eq!((report.delivered, report.quarantined), (1, 0));
    let recent = "SELECT abs(dateDiff('minute', inserted_at, now())) < 60 AS recent FROM {t}";
    assert_eq!(fixture.rows(recent).await, [json!({"recent": 1})]);
}

#[tokio::test]
async fn keys_of_a_map_may_be_an_enum() {
    let fixture = Fixture::new("id UInt64, m Map(Enum8('a' = 1, 'b c' = -2), UInt8)").await;
    let events = [r#"{"id":1,"m":{"b c":2,"a":1}}"#, r#"{"id":2,"m":{"z":1}}"#, r#"{"id":3}"#];
    let report = fixture.deliver(&batch(0, events)).await.unwrap();
    assert_eq!((report.delivered, report.quarantined), (2, 1));
    let rows = fixture.rows("SELECT id, toString(m) AS m FROM {t} ORDER BY id").await;
    assert_eq!(rows, [json!({"id": 1, "m": "{'b c':2,'a':1}"}), json!({"id": 3, "m": "{}"})]);
}

#[tokio::test]
async fn the_engine_of_a_view_is_known() {
    let fixture = Fixture::new("id UInt64").await;
    let database = fixture.table.database();
    let of = |name: &str| TableName::new(database.as_str(), name).unwrap();
    for (name, statement) in [
        ("view", "VIEW {v} AS SELECT id FROM {t}"),
        ("fed", "MATERIALIZED VIEW {v} ENGINE = MergeTree ORDER BY id AS SELECT id FROM {t}"),
        ("null", "TABLE {v} (id UInt64) ENGINE = Null"),
    ] {
        let statement = statement.replace("{v}", &of(name).to_string());
        fixture.execute(&format!("CREATE {}", statement.replace("{t}", &fixture.table.to_string()))).await;
    }
    let warehouse = fixture.deliverer.warehouse();
    for (name, engine) in [("view", "View"), ("fed", "MaterializedView"), ("null", "Null")] {
        let found = warehouse.describe_table(&of(name)).await.unwrap().unwrap();
        assert_eq!(found.engine, engine);
    }
}

#[tokio::test]
async fn the_merge_tree_family_is_filled() {
    for (columns, engine, query, expected) in [
        (
            "id UInt64, v UInt8, sign Int8 DEFAULT 1",
            "CollapsingMergeTree(sign)",
            "SELECT id, v, sign FROM {t} FINAL ORDER BY id",
            vec![json!({"id": 2, "v": 2, "sign": 1})],
        ),
        (
            "id UInt64, v UInt8, sign Int8 DEFAULT 1",
            "VersionedCollapsingMergeTree(sign, v)",
            "SELECT id, v, sign FROM {t} FINAL ORDER BY id",
            vec![json!({"id": 2, "v": 2, "sign": 1})],
        ),
        (
            "id UInt64, v UInt8",
            "SummingMergeTree",
            "SELECT id, v FROM {t} FINAL ORDER BY id",
            vec![json!({"id": 1, "v": 2}), json!({"id": 2, "v": 2})],
        ),
        (
            "id UInt64, v UInt8",
            "ReplacingMergeTree(v)",
            "SELECT id, v FROM {t} FINAL ORDER BY id",
            vec![json!({"id": 1, "v": 1}), json!({"id": 2, "v": 2})],
        ),
        (
            "id UInt64, v SimpleAggregateFunction(max, UInt8)",
            "AggregatingMergeTree",
            "SELECT id, v FROM {t} FINAL ORDER BY id",
            vec![json!({"id": 1, "v": 1}), json!({"id": 2, "v": 2})],
        ),
    ] {
        let fixture = Fixture::with(&format!("({columns}) ENGINE = {engine} ORDER BY id {SETTINGS}")).await;
        let events = [r#"{"id":1,"v":1,"sign":1}"#, r#"{"id":2,"v":2}"#, r#"{"id":1,"v":1,"sign":-1}"#];
        fixture.deliver(&batch(0, events)).await.unwrap();
        assert_eq!(fixture.rows(query).await, expected, "{engine}");
    }
}
