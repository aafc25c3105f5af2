//! Queries as bytes of each form.

use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_ipc::reader::StreamReader;
use futures_util::TryStreamExt as _;
use helios_core::{ErrorKind, QueryOptions, ResultFormat, TimeForm};

use crate::shop::{client, rows};

async fn bytes(sql: &str, format: ResultFormat) -> Vec<u8> {
    bytes_with(sql, format, &QueryOptions::default()).await
}

async fn bytes_with(sql: &str, format: ResultFormat, options: &QueryOptions) -> Vec<u8> {
    let stream =
        client().query_bytes(sql, options, format).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    assert_eq!(stream.format(), format);
    let chunks: Vec<_> = stream.try_collect().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    chunks.concat()
}

async fn text(sql: &str, format: ResultFormat) -> String {
    String::from_utf8(bytes(sql, format).await).unwrap()
}

const SQL: &str = "SELECT number AS n, 'a \"b\",\n' || char(0xE2, 0x82, 0xAC) AS s, [1, 2] AS a, NULL AS z, nan AS f, \
                   toDateTime(0, 'UTC') AS t FROM numbers(2)";

#[tokio::test]
async fn a_row_a_line() {
    let row = |n| {
        format!(r#"{{"n":{n},"s":"a \"b\",\n€","a":[1,2],"z":null,"f":null,"t":"1970-01-01T00:00:00Z"}}"#)
    };
    assert_eq!(text(SQL, ResultFormat::NdJson).await, format!("{}\n{}\n", row(0), row(1)));
    assert_eq!(text("SELECT 1 AS a WHERE 0", ResultFormat::NdJson).await, "");
}

#[tokio::test]
async fn comma_separated_values() {
    let row = |n| format!("{n},\"a \"\"b\"\",\n€\",\"[1,2]\",\\N,nan,\"1970-01-01T00:00:00Z\"\n");
    assert_eq!(
        text(SQL, ResultFormat::Csv).await,
        format!("\"n\",\"s\",\"a\",\"z\",\"f\",\"t\"\n{}{}", row(0), row(1))
    );
    assert_eq!(text("SELECT 1 AS a WHERE 0", ResultFormat::Csv).await, "\"a\"\n");
    assert_eq!(text("SELECT unhex('61FF62') AS a", ResultFormat::Csv).await, "\"a\"\n\"a\u{fffd}b\"\n");
    let options = QueryOptions { times: TimeForm::UnixTimestamp, ..QueryOptions::default() };
    let times = bytes_with("SELECT toDateTime(7, 'UTC') AS t", ResultFormat::Csv, &options).await;
    assert_eq!(String::from_utf8(times).unwrap(), "\"t\"\n\"7\"\n");
}

/// Many rows, cut into chunks anywhere: no character, no quote is lost.
#[tokio::test]
async fn a_large_result_is_whole_in_every_form() {
    let sql = "SELECT number AS n, concat('€\"', toString(number), '\n') AS s FROM numbers(300000)";
    let csv = text(sql, ResultFormat::Csv).await;
    assert_eq!(csv.matches("€\"\"").count(), 300_000);
    assert!(csv.ends_with("299999,\"€\"\"299999\n\"\n"));
    assert_eq!(text(sql, ResultFormat::NdJson).await.lines().count(), 300_000);
    let arrow = bytes(sql, ResultFormat::Arrow).await;
    let batches = StreamReader::try_new(arrow.as_slice(), None).unwrap();
    assert_eq!(batches.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 300_000);
    assert_eq!(
        parquet(&bytes(sql, ResultFormat::Parquet).await, "count(), sum(n)").await,
        "[300000,44999850000]"
    );
}

/// What an expression says of a Parquet file, read by the engine.
async fn parquet(file: &[u8], expression: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.parquet");
    std::fs::write(&path, file).unwrap();
    let sql = format!("SELECT tuple({expression}) AS v FROM file('{}', Parquet)", path.display());
    let row = rows(&sql).await.remove(0);
    row.trim_start_matches("{\"v\":").trim_end_matches('}').to_owned()
}

#[tokio::test]
async fn a_parquet_file() {
    let sql = SQL.replace("NULL AS z", "toNullable(1) AS z");
    let file = bytes(&sql, ResultFormat::Parquet).await;
    assert_eq!(parquet(&file, "max(n), any(s), any(a)").await, r#"[1,"a \"b\",\n€",[1,2]]"#);
    let empty = bytes("SELECT 1 AS a WHERE 0", ResultFormat::Parquet).await;
    assert_eq!(parquet(&empty, "count()").await, "[0]");
}

#[tokio::test]
async fn an_arrow_stream_of_real_types() {
    let sql = "SELECT toIPv4('192.0.2.1') AS a, CAST('x', 'Enum8(\\'x\\' = 1)') AS e, toLowCardinality('l') AS l FROM numbers(3)";
    let bytes = bytes(sql, ResultFormat::Arrow).await;
    assert!(bytes.ends_with(&[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]));
    let batches: Vec<_> =
        StreamReader::try_new(bytes.as_slice(), None).unwrap().map(Result::unwrap).collect();
    let options = FormatOptions::default();
    let shown = |column: usize| {
        ArrayFormatter::try_new(batches[0].column(column), &options).unwrap().value(2).to_string()
    };
    assert_eq!([shown(0), shown(1), shown(2)], ["192.0.2.1", "x", "l"]);
}

#[tokio::test]
async fn a_statement_without_a_result_answers_with_nothing() {
    let name = format!("t_{}", uuid::Uuid::new_v4().simple());
    for format in [ResultFormat::NdJson, ResultFormat::Csv, ResultFormat::Parquet] {
        let sql = format!("CREATE TABLE IF NOT EXISTS default.{name} (a UInt8) ENGINE = Memory");
        assert_eq!(bytes(&sql, format).await, b"", "{format:?}");
    }
    assert!(text("SHOW DATABASES", ResultFormat::Csv).await.starts_with("\"name\"\n"));
}

#[tokio::test]
async fn bad_sql_is_an_error_before_anything_is_answered() {
    for format in ResultFormat::ALL {
        for (sql, kind, code) in [
            ("", ErrorKind::InvalidQuery, None),
            ("SELECT * FROM nope", ErrorKind::NotFound, Some(60)),
            ("SELECT 1 FORMAT TSV", ErrorKind::InvalidQuery, None),
            ("SELECT 1 FORMAT Null", ErrorKind::InvalidQuery, None),
            ("SELECT 1 FORMAT TSVWithNames -- x", ErrorKind::InvalidQuery, None),
            ("SELECT throwIf(number = 3) FROM numbers(10)", ErrorKind::InvalidQuery, Some(395)),
        ] {
            let error = client().query_bytes(sql, &QueryOptions::default(), format).await.unwrap_err();
            let found = (error.kind(), error.server_code(), error.operation());
            assert_eq!(found, (kind, code, "query"), "{format:?} {sql}: {error}");
        }
        let error = client().query("SELECT 1,\n  2 3").bytes(format).await.unwrap_err();
        let position = error.position().unwrap_or_else(|| panic!("{format:?}: {error}"));
        assert_eq!((position.line, position.column), (2, 5), "{format:?}");
    }
}

#[tokio::test]
async fn an_error_after_the_first_row_ends_the_stream_with_it() {
    let sql =
        "SELECT number, throwIf(number = 3000000) AS x FROM numbers(10000000) SETTINGS max_block_size = 1000";
    for format in ResultFormat::ALL {
        let mut stream = client().query(sql).bytes(format).await.unwrap();
        let error = loop {
            match stream.try_next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{format:?}: a cut result passed for a whole one"),
                Err(error) => break error,
            }
        };
        assert_eq!((error.server_code(), error.operation()), (Some(395), "query"), "{format:?}");
        assert!(stream.try_next().await.unwrap().is_none(), "an error ends the stream");
    }
}
