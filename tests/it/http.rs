//! The documented HTTP calls against the server as it runs, down to the emulator and back.

use std::time::Duration;

use helios_tests::{Emulator, Lab, LabOptions, Server, ServerOptions, generate};
use reqwest::{Client, Method, Response, StatusCode, header};
use serde_json::{Value, json};

/// One browser: it keeps its cookies.
struct Browser {
    http: Client,
    url: String,
}

impl Browser {
    fn new(server: &Server) -> Self {
        let http = Client::builder().cookie_store(true).build().unwrap();
        Self { http, url: server.url().to_owned() }
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Response {
        let request = self.http.request(method, format!("{}{path}", self.url));
        request.header(header::CONTENT_TYPE, "application/json").body(body).send().await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        read(self.send(Method::POST, path, body.to_string()).await).await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.send(Method::GET, path, "").await).await
    }

    async fn delete(&self, path: &str) -> (StatusCode, Value) {
        read(self.send(Method::DELETE, path, "").await).await
    }

    async fn ok(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.post(path, body).await;
        assert_eq!(status, StatusCode::OK, "{path} {answer}");
        answer
    }

    async fn rows(&self, sql: &str) -> Value {
        self.ok("/api/query", &json!({ "query": sql })).await["data"].take()
    }

    /// Waits until the query answers this. Its limit is the runner's.
    async fn until(&self, sql: &str, wanted: &Value) {
        loop {
            let found = self.rows(sql).await;
            if found == *wanted {
                return;
            }
            let count = |rows: &Value| rows[0]["n"].as_u64();
            assert!(count(&found) <= count(wanted), "{sql}: {found} is more than {wanted}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")))
}

async fn lab() -> Lab {
    Lab::start(LabOptions::default()).await.unwrap()
}

fn authentication(lab: &Lab) -> Value {
    json!({ "accessKey": lab.account().id(), "secretKey": lab.account().secret_key() })
}

/// A server with an engine, and an AWS that is not there.
fn lonely() -> (Server, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    let options = ServerOptions::new(data.path())
        .set("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .set("AWS_REGION", "eu-west-1")
        .set("RUST_LOG", "warn");
    (Server::start(&options).unwrap(), data)
}

#[tokio::test]
async fn the_documented_calls_from_a_stream_to_a_table_and_back() {
    let lab = lab().await;
    let browser = Browser::new(lab.server());
    let events = generate(3_000, 11, 0.02);
    let good = events.iter().filter(|event| event.is_good()).count() as u64;
    lab.account().create_stream("user-activity", 3).await.unwrap();
    let records = events.iter().map(|event| (event.key.as_str(), event.data.as_slice()));
    lab.account().put_events("user-activity", records).await.unwrap();

    let answer = browser.ok("/api/authenticate", &authentication(&lab)).await;
    assert_eq!(answer["authenticated"], true);
    assert_eq!(answer["streamNames"], json!(["user-activity"]));

    let sample = browser.ok("/api/kinesis-sample", &json!({ "streamName": "user-activity" })).await;
    assert!(sample["sampleEvent"]["user_id"].is_u64(), "{sample}");
    assert_eq!(sample["inferredSchema"][0], json!({ "name": "event_id", "type": "UUID" }));

    let warehouse = "CREATE DATABASE analytics";
    let (status, refused) = browser.post("/api/query", &json!({ "query": warehouse })).await;
    assert_eq!((status, &refused["code"]), (StatusCode::FORBIDDEN, &json!("permission_denied")));

    let created = browser
        .ok(
            "/api/create-table",
            &json!({
                "streamName": "user-activity",
                "tableName": "activity",
                "databaseName": "analytics",
                "schema": sample["inferredSchema"],
                "orderBy": ["event_type", "timestamp"],
                "startPosition": "oldest",
                "createDatabase": true,
            }),
        )
        .await;
    assert_eq!(created["success"], true);
    assert!(created["createTableQuery"].as_str().unwrap().contains("CREATE TABLE `analytics`.`activity`"));
    assert!(created["message"].as_str().unwrap().contains("analytics.activity"));
    assert!(created["streamARN"].as_str().unwrap().ends_with(":stream/user-activity"));
    let uuid = created["tableUUID"].clone();

    let rejected = json!([{ "n": 3_000 - good }]);
    browser.until("SELECT count() AS n FROM analytics.activity", &json!([{ "n": good }])).await;
    browser.until("SELECT count() AS n FROM quarantine.activity", &rejected).await;
    let distinct = "SELECT uniqExact(event_id) AS n FROM analytics.activity";
    assert_eq!(browser.rows(distinct).await, json!([{ "n": good }]), "nothing came twice");
    let reasons = browser.rows("SELECT DISTINCT original_table AS t FROM quarantine.activity").await;
    assert_eq!(reasons, json!([{ "t": "analytics.activity" }]));

    let (_, databases) = browser.get("/api/databases").await;
    assert_eq!(databases["analytics"], json!(["activity"]));
    let (_, sources) = browser.get("/api/sources").await;
    assert_eq!(sources[0]["streamName"], "user-activity");
    assert_eq!(sources[0]["streamType"], "kinesis");
    assert_eq!(sources[0]["tableName"], "activity");
    assert_eq!(sources[0]["createdOn"].as_str().unwrap().len(), "MM-DD-YYYY".len());

    let lab = lab.restart_server().await.unwrap();
    let browser = Browser::new(lab.server());
    let count = "SELECT count() AS n FROM analytics.activity";
    assert_eq!(browser.rows(count).await, json!([{ "n": good }]), "a restart keeps the rows");
    let identity = "SELECT uuid FROM system.tables WHERE database = 'analytics' AND name = 'activity'";
    assert_eq!(browser.rows(identity).await, json!([{ "uuid": uuid }]), "and the identity");
    let (status, answer) = browser.get("/api/sources").await;
    assert_eq!(
        (status, &answer["code"]),
        (StatusCode::UNAUTHORIZED, &json!("unauthenticated")),
        "not the session"
    );

    // The source still fills the table after the restart.
    lab.account().put_events("user-activity", [("k", good_event().as_bytes())]).await.unwrap();
    browser.until(count, &json!([{ "n": good + 1 }])).await;
}

fn good_event() -> String {
    let event = generate(1, 99, 0.0).remove(0);
    String::from_utf8(event.data).unwrap()
}

#[tokio::test]
async fn sessions_keep_people_apart() {
    let lab = lab().await;
    let other = lab.emulator().account();
    lab.account().create_stream("mine", 1).await.unwrap();
    other.create_stream("theirs", 1).await.unwrap();
    let (ann, bob, eve) =
        (Browser::new(lab.server()), Browser::new(lab.server()), Browser::new(lab.server()));
    ann.ok("/api/authenticate", &authentication(&lab)).await;
    bob.ok("/api/authenticate", &json!({ "accessKey": other.id(), "secretKey": other.secret_key() })).await;

    let sample = json!({ "streamName": "mine", "timeLimitSeconds": 1 });
    assert_eq!(ann.post("/api/kinesis-sample", &sample).await.0, StatusCode::OK);
    assert_eq!(bob.post("/api/kinesis-sample", &sample).await.0, StatusCode::NOT_FOUND);
    for path in ["/api/kinesis-sample", "/api/create-table"] {
        let (status, answer) = eve.post(path, &sample).await;
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::UNAUTHORIZED, &json!("unauthenticated")),
            "{path}"
        );
    }
    assert_eq!(eve.get("/api/sources").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_cookie_is_only_for_the_browser() {
    let lab = lab().await;
    let browser = Browser::new(lab.server());
    let answer = browser.send(Method::POST, "/api/authenticate", authentication(&lab).to_string()).await;
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
}

#[tokio::test]
async fn a_query_answers_in_the_documented_form() {
    let (server, _data) = lonely();
    let browser = Browser::new(&server);
    let sql = "SELECT number AS n FROM numbers(2)";
    assert_eq!(
        browser.ok("/api/query", &json!({ "query": sql })).await,
        json!({
            "metadata": { "query": sql, "row_count": 2, "column_names": ["n"], "column_types": ["UInt64"] },
            "data": [{ "n": 0 }, { "n": 1 }],
        })
    );
    let answer = browser
        .ok("/api/query", &json!({ "query": "SELECT {x:String} AS x", "parameters": { "x": "'" } }))
        .await;
    assert_eq!(answer["data"], json!([{ "x": "'" }]));
}

#[tokio::test]
async fn bad_input_is_a_clear_error() {
    let (server, _data) = lonely();
    let browser = Browser::new(&server);
    let cases: &[(&str, &[u8], StatusCode, &str, &str)] = &[
        ("/api/query", b"", StatusCode::BAD_REQUEST, "invalid_input", "empty"),
        ("/api/query", b"{", StatusCode::BAD_REQUEST, "invalid_input", ""),
        ("/api/query", b"not json", StatusCode::BAD_REQUEST, "invalid_input", ""),
        ("/api/query", b"{\"query\": \"\xff\"}", StatusCode::BAD_REQUEST, "invalid_input", "UTF-8"),
        ("/api/query", b"{}", StatusCode::BAD_REQUEST, "invalid_input", "query"),
        ("/api/query", b"[]", StatusCode::BAD_REQUEST, "invalid_input", ""),
        ("/api/query", br#"{"query": 7}"#, StatusCode::BAD_REQUEST, "invalid_input", "query"),
        (
            "/api/query",
            br#"{"query": "SELECT 1", "maxRows": 1}"#,
            StatusCode::BAD_REQUEST,
            "invalid_input",
            "maxRows",
        ),
        ("/api/query", br#"{"query": ""}"#, StatusCode::BAD_REQUEST, "invalid_query", "empty"),
        ("/api/query", br#"{"query": "SELEC 1"}"#, StatusCode::BAD_REQUEST, "invalid_query", "Syntax error"),
        ("/api/query", br#"{"query": "SELECT 1; SELECT 2"}"#, StatusCode::BAD_REQUEST, "invalid_query", ""),
        ("/api/query", br#"{"query": "SELECT * FROM nope"}"#, StatusCode::NOT_FOUND, "not_found", "nope"),
        ("/api/query", br#"{"query": "SELECT * FROM nope.t"}"#, StatusCode::NOT_FOUND, "not_found", "nope"),
        (
            "/api/query",
            br#"{"query": "CREATE TABLE t (a UInt8) ENGINE = Memory"}"#,
            StatusCode::FORBIDDEN,
            "permission_denied",
            "",
        ),
        (
            "/api/query",
            br#"{"query": "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a UInt8')"}"#,
            StatusCode::FORBIDDEN,
            "permission_denied",
            "",
        ),
        (
            "/api/query",
            br#"{"query": "SELECT * FROM file('/etc/passwd', LineAsString)"}"#,
            StatusCode::FORBIDDEN,
            "permission_denied",
            "",
        ),
        (
            "/api/query",
            br#"{"query": "SELECT 1 INTO OUTFILE '/tmp/helios-never'"}"#,
            StatusCode::BAD_REQUEST,
            "invalid_query",
            "",
        ),
        ("/api/authenticate", b"{}", StatusCode::BAD_REQUEST, "invalid_input", "accessKey"),
        (
            "/api/authenticate",
            br#"{"accessKey": "", "secretKey": "x"}"#,
            StatusCode::BAD_REQUEST,
            "invalid_input",
            "access",
        ),
        (
            "/api/authenticate",
            br#"{"accessKey": "AKIA", "secretKey": ""}"#,
            StatusCode::BAD_REQUEST,
            "invalid_input",
            "secret",
        ),
        (
            "/api/authenticate",
            br#"{"accessKey": "AKIA", "secretKey": 1}"#,
            StatusCode::BAD_REQUEST,
            "invalid_input",
            "secretKey",
        ),
        ("/api/nope", b"{}", StatusCode::NOT_FOUND, "not_found", ""),
        ("/api/databases", b"{}", StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", ""),
    ];
    for (path, body, status, code, says) in cases {
        let shown = String::from_utf8_lossy(body);
        let (found, answer) = read(browser.send(Method::POST, path, body.to_vec()).await).await;
        assert_eq!((found, &answer["code"]), (*status, &json!(code)), "{path} {shown}: {answer}");
        assert!(
            answer["error"].as_str().unwrap().contains(says),
            "{path} {shown}: {answer} should say {says}"
        );
    }
    assert!(!std::path::Path::new("/tmp/helios-never").exists());
}

#[tokio::test]
async fn bad_create_tables_name_what_is_wrong() {
    let lab = lab().await;
    lab.account().create_stream("clicks", 1).await.unwrap();
    let browser = Browser::new(lab.server());
    browser.ok("/api/authenticate", &authentication(&lab)).await;
    let good =
        json!({ "streamName": "clicks", "tableName": "t", "schema": [{ "name": "a", "type": "UInt8" }] });
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let without = |name: &str| {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(name);
        body
    };
    for (body, status, says) in [
        (without("streamName"), StatusCode::BAD_REQUEST, "streamName"),
        (without("tableName"), StatusCode::BAD_REQUEST, "tableName"),
        (without("schema"), StatusCode::BAD_REQUEST, "schema"),
        (with("streamName", json!("nope")), StatusCode::NOT_FOUND, "nope"),
        (with("streamName", json!("")), StatusCode::BAD_REQUEST, "stream"),
        (with("tableName", json!("")), StatusCode::BAD_REQUEST, "table name"),
        (with("databaseName", json!("nope")), StatusCode::NOT_FOUND, "nope"),
        (with("schema", json!([])), StatusCode::BAD_REQUEST, "no columns"),
        (with("schema", json!([{ "name": "a" }])), StatusCode::BAD_REQUEST, "type"),
        (with("schema", json!([{ "name": "a", "type": "Strin" }])), StatusCode::BAD_REQUEST, "Strin"),
        (
            with("schema", json!([{ "name": "a", "type": "String" }, { "name": "a", "type": "String" }])),
            StatusCode::BAD_REQUEST,
            "twice",
        ),
        (with("startPosition", json!("yesterday")), StatusCode::BAD_REQUEST, "yesterday"),
        (with("colour", json!("red")), StatusCode::BAD_REQUEST, "colour"),
    ] {
        let (found, answer) = browser.post("/api/create-table", &body).await;
        assert_eq!(found, status, "{body}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(says), "{body}: {answer} should say {says}");
    }
    let wrong = browser.delete("/api/sources/clicks?fate=drop").await;
    assert_eq!(wrong.0, StatusCode::BAD_REQUEST);
    assert!(wrong.1["error"].as_str().unwrap().contains("fate"), "{wrong:?}");
    let created = browser.ok("/api/create-table", &good).await;
    assert_eq!(browser.ok("/api/create-table", &good).await, created, "the same again is the same");
    let other = with("provenance", json!(true));
    assert_eq!(browser.post("/api/create-table", &other).await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn an_unreachable_aws_is_unavailable() {
    let (server, _data) = lonely();
    let browser = Browser::new(&server);
    let (status, answer) = browser
        .post("/api/authenticate", &json!({ "accessKey": "AKIAEXAMPLE", "secretKey": "canary" }))
        .await;
    assert_eq!((status, &answer["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable")));
    assert!(!answer.to_string().contains("canary"));
}

#[tokio::test]
async fn wrong_keys_and_missing_permissions_are_told_apart() {
    let emulator = helios_tests::Emulator::shared(true).await.unwrap();
    let account = emulator.account();
    let key = account.create_user("reader", None).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let options = ServerOptions::new(data.path())
        .set("AWS_ENDPOINT_URL", emulator.endpoint())
        .set("AWS_REGION", account.region())
        .set("RUST_LOG", "warn");
    let server = Server::start(&options).unwrap();
    let browser = Browser::new(&server);
    for (access, secret, status, code) in [
        ("AKIANOBODY", "canary-wrong", StatusCode::UNAUTHORIZED, "unauthenticated"),
        (key.id.as_str(), "canary-wrong", StatusCode::UNAUTHORIZED, "unauthenticated"),
        (key.id.as_str(), key.secret.as_str(), StatusCode::FORBIDDEN, "permission_denied"),
    ] {
        let response = browser
            .send(
                Method::POST,
                "/api/authenticate",
                json!({ "accessKey": access, "secretKey": secret }).to_string(),
            )
            .await;
        assert!(response.headers().get(header::SET_COOKIE).is_none(), "no session for {access}");
        let (found, answer) = read(response).await;
        assert_eq!((found, &answer["code"]), (status, &json!(code)), "{answer}");
        assert!(!answer.to_string().contains("canary"), "{answer}");
    }
}

/// A server with an engine, in an account of its own, where a stream fills a table by consumers only.
async fn with_consumers(settings: &[(&str, &str)]) -> (Server, Browser, tempfile::TempDir) {
    let account = Emulator::shared(false).await.unwrap().account();
    account.create_stream("clicks", 1).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let options = ServerOptions::new(data.path())
        .set("AWS_ENDPOINT_URL", account.endpoint())
        .set("AWS_REGION", account.region())
        .set("RUST_LOG", "warn");
    let options = settings.iter().fold(options, |options, (name, value)| options.set(name, *value));
    let server = tokio::task::spawn_blocking(move || Server::start(&options)).await.unwrap().unwrap();
    let browser = Browser::new(&server);
    let keys = json!({ "accessKey": account.id(), "secretKey": account.secret_key() });
    browser.ok("/api/authenticate", &keys).await;
    let schema = json!([{ "name": "id", "type": "UInt64" }]);
    let spec =
        json!({ "streamName": "clicks", "tableName": "clicks", "schema": schema, "delivery": "consumer" });
    browser.ok("/api/create-table", &spec).await;
    (server, browser, data)
}

#[tokio::test]
async fn a_consumer_ends_before_its_request_would() {
    let (_server, browser, _data) = with_consumers(&[("HELIOS_REQUEST_TIMEOUT", "10")]).await;
    let consume = json!({ "streamName": "clicks", "untilCaughtUp": false, "timeLimitSeconds": 3600 });
    assert_eq!(browser.ok("/api/consume", &consume).await["ended"], "timeLimit");
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_its_consumer() {
    let settings = [("HELIOS_MAX_REQUESTS", "1"), ("HELIOS_REQUEST_TIMEOUT", "3600")];
    let (_server, browser, _data) = with_consumers(&settings).await;
    // It takes the one place there is, when the other has left it, and would for an hour.
    let consume = json!({ "streamName": "clicks", "untilCaughtUp": false });
    let consumer = async {
        loop {
            let answer = browser.post("/api/consume", &consume).await;
            assert_eq!(answer.1["code"], "overloaded", "it ended: {answer:?}");
        }
    };
    let status = async || browser.get("/api/databases").await.0;
    tokio::select! {
        () = consumer => {}
        () = async { while status().await != StatusCode::SERVICE_UNAVAILABLE {} } => {}
    }
    // Its connection is closed.
    while status().await != StatusCode::OK {}
}
