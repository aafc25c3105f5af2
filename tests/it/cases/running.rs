//! What every face does with a query that runs, and with its bytes.

use std::{collections::BTreeSet, pin::pin};

use futures_util::TryStreamExt as _;
use helios_core::{QueryOptions, ResultFormat};
use helios_tests::Lab;
use serde_json::json;

use super::{
    case::{Case, client, digits},
    face::Face,
};

/// A query that the same caller sees running, and ends.
pub(super) async fn looked_at_and_cancelled(face: &mut impl Face, twin: &mut impl Face) {
    let by_name = json!({"queryId": "endless"});
    let look = Case::new("query_progress", by_name.clone());
    let cancel = Case::new("cancel_query", by_name.clone());
    let endless = json!({"query": "SELECT sum(number) AS s FROM system.numbers", "queryId": "endless"});
    let endless = Case::new("query", endless);
    let mut query = pin!(face.call(&endless));
    let progress = loop {
        let seen = tokio::select! {
            outcome = &mut query => panic!("it ended unseen: {outcome:?}"),
            seen = twin.call(&look) => seen,
        };
        match seen {
            Ok(progress) if !progress.is_null() => break progress,
            // Null, or not found, as long as it does not run.
            Ok(_) => {}
            Err(failure) => assert_eq!(failure.code, "not_found", "{failure:?}"),
        }
    };
    let names: BTreeSet<_> = progress.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["elapsedSeconds", "memoryUsage", "queryId", "readBytes", "readRows", "totalRows"];
    assert_eq!(names, expected.into(), "{progress}");
    assert_eq!(progress["queryId"], "endless");

    let (outcome, cancelled) = tokio::join!(query, twin.call(&cancel));
    assert_eq!(cancelled.unwrap(), json!({"queryId": "endless", "found": true}));
    assert_eq!(outcome.unwrap_err().code, "cancelled");
}

/// Compares the bytes of a result in every form with those that Rust's client gives; returns what differs.
pub(super) async fn every_form(face: &mut impl Face, lab: &Lab) -> Vec<String> {
    let sql = "SELECT number AS n, concat('é\"', toString(number)) AS s, toInt256(-1) AS wide, \
               toDateTime(number, 'Europe/Berlin') AS t FROM numbers(200000)";
    let options = json!({"limit": 3, "wideIntegers": "decimal", "times": "simple"});
    let read: QueryOptions = serde_json::from_value(options.clone()).unwrap();
    let mut arguments = options;
    arguments["query"] = json!(sql);
    let mut differences = Vec::new();
    for format in ResultFormat::ALL {
        let case = Case::new(&format!("query_{}", format.as_str()), arguments.clone());
        let chunks = client(lab).query_bytes(sql, &read, format).await.unwrap();
        let expected = digits(&chunks.try_collect::<Vec<_>>().await.unwrap().concat());
        assert!(!expected.is_empty());
        match face.call(&case).await {
            Ok(found) if found == expected => {}
            other => differences.push(format!("{format:?}: {other:?} instead of {expected}")),
        }
    }
    differences
}
