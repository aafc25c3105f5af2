//! Schemas that were edited, and tables from which their streams have moved on.

use helios_core::{CheckSchema, DriftOptions, SchemaCheck, SchemaDrift};
use serde_json::{Value, json, value::RawValue};

use crate::engine::{Fixture, batch, client};

fn raw(events: &[Value]) -> Vec<Box<RawValue>> {
    events.iter().map(|event| serde_json::value::to_raw_value(event).unwrap()).collect()
}

async fn check(spec: Value) -> Result<SchemaCheck, helios_core::Error> {
    let spec: CheckSchema = serde_json::from_value(spec).unwrap();
    client().check_schema(&spec).await
}

impl Fixture {
    async fn drift(&self, events: &[Value]) -> SchemaDrift {
        let options = DriftOptions::new(self.table.table().as_str())
            .database(self.table.database().as_str())
            .events(raw(events));
        client().schema_drift(&options).await.unwrap()
    }

    /// Delivers events, of which none is to be rejected.
    async fn deliver_all(&self, first: u64, events: &[Value]) {
        let report = self.deliver(&batch(first, events.iter().map(Value::to_string))).await.unwrap();
        let reasons = match report.quarantined {
            0 => Vec::new(),
            _ => self.rows("SELECT raw_data, error_message FROM {q}").await,
        };
        assert_eq!((report.delivered, reasons), (events.len() as u64, Vec::new()));
    }
}

/// A table made by the statement of a check.
async fn table_of(mut spec: Value) -> (Fixture, SchemaCheck) {
    // Of this one only the database and the name are used.
    let fixture = Fixture::new("x UInt8").await;
    spec["databaseName"] = fixture.table.database().as_str().into();
    spec["tableName"] = fixture.table.table().as_str().into();
    let check = check(spec).await.unwrap();
    fixture.execute(&format!("DROP TABLE {}", fixture.table)).await;
    fixture.execute(&check.create_table_query).await;
    let warehouse = fixture.deliverer.warehouse();
    let uuid = warehouse.describe_table(&fixture.table).await.unwrap().unwrap().uuid;
    (Fixture { uuid, ..fixture }, check)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_edited_is_what_is_filled() {
    let events = [
        json!({"userId": 1, "at": "2026-01-31T10:00:00Z", "debug": "x", "home": {"city": "Zug", "zip": "6300"}}),
        json!({"userId": 2, "at": "2026-01-31T11:00:00Z", "debug": "y", "home": {"city": "Bern", "zip": "3000"}}),
    ];
    let (fixture, check) = table_of(json!({
        "events": events,
        "sample": {"inference": {"objects": "flatten"}},
        "edits": [
            {"rename": {"column": "userId", "to": "user_id"}},
            {"retype": {"column": "user_id", "type": "UInt32"}},
            {"rename": {"column": "home.city", "to": "city"}},
            {"drop": {"column": "debug"}},
            {"add": {"column": {"name": "plan", "type": "LowCardinality(String)", "default": "free"}}},
            {"add": {"column": {"name": "tags", "type": "Array(String)", "default": ["new"]}}},
            {"add": {"column": {"name": "score", "type": "Nullable(Int8)", "default": -1}}},
        ],
        "orderBy": ["user_id"],
    }))
    .await;
    assert_eq!((check.events, check.fitting, check.rejected), (2, 2, 0), "{:?}", check.rejects);
    assert_eq!(serde_json::to_value(&check.unknown_fields).unwrap(), json!({"debug": 2}));
    assert_eq!(
        serde_json::to_value(&check.schema).unwrap(),
        json!([
            {"name": "user_id", "type": "UInt32", "field": "/userId"},
            {"name": "at", "type": "DateTime64(3, 'UTC')"},
            {"name": "city", "type": "String", "field": "/home/city"},
            {"name": "home.zip", "type": "String", "field": "/home/zip"},
            {"name": "plan", "type": "LowCardinality(String)", "default": "free"},
            {"name": "tags", "type": "Array(String)", "default": ["new"]},
            {"name": "score", "type": "Nullable(Int8)", "default": -1},
        ])
    );
    // Delivery learns from the table alone what fills its columns.
    fixture.deliver_all(0, &events).await;
    fixture
        .deliver_all(
            2,
            &[json!({"userId": 3, "at": 0, "home": {"zip": "1", "city": ""}, "plan": "pro", "tags": []})],
        )
        .await;
    let rows = fixture
        .rows("SELECT user_id, city, `home.zip` AS zip, plan, tags, score FROM {t} ORDER BY user_id")
        .await;
    assert_eq!(
        rows,
        [
            json!({"user_id": 1, "city": "Zug", "zip": "6300", "plan": "free", "tags": ["new"], "score": -1}),
            json!({"user_id": 2, "city": "Bern", "zip": "3000", "plan": "free", "tags": ["new"], "score": -1}),
            json!({"user_id": 3, "city": "", "zip": "1", "plan": "pro", "tags": [], "score": -1}),
        ]
    );
    // An object that is missing, null or none, and a field of it that is wrong.
    let wrong = [
        json!({"userId": 4, "at": 0}),
        json!({"userId": 4, "at": 0, "home": null}),
        json!({"userId": 4, "at": 0, "home": "here"}),
        json!({"userId": "x", "at": 0, "home": {"city": "a", "zip": "b"}}),
    ];
    let report = fixture.deliver(&batch(3, wrong.iter().map(Value::to_string))).await.unwrap();
    assert_eq!(report.quarantined, 4);
    let rejects = fixture.rows("SELECT error_type, column, path FROM {q} ORDER BY sequence_number").await;
    assert_eq!(
        rejects,
        [
            json!({"error_type": "missing_field", "column": "city", "path": "$.home.city"}),
            json!({"error_type": "missing_field", "column": "city", "path": "$.home.city"}),
            json!({"error_type": "type_mismatch", "column": null, "path": "$.home"}),
            json!({"error_type": "type_mismatch", "column": "user_id", "path": "$.userId"}),
        ]
    );
    // Whoever renames a column, or changes its type, leaves it its field.
    fixture.execute(&format!("ALTER TABLE {} RENAME COLUMN city TO town", fixture.table)).await;
    fixture
        .execute(&format!("ALTER TABLE {} MODIFY COLUMN town LowCardinality(String)", fixture.table))
        .await;
    fixture.deliver_all(7, &[json!({"userId": 9, "at": 0, "home": {"city": "Uri", "zip": "6460"}})]).await;
    assert_eq!(fixture.rows("SELECT town FROM {t} WHERE user_id = 9").await, [json!({"town": "Uri"})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_rejected_is_said_beforehand() {
    let events =
        [json!({"id": 1, "n": 300}), json!({"id": 2, "n": 3}), json!({"id": -3, "n": null}), json!([1])];
    let spec = json!({
        "events": events,
        "schema": [{"name": "id", "type": "Int64"}, {"name": "n", "type": "Nullable(UInt64)"}],
        "edits": [{"retype": {"column": "n", "type": "UInt8"}}],
    });
    let check = check(spec.clone()).await.unwrap();
    assert_eq!((check.events, check.fitting, check.rejected), (4, 1, 3));
    let rejects: Vec<_> = check
        .rejects
        .iter()
        .map(|reject| (reject.event, reject.error_type.as_str(), reject.column.as_deref()))
        .collect();
    assert_eq!(
        rejects,
        [(0, "out_of_range", Some("n")), (2, "null_value", Some("n")), (3, "not_an_object", None)]
    );
    assert_eq!(check.rejects[0].value.as_deref(), Some("300"));
    // What the source's policy says counts.
    let mut strict = spec;
    strict["schema"] = json!([{"name": "n", "type": "Nullable(UInt64)"}]);
    strict["unknownFields"] = "quarantine".into();
    let check = self::check(strict).await.unwrap();
    let kinds: Vec<_> = check.rejects.iter().map(|reject| reject.error_type.as_str()).collect();
    assert_eq!(kinds, ["out_of_range", "unknown_field", "null_value", "not_an_object"]);
    assert_eq!(check.unknown_fields["id"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_cannot_be_made_says_why() {
    for (spec, says) in [
        (json!({}), "name a stream, or give events"),
        (json!({"events": []}), "no columns"),
        (json!({"events": [], "schema": [{"name": "a", "type": "UInt7"}]}), "{column: a"),
        (
            json!({"events": [{"a": 1}], "edits": [{"drop": {"column": "b"}}]}),
            "no such column {column: b, edit: 1",
        ),
        (
            json!({"events": [], "schema": [{"name": "a", "type": "UInt8", "default": "many"}]}),
            "no value that an event could have",
        ),
        (
            json!({"events": [], "schema": [{"name": "a", "type": "String", "default": {"b": 1}}]}),
            "a default is",
        ),
        (
            json!({"events": [], "schema": [{"name": "a", "type": "UInt8"}, {"name": "b", "type": "UInt8", "field": "/a"}]}),
            "same field",
        ),
        (
            json!({"events": [], "schema": [{"name": "a", "type": "JSON"}, {"name": "b", "type": "UInt8", "field": "/a/b"}]}),
            "same field",
        ),
    ] {
        let error = check(spec.clone()).await.unwrap_err().to_string();
        assert!(error.contains(says), "{spec}: {error}");
    }
}

/// A null needs a `Nullable` of the same type, and a time with more digits more of them: neither needs text.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_keeps_the_type() {
    let columns = "id UInt64, at DateTime64(3, 'UTC') COMMENT 'milliseconds since 1970', e Enum8('a' = 1), d Decimal(9, 2), \
                   f Float32, s FixedString(2), n UInt8 DEFAULT id + 1, t DateTime64(3, 'UTC'), w FixedString(1)";
    let fixture = Fixture::new(columns).await;
    let old = json!({"id": 1, "at": 1_767_225_600_123_u64, "e": "a", "d": 1.5, "f": 0.1, "s": "a\u{0}", "n": 1,
        "t": "2026-01-31T10:00:00Z", "w": "x"});
    fixture.deliver_all(0, &[old]).await;
    let new = [
        json!({"id": 2, "at": null, "t": 1_767_225_600_123_456_u64, "n": 300, "w": "x"}),
        json!({"id": 3, "at": 5_184_000_000_u64, "e": "a", "d": 1, "f": 1, "s": "ab", "t": "2026-01-31", "w": "x"}),
    ];
    let drift = fixture.drift(&new).await;
    let proposed: Vec<_> = drift
        .changed
        .iter()
        .map(|one| (one.column.as_str(), one.proposed.as_deref().unwrap_or("none")))
        .collect();
    assert_eq!(
        proposed,
        [
            ("at", "Nullable(DateTime64(3, 'UTC'))"),
            ("e", "Nullable(Enum8('a' = 1))"),
            ("d", "Nullable(Decimal(9, 2))"),
            ("f", "Nullable(Float32)"),
            ("s", "Nullable(FixedString(2))"),
            ("n", "UInt64"),
            ("t", "DateTime64(6, 'UTC')"),
        ]
    );
    fixture.execute(&drift.alter.unwrap()).await;
    fixture.deliver_all(1, &new).await;
    let rows = fixture
        .rows(
            "SELECT n, toString(at) AS at, toString(f) AS f, hex(assumeNotNull(s)) AS s FROM {t} ORDER BY id",
        )
        .await;
    let stored = (&rows[0]["s"], &rows[0]["f"], &rows[2]["at"], &rows[2]["n"]);
    let expected = (&json!("6100"), &json!("0.1"), &json!("1970-03-02 00:00:00.000"), &json!(4));
    assert_eq!((rows.len(), stored), (3, expected), "{rows:?}");
    // What a stored value would not survive is not proposed.
    let longer = fixture.drift(&[json!({"w": "xy"})]).await;
    let longer = longer.changed.iter().find(|one| one.column == "w").unwrap();
    assert_eq!((longer.proposed.as_deref(), longer.why.contains("by hand")), (None, true), "{longer:?}");
}

/// A change record of a table has the new item as long as there is one.
#[tokio::test(flavor = "multi_thread")]
async fn objects_that_are_absent_later_become_optional() {
    let change = |id: u32| {
        let item = json!({"id": {"N": id.to_string()}, "price": {"S": "x"}});
        json!({"event": "MODIFY", "dynamodb": {"keys": {"id": id}, "newImage": item, "size": id}})
    };
    let changes: Vec<_> = (0..60).map(change).collect();
    let events: Vec<_> = changes.iter().map(Value::to_string).collect();
    let inferred = helios_core::schema::infer(events.iter().map(String::as_bytes));
    let columns = inferred.columns.iter().map(|column| format!("`{}` {}", column.name, column.data_type));
    let columns: Vec<_> = columns.collect();
    assert!(columns[1].contains("newImage Tuple("), "{columns:?}");
    let fixture = Fixture::new(&columns.join(", ")).await;
    fixture.deliver_all(0, &changes).await;

    let removed = json!({"event": "REMOVE", "dynamodb": {"keys": {"id": 7}, "size": 1}});
    let emptied = json!({"event": "REMOVE", "dynamodb": null});
    let drift = fixture.drift(&[removed.clone(), emptied.clone()]).await;
    assert_eq!((drift.fitting, drift.rejected), (0, 2));
    fixture.execute(&drift.alter.expect("a statement that makes them optional")).await;
    fixture.deliver_all(60, &[removed, emptied]).await;
    let rows = fixture
        .rows(
            "SELECT dynamodb.size AS size, dynamodb.newImage.id.N AS id, count() AS n FROM {t} \
             WHERE event = 'REMOVE' OR dynamodb.size = 59 GROUP BY ALL ORDER BY size NULLS LAST",
        )
        .await;
    let row = |size: Value, id: Value| json!({"size": size, "id": id, "n": 1});
    assert_eq!(
        rows,
        [row(json!(1), Value::Null), row(json!(59), json!("59")), row(Value::Null, Value::Null)],
        "{rows:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alteration_mends_what_has_drifted() {
    let fixture = Fixture::new(
        "id UInt64, small UInt8, whole UInt64, big UInt64, word String, at DateTime64(3, 'UTC'), code Enum8('a' = 1), \
         place Tuple(city String), tags Array(UInt8), gone Nullable(String), user_id UInt8 COMMENT 'event field /user/id', \
         far DateTime64(3, 'UTC'), near DateTime64(3, 'UTC'), limit UInt8 DEFAULT 5, sums Array(UInt64)",
    )
    .await;
    let old = json!({
        "id": 1, "small": 1, "whole": 5, "big": u64::MAX, "word": "w", "at": "2026-01-31T10:00:00.123Z", "code": "a",
        "place": {"city": "Zug"}, "tags": [1], "gone": "x", "user": {"id": 1}, "far": "2262-01-01T00:00:00Z",
        "near": "2261-12-31T23:59:59Z", "limit": 7, "sums": [1],
    });
    fixture.deliver_all(0, std::slice::from_ref(&old)).await;
    // What is no event says nothing of the columns.
    let nothing = fixture.drift(&[old.clone(), json!([1])]).await;
    assert_eq!((nothing.fitting, nothing.rejected, nothing.alter), (1, 1, None), "{:?}", nothing.changed);
    assert_eq!((nothing.new_fields, nothing.changed, nothing.unsent), (vec![], vec![], vec![]));

    let new = [
        json!({
            "id": 2, "small": 256, "whole": 1.5, "big": 0.5, "word": null, "at": "2026-01-31T10:00:00.123456Z",
            "code": "b", "place": {"city": "Bern", "zip": "3000"}, "tags": [1, -1], "user": {"id": 2, "plan": "pro"},
            "extra": {"deep": [true]}, "word2": "new", "far": "2026-01-31T10:00:00.123456789Z",
            "near": "2026-01-31T10:00:00.123456789Z", "limit": null,
        }),
        json!({
            "id": 3, "small": -1, "whole": 7, "big": 1, "at": "2026-01-31T10:00:00Z", "code": "a", "word": "v",
            "place": {"city": "Bern", "zip": "3001"}, "tags": [], "user": {"id": 3, "plan": "pro"},
            "extra": {"deep": [false]}, "far": "2026-01-31T10:00:00Z", "near": "2026-01-31T10:00:00Z",
        }),
    ];
    let drift = fixture.drift(&new).await;
    assert_eq!((drift.events, drift.fitting, drift.rejected), (2, 0, 2));
    let fields: Vec<_> = drift
        .new_fields
        .iter()
        .map(|new| {
            (new.field.to_string(), new.column.name.as_str(), new.column.data_type.as_str(), new.events)
        })
        .collect();
    assert_eq!(
        fields,
        [
            ("/extra".to_owned(), "extra", "JSON", 2),
            ("/word2".to_owned(), "word2", "Nullable(String)", 1),
            ("/user/plan".to_owned(), "user.plan", "Nullable(String)", 2),
        ]
    );
    let changed: Vec<_> = drift
        .changed
        .iter()
        .map(|one| (one.column.as_str(), one.events, one.error_type.as_str(), one.proposed.as_deref()))
        .collect();
    assert_eq!(
        changed,
        [
            ("small", 2, "out_of_range", Some("Int64")),
            ("whole", 1, "type_mismatch", Some("Float64")),
            ("big", 1, "type_mismatch", Some("String")),
            ("word", 1, "null_value", Some("Nullable(String)")),
            ("at", 1, "out_of_range", Some("DateTime64(6, 'UTC')")),
            ("code", 1, "invalid_value", Some("String")),
            ("place", 2, "unknown_field", Some("Tuple(city String, zip Nullable(String))")),
            ("tags", 1, "out_of_range", Some("Array(Int64)")),
            ("far", 1, "out_of_range", Some("String")),
            ("near", 1, "out_of_range", Some("DateTime64(9, 'UTC')")),
            ("limit", 1, "null_value", Some("Nullable(UInt8)")),
        ]
    );
    assert_eq!(drift.unsent, ["gone", "limit", "sums"]);
    // What is within a list is not looked at.
    let sums = &fixture.drift(&[json!({"sums": [0.5]})]).await.changed;
    let sums = sums.iter().find(|one| one.column == "sums").unwrap();
    assert!(sums.proposed.is_none() && sums.why.contains("round"), "{sums:?}");

    fixture.execute(&drift.alter.unwrap()).await;
    let mended = fixture.drift(&[new[0].clone(), new[1].clone(), old]).await;
    assert_eq!((mended.fitting, mended.alter), (3, None), "{:?} {:?}", mended.rejects, mended.changed);
    fixture.deliver_all(1, &new).await;
    let rows = fixture
        .rows(
            "SELECT id, small, whole, big, word, code, place, tags, `user.plan` AS plan, extra, limit, far, \
             toString(near) AS near FROM {t} ORDER BY id",
        )
        .await;
    assert_eq!(
        rows,
        [
            json!({"id": 1, "small": 1, "whole": 5, "big": "18446744073709551615", "word": "w", "code": "a",
                "place": {"city": "Zug", "zip": null}, "tags": [1], "plan": null, "extra": {},
                "limit": 7, "far": "2262-01-01 00:00:00.000", "near": "2261-12-31 23:59:59.000000000"}),
            json!({"id": 2, "small": 256, "whole": 1.5, "big": "0.5", "word": null, "code": "b",
                "place": {"city": "Bern", "zip": "3000"}, "tags": [1, -1], "plan": "pro", "extra": {"deep": [true]},
                "limit": null, "far": "2026-01-31T10:00:00.123456789Z", "near": "2026-01-31 10:00:00.123456789"}),
            json!({"id": 3, "small": -1, "whole": 7, "big": "1", "word": "v", "code": "a",
                "place": {"city": "Bern", "zip": "3001"}, "tags": [], "plan": "pro", "extra": {"deep": [false]},
                "limit": 5, "far": "2026-01-31T10:00:00Z", "near": "2026-01-31 10:00:00.000000000"}),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_alteration_mends_is_said() {
    let fixture = Fixture::with(
        "(id UInt8, tags Array(String)) ENGINE = MergeTree ORDER BY id \
         SETTINGS non_replicated_deduplication_window = 10000",
    )
    .await;
    let drift = fixture.drift(&[json!({"id": 256, "tags": "a"})]).await;
    let changed: Vec<_> = drift
        .changed
        .iter()
        .map(|one| (one.column.as_str(), one.proposed.as_deref(), one.why.as_str()))
        .collect();
    assert_eq!(changed[0].0, "id");
    assert!(changed[0].1.is_none() && changed[0].2.contains("key"), "{changed:?}");
    assert!(changed[1].1.is_none() && changed[1].2.contains("add a column"), "{changed:?}");
    assert_eq!(drift.alter, None);
    // No event, no drift.
    let drift = fixture.drift(&[]).await;
    assert_eq!((drift.events, drift.changed.len(), drift.unsent.len()), (0, 0, 0));
    let missing =
        client().schema_drift(&DriftOptions::new("no_such_table").events(vec![])).await.unwrap_err();
    assert!(missing.to_string().contains("no such table"), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_columns_have_names_that_the_table_can_have() {
    let fixture = Fixture::new(
        "id UInt64, `foo.bar` Nullable(Float64), raw UInt64 EPHEMERAL, v UInt64 DEFAULT raw, n Nested(a UInt8, b UInt8)",
    )
    .await;
    let events = [
        json!({"id": 1, "foo": 2.5, "_row_exists": 1, "raw": 1.5, "v": 1, "n": [{"a": 1, "b": 2}], "foo.bar": 1}),
    ];
    let drift = fixture.drift(&events).await;
    let found: Vec<_> =
        drift.new_fields.iter().map(|new| (new.field.to_string(), new.column.name.as_str())).collect();
    assert_eq!(found, [("/foo".to_owned(), "foo_"), ("/_row_exists".to_owned(), "_row_exists_")]);
    assert!(drift.new_fields[0].why.contains("the column is named `foo_`"), "{}", drift.new_fields[0].why);
    assert_eq!(drift.unsent, Vec::<String>::new());
    let changed: Vec<_> = drift.changed.iter().map(|changed| changed.column.as_str()).collect();
    assert_eq!(changed, ["raw"]);
    fixture.execute(&drift.alter.unwrap()).await;
    fixture.deliver_all(0, &events).await;
    let rows = fixture.rows("SELECT foo_, _row_exists_, v, n.a, n.b, `foo.bar` FROM {t}").await;
    let row = json!({"foo_": 2.5, "_row_exists_": 1, "v": 1, "n.a": [1], "n.b": [2], "foo.bar": 1});
    assert_eq!(rows, [row]);
    assert_eq!(fixture.drift(&events).await.alter, None);
}

#[tokio::test]
async fn a_check_knows_the_names_that_a_table_cannot_have() {
    let events = json!([{"_shard": 1, "a.b": 1, "a": 2}]);
    let inferred = check(json!({"events": events})).await.unwrap();
    let names: Vec<_> = inferred.schema.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["_shard_", "a.b", "a_"]);
    assert_eq!((inferred.fitting, inferred.unknown_fields.len()), (1, 0));
    let one = check(json!({"events": events, "schema": [{"name": "id", "type": "Nullable(UInt8)"}]}))
        .await
        .unwrap();
    let unknown: Vec<_> = one.unknown_fields.keys().map(String::as_str).collect();
    assert_eq!(unknown, ["_shard", "a", "a.b"]);
    for (name, data_type, other) in
        [("_row_exists", "UInt8", "x"), ("m.keys", "UInt8", "m"), ("_helios_batch", "UInt8", "x")]
    {
        let schema =
            json!([{"name": other, "type": "Map(String, UInt8)"}, {"name": name, "type": data_type}]);
        let error = check(json!({"events": events, "schema": schema})).await.unwrap_err();
        assert_eq!(error.kind(), helios_core::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(&format!("column: {name}")), "{error}");
    }
}
