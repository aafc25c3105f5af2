//! No value is changed: every type at its ends, into the engine and back.

use helios_core::delivery::BatchReport;

use crate::{
    cases::CASES,
    engine::{Fixture, batch},
};

#[tokio::test]
async fn every_value_comes_back_as_it_was_sent_or_goes_to_quarantine() {
    let mut wrong = Vec::new();
    for (data_type, fitting, others) in CASES {
        let fixture = Fixture::new(&format!("i UInt32, x {data_type}")).await;
        let values = fitting.iter().map(|(value, _)| value).chain(others.iter());
        let events = values.enumerate().map(|(at, value)| format!(r#"{{"i":{at},"x":{value}}}"#));
        let report = match fixture.deliver(&batch(0, events)).await {
            Ok(report) => report,
            Err(error) => {
                wrong.push(format!("{data_type}: {error}"));
                continue;
            }
        };
        let BatchReport { delivered, quarantined, .. } = report;
        if (delivered, quarantined) != (fitting.len() as u64, others.len() as u64) {
            let reasons = fixture.rows("SELECT raw_data, error_message FROM {q}").await;
            wrong.push(format!("{data_type}: {delivered} delivered, {quarantined} quarantined: {reasons:?}"));
        }
        let rows = fixture.rows("SELECT i, ifNull(toString(x), 'NULL') AS text FROM {t} ORDER BY i").await;
        for row in rows {
            let at = usize::try_from(row["i"].as_u64().unwrap()).unwrap();
            match fitting.get(at) {
                Some((_, expected)) if row["text"] == *expected => {}
                Some((sent, _)) => wrong.push(format!("{data_type}: {sent} came back as {}", row["text"])),
                None => wrong.push(format!("{data_type}: {} came in", others[at - fitting.len()])),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The comment of a column says in which unit its times count, also if it is changed later.
#[tokio::test]
async fn times_count_in_the_unit_that_the_column_says() {
    let columns = "i UInt8, ms DateTime64(6, 'UTC') COMMENT 'milliseconds since 1970', \
                   s DateTime64(3, 'UTC') COMMENT 'seconds since 1970, event field /o/s', \
                   l Array(DateTime64(3, 'UTC')) COMMENT 'microseconds since 1970'";
    let fixture = Fixture::new(columns).await;
    let event =
        |i: u8| format!(r#"{{"i":{i},"ms":1772359200,"o":{{"s":5184000000}},"l":[-1000,"2024-06-15"]}}"#);
    assert_eq!(fixture.deliver(&batch(0, [event(0)])).await.unwrap().delivered, 1);
    let statement = format!("ALTER TABLE {} COMMENT COLUMN ms 'seconds since 1970'", fixture.table);
    fixture.execute(&statement).await;
    assert_eq!(fixture.deliver(&batch(1, [event(1)])).await.unwrap().delivered, 1);
    let rows = fixture
        .rows("SELECT toString(ms) AS ms, toString(s) AS s, toString(l) AS l FROM {t} ORDER BY i")
        .await;
    let row = |ms: &str| {
        let list = "['1969-12-31T23:59:59.999Z','2024-06-15T00:00:00.000Z']";
        serde_json::json!({"ms": ms, "s": "2134-04-11 00:00:00.000", "l": list})
    };
    assert_eq!(rows, [row("1970-01-21 12:19:19.200000"), row("2026-03-01 10:00:00.000000")]);
}

/// What has several types to choose from keeps its own.
#[tokio::test]
async fn numbers_stay_numbers_beside_texts() {
    let fixture = Fixture::new("i UInt8, d Dynamic, v Variant(String, Int64, Float64, Bool)").await;
    let values = ["1", r#""1""#, "1.5", "true", r#""x""#];
    let events =
        values.iter().enumerate().map(|(at, value)| format!(r#"{{"i":{at},"d":{value},"v":{value}}}"#));
    assert_eq!(fixture.deliver(&batch(0, events)).await.unwrap().delivered, 5);
    let rows = fixture.rows("SELECT dynamicType(d) AS d, variantType(v) AS v FROM {t} ORDER BY i").await;
    let types = ["Int64", "String", "Float64", "Bool", "String"];
    assert_eq!(rows, types.map(|name| serde_json::json!({ "d": name, "v": name })));
}

/// The reader that makes a `JSON` without changing it has no unions.
#[tokio::test]
async fn beside_a_json_others_are_texts() {
    let fixture = Fixture::new("j JSON, d Dynamic, v Variant(String, Int64)").await;
    let events = [r#"{"j":{"a":"2024-02-30"},"d":1,"v":"1"}"#, r#"{"j":{},"d":1,"v":1}"#];
    let report = fixture.deliver(&batch(0, events)).await.unwrap();
    assert_eq!((report.delivered, report.quarantined), (1, 1));
    let rows =
        fixture.rows("SELECT j.a::String AS j, dynamicType(d) AS d, variantType(v) AS v FROM {t}").await;
    assert_eq!(rows, [serde_json::json!({ "j": "2024-02-30", "d": "String", "v": "String" })]);
}
