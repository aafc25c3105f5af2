//! Two AWS accounts on one server: each does what it likes with its own tables, and nothing with the other's.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use helios_tests::{Account, Emulator, Server, ServerOptions};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

const FORBIDDEN: (u16, &str) = (403, "permission_denied");
const NOT_FOUND: (u16, &str) = (404, "not_found");

struct Person {
    http: Client,
    url: String,
    account: Account,
}

impl Person {
    /// Somebody with a session, and a stream of two events, of which one is for quarantine.
    async fn enter(server: &Server, account: Account) -> Self {
        account.create_stream("readings", 1).await.unwrap();
        let person = Self {
            http: Client::builder().cookie_store(true).build().unwrap(),
            url: server.url().to_owned(),
            account,
        };
        person.put(1).await;
        person.put(300).await;
        let keys = json!({ "accessKey": person.account.id(), "secretKey": person.account.secret_key() });
        person.ok("authenticate", &keys).await;
        person
    }

    async fn put(&self, id: u64) {
        let event = json!({ "id": id }).to_string();
        self.account.put_events("readings", [("k", event.into_bytes())]).await.unwrap();
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.http.request(method, format!("{}/api/{path}", self.url)).body(body.to_string());
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    async fn ok(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, body).await;
        assert_eq!(status, StatusCode::OK, "{path} {body} {answer}");
        answer
    }

    async fn refused(&self, method: Method, path: &str, body: &Value) -> (u16, String) {
        let (status, answer) = self.call(method, path, body).await;
        assert!(!status.is_success(), "{path} {body} {answer}");
        (status.as_u16(), answer["code"].as_str().unwrap().to_owned())
    }

    #[track_caller]
    fn is(found: &(u16, String), expected: (u16, &str), what: &str) {
        assert_eq!((found.0, found.1.as_str()), expected, "{what}");
    }

    async fn rows(&self, sql: &str) -> Value {
        self.ok("query", &json!({ "query": sql })).await["data"].take()
    }
}

fn spec(database: &str, table: &str) -> Value {
    json!({
        "streamName": "readings", "databaseName": database, "tableName": table, "createDatabase": true,
        "schema": [{ "name": "id", "type": "UInt8" }], "startPosition": "oldest", "delivery": "consumer",
    })
}

fn start(endpoint: &str, settings: &[(&str, &str)]) -> (Server, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    let options = ServerOptions::new(data.path())
        .set("AWS_ENDPOINT_URL", endpoint)
        .set("AWS_REGION", "eu-west-1")
        .set("HELIOS_ALLOW_WRITES", "true")
        .set("RUST_LOG", "warn");
    let options = settings.iter().fold(options, |options, (name, value)| options.set(name, *value));
    (Server::start(&options).unwrap(), data)
}

/// A mapping that somebody writes into their own DynamoDB, to the table of another account.
async fn forge(bob: &Person, table: &str, uuid: &str) {
    let stream = format!("arn:aws:kinesis:eu-west-1:{}:stream/readings", bob.account.id());
    let item = [
        ("stream_id", stream.as_str()),
        ("table_id", uuid),
        ("table_name", table),
        ("created_on", "2026-01-01T00:00:00Z"),
        ("delivery", "consumer"),
        ("made", r#"{"table":true,"trigger":false}"#),
        ("state", "ACTIVE"),
    ];
    let item: HashMap<_, _> =
        item.into_iter().map(|(name, text)| (name.to_owned(), AttributeValue::S(text.to_owned()))).collect();
    let put = bob.account.dynamodb().put_item().table_name("helios-sources").set_item(Some(item));
    put.send().await.unwrap();
}

#[tokio::test]
async fn no_account_touches_what_belongs_to_another() {
    let emulator = Emulator::shared(false).await.unwrap();
    let (server, _data) = start(emulator.endpoint(), &[]);
    let ann = Person::enter(&server, emulator.account()).await;
    let bob = Person::enter(&server, emulator.account()).await;
    let created = ann.ok("create-table", &spec("default", "clicks")).await;
    ann.ok("consume", &json!({ "streamName": "readings" })).await;
    let clicks = json!({ "tableName": "clicks" });
    assert_eq!(ann.ok("quarantine", &clicks).await["total"], 1);

    let with = |name: &str, value: Value| {
        let mut body = clicks.clone();
        body[name] = value;
        body
    };
    let settle = json!({ "tableName": "clicks", "shard": "shardId-000000000000", "outcome": "committed" });
    let everything = [
        ("quarantine", clicks.clone(), FORBIDDEN),
        ("quarantine/show", clicks.clone(), FORBIDDEN),
        ("quarantine/replay", clicks.clone(), FORBIDDEN),
        ("quarantine/replay", with("dryRun", json!(true)), FORBIDDEN),
        ("quarantine/discard", clicks.clone(), FORBIDDEN),
        ("quarantine/retention", with("days", json!(1)), FORBIDDEN),
        ("settle-range", settle, FORBIDDEN),
        ("create-table", spec("default", "clicks"), FORBIDDEN),
        ("schema-drift", with("streamName", json!("readings")), FORBIDDEN),
        ("schema-drift", with("events", json!([{ "id": 1 }])), FORBIDDEN),
    ];
    for (path, body, expected) in &everything {
        Person::is(&bob.refused(Method::POST, path, body).await, *expected, path);
    }
    // A create makes the tables that are needed to look a source up.
    bob.ok("create-table", &spec("bobs", "own")).await;
    Person::is(&bob.refused(Method::POST, "delivery-report", &clicks).await, NOT_FOUND, "report");
    Person::is(&bob.refused(Method::POST, "sources/clicks/pause", &json!({})).await, NOT_FOUND, "pause");
    Person::is(&bob.refused(Method::POST, "sources/clicks/resume", &json!({})).await, NOT_FOUND, "resume");
    Person::is(
        &bob.refused(Method::DELETE, "sources/clicks?table=drop", &json!({})).await,
        NOT_FOUND,
        "remove",
    );
    let plan = bob.ok("plan", &spec("default", "clicks")).await;
    assert!(
        !plan["possible"].as_bool().unwrap() && plan.to_string().contains("another AWS account"),
        "{plan}"
    );
    let (_, sources) = bob.call(Method::GET, "sources", &json!({})).await;
    assert!(!sources.to_string().contains("clicks"), "{sources}");
    bob.ok("repair", &json!({})).await;

    // What is in one's own DynamoDB proves nothing.
    forge(&bob, "clicks", created["tableUUID"].as_str().unwrap()).await;
    for (path, body, expected) in &everything {
        Person::is(&bob.refused(Method::POST, path, body).await, *expected, path);
    }
    let consume = json!({ "streamName": "readings" });
    Person::is(&bob.refused(Method::POST, "consume", &consume).await, FORBIDDEN, "consume");
    Person::is(&bob.refused(Method::POST, "delivery-report", &clicks).await, FORBIDDEN, "report");
    let remove = bob.refused(Method::DELETE, "sources/clicks?table=drop", &json!({})).await;
    Person::is(&remove, FORBIDDEN, "remove");
    bob.ok("repair", &json!({})).await;

    // A table of the same name shares the quarantine, and how long it keeps.
    let (_, gone) = bob.call(Method::DELETE, "sources/clicks", &json!({})).await;
    assert_eq!(gone["table"], "keep", "{gone}");
    bob.ok("create-table", &spec("bobs", "clicks")).await;
    bob.ok("consume", &consume).await;
    let bobs = json!({ "tableName": "clicks", "databaseName": "bobs" });
    assert_eq!(bob.ok("quarantine", &bobs).await["total"], 1);
    let days = json!({ "tableName": "clicks", "databaseName": "bobs", "days": 1 });
    Person::is(&bob.refused(Method::POST, "quarantine/retention", &days).await, FORBIDDEN, "shared");

    assert_eq!(ann.rows("SELECT id FROM clicks").await, json!([{ "id": 1 }]));
    assert_eq!(ann.ok("quarantine/show", &clicks).await["total"], 1);
    // Ann's own.
    for path in ["quarantine/replay", "sources/clicks/pause", "sources/clicks/resume", "delivery-report"] {
        ann.ok(path, &clicks).await;
    }
    ann.ok("schema-drift", &clicks).await;
    assert_eq!(ann.ok("create-table", &spec("default", "clicks")).await, created);
    assert_eq!(ann.ok("quarantine/discard", &clicks).await["discarded"], 1);
    let (status, removed) = ann.call(Method::DELETE, "sources/clicks?table=drop", &json!({})).await;
    assert_eq!((status, &removed["table"]), (StatusCode::OK, &json!("drop")), "{removed}");
    assert_eq!(bob.rows("SELECT id FROM bobs.clicks").await, json!([{ "id": 1 }]));
}

#[tokio::test]
async fn a_table_without_an_account_is_the_first_ones_and_is_dropped_by_none() {
    let emulator = Emulator::shared(false).await.unwrap();
    let (server, _data) = start(emulator.endpoint(), &[]);
    let ann = Person::enter(&server, emulator.account()).await;
    let bob = Person::enter(&server, emulator.account()).await;
    let statement = "CREATE TABLE found (id UInt8) ENGINE = MergeTree ORDER BY id SETTINGS \
                     non_replicated_deduplication_window = 10000 COMMENT 'of the shop'";
    ann.ok("query", &json!({ "query": statement })).await;
    let discard = json!({ "tableName": "found" });
    Person::is(&ann.refused(Method::POST, "quarantine/discard", &discard).await, FORBIDDEN, "nobody's");
    ann.ok("create-table", &spec("default", "found")).await;
    let comment =
        ann.rows("SELECT comment FROM system.tables WHERE database = 'default' AND name = 'found'").await;
    let expected = format!("of the shop Filled by Helios from AWS account {}", ann.account.id());
    assert_eq!(comment, json!([{ "comment": expected }]));
    ann.ok("consume", &json!({ "streamName": "readings" })).await;
    assert_eq!(ann.ok("quarantine/discard", &discard).await["discarded"], 1);
    let create = bob.refused(Method::POST, "create-table", &spec("default", "found")).await;
    Person::is(&create, FORBIDDEN, "bob");
    let (status, answer) = ann.call(Method::DELETE, "sources/found?table=drop", &json!({})).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
}
