//! The delivery function as it runs: its own process, fed by Lambda's Runtime API, with DynamoDB and ClickHouse behind it.

use std::{collections::HashMap, io::Write as _};

use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::{
    delivery_source::{
        ANYWHERE, Record, Source, USER, acknowledged, event, failed, ids, not_acknowledged, secret,
        sequence_number, start, start_with_timeout, text,
    },
    lossy_proxy::LossyProxy,
    shop::rows,
    streams::aggregate,
};

const SHARD: &str = "shardId-000000000000";
const OTHER_SHARD: &str = "shardId-000000000001";

const GOOD: [&[u8]; 3] =
    [br#"{"id": 1, "name": "one"}"#, br#"{"id": 2, "name": null}"#, r#"{"id": 3, "name": "три"}"#.as_bytes()];
const MIXED: [Record<'static>; 7] = [
    (SHARD, 10, GOOD[0]),
    (SHARD, 11, br#"{"id": 4, "na"#),
    (SHARD, 12, GOOD[1]),
    (SHARD, 13, b"\"no object\""),
    (SHARD, 14, br#"{"id": "four", "name": "four"}"#),
    (SHARD, 15, b"{\"id\": 5, \"name\": \"\xff\"}"),
    (SHARD, 16, GOOD[2]),
];
const BAD_PLACES: [u64; 4] = [11, 13, 14, 15];

/// What of [`MIXED`] belongs into quarantine.
fn bad() -> Vec<(String, Vec<u8>)> {
    let bad = MIXED.into_iter().filter(|(_, place, _)| BAD_PLACES.contains(place));
    bad.map(|(_, place, data)| (sequence_number(place), data.to_vec())).collect()
}

#[tokio::test]
async fn every_event_becomes_a_row_or_a_reject() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let function = source.function(clickhouse.local_addr()).await;

    assert_eq!(function.invoke(&source.event(&MIXED)).await.unwrap(), acknowledged());
    assert_eq!(
        rows(&format!("SELECT * FROM {} ORDER BY id", source.table)).await,
        [r#"{"id":1,"name":"one"}"#, r#"{"id":2,"name":null}"#, r#"{"id":3,"name":"три"}"#]
    );
    assert_eq!(source.quarantined().await, bad());
    let reasons = rows(&format!(
        "SELECT DISTINCT stream, shard, error_type != '' AND error_message != '' AS explained \
         FROM quarantine.events WHERE original_table = '{}'",
        source.table
    ))
    .await;
    let expected = json!({"stream": source.stream_arn, "shard": SHARD, "explained": 1});
    assert_eq!(reasons, [expected.to_string()]);
}

#[tokio::test]
async fn a_repeated_batch_adds_nothing() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let event = source.event(&MIXED);

    let first = source.function(clickhouse.local_addr()).await;
    for _ in 0..2 {
        assert_eq!(first.invoke(&event).await.unwrap(), acknowledged());
    }
    let second = source.function(clickhouse.local_addr()).await;
    assert_eq!(second.invoke(&event).await.unwrap(), acknowledged());
    assert_eq!(source.ids().await, [1, 2, 3]);
    assert_eq!(source.quarantined().await, bad());

    // It is the place that makes a batch the same, not what is in it.
    let later: Vec<Record<'_>> = MIXED.map(|(shard, place, data)| (shard, place + 100, data)).into();
    assert_eq!(first.invoke(&source.event(&later)).await.unwrap(), acknowledged());
    assert_eq!(source.ids().await, [1, 1, 2, 2, 3, 3]);
    assert_eq!(source.quarantined().await.len(), 2 * BAD_PLACES.len());
}

#[tokio::test]
async fn shards_of_one_event_are_told_apart() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let function = source.function(clickhouse.local_addr()).await;

    // The same places and the same bytes: only the shard differs.
    let records: Vec<Record<'_>> = MIXED
        .into_iter()
        .flat_map(|(_, place, data)| [(SHARD, place, data), (OTHER_SHARD, place, data)])
        .collect();
    assert_eq!(function.invoke(&source.event(&records)).await.unwrap(), acknowledged());
    assert_eq!(source.ids().await, [1, 1, 2, 2, 3, 3]);
    assert_eq!(source.quarantined().await.len(), 2 * BAD_PLACES.len());
}

#[tokio::test]
async fn packed_records_are_unpacked() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let function = source.function(clickhouse.local_addr()).await;

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(GOOD[0]).unwrap();
    let (gzip, zstd) = (gzip.finish().unwrap(), zstd::encode_all(GOOD[1], 0).unwrap());
    let aggregated = aggregate(&[GOOD[2], b"bad", br#"{"id": 4}"#]);
    let event = source.event(&[(SHARD, 1, &gzip), (SHARD, 2, &zstd), (SHARD, 3, &aggregated)]);
    for _ in 0..2 {
        assert_eq!(function.invoke(&event).await.unwrap(), acknowledged());
    }
    assert_eq!(source.ids().await, [1, 2, 3, 4]);
    assert_eq!(source.quarantined().await, [(sequence_number(3), b"bad".to_vec())]);
}

#[tokio::test]
async fn an_unreachable_clickhouse_only_delays() {
    let source = Source::create().await;
    // Bound, so that nobody else gets the port, and not listening, so that connections are refused.
    let reserved = TcpSocket::new_v4().unwrap();
    reserved.set_reuseaddr(true).unwrap();
    reserved.bind(ANYWHERE).unwrap();
    let address = reserved.local_addr().unwrap();
    let function = source.function(address).await;
    let event = source.event(&MIXED);

    for _ in 0..2 {
        assert_eq!(function.invoke(&event).await.unwrap(), not_acknowledged(10));
    }
    assert!(source.ids().await.is_empty());

    let clickhouse = source.listen(address).await;
    assert_eq!(function.invoke(&event).await.unwrap(), acknowledged());
    assert_eq!(source.ids().await, [1, 2, 3]);

    // And again, with connections that were in use, and tables that were looked at.
    clickhouse.shutdown().await;
    let later = source.event(&[(SHARD, 20, br#"{"id": 4}"#)]);
    assert_eq!(function.invoke(&later).await.unwrap(), not_acknowledged(20));
    let _clickhouse = source.listen(address).await;
    for event in [&later, &event] {
        assert_eq!(function.invoke(event).await.unwrap(), acknowledged());
    }
    assert_eq!(source.ids().await, [1, 2, 3, 4]);
    assert_eq!(source.quarantined().await, bad());
}

#[tokio::test]
async fn an_insert_whose_answer_is_lost_is_not_doubled() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let proxy = LossyProxy::to(clickhouse.local_addr()).await;
    let function = source.function(proxy.address()).await;
    let event = source.event(&MIXED);

    // The rejects are committed, then the rows, and the function does not hear of it: it asks again by itself.
    for (lost, place) in [(1, 10), (2, 110)] {
        proxy.lose_answer_of_insert(lost);
        let moved: Vec<Record<'_>> =
            MIXED.into_iter().map(|(shard, at, data)| (shard, at + place - 10, data)).collect();
        assert_eq!(function.invoke(&source.event(&moved)).await.unwrap(), acknowledged());
    }
    assert_eq!(source.ids().await, [1, 1, 2, 2, 3, 3]);
    assert_eq!(source.quarantined().await.len(), 2 * BAD_PLACES.len());
    assert_eq!(function.invoke(&event).await.unwrap(), acknowledged());
    assert_eq!(source.ids().await, [1, 1, 2, 2, 3, 3]);
}

/// Lambda does not promise to hand over the same batch again.
#[tokio::test]
async fn a_batch_that_is_cut_anew_is_not_doubled() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let function = source.function(clickhouse.local_addr()).await;
    let warehouse = source.client.warehouse();
    let event = |places: std::ops::Range<u64>| {
        let payloads: Vec<_> = places.clone().map(|place| format!(r#"{{"id": {place}}}"#)).collect();
        let records: Vec<Record<'_>> =
            places.zip(&payloads).map(|(place, data)| (SHARD, place, data.as_bytes())).collect();
        source.event(&records)
    };
    // A range is left open, and the table is away: whether it has been inserted is not known.
    warehouse.execute(&format!("DROP TABLE {} SYNC", source.table)).await.unwrap();
    assert_eq!(function.invoke(&event(0..6)).await.unwrap(), not_acknowledged(0));
    warehouse.execute(&source.statement).await.unwrap();
    // Longer, shorter, and overlapping; by this process, and by one that knows nothing.
    assert_eq!(function.invoke(&event(0..9)).await.unwrap(), acknowledged());
    let other = source.function(clickhouse.local_addr()).await;
    for (function, places) in [(&other, 0..4), (&function, 3..8), (&other, 7..12), (&function, 2..14)] {
        assert_eq!(function.invoke(&event(places)).await.unwrap(), acknowledged());
    }
    assert_eq!(source.ids().await, (0..14).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_table_in_the_place_of_another_is_not_filled() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let function = source.function(clickhouse.local_addr()).await;
    let warehouse = source.client.warehouse();
    let aside = format!("{}_aside", source.table);
    warehouse.execute(&format!("RENAME TABLE {} TO {aside}", source.table)).await.unwrap();
    warehouse.execute(&format!("CREATE TABLE {} AS {aside}", source.table)).await.unwrap();
    assert_eq!(function.invoke(&source.event(&MIXED)).await.unwrap(), not_acknowledged(10));
    assert!(source.ids().await.is_empty());
    let printed = function.kill().await.unwrap();
    assert!(printed.contains("replaced by another of the same name"), "{printed}");
}

#[tokio::test]
async fn a_stream_without_a_source_is_an_error() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let function = source.function(clickhouse.local_addr()).await;

    let unknown = source.stream_arn.replace("clicks", "unknown");
    let error = failed(function.invoke(&event(&unknown, &MIXED)).await.unwrap());
    assert_eq!(error.error_type, "not_found");
    assert!(error.error_message.contains("the stream has no active source"), "{error:?}");
    assert!(error.error_message.contains(&unknown), "{error:?}");

    // Nor does a stream that has one carry it along.
    let mut both = source.event(&MIXED);
    let strangers = event(&unknown, &MIXED)["Records"].as_array().unwrap().clone();
    both["Records"].as_array_mut().unwrap().extend(strangers);
    assert_eq!(failed(function.invoke(&both).await.unwrap()).error_type, "not_found");
}

#[tokio::test]
async fn without_the_table_of_mappings_nothing_is_acknowledged() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let mut environment = source.environment(clickhouse.local_addr());
    environment.insert("HELIOS_MAPPING_TABLE".into(), "no-such-table".into());
    let function = start(environment).await;

    let error = failed(function.invoke(&source.event(&MIXED)).await.unwrap());
    assert_eq!(error.error_type, "not_found");
    assert!(error.error_message.contains("no-such-table"), "{error:?}");
}

#[tokio::test]
async fn a_dropped_table_only_delays() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let warm = source.function(clickhouse.local_addr()).await;
    let first = source.event(&[(SHARD, 1, br#"{"id": 9}"#)]);
    assert_eq!(warm.invoke(&first).await.unwrap(), acknowledged());

    let warehouse = source.client.warehouse();
    warehouse.execute(&format!("DROP TABLE {} SYNC", source.table)).await.unwrap();
    let event = source.event(&MIXED);
    let cold = source.function(clickhouse.local_addr()).await;
    for function in [&warm, &warm, &cold] {
        assert_eq!(function.invoke(&event).await.unwrap(), not_acknowledged(10));
    }

    warehouse.execute(&source.statement).await.unwrap();
    for function in [&warm, &cold] {
        assert_eq!(function.invoke(&event).await.unwrap(), acknowledged());
    }
    assert_eq!(source.ids().await, [1, 2, 3]);
    assert_eq!(source.quarantined().await, bad());
}

/// A table that does not accept its events does not hold up the others, and gets its events later.
#[tokio::test]
async fn a_batch_is_acknowledged_when_some_table_has_it_and_the_others_fail_for_good() {
    let source = Source::create().await;
    let second = source.second_table().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let function = source.function(clickhouse.local_addr()).await;
    let warehouse = source.client.warehouse();

    for (table, place) in [(&source.table, 10), (&second, 110)] {
        let moved: Vec<Record<'_>> =
            MIXED.into_iter().map(|(shard, at, data)| (shard, at + place - 10, data)).collect();
        let event = source.event(&moved);
        let aside = format!("{table}_aside");
        warehouse.execute(&format!("RENAME TABLE {table} TO {aside}")).await.unwrap();
        let before = ids(&aside).await;
        assert_eq!(function.invoke(&event).await.unwrap(), acknowledged(), "without {table}");
        let other = if *table == source.table { &second } else { &source.table };
        assert_eq!((ids(&aside).await, ids(other).await.len()), (before.clone(), before.len() + 3));
        warehouse.execute(&format!("RENAME TABLE {aside} TO {table}")).await.unwrap();
        assert_eq!(function.invoke(&event).await.unwrap(), acknowledged());
    }
    let twice = vec![1, 1, 2, 2, 3, 3];
    assert_eq!((source.ids().await, ids(&second).await), (twice.clone(), twice));

    // A batch that none of them has is not acknowledged.
    for table in [&source.table, &second] {
        warehouse.execute(&format!("RENAME TABLE {table} TO {table}_aside")).await.unwrap();
    }
    let later = source.event(&[(SHARD, 210, br#"{"id": 4}"#)]);
    assert_eq!(function.invoke(&later).await.unwrap(), not_acknowledged(210));
}

/// If the batch were only reported as not delivered, it would come again without end, and no metric would show it.
#[tokio::test]
async fn a_timeout_that_leaves_no_time_is_an_error() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let function = start_with_timeout(source.environment(clickhouse.local_addr()), 5).await;
    let error = failed(function.invoke(&source.event(&MIXED)).await.unwrap());
    assert_eq!(error.error_type, "config_invalid");
    assert!(error.error_message.contains("timeout"), "{error:?}");
    assert!(source.ids().await.is_empty());
}

#[tokio::test]
async fn what_is_no_batch_is_never_acknowledged() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let function = source.function(clickhouse.local_addr()).await;

    let whole = source.event(&MIXED);
    let spoiled = |pointer: &str, value: Value| {
        let mut event = whole.clone();
        *event.pointer_mut(pointer).unwrap() = value;
        event
    };
    for event in [
        json!({}),
        json!([]),
        json!([{}]),
        json!(null),
        json!(""),
        json!(0),
        json!({"records": []}),
        json!({"Records": null}),
        json!({"Records": {}}),
        json!({"Records": [{}]}),
        json!({"Records": [null]}),
        json!({"Records": [[]]}),
        spoiled("/Records/6", json!({})),
        spoiled("/Records/6/kinesis", json!({})),
        spoiled("/Records/6/kinesis/data", json!("not base64!")),
        spoiled("/Records/6/kinesis/sequenceNumber", json!("")),
        spoiled("/Records/6/kinesis/sequenceNumber", json!("LATEST")),
        spoiled("/Records/6/eventID", json!("")),
        spoiled("/Records/6/eventSourceARN", json!("")),
    ] {
        let error = failed(function.invoke(&event).await.unwrap());
        assert!(!error.error_type.is_empty() && !error.error_message.is_empty(), "{event}: {error:?}");
    }
    assert!(source.ids().await.is_empty(), "an event that cannot be read is delivered in no part");

    // Nothing to deliver is nothing to lose, and the function is as well as before.
    assert_eq!(function.invoke(&json!({"Records": []})).await.unwrap(), acknowledged());
    assert_eq!(function.invoke(&whole).await.unwrap(), acknowledged());
    assert_eq!(source.ids().await, [1, 2, 3]);
}

#[tokio::test]
async fn a_wrong_setting_is_named_at_the_start() {
    let source = Source::create().await;
    let variable = "HELIOS_CLICKHOUSE_URL";
    for (value, named) in [(None, variable), (Some("not a url"), "`clickhouse_url` is not a URL")] {
        let mut environment = source.environment(ANYWHERE);
        environment.remove(variable);
        environment.extend(value.map(|value| (variable.to_owned(), value.to_owned())));
        let (status, printed) = start(environment).await.wait().await.unwrap();
        assert!(!status.success(), "{value:?}: {printed}");
        assert!(printed.contains(named), "{value:?}: {printed}");
        assert!(!printed.contains(&source.password), "{printed}");
    }
}

#[tokio::test]
async fn no_secret_is_ever_told() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let mut wrong = Source::create().await;
    wrong.password = secret();
    let (aws_secret, session_token) = (secret(), secret());
    let with_secrets = |mut environment: HashMap<String, String>| {
        for (name, value) in [
            ("AWS_SECRET_ACCESS_KEY", aws_secret.as_str()),
            ("AWS_SESSION_TOKEN", &session_token),
            ("RUST_LOG", "trace"),
        ] {
            environment.insert(name.to_owned(), value.to_owned());
        }
        start(environment)
    };
    let address = clickhouse.local_addr();
    let works = with_secrets(source.environment(address)).await;
    let refused = with_secrets(wrong.environment(address)).await;
    let mut environment = source.environment(address);
    let in_url = secret();
    environment.retain(|name, _| name != "HELIOS_CLICKHOUSE_PASSWORD" && name != "HELIOS_CLICKHOUSE_USER");
    environment.insert("HELIOS_CLICKHOUSE_URL".into(), format!("http://{USER}:{in_url}@{address}"));
    let refused_in_url = with_secrets(environment).await;

    let unknown = event(&source.stream_arn.replace("clicks", "unknown"), &MIXED);
    let mut told = Vec::new();
    for (function, event, expected) in [
        (&works, source.event(&MIXED), Some(acknowledged())),
        (&works, unknown, None),
        (&works, json!({}), None),
        (&refused, wrong.event(&MIXED), Some(not_acknowledged(10))),
        (&refused_in_url, source.event(&MIXED), Some(not_acknowledged(10))),
    ] {
        let answer = function.invoke(&event).await.unwrap();
        assert_eq!(expected.unwrap_or_else(|| answer.clone()), answer);
        told.push(format!("{answer:?}"));
    }
    for function in [works, refused, refused_in_url] {
        let printed = function.kill().await.unwrap();
        assert!(printed.contains("TRACE"), "the log is on");
        told.push(printed);
    }
    for secret in [&source.password, &wrong.password, &in_url, &aws_secret, &session_token] {
        for said in &told {
            let lines: Vec<_> = said.lines().filter(|line| line.contains(secret.as_str())).collect();
            assert!(lines.is_empty(), "a secret is told: {lines:#?}");
        }
    }
}

#[tokio::test]
async fn the_log_tells_numbers_and_no_events() {
    let source = Source::create().await;
    let clickhouse = source.listen(ANYWHERE).await;
    let function = source.function(clickhouse.local_addr()).await;
    let personal = secret();
    let (good, bad) = (format!(r#"{{"id": 1, "name": "{personal}"}}"#), format!("{{{personal}"));
    let event = source.event(&[(SHARD, 1, good.as_bytes()), (SHARD, 2, bad.as_bytes())]);
    assert_eq!(function.invoke(&event).await.unwrap(), acknowledged());
    source.client.warehouse().execute(&format!("DROP TABLE {} SYNC", source.table)).await.unwrap();
    let later = source.event(&[(SHARD, 3, good.as_bytes()), (SHARD, 4, bad.as_bytes())]);
    assert_eq!(function.invoke(&later).await.unwrap(), not_acknowledged(3));

    let printed = function.kill().await.unwrap();
    assert!(!printed.contains(&personal), "{printed}");
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |message: &str| {
        lines.iter().map(|line| &line["fields"]).find(|fields| text(&fields["message"]) == message).unwrap()
    };
    let delivered = of("Batch delivered.");
    let number = |name: &str| delivered[name].as_u64().unwrap();
    assert_eq!((number("received"), number("delivered"), number("quarantined")), (2, 1, 1));
    assert_eq!((text(&delivered["table"]), text(&delivered["shard"])), (source.table.clone(), SHARD.into()));
    assert!(text(&of("Batch not delivered; Lambda will send it again.")["error"]).contains(&source.table));
}
