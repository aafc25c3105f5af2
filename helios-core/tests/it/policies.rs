//! Events with fields too many or too few, on the real engine.

use helios_core::delivery::{Batch, BatchReport, MissingFields, Policy, Target, UnknownFields};
use serde_json::json;

use crate::engine::{Fixture, batch};

async fn under(fixture: &Fixture, unknown: UnknownFields, missing: MissingFields) -> Target {
    fixture.target().await.with_policy(Policy::new(unknown, missing))
}

async fn deliver(fixture: &Fixture, target: &Target, batch: &Batch) -> BatchReport {
    fixture.deliverer.deliver(target, batch, None).await.unwrap()
}

#[tokio::test]
async fn unknown_fields_go_to_quarantine_where_that_is_the_policy() {
    let fixture = Fixture::new("id UInt64").await;
    let target = under(&fixture, UnknownFields::Quarantine, MissingFields::Reject).await;
    let report = deliver(&fixture, &target, &batch(0, [r#"{"id":1,"x":[7]}"#, r#"{"id":2}"#])).await;
    assert_eq!((report.delivered, report.quarantined), (1, 1));
    let rows = fixture.rows("SELECT error_type, error_message AS message, column, raw_data FROM {q}").await;
    let message = "at $.x: the table has no column for this field: [7]; add one, or let the source ignore unknown fields";
    let expected = json!({"error_type": "unknown_field", "message": message, "column": null, "raw_data": r#"{"id":1,"x":[7]}"#});
    assert_eq!(rows, [expected]);
}

#[tokio::test]
async fn zero_values_stand_in_where_that_is_the_policy() {
    let fixture = Fixture::new(
        "id UInt64, a UInt8, b String, c UInt8 DEFAULT 7, d Nullable(UInt8), e Nullable(UInt8) DEFAULT 7, \
         f Array(UInt8) DEFAULT [7], g Nullable(UInt8) DEFAULT id",
    )
    .await;
    let target = under(&fixture, UnknownFields::Ignore, MissingFields::ZeroValue).await;
    let report = deliver(&fixture, &target, &batch(0, [r#"{"id":1,"g":1}"#, r#"{"id":2}"#])).await;
    assert_eq!((report.delivered, report.quarantined), (1, 1), "nothing stands in for a default");
    let rows = fixture.rows("SELECT * FROM {t}").await;
    assert_eq!(rows, [json!({"id": 1, "a": 0, "b": "", "c": 7, "d": null, "e": 7, "f": [7], "g": 1})]);
}

#[tokio::test]
async fn columns_are_added_for_unknown_fields() {
    let fixture = Fixture::new("id UInt64").await;
    let stale = under(&fixture, UnknownFields::AddColumn, MissingFields::Reject).await;
    let events = [
        r#"{"id":1}"#,
        r#"{"id":2,"n":-1,"b`; DROP TABLE x":"text","o":{"a":1},"l":["x"],"nothing":null}"#,
        r#"{"id":3,"n":5,"at":"2024-06-15T12:00:00Z"}"#,
        r#"{"id":5,"":1}"#,
    ];
    let report = deliver(&fixture, &stale, &batch(0, events)).await;
    assert_eq!((report.delivered, report.quarantined), (3, 1));
    let columns =
        "SELECT name, type FROM system.columns WHERE database || '.' || table = {name} ORDER BY position";
    let columns = columns.replace("{name}", &format!("'{}'", fixture.table.plain()));
    let expected = [
        ("id", "UInt64"),
        ("n", "Nullable(Int64)"),
        ("b`; DROP TABLE x", "Nullable(String)"),
        ("o", "JSON"),
        ("l", "Array(String)"),
        ("at", "Nullable(DateTime64(3, 'UTC'))"),
    ]
    .map(|(name, data_type)| json!({"name": name, "type": data_type}));
    assert_eq!(fixture.rows(&columns).await, expected);
    let rows = fixture
        .rows("SELECT id, n, o.a::Nullable(Int64) AS a, l, toString(at) AS at FROM {t} ORDER BY id")
        .await;
    assert_eq!(
        rows,
        [
            json!({"id": 1, "n": null, "a": null, "l": [], "at": null}),
            json!({"id": 2, "n": -1, "a": 1, "l": ["x"], "at": null}),
            json!({"id": 3, "n": 5, "a": null, "l": [], "at": "2024-06-15 12:00:00.000"}),
        ]
    );
    // Whoever still has the table as it was finds the columns there, and takes them as they are.
    let report = deliver(&fixture, &stale, &batch(10, [r#"{"id":6,"n":"x"}"#, r#"{"id":7,"n":8}"#])).await;
    assert_eq!((report.delivered, report.quarantined), (1, 1));
    assert_eq!(fixture.rows(&columns).await, expected);
}

/// Two shards bring the same field as something else.
#[tokio::test]
async fn whoever_adds_a_column_first_decides_its_type() {
    let fixture = Fixture::new("id UInt64").await;
    let target = under(&fixture, UnknownFields::AddColumn, MissingFields::Reject).await;
    let mut batches = [batch(0, [r#"{"id":1,"x":1}"#]), batch(0, [r#"{"id":2,"x":"one"}"#])];
    batches[1].shard = "shardId-000000000001".to_owned();
    let other = fixture.another_deliverer();
    let (first, second) = tokio::join!(
        fixture.deliverer.deliver(&target, &batches[0], None),
        other.deliver(&target, &batches[1], None)
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    let ids = fixture.rows("SELECT id FROM {t} ORDER BY id").await;
    let kind = fixture.rows("SELECT DISTINCT toTypeName(x) AS kind FROM {t}").await;
    if kind == [json!({"kind": "Nullable(UInt64)"})] {
        assert_eq!((first.delivered, second.quarantined), (1, 1));
        assert_eq!(ids, [json!({"id": 1})]);
    } else {
        // A text takes a number, too, as its JSON text.
        assert_eq!((first.delivered, second.delivered), (1, 1));
        assert_eq!((kind, ids.len()), (vec![json!({"kind": "Nullable(String)"})], 2));
    }
}

/// Beside a type that a `JSON` would turn into a text, an object is a text itself.
#[tokio::test]
async fn an_added_column_leaves_the_others_as_they_are() {
    let fixture = Fixture::new("id UInt64, v Variant(UInt64, Bool)").await;
    let target = under(&fixture, UnknownFields::AddColumn, MissingFields::Reject).await;
    let report =
        deliver(&fixture, &target, &batch(0, [r#"{"id":1,"v":1,"o":{"a": 1}}"#, r#"{"id":2,"v":true}"#]))
            .await;
    assert_eq!((report.delivered, report.quarantined), (2, 0));
    let rows = fixture.rows("SELECT variantType(v) AS v, o FROM {t} ORDER BY id").await;
    assert_eq!(rows, [json!({"v": "UInt64", "o": r#"{"a": 1}"#}), json!({"v": "Bool", "o": null})]);
}
