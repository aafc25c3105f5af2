//! A ClickHouse user who can only read, and what queries ask of such a user.

use std::process::{Command, Output};

use futures_util::TryStreamExt as _;
use helios_core::{QueryOptions, QueryStream, ResultFormat};
use helios_tests::binary;

use crate::{
    settings_proxy::{SettingsProxy, UNCHANGED},
    shop::client,
};

const PASSWORD: &str = "canary-5f2c";

fn reader(args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(binary("helios-server").unwrap());
    command.env_clear().envs(variables.iter().copied()).arg("reader").args(args).output().unwrap()
}

/// What is not in the list would be refused to a user whose profile says `readonly = 1`.
#[tokio::test(flavor = "multi_thread")]
async fn every_setting_of_a_query_is_in_the_list() {
    let proxy = SettingsProxy::start(UNCHANGED).await;
    let client = proxy.client();
    let options = r#"{"readOnly": true, "maxExecutionSeconds": 60, "maxResultRows": 10, "maxResultBytes": 1000000,
        "maxMemoryUsage": 1000000000, "limit": 5, "quote64BitIntegers": true, "times": "simple",
        "wideIntegers": "decimal", "queryId": "reader-1", "database": "default", "parameters": {"n": 3, "l": [1]}}"#;
    let options: QueryOptions = serde_json::from_str(options).unwrap();
    let sql = "SELECT number FROM numbers({n:UInt64}) WHERE notEmpty({l:Array(UInt8)})";
    client.query_with(sql, &options).await.unwrap();
    let whole = async |stream: QueryStream| stream.try_collect::<Vec<_>>().await.unwrap();
    for format in [
        ResultFormat::Json,
        ResultFormat::NdJson,
        ResultFormat::Csv,
        ResultFormat::Arrow,
        ResultFormat::Parquet,
    ] {
        whole(client.query_bytes(sql, &options, format).await.unwrap()).await;
    }
    let batches: Vec<_> = client.query_arrow(sql, &options).await.unwrap().try_collect().await.unwrap();
    assert_eq!(batches.len(), 1);
    assert_eq!(client.query_as::<u64>(sql, &options).await.unwrap().all().await.unwrap().len(), 3);
    let id = options.query_id.unwrap();
    assert!(!client.cancel_query(&id).await.unwrap().found);
    assert!(client.query_progress(&id).await.unwrap().is_none());
    client.databases().await.unwrap();

    // What is no setting, and the one that a profile sets for good.
    let others = ["query", "query_id", "database", "default_format", "readonly"];
    let seen = proxy.seen();
    let settings: Vec<_> = seen
        .iter()
        .map(String::as_str)
        .filter(|name| !name.starts_with("param_") && !others.contains(name))
        .collect();
    assert_eq!(settings, QueryOptions::SETTINGS);
    assert!(seen.contains("readonly"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sql_is_clickhouses() {
    let output = reader(
        &["--user", "o'neill", "--database", "shop", "--database", "default"],
        &[("HELIOS_READER_PASSWORD", PASSWORD)],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{:?}", String::from_utf8(output.stderr));
    assert!(!text.contains(PASSWORD), "{text}");
    let statements: Vec<_> = text.split(";\n").filter(|statement| !statement.is_empty()).collect();
    assert_eq!(statements.len(), 5, "{text}");
    for statement in statements {
        // It says what it has read.
        let tree = client().query(format!("EXPLAIN AST {statement}")).await.unwrap();
        let root = tree.data[0].get();
        assert!(root.contains("Create") || root.contains("Grant"), "{statement}: {root}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn applied_it_goes_to_the_server() {
    let proxy = SettingsProxy::start(UNCHANGED).await;
    let url = proxy.url();
    let (args, password) =
        (["--user", "ann", "--database", "shop", "--apply"], ("HELIOS_READER_PASSWORD", PASSWORD));
    let asked = tokio::task::spawn_blocking(move || {
        reader(&args, &[password, ("HELIOS_CLICKHOUSE_URL", &url), ("RUST_LOG", "trace")])
    });
    let output = asked.await.unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    // The engine has no users.
    assert!(!output.status.success() && text.contains("permission_denied"), "{text}");
    assert!(!text.contains(PASSWORD), "{text}");

    for (variables, says) in [
        (&[password][..], "the embedded engine has no users"),
        (&[], "needs the environment variable HELIOS_READER_PASSWORD"),
    ] {
        let output = reader(&args, variables);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && text.contains(says), "{text}");
    }
}
