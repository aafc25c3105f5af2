//! Documents of a `JSON` column come back as they were sent, whatever else was sent on the same path.

use serde_json::{Map, Value};

use crate::{
    comparison::is_same_document,
    engine::{Fixture, batch},
};

/// What may be on one path: near every border between the types that the engine chooses from.
const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "255",
    "9007199254740993",
    "-9007199254740993",
    "9223372036854775807",
    "18446744073709551615",
    "1.5",
    "-0.5",
    "1e300",
    "0.1",
    r#""""#,
    r#""x""#,
    r#""1""#,
    r#""1.5""#,
    r#""true""#,
    r#""null""#,
    r#""2024-02-30""#,
    r#""2024-01-01""#,
    r#""2024-1-1""#,
    r#""1970-01-01""#,
    r#""2024-01-01T10:00:00""#,
    r#""2024-01-01 10:00:00""#,
    r#""2024-01-01T10:00:00.123Z""#,
    r#""2024-01-01T10:00:00+02:00""#,
    r#""10:00:00""#,
    r#""0190b7c5-8a3e-7c21-9d4f-2b6f0e1a9c33""#,
    r#""10.0.0.1""#,
    r#""{\"a\":1}""#,
    "[]",
    "[null]",
    "[null,null]",
    "[1]",
    "[1,null]",
    "[1.5]",
    "[1.5,null]",
    "[1,2.5]",
    "[9007199254740993]",
    "[-9007199254740993,null]",
    "[18446744073709551615]",
    "[true]",
    "[true,1]",
    r#"["x"]"#,
    r#"["x",null]"#,
    r#"["2024-02-30"]"#,
    r#"["2024-01-01T10:00:00",1]"#,
    r#"[1,"x",true,1.5]"#,
    "[[]]",
    "[[1]]",
    "[[null]]",
    "[[1],null]",
    "[[1.5],[2]]",
    "[[9007199254740993]]",
    r#"[["x"],[1]]"#,
    "[{}]",
    r#"[{"b":1}]"#,
    r#"[{"b":"2024-02-30"}]"#,
    r#"[{"b":1},null]"#,
    r#"[{"b":1},1]"#,
    r#"[{"b":[9007199254740993]}]"#,
    r#"[{"b":[1.5]}]"#,
    "{}",
    r#"{"b":1}"#,
    r#"{"b":1.5}"#,
    r#"{"b":[1]}"#,
];

/// Where in an event a document is.
#[derive(Clone, Copy, Debug)]
enum Place {
    Column,
    Array,
    Map,
    Tuple,
    Nullable,
}

impl Place {
    const WITHIN: [Self; 4] = [Self::Array, Self::Map, Self::Tuple, Self::Nullable];

    fn data_type(self) -> &'static str {
        match self {
            Self::Column => "JSON",
            Self::Array => "Array(JSON)",
            Self::Map => "Map(String, JSON)",
            Self::Tuple => "Tuple(a JSON)",
            Self::Nullable => "Nullable(JSON)",
        }
    }

    fn event(self, i: usize, document: &str) -> String {
        let value = match self {
            Self::Column | Self::Nullable => document.to_owned(),
            Self::Array => format!("[{document}]"),
            Self::Map => format!(r#"{{"k":{document}}}"#),
            Self::Tuple => format!(r#"{{"a":{document}}}"#),
        };
        format!(r#"{{"i":{i},"doc":{value}}}"#)
    }

    fn document(self, value: &Value) -> &Value {
        match self {
            Self::Column | Self::Nullable => value,
            Self::Array => &value[0],
            Self::Map => &value["k"],
            Self::Tuple => &value["a"],
        }
    }
}

/// Delivers pairs of values, each pair on a path of its own, in one batch or in two. Says which came back otherwise, and how many
/// came back.
async fn changed(pairs: &[(&str, &str)], place: Place, together: bool) -> (Vec<String>, usize) {
    let fixture = Fixture::new(&format!("i UInt32, doc {}", place.data_type())).await;
    let path = |(at, value): (usize, &str)| format!(r#"{{"p{at}":{value}}}"#);
    let first = pairs.iter().map(|(first, _)| *first).enumerate().map(path);
    let second = pairs.iter().map(|(_, second)| *second).enumerate().map(path);
    let documents: Vec<_> = first.chain(second).collect();
    let events = documents.iter().enumerate().map(|(i, document)| place.event(i, document));
    let events: Vec<_> = events.collect();
    let (before, after) = events.split_at(if together { events.len() } else { pairs.len() });
    let mut stored = fixture.deliver(&batch(0, before.to_vec())).await.unwrap().delivered;
    if !after.is_empty() {
        stored += fixture.deliver(&batch(before.len() as u64, after.to_vec())).await.unwrap().delivered;
    }
    let mut wrong = Vec::new();
    let rows = fixture.rows("SELECT * FROM {t} ORDER BY i").await;
    assert_eq!(rows.len() as u64, stored);
    for row in &rows {
        let i = usize::try_from(row["i"].as_u64().unwrap()).unwrap();
        let back = place.document(&row["doc"]).to_string();
        if !is_same_document(&documents[i], &back) {
            let (first, second) = pairs[i % pairs.len()];
            wrong.push(format!(
                "{first} then {second}, {place:?}, together: {together}: {} → {back}",
                documents[i]
            ));
        }
    }
    (wrong, rows.len())
}

/// All ordered pairs of values on one path, in one batch and in two.
#[tokio::test]
async fn no_value_changes_another_on_its_path() {
    let (mut wrong, mut kept) = (Vec::new(), 0);
    for first in VALUES {
        let pairs: Vec<_> = VALUES.iter().map(|second| (*first, *second)).collect();
        for together in [true, false] {
            let (changed, came) = changed(&pairs, Place::Column, together).await;
            wrong.extend(changed);
            kept += came;
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    // Only a few are rejects.
    assert!(kept > VALUES.len() * VALUES.len() * 4 * 9 / 10, "{kept}");
}

/// Those that were once changed by others.
const RISKY: &[&str] = &[
    "1.5",
    "9007199254740993",
    r#""2024-02-30""#,
    r#""2024-01-01T10:00:00""#,
    "[null]",
    "[1.5]",
    "[9007199254740993]",
    "[[1]]",
    "[[9007199254740993]]",
    r#"[{"b":1}]"#,
    r#"[{"b":[1.5]}]"#,
    r#"[{"b":[9007199254740993]}]"#,
];

#[tokio::test]
async fn no_value_changes_another_within_other_types() {
    let pairs: Vec<_> = RISKY.iter().flat_map(|first| RISKY.iter().map(|second| (*first, *second))).collect();
    for place in Place::WITHIN {
        for together in [true, false] {
            let (wrong, kept) = changed(&pairs, place, together).await;
            assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
            assert!(kept > pairs.len(), "{place:?}: {kept}");
        }
    }
}

/// A path with a type of its own keeps what the type writes in the same way; the rest are rejects.
#[tokio::test]
async fn typed_paths_convert_nothing() {
    let types = "a UInt8, day Date, at DateTime64(3, 'UTC'), f Float32, d Decimal(9, 2), s String, u UUID, \
                 l Array(UInt8), n.x Nullable(Int8)";
    let fixture = Fixture::new(&format!("i UInt32, doc JSON({types}, max_dynamic_paths = 2)")).await;
    let documents = [
        r#"{"a":7}"#,
        r#"{"a":1.5}"#,
        r#"{"a":"7"}"#,
        r#"{"a":null}"#,
        r#"{"a":300}"#,
        r#"{"day":"2024-02-29"}"#,
        r#"{"day":"2024-02-30"}"#,
        r#"{"day":"2024-2-3"}"#,
        r#"{"at":"2024-01-31T10:00:00.500Z"}"#,
        r#"{"at":"2024-01-31T10:00:00.5001Z"}"#,
        r#"{"f":0.1}"#,
        r#"{"f":0.123456789}"#,
        r#"{"d":1.5}"#,
        r#"{"d":1.555}"#,
        r#"{"s":"x"}"#,
        r#"{"s":5}"#,
        r#"{"u":"61f0c404-5cb3-11e7-907b-a6006ad3dba0"}"#,
        r#"{"u":"61F0C404-5CB3-11E7-907B-A6006AD3DBA0"}"#,
        r#"{"l":[1,2]}"#,
        r#"{"l":[1,256]}"#,
        r#"{"n":{"x":-1}}"#,
        r#"{"n":{"x":128}}"#,
        // Where an object must be, as a path within it has a type.
        r#"{"n":1}"#,
        r#"{"n":[{"x":1}]}"#,
        r#"{"other":{"a":1.5}}"#,
    ];
    let events = documents.iter().enumerate().map(|(i, document)| Place::Column.event(i, document));
    let report = fixture.deliver(&batch(0, events)).await.unwrap();
    assert_eq!((report.delivered, report.quarantined), (10, 15));
    for row in fixture.rows("SELECT * FROM {t} ORDER BY i").await {
        let sent = documents[usize::try_from(row["i"].as_u64().unwrap()).unwrap()];
        for (name, sent) in serde_json::from_str::<Map<String, Value>>(sent).unwrap() {
            let back = row["doc"][&name].to_string();
            assert!(is_same_document(&sent.to_string(), &back), "{sent} came back as {back}");
        }
    }
    let reason = fixture.rows("SELECT error_message AS m FROM {q} WHERE position(raw_data, '1.5') > 0").await;
    let expected = "column `doc`, at $.doc.a: the path `a` of the JSON has the type UInt8, which would change the value: 1.5";
    assert_eq!(reason[0]["m"].as_str(), Some(expected), "{reason:?}");
}
