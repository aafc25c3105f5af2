//! `/api/query` as it runs: its forms, its codings, its errors, and its queries by their names.

use arrow_ipc::reader::StreamReader;
use reqwest::{Response, StatusCode, header};
use serde_json::{Value, json};

use crate::serving::{Serving, json_of};

fn media_type(response: &Response) -> String {
    response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned()
}

const SQL: &str = "SELECT number AS n, concat('a\"', toString(number)) AS s FROM numbers(3)";

/// The result of [`SQL`] in this form, as its rows.
fn rows(media_type: &str, body: &[u8]) -> Vec<(u64, String)> {
    let row = |row: &Value| (row["n"].as_u64().unwrap(), row["s"].as_str().unwrap().to_owned());
    let text = || str::from_utf8(body).unwrap();
    match media_type {
        "application/json" => {
            let result: Value = serde_json::from_slice(body).unwrap();
            result["data"].as_array().unwrap().iter().map(row).collect()
        }
        "application/x-ndjson" => {
            text().lines().map(|line| row(&serde_json::from_str(line).unwrap())).collect()
        }
        "text/csv; charset=utf-8; header=present" => {
            let mut lines = text().lines();
            assert_eq!(lines.next(), Some("\"n\",\"s\""));
            let cells = lines.map(|line| line.split_once(',').unwrap());
            cells.map(|(n, s)| (n.parse().unwrap(), s.trim_matches('"').replace("\"\"", "\""))).collect()
        }
        "application/vnd.apache.arrow.stream" => {
            let batches = StreamReader::try_new(body, None).unwrap().map(Result::unwrap);
            let cells = |batch: &arrow_array::RecordBatch, column: usize| -> Vec<String> {
                let column = batch.column(column);
                (0..column.len())
                    .map(|row| arrow_cast::display::array_value_to_string(column, row).unwrap())
                    .collect()
            };
            batches
                .flat_map(|batch| cells(&batch, 0).into_iter().zip(cells(&batch, 1)).collect::<Vec<_>>())
                .map(|(n, s)| (n.parse().unwrap(), s))
                .collect()
        }
        "application/vnd.apache.parquet" => {
            assert!(body.starts_with(b"PAR1") && body.ends_with(b"PAR1") && body.len() > 100);
            expected()
        }
        other => panic!("{other}"),
    }
}

fn expected() -> Vec<(u64, String)> {
    (0..3).map(|n| (n, format!("a\"{n}"))).collect()
}

#[tokio::test]
async fn each_form_by_field_and_by_header() {
    let serving = Serving::start(&[]);
    let forms = [
        ("json", "application/json"),
        ("ndjson", "application/x-ndjson"),
        ("csv", "text/csv; charset=utf-8; header=present"),
        ("arrow", "application/vnd.apache.arrow.stream"),
        ("parquet", "application/vnd.apache.parquet"),
    ];
    for (name, expected_type) in forms {
        let accept = expected_type.split(';').next().unwrap();
        let by_field = serving.send("/api/query", &[], &json!({"query": SQL, "format": name})).await;
        // The field wins.
        let by_both = serving
            .send("/api/query", &[("accept", "text/html")], &json!({"query": SQL, "format": name}))
            .await;
        let by_header = serving.send("/api/query", &[("accept", accept)], &json!({"query": SQL})).await;
        for response in [by_field, by_both, by_header] {
            assert_eq!(response.status(), StatusCode::OK, "{name}");
            let found = media_type(&response);
            assert_eq!(found, expected_type);
            assert_eq!(rows(&found, &response.bytes().await.unwrap()), expected(), "{name}");
        }
    }
    let refused = serving.send("/api/query", &[("accept", "text/html")], &json!({"query": SQL})).await;
    let (status, answer) = json_of(refused).await;
    assert_eq!((status, &answer["code"]), (406, &json!("not_acceptable")), "{answer}");
    let unknown = serving.send("/api/query", &[], &json!({"query": SQL, "format": "xml"})).await;
    let (status, answer) = json_of(unknown).await;
    assert_eq!((status, &answer["code"]), (400, &json!("invalid_input")), "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("format"), "{answer}");
    // Whatever was asked for, an error is JSON.
    let failed = serving.send("/api/query", &[("accept", "text/csv")], &json!({"query": "SELEC 1"})).await;
    assert_eq!((failed.status().as_u16(), media_type(&failed).as_str()), (400, "application/json"));
}

/// Names a coding, and undoes it as far as the bytes go.
type Coding = (&'static str, fn(&[u8]) -> std::io::Result<Vec<u8>>);

const CODINGS: [Coding; 3] = [
    ("gzip", |bytes| read(flate2::read::GzDecoder::new(bytes))),
    ("zstd", |bytes| read(zstd::stream::read::Decoder::new(bytes)?)),
    ("br", |bytes| read(brotli::Decompressor::new(bytes, 1 << 14))),
];

fn read(mut decoder: impl std::io::Read) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    decoder.read_to_end(&mut all).map(|_| all)
}

#[tokio::test]
async fn a_result_comes_in_the_coding_that_was_asked_for() {
    let serving = Serving::start(&[]);
    let body = json!({"query": "SELECT number, toString(number) AS s FROM numbers(100000)"});
    let plain = serving.send("/api/query", &[], &body).await;
    assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
    let plain = plain.bytes().await.unwrap();
    for (coding, decode) in CODINGS {
        let asked = format!("{coding}, identity;q=0");
        let coded = serving.send("/api/query", &[("accept-encoding", &asked)], &body).await;
        assert_eq!(coded.headers()[header::CONTENT_ENCODING], coding);
        assert!(coded.headers().contains_key(header::VARY), "{coding}");
        let coded = coded.bytes().await.unwrap();
        assert!(coded.len() < plain.len() / 2, "{coding}: {} of {}", coded.len(), plain.len());
        assert!(decode(&coded).unwrap() == plain, "{coding}: other bytes");
    }
    for (headers, form) in
        [(("accept-encoding", "identity"), "json"), (("accept-encoding", "gzip"), "parquet")]
    {
        let body = json!({"query": "SELECT number FROM numbers(1000)", "format": form});
        let answer = serving.send("/api/query", &[headers], &body).await;
        assert!(!answer.headers().contains_key(header::CONTENT_ENCODING), "{headers:?} {form}");
    }
}

#[tokio::test]
async fn a_late_error_cuts_the_answer_in_each_form_and_coding() {
    let serving = Serving::start(&[]);
    let late = "SELECT throwIf(number = 900000) AS x, number AS n FROM numbers(1000000)";
    let codings = [("identity", None)].into_iter().chain(CODINGS.map(|(name, decode)| (name, Some(decode))));
    for (coding, decode) in codings {
        for form in ["json", "ndjson", "csv", "arrow"] {
            let asked = [("accept-encoding", coding)];
            let mut answer =
                serving.send("/api/query", &asked, &json!({"query": late, "format": form})).await;
            assert_eq!(answer.status(), StatusCode::OK, "{coding} {form}");
            let mut came = Vec::new();
            let cut = loop {
                match answer.chunk().await {
                    Ok(Some(chunk)) => came.extend_from_slice(&chunk),
                    Ok(None) => break false,
                    Err(_) => break true,
                }
            };
            assert!(cut, "{coding} {form}: the answer looks whole");
            assert!(came.len() > 1_000, "{coding} {form}: nothing came");
            // Nor is what came a whole one by the coding's own end, which a client might go by. The `br` decoder tells
            // nothing of an end that is missing.
            if let Some(decode) = decode
                && coding != "br"
            {
                assert!(decode(&came).is_err(), "{coding} {form}");
            }
        }
    }
}

#[tokio::test]
async fn an_error_has_the_servers_name_for_it_and_its_place() {
    let serving = Serving::start(&[]);
    let (status, answer) =
        json_of(serving.send("/api/query", &[], &json!({"query": "SELECT 1,\n  'é' 'x' y z"})).await).await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(
        (&answer["serverCode"], &answer["serverErrorName"]),
        (&json!(62), &json!("SYNTAX_ERROR")),
        "{answer}"
    );
    assert_eq!(answer["position"]["line"], 2, "{answer}");
    assert!(answer["position"]["offset"].is_u64() && answer["position"]["column"].is_u64(), "{answer}");
    let (_, answer) =
        json_of(serving.send("/api/query", &[], &json!({"query": "SELECT * FROM nope"})).await).await;
    assert_eq!(answer["serverErrorName"], "UNKNOWN_TABLE", "{answer}");
    assert_eq!(answer.get("position"), None, "{answer}");
}

/// Each is one call, which ClickHouse ends no sooner than it returns.
const LONG_CALL: &str = "SELECT arrayLevenshteinDistance(range(40000), arrayReverse(range(40000)))";

#[tokio::test]
async fn an_abandoned_query_keeps_its_slot_until_it_has_ended() {
    let serving = Serving::start(&[("HELIOS_QUERY_MAX_CONCURRENT", "2")]);
    let runs = async |id: &str| {
        let (status, _) = serving.post("/api/query-progress", &json!({"queryId": id})).await;
        status == 200
    };
    let ids = ["abandoned-1", "abandoned-2"];
    let mut readers = Vec::new();
    for id in ids {
        readers.push(serving.begin(&json!({"query": LONG_CALL, "queryId": id})).await);
        while !runs(id).await {}
    }
    drop(readers);
    let mut refused = 0;
    loop {
        let (status, answer) = serving.post("/api/query", &json!({"query": "SELECT 1"})).await;
        if status == 200 {
            break;
        }
        assert_eq!((status, &answer["code"]), (503, &json!("overloaded")), "{answer}");
        refused += 1;
    }
    assert!(!runs(ids[0]).await || !runs(ids[1]).await, "a third query runs beside two");
    assert!(refused > 0, "the queries ended too soon to show anything");
}

#[tokio::test]
async fn a_running_query_is_looked_at_and_cancelled_by_its_name() {
    let serving = Serving::start(&[]);
    let id = "http-query-1";
    let named = json!({"queryId": id});
    let (status, answer) = json_of(serving.send("/api/query-progress", &[], &named).await).await;
    assert_eq!((status, &answer["code"]), (404, &json!("not_found")), "{answer}");
    let (status, answer) = json_of(serving.send("/api/cancel-query", &[], &named).await).await;
    assert_eq!((status, answer), (200, json!({"queryId": id, "found": false})));

    let endless = json!({"query": "SELECT sum(sipHash64(number)) FROM system.numbers", "queryId": id});
    let watch = async {
        let progress = loop {
            let (status, answer) = json_of(serving.send("/api/query-progress", &[], &named).await).await;
            if status == 200 && answer["readRows"].as_u64() > Some(0) {
                break answer;
            }
        };
        let fields: Vec<_> = progress.as_object().unwrap().keys().cloned().collect();
        let known = ["elapsedSeconds", "memoryUsage", "queryId", "readBytes", "readRows", "totalRows"];
        assert!(known.iter().all(|field| fields.iter().any(|found| found == field)), "{progress}");
        assert_eq!(progress["queryId"], id);
        let (status, answer) =
            json_of(serving.send("/api/query", &[], &json!({"query": "SELECT 1", "queryId": id})).await)
                .await;
        assert_eq!((status, &answer["code"]), (409, &json!("conflict")), "{answer}");
        let (status, answer) = json_of(serving.send("/api/cancel-query", &[], &named).await).await;
        assert_eq!((status, answer), (200, json!({"queryId": id, "found": true})));
    };
    let (answer, ()) = tokio::join!(serving.send("/api/query", &[], &endless), watch);
    assert_eq!(answer.headers()["x-helios-query-id"], id);
    let (status, answer) = json_of(answer).await;
    assert_eq!(
        (status, &answer["code"], &answer["serverCode"]),
        (503, &json!("cancelled"), &json!(394)),
        "{answer}"
    );

    // A name that was not chosen is told.
    let unnamed = serving.send("/api/query", &[], &json!({"query": "SELECT 1"})).await;
    assert!(!unnamed.headers()["x-helios-query-id"].is_empty());
    // What this server does not run is not its to end.
    let (status, answer) =
        json_of(serving.send("/api/cancel-query", &[], &json!({"queryId": "it's"})).await).await;
    assert_eq!((status, &answer["code"]), (400, &json!("invalid_input")), "{answer}");
}
