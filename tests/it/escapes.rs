//! R20: what SQL that only reads must not be able to do, and what it must. The statements are in `tests/escapes.json`.
//!
//! Each is run through the library, through the server over its own engine, and through the server over another ClickHouse.
//! Once more they run where writing is allowed: what would do no harm there shows nothing by being refused.

use std::{fs, path::Path};

use futures_util::TryStreamExt as _;
use helios_core::{HeliosClient, QueryOptions};
use helios_tests::{Server, ServerOptions};
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    canary::Canary,
    settings_proxy::{BARE, SettingsProxy, UNCHANGED},
    shop::client,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Corpus {
    pub(crate) refused: Vec<Refused>,
    pub(crate) allowed: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refused {
    pub(crate) sql: String,
    /// What it would do.
    reason: String,
    /// ClickHouse's number of the error, and our kind of it.
    code: u64,
    kind: String,
    /// Fields of the request beside the text.
    #[serde(default)]
    options: Map<String, Value>,
    /// What it does where writing is allowed.
    #[serde(default)]
    open: Open,
    /// It is refused there, too.
    #[serde(default)]
    always: bool,
    /// A server reads the files of one folder only. The engine knows no such folder, so the canary shows nothing there.
    #[serde(default)]
    folder: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Open {
    /// It succeeds.
    #[default]
    Ok,
    /// It connects to the canary.
    Reaches,
    /// Its result holds the canary's secret.
    Reads,
    /// It leaves a file.
    Writes,
    /// It fails by this number, which is not about what is allowed.
    #[serde(untagged)]
    Fails(u64),
}

impl Corpus {
    pub(crate) fn read() -> Self {
        let mut corpus: Self = serde_json::from_str(include_str!("../escapes.json")).unwrap();
        corpus.refused.extend(settings_by_rule());
        assert!(corpus.refused.len() >= 300 && corpus.allowed.len() >= 100, "the corpus has shrunk");
        corpus
    }
}

/// Each of these settings, to what it says and to its default, in each place where a statement can have settings.
fn settings_by_rule() -> Vec<Refused> {
    const SETTINGS: [(&str, &str); 6] = [
        ("readonly", "0"),
        ("max_execution_time", "0"),
        ("max_memory_usage", "0"),
        ("max_result_rows", "0"),
        ("max_result_bytes", "0"),
        ("max_threads", "2"),
    ];
    const PLACES: [&str; 11] = [
        "SELECT 1 SETTINGS ${}",
        "SELECT 1 settings readonly = 1, ${}",
        "(SELECT 1 SETTINGS ${})",
        "SELECT * FROM (SELECT 1 SETTINGS ${})",
        "SELECT * FROM (SELECT * FROM (SELECT 1 SETTINGS ${}))",
        "WITH x AS (SELECT 1 SETTINGS ${}) SELECT * FROM x",
        "SELECT (SELECT 1 SETTINGS ${})",
        "SELECT 1 IN (SELECT 1 SETTINGS ${})",
        "SELECT 1 UNION ALL SELECT 2 SETTINGS ${}",
        "SELECT * FROM view(SELECT 1 SETTINGS ${})",
        "SELECT * FROM numbers(1) AS a JOIN (SELECT 0 AS number SETTINGS ${}) AS b USING number",
    ];
    let refused = |place: &str, setting: &str| Refused {
        sql: place.replace("${}", setting),
        reason: "sets a setting".to_owned(),
        code: 164,
        kind: "permission_denied".to_owned(),
        options: Map::new(),
        open: Open::Ok,
        always: false,
        folder: false,
    };
    let values = SETTINGS.into_iter().flat_map(|(name, value)| [(name, value), (name, "DEFAULT")]);
    values
        .flat_map(|(name, value)| PLACES.map(|place| refused(place, &format!("{name} = {value}"))))
        .collect()
}

/// What a statement may be after: an address, a file, a folder.
pub(crate) struct Bait {
    pub(crate) canary: Canary,
    folder: TempDir,
    pub(crate) secret: String,
}

impl Bait {
    pub(crate) async fn lay() -> Self {
        let (canary, folder) = (Canary::start().await, tempfile::tempdir().unwrap());
        let secret = Uuid::new_v4().to_string();
        fs::write(folder.path().join("canary.txt"), format!("{secret}\n")).unwrap();
        Self { canary, folder, secret }
    }

    /// The folder outside of the data.
    pub(crate) fn folder(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    pub(crate) fn in_text(&self, text: &str, database: &str) -> String {
        let folder = self.folder();
        text.replace("${http}", &format!("http://{}", self.canary.address()))
            .replace("${host}", &self.canary.address().to_string())
            .replace("${canary}", &format!("{folder}/canary.txt"))
            .replace("${dir}", folder)
            .replace("${db}", database)
    }

    /// The files beside the canary.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).filter(|name| name != "canary.txt").collect()
    }
}

/// The texts of a result, or kind and number of the error.
pub(crate) type Outcome = Result<String, (String, Option<u64>)>;

/// A way to ClickHouse.
enum Way {
    Library(HeliosClient),
    Http(Server),
    /// A server that allows writes, told not to by each request.
    ReadOnly(Server),
}

impl Way {
    async fn ask(&self, sql: &str, options: &Map<String, Value>) -> Outcome {
        match self {
            Self::Library(client) => ask_library(client, sql, options).await,
            Self::Http(server) => ask_http(server, sql, options).await,
            Self::ReadOnly(server) => {
                let mut options = options.clone();
                options.insert("readOnly".to_owned(), json!(true));
                ask_http(server, sql, &options).await
            }
        }
    }
}

async fn ask_library(client: &HeliosClient, sql: &str, options: &Map<String, Value>) -> Outcome {
    let mut options = options.clone();
    options.insert("readOnly".to_owned(), json!(true));
    let options: QueryOptions = serde_json::from_value(options.into()).unwrap();
    let arrow = async { client.query_arrow(sql, &options).await?.try_collect::<Vec<_>>().await };
    let arrow = arrow.await;
    match client.query_with(sql, &options).await {
        Ok(result) => {
            assert!(arrow.is_ok(), "{sql}: another answer as Arrow: {arrow:?}");
            Ok(serde_json::to_string(&result.data).unwrap())
        }
        Err(error) => {
            assert!(arrow.is_err(), "{sql}: passes as Arrow");
            Err((error.kind().as_str().to_owned(), error.server_code().map(u64::from)))
        }
    }
}

pub(crate) async fn ask_http(server: &Server, sql: &str, options: &Map<String, Value>) -> Outcome {
    let mut body = options.clone();
    body.insert("query".to_owned(), json!(sql));
    let request =
        Client::new().post(format!("{}/api/query", server.url())).body(Value::from(body).to_string());
    let response = request.send().await.unwrap();
    let passed = response.status().is_success();
    let text = response.text().await.unwrap();
    if passed {
        return Ok(text);
    }
    let error: Value = serde_json::from_str(&text).unwrap();
    Err((error["code"].as_str().unwrap().to_owned(), error["serverCode"].as_u64()))
}

pub(crate) fn server(data: &Path, settings: &[(&str, &str)]) -> Server {
    let options = ServerOptions::new(data)
        .set("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .set("AWS_REGION", "eu-west-1")
        .set("RUST_LOG", "off");
    Server::start(&settings.iter().fold(options, |options, (name, value)| options.set(name, *value))).unwrap()
}

/// A server over another ClickHouse.
fn over(proxy: &SettingsProxy, writes: &str) -> Server {
    let options = ServerOptions::default()
        .set("HELIOS_ADDR", "127.0.0.1:0")
        .set("HELIOS_CLICKHOUSE_URL", proxy.url())
        .set("HELIOS_ALLOW_WRITES", writes)
        .set("RUST_LOG", "off");
    Server::start(&options).unwrap()
}

/// An engine that nothing confines, with a secret in its environment: over it, what a judge lets through does harm.
pub(crate) fn unconfined_engine(data: &Path, secret: &str) -> Server {
    let options = ServerOptions::new(data)
        .program("helios-engine")
        .set("HELIOS_ENGINE_LISTEN", "127.0.0.1:0")
        .set("HELIOS_ENGINE_USER", "escapes")
        .set("HELIOS_ENGINE_PASSWORD", "escapes")
        .set("CANARY", secret);
    Server::start(&options).unwrap()
}

/// A server over that engine.
pub(crate) fn over_unconfined(engine: &Server, settings: &[(&str, &str)]) -> Server {
    let options = ServerOptions::default()
        .set("HELIOS_ADDR", "127.0.0.1:0")
        .set("HELIOS_CLICKHOUSE_URL", engine.url())
        .set("HELIOS_CLICKHOUSE_USER", "escapes")
        .set("HELIOS_CLICKHOUSE_PASSWORD", "escapes")
        .set("RUST_LOG", "off");
    Server::start(&settings.iter().fold(options, |options, (name, value)| options.set(name, *value))).unwrap()
}

/// A database with something to lose, and a table that was dropped.
pub(crate) fn furnished(database: &str) -> Vec<String> {
    let table = |name: &str| {
        format!("CREATE TABLE {database}.{name} (a UInt8, b UInt8 DEFAULT 0) ENGINE = MergeTree ORDER BY a")
    };
    vec![
        format!("CREATE DATABASE {database}"),
        table("target"),
        table("other"),
        format!("INSERT INTO {database}.target (a) SELECT 1"),
        table("gone"),
        format!("DROP TABLE {database}.gone"),
    ]
}

/// What must stay as it is.
fn state_of(database: &str) -> String {
    format!(
        "SELECT (SELECT groupArray((name, comment)) FROM (SELECT * FROM system.tables WHERE database = '{database}' \
         ORDER BY name)), (SELECT count() + sum(a) FROM {database}.target), (SELECT count() FROM system.columns WHERE \
         database = '{database}'), (SELECT count() FROM system.databases WHERE name LIKE '{database}%'), \
         (SELECT count() FROM system.functions WHERE name = '{database}_made')"
    )
}

/// Runs the statements this way. What passes that must not, and what does not that must, is listed.
async fn check(
    name: &str,
    way: &Way,
    database: &str,
    bait: &Bait,
    corpus: &Corpus,
    select: fn(&Refused) -> bool,
) -> Vec<String> {
    let none = Map::new();
    let mut wrong = Vec::new();
    let before = way.ask(&state_of(database), &none).await.unwrap();
    for refused in corpus.refused.iter().filter(|refused| select(refused)) {
        let sql = bait.in_text(&refused.sql, database);
        let options = in_options(bait, &refused.options, database);
        let reached = bait.canary.reached();
        let outcome = way.ask(&sql, &options).await;
        let as_told = match &outcome {
            // The server's own refusal has no number.
            Err((kind, code)) => {
                *kind == refused.kind && code.map_or(kind == "permission_denied", |code| code == refused.code)
            }
            Ok(_) => false,
        };
        if !as_told || bait.canary.reached() > reached {
            let count = bait.canary.reached() - reached;
            wrong.push(format!(
                "{name}: {} ({}): {outcome:?}, {count} connections",
                refused.sql, refused.reason
            ));
        }
    }
    for allowed in &corpus.allowed {
        if let Err(error) = way.ask(&bait.in_text(allowed, database), &none).await {
            wrong.push(format!("{name}: {allowed} must pass: {error:?}"));
        }
    }
    let after = way.ask(&state_of(database), &none).await;
    if after.as_ref() != Ok(&before) {
        wrong.push(format!("{name}: {before} has become {after:?}"));
    }
    wrong
}

fn in_options(bait: &Bait, options: &Map<String, Value>, database: &str) -> Map<String, Value> {
    let text = bait.in_text(&serde_json::to_string(options).unwrap(), database);
    serde_json::from_str(&text).unwrap()
}

#[track_caller]
fn nothing_wrong(wrong: &[String], bait: &Bait) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(bait.canary.reached(), 0);
    assert_eq!(bait.left_behind(), Vec::<String>::new());
}

pub(crate) fn new_name() -> String {
    format!("escape_{}", Uuid::new_v4().simple())
}

async fn furnish_here() -> String {
    let database = new_name();
    for statement in furnished(&database) {
        client().warehouse().execute(&statement).await.unwrap();
    }
    database
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_escapes_the_library() {
    let (bait, corpus, database) = (Bait::lay().await, Corpus::read(), furnish_here().await);
    let way = Way::Library(client());
    nothing_wrong(&check("library", &way, &database, &bait, &corpus, |_| true).await, &bait);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_escapes_the_server_over_its_engine() {
    let (bait, corpus, database) = (Bait::lay().await, Corpus::read(), new_name());
    let data = tempfile::tempdir().unwrap();
    let writing = server(data.path(), &[("HELIOS_ALLOW_WRITES", "true")]);
    for statement in furnished(&database) {
        ask_http(&writing, &statement, &Map::new()).await.unwrap();
    }
    writing.stop().unwrap();
    let way = Way::Http(server(data.path(), &[]));
    nothing_wrong(&check("engine", &way, &database, &bait, &corpus, |_| true).await, &bait);
}

/// The other ClickHouse is the engine as it is: what our service adds to its `readonly` is left out, as it is on a server.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_escapes_the_server_over_another_clickhouse() {
    let (bait, corpus, database) = (Bait::lay().await, Corpus::read(), furnish_here().await);
    let (bare, whole) = (SettingsProxy::start(BARE).await, SettingsProxy::start(UNCHANGED).await);
    // This one reads any file, so the server does not start on it but with `--allow-writes`.
    let way = Way::ReadOnly(over(&bare, "true"));
    let mut wrong = check("server", &way, &database, &bait, &corpus, |refused| !refused.folder).await;
    wrong.extend(
        check("listener", &Way::Http(over(&whole, "false")), &database, &bait, &corpus, |_| true).await,
    );
    nothing_wrong(&wrong, &bait);
}

/// The server asks the other ClickHouse how it reads a statement. That shows neither in its own refusal nor in an error.
#[tokio::test(flavor = "multi_thread")]
async fn the_question_about_a_statement_does_not_show() {
    let bare = SettingsProxy::start(BARE).await;
    let server = over(&bare, "true");
    let ask = async |body: Value| -> Value {
        let request = Client::new().post(format!("{}/api/query", server.url())).body(body.to_string());
        serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap()
    };
    // A limit of one row does not cut what is answered to the question.
    let describe = "DESCRIBE url('http://127.0.0.1:1/', 'CSV')";
    let answer = ask(json!({"query": describe, "readOnly": true, "limit": 1})).await;
    assert!(
        answer["error"]
            .as_str()
            .unwrap()
            .starts_with("The table function `url` does not exist or is not allowed"),
        "{answer}"
    );
    assert_eq!(answer["code"], "permission_denied", "{answer}");
    let answer = ask(json!({"query": "DESC\n (SELECT 'é', 1 +)", "readOnly": true})).await;
    assert_eq!(answer["position"], json!({"offset": 23, "line": 2, "column": 18}), "{answer}");
    let answer = ask(json!({"query": " ", "readOnly": true})).await;
    assert!(answer["error"].as_str().unwrap().contains("the query is empty"), "{answer}");
}

/// Where writing is allowed the statements do what they must not do elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_would_do_harm() {
    let (bait, corpus, none) = (Bait::lay().await, Corpus::read(), Map::new());
    let data = tempfile::tempdir().unwrap();
    let engine = unconfined_engine(data.path(), &bait.secret);
    let server = over_unconfined(&engine, &[("HELIOS_ALLOW_WRITES", "true")]);
    let mut wrong = Vec::new();
    for refused in &corpus.refused {
        let database = new_name();
        for statement in furnished(&database) {
            ask_http(&server, &statement, &none).await.unwrap();
        }
        let (sql, options) =
            (bait.in_text(&refused.sql, &database), in_options(&bait, &refused.options, &database));
        let mut reached = bait.canary.more();
        let after = bait.canary.more();
        let harm = async {
            let outcome = ask_http(&server, &sql, &options).await;
            let done = match (refused.open, &outcome) {
                (_, Err((_, code))) if refused.always => *code == Some(refused.code),
                (Open::Fails(expected), Err((_, code))) => {
                    *code == Some(expected) && expected != refused.code
                }
                (Open::Ok, Ok(_)) => true,
                (Open::Reads, Ok(text)) => text.contains(&bait.secret),
                (Open::Writes, Ok(_)) => !bait.left_behind().is_empty(),
                _ => false,
            };
            (done, Some(outcome))
        };
        let (done, outcome) = match refused.open {
            // It may go on trying for long.
            Open::Reaches => tokio::select! {
                biased;
                () = reached.wait() => (true, None),
                (_, outcome) = harm => (after.is_there(), outcome),
            },
            _ => harm.await,
        };
        if !done {
            wrong.push(format!("{} ({}): {outcome:?}", refused.sql, refused.reason));
        }
        for name in bait.left_behind() {
            fs::remove_file(bait.folder.path().join(name)).unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
