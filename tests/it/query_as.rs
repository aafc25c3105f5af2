//! Queries as rows of a Rust type.

use futures_util::TryStreamExt as _;
use helios_core::{ErrorKind, QueryOptions, clickhouse};

use crate::shop::client;

#[derive(Debug, PartialEq, clickhouse::Row, serde::Deserialize)]
#[clickhouse(crate = "helios_core::clickhouse")]
struct Count {
    name: String,
    n: u64,
    parts: Vec<Option<i32>>,
}

#[tokio::test]
async fn rows_are_values_of_the_type() {
    let rows = client()
        .query("SELECT [NULL, toInt32(-1)] AS parts, {name:String} AS name, number AS n FROM numbers(3)")
        .param("name", "Ann's")
        .limit(2)
        .rows_as::<Count>()
        .await
        .unwrap()
        .all()
        .await
        .unwrap();
    let expected = |n| Count { name: "Ann's".to_owned(), n, parts: vec![None, Some(-1)] };
    assert_eq!(rows, [expected(0), expected(1)]);
}

#[tokio::test]
async fn a_result_may_have_no_rows() {
    let sql = "SELECT '' AS name, toUInt64(1) AS n, [toNullable(1::Int32)] AS parts WHERE 0";
    let mut stream = client().query_as::<Count>(sql, &QueryOptions::default()).await.unwrap();
    assert_eq!(stream.try_next().await.unwrap(), None);
    assert_eq!(stream.try_next().await.unwrap(), None);
}

#[tokio::test]
async fn a_type_that_does_not_fit_names_the_column() {
    for (sql, column) in [
        ("SELECT '' AS name, 'x' AS n, [toNullable(1::Int32)] AS parts", "n"),
        ("SELECT '' AS name, toUInt64(1) AS n, ['x'] AS parts", "parts"),
        ("SELECT '' AS name, toUInt64(1) AS n", "parts"),
    ] {
        let error = client().query(sql).rows_as::<Count>().await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidInput, "query"), "{sql}: {error}");
        assert!(error.text().contains(column), "{sql}: {error}");
    }
}

#[tokio::test]
async fn errors_are_those_of_the_other_paths() {
    for (sql, kind, code) in [
        ("", ErrorKind::InvalidQuery, None),
        ("SELECT nope", ErrorKind::InvalidQuery, Some(47)),
        ("SELECT * FROM nope", ErrorKind::NotFound, Some(60)),
    ] {
        let error = client().query(sql).rows_as::<Count>().await.unwrap_err();
        assert_eq!((error.kind(), error.server_code(), error.operation()), (kind, code, "query"), "{sql}");
    }
    let error = client().query("SELECT 1,\n  2 3").rows_as::<u8>().await.unwrap_err();
    let position = error.position().unwrap();
    assert_eq!((position.line, position.column), (2, 5));
}

#[tokio::test]
async fn an_error_after_the_first_row_ends_the_stream_with_it() {
    let sql = "SELECT throwIf(number = 3000000) AS x FROM numbers(10000000) SETTINGS max_block_size = 1000";
    let mut stream = client().query(sql).rows_as::<u8>().await.unwrap();
    let mut seen = 0;
    let error = loop {
        match stream.try_next().await {
            Ok(Some(_)) => seen += 1,
            Ok(None) => panic!("a cut result passed for a whole one"),
            Err(error) => break error,
        }
    };
    assert!(seen > 1000, "the error came before the first rows");
    assert_eq!((error.server_code(), error.operation()), (Some(395), "query"));
    assert!(stream.try_next().await.unwrap().is_none(), "an error ends the stream");
}
