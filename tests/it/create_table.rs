//! Creating sources: all or nothing, in any database, under any name.

use std::{collections::HashMap, path::Path, sync::Arc};

use aws_sdk_dynamodb::types::AttributeValue;
use helios_core::{
    CreateTable, Credentials, ErrorKind, HeliosClient, sources::MappingState, streams::Position,
};
use helios_tests::{Account, Emulator, Function, deploy};
use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use crate::shop::{account, client_of, client_with, columns, database, rows};

const SCHEMA: &[(&str, &str)] =
    &[("id", "UInt64"), ("at", "DateTime64(3, 'UTC')"), ("name", "Nullable(String)")];

/// Anything executable will do.
const NEVER_INVOKED: &str = "/bin/true";

/// An account with a stream and a delivery function that is never invoked.
async fn shop(stream: &str) -> (Account, HeliosClient) {
    let account = account().await;
    account.create_stream(stream, 1).await.unwrap();
    let function = Function {
        name: "helios-delivery",
        bootstrap: Path::new(NEVER_INVOKED),
        environment: HashMap::new(),
        timeout_seconds: 60,
    };
    deploy(&account, function).await.unwrap();
    let client = client_of(&account);
    (account, client)
}

async fn triggers(account: &Account) -> Vec<aws_sdk_lambda::types::EventSourceMappingConfiguration> {
    account
        .lambda()
        .list_event_source_mappings()
        .send()
        .await
        .unwrap()
        .event_source_mappings
        .unwrap_or_default()
}

#[tokio::test]
async fn makes_table_mapping_and_trigger() {
    let (account, client) = shop("clicks").await;
    let database = database().await;
    let spec = CreateTable::new("clicks", "clicks", columns(SCHEMA))
        .database(&database)
        .order_by(["id"])
        .partition_by("toYYYYMM(at)")
        .start_position(Position::Oldest);
    let created = client.create_table(&spec).await.unwrap();

    assert!(created.success);
    assert!(created.create_table_query.starts_with(&format!("CREATE TABLE `{database}`.`clicks`")));
    assert_eq!(
        created.stream_arn,
        format!("arn:aws:kinesis:{}:{}:stream/clicks", account.region(), account.id())
    );
    let table = rows(&format!(
        "SELECT uuid, engine, sorting_key, partition_key, \
         engine_full LIKE '%non_replicated_deduplication_window = 10000%' AS window \
         FROM system.tables WHERE database = '{database}' AND name = 'clicks'"
    ))
    .await;
    assert_eq!(
        table,
        [format!(
            r#"{{"uuid":"{}","engine":"MergeTree","sorting_key":"id","partition_key":"toYYYYMM(at)","window":1}}"#,
            created.table_uuid
        )]
    );

    let mappings = client.mappings().await.unwrap().of_stream(&created.stream_arn).await.unwrap();
    assert_eq!(mappings.len(), 1);
    assert_eq!(mappings[0].table_uuid, created.table_uuid);
    assert_eq!(mappings[0].state, MappingState::Active);

    let triggers = triggers(&account).await;
    assert_eq!(triggers.len(), 1);
    let trigger = &triggers[0];
    assert_eq!(trigger.state.as_deref(), Some("Enabled"));
    assert_eq!(trigger.starting_position.as_ref().unwrap().as_str(), "TRIM_HORIZON");
    assert_eq!(trigger.bisect_batch_on_function_error, Some(false));
    assert!(trigger.maximum_retry_attempts.unwrap() > 0);
    assert!(trigger.maximum_record_age_in_seconds.unwrap() > 0);
    assert!(trigger.maximum_batching_window_in_seconds.unwrap() >= 1);
    assert_eq!(trigger.function_response_types().len(), 1);
}

#[tokio::test]
async fn sources_come_from_the_mapping_alone() {
    let (account, client) = shop("orders").await;
    assert!(client.sources().await.unwrap().is_empty(), "no mapping table yet");
    let database = database().await;
    let created = client
        .create_table(&CreateTable::new("orders", "orders", columns(SCHEMA)).database(&database))
        .await
        .unwrap();
    client.warehouse().execute(&format!("DROP TABLE {database}.orders SYNC")).await.unwrap();

    let sources = client_of(&account).sources().await.unwrap();
    let today = client.clock().now().strftime("%m-%d-%Y").to_string();
    assert_eq!(sources.len(), 1);
    let text = serde_json::to_value(&sources[0]).unwrap();
    assert_eq!(text["streamName"], "orders");
    assert_eq!(text["streamType"], "kinesis");
    assert_eq!(text["tableName"], "orders");
    assert_eq!(text["createdOn"], today);
    assert_eq!(text["databaseName"], database);
    assert_eq!(text["tableUUID"], created.table_uuid.to_string());
}

#[tokio::test]
async fn names_of_all_kinds_are_quoted() {
    let (_, client) = shop("odd").await;
    let database = database().await;
    for name in
        ["select", "with space", "dot.ted", "qu\"ote", "it's", "back`tick", "back\\slash", "crab 🦀", "naïve"]
    {
        let spec =
            CreateTable::new("odd", name, columns(&[(name, "String"), ("b", "UInt8")])).database(&database);
        client.create_table(&spec.order_by([name])).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let names = client.databases().await.unwrap().remove(&database).unwrap();
    assert_eq!(names.len(), 9, "{names:?}");
    assert!(names.contains(&"back`tick".to_owned()));
}

#[tokio::test]
async fn a_second_create_says_that_it_exists() {
    let (account, client) = shop("twice").await;
    let spec = CreateTable::new("twice", "twice", columns(SCHEMA)).database(database().await);
    client.create_table(&spec).await.unwrap();
    let error = client.create_table(&spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert_eq!(client.sources().await.unwrap().len(), 1);
    assert_eq!(triggers(&account).await.len(), 1);
}

#[tokio::test]
async fn an_existing_table_must_fit() {
    let (account, client) = shop("fits").await;
    let database = database().await;
    let run = async |sql: String| client.warehouse().execute(&sql).await.unwrap();
    let window = "SETTINGS non_replicated_deduplication_window = 10000";
    run(format!("CREATE TABLE {database}.good (id UInt64, at DateTime64(3, 'UTC'), name Nullable(String)) ENGINE = MergeTree ORDER BY id {window}")).await;
    run(format!("CREATE TABLE {database}.other (id UInt32, name Nullable(String), more UInt8) ENGINE = MergeTree ORDER BY id {window}")).await;
    run(format!("CREATE TABLE {database}.windowless (id UInt64, at DateTime64(3, 'UTC'), name Nullable(String)) ENGINE = MergeTree ORDER BY id")).await;
    run(format!("CREATE TABLE {database}.memory (id UInt64, at DateTime64(3, 'UTC'), name Nullable(String)) ENGINE = Memory")).await;

    let create = async |table: &str| {
        client.create_table(&CreateTable::new("fits", table, columns(SCHEMA)).database(&database)).await
    };
    let error = create("other").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        error.message().ends_with("`id` is UInt32, not UInt64; `at` is missing; `more` is not in the schema"),
        "{error}"
    );
    assert!(create("windowless").await.unwrap_err().message().contains("MODIFY SETTING"));
    assert!(create("memory").await.unwrap_err().message().contains("engine Memory"));
    assert!(client.sources().await.unwrap().is_empty());
    assert!(triggers(&account).await.is_empty());

    let created = create("good").await.unwrap();
    assert!(created.message.contains("found"), "{}", created.message);
}

#[tokio::test]
async fn bad_input_is_refused_before_anything_is_made() {
    let (account, client) = shop("picky").await;
    let database = database().await;
    let good = || CreateTable::new("picky", "t", columns(SCHEMA)).database(&database);
    let with = |change: fn(&mut CreateTable)| {
        let mut spec = good();
        change(&mut spec);
        spec
    };
    for (spec, kind, says) in [
        (with(|spec| spec.stream_name.clear()), ErrorKind::InvalidInput, "stream"),
        (with(|spec| "nope".clone_into(&mut spec.stream_name)), ErrorKind::NotFound, "stream"),
        (with(|spec| "not a name".clone_into(&mut spec.stream_name)), ErrorKind::InvalidInput, "stream"),
        (with(|spec| spec.table_name.clear()), ErrorKind::InvalidInput, "table name"),
        (with(|spec| spec.database_name.clear()), ErrorKind::InvalidInput, "database name"),
        (
            with(|spec| "quarantine".clone_into(&mut spec.database_name)),
            ErrorKind::InvalidInput,
            "quarantine",
        ),
        (with(|spec| "system".clone_into(&mut spec.database_name)), ErrorKind::InvalidInput, "system"),
        (with(|spec| "nope".clone_into(&mut spec.database_name)), ErrorKind::NotFound, "database"),
        (with(|spec| spec.schema.clear()), ErrorKind::InvalidInput, "no columns"),
        (
            with(|spec| spec.schema = columns(&[("a", "String"), ("a", "UInt8")])),
            ErrorKind::InvalidInput,
            "twice",
        ),
        (with(|spec| spec.schema = columns(&[("", "String")])), ErrorKind::InvalidInput, "empty name"),
        (with(|spec| spec.schema = columns(&[("a", "Strin")])), ErrorKind::InvalidInput, "Strin"),
        (
            with(|spec| spec.schema = columns(&[("a", "String) ENGINE = Memory --")])),
            ErrorKind::InvalidInput,
            "a",
        ),
        (
            with(|spec| spec.schema = columns(&[("a", "Nested(b UInt8)")])),
            ErrorKind::InvalidInput,
            "Array(Tuple",
        ),
        (
            with(|spec| spec.schema = columns(&[("a", "AggregateFunction(sum, UInt8)")])),
            ErrorKind::InvalidInput,
            "AggregateFunction",
        ),
        (with(|spec| spec.order_by = vec!["nope".to_owned()]), ErrorKind::InvalidInput, "nope"),
        (with(|spec| spec.order_by = vec!["name".to_owned()]), ErrorKind::InvalidInput, "nullable"),
        (with(|spec| spec.partition_by = Some("rand()".to_owned())), ErrorKind::InvalidInput, "partition"),
    ] {
        let error = client.create_table(&spec).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{spec:?}: {error}");
        assert!(error.to_string().contains(says), "{error} should say {says}");
        assert_eq!(error.operation(), "create_table");
    }
    assert!(client.sources().await.unwrap().is_empty());
    assert!(triggers(&account).await.is_empty());
    assert!(client.databases().await.unwrap()[&database].is_empty());
}

#[tokio::test]
async fn a_missing_function_says_what_to_do() {
    let account = account().await;
    account.create_stream("lonely", 1).await.unwrap();
    let spec = CreateTable::new("lonely", "t", columns(SCHEMA)).database(database().await);
    let error = client_of(&account).create_table(&spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("deploy helios-lambda"), "{error}");
}

#[tokio::test]
async fn a_type_that_clickhouse_refuses_leaves_nothing_behind() {
    let (account, client) = shop("refused").await;
    let database = database().await;
    // A type of the right shape, which ClickHouse itself refuses: nothing before it can know.
    let spec = CreateTable::new("refused", "t", columns(&[("a", "LowCardinality(Array(String))")]))
        .database(&database);
    let error = client.create_table(&spec).await.unwrap_err();
    assert!(error.server_code().is_some(), "{error}");
    assert!(client.databases().await.unwrap()[&database].is_empty());
    assert!(client.sources().await.unwrap().is_empty());
    assert!(client.mappings().await.unwrap().all().await.unwrap().is_empty(), "the claim is undone");
    assert!(triggers(&account).await.is_empty());
}

#[tokio::test]
async fn a_database_is_made_on_request() {
    let (_, client) = shop("fresh").await;
    let database = format!("fresh_{}", uuid::Uuid::new_v4().simple());
    let spec = CreateTable::new("fresh", "t", columns(SCHEMA)).database(&database).create_database();
    client.create_table(&spec).await.unwrap();
    assert_eq!(client.databases().await.unwrap()[&database], ["t"]);
}

#[tokio::test]
async fn parallel_creates_make_one_source() {
    let (account, client) = shop("race").await;
    let spec = Arc::new(CreateTable::new("race", "t", columns(SCHEMA)).database(database().await));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (client, spec) = (client.clone(), Arc::clone(&spec));
            tokio::spawn(async move { client.create_table(&spec).await })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => made += 1,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::Conflict), "{error:?}");
            }
        }
    }
    assert_eq!(made, 1);
    assert_eq!(client.sources().await.unwrap().len(), 1);
    assert_eq!(triggers(&account).await.len(), 1);
    assert_eq!(client.mappings().await.unwrap().all().await.unwrap().len(), 1, "the others left no claim");
}

#[tokio::test]
async fn the_moment_of_creation_is_a_time_not_wherever_the_trigger_starts() {
    let (account, client) = shop("now").await;
    client
        .create_table(&CreateTable::new("now", "t", columns(SCHEMA)).database(database().await))
        .await
        .unwrap();
    assert_eq!(triggers(&account).await[0].starting_position.as_ref().unwrap().as_str(), "AT_TIMESTAMP");
}

#[tokio::test]
async fn tables_of_one_stream_share_its_trigger() {
    let (account, client) = shop("shared").await;
    let database = database().await;
    let spec = |table: &str| CreateTable::new("shared", table, columns(SCHEMA)).database(&database);
    client.create_table(&spec("first").start_position(Position::Oldest)).await.unwrap();
    client.create_table(&spec("second")).await.unwrap();
    assert_eq!(triggers(&account).await.len(), 1);
    assert_eq!(client.sources().await.unwrap().len(), 2);

    let error = client.create_table(&spec("third").start_position(Position::Oldest)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("leave `startPosition` off"), "{error}");
    assert_eq!(client.databases().await.unwrap()[&database], ["first", "second"], "the third is undone");
    assert_eq!(client.sources().await.unwrap().len(), 2);
    assert_eq!(
        triggers(&account).await[0].state.as_deref(),
        Some("Enabled"),
        "the others keep their trigger"
    );
}

#[tokio::test]
async fn a_trigger_that_would_lose_events_is_refused() {
    let (account, client) = shop("handmade").await;
    let arn = format!("arn:aws:kinesis:{}:{}:stream/handmade", account.region(), account.id());
    let lambda = account.lambda();
    let handmade =
        lambda.create_event_source_mapping().event_source_arn(arn).function_name("helios-delivery");
    handmade.enabled(false).send().await.unwrap();
    let database = database().await;
    let spec = CreateTable::new("handmade", "t", columns(SCHEMA)).database(&database);
    let error = client.create_table(&spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("does not report batch item failures"), "{error}");
    assert!(client.databases().await.unwrap()[&database].is_empty());
    assert_eq!(triggers(&account).await.len(), 1, "it is not ours to delete");
}

#[tokio::test]
async fn a_trigger_that_is_refused_takes_table_and_mapping_with_it() {
    let account = Emulator::shared(true).await.unwrap().account();
    account.create_stream("refused", 1).await.unwrap();
    let function = Function {
        name: "helios-delivery",
        bootstrap: Path::new(NEVER_INVOKED),
        environment: HashMap::new(),
        timeout_seconds: 60,
    };
    account.create_role(function.name).await.unwrap();
    deploy(&account, function).await.unwrap();
    let may =
        ["kinesis:*", "dynamodb:*", "lambda:GetFunctionConfiguration", "lambda:ListEventSourceMappings"];
    let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": may, "Resource": "*" }] });
    let key = account.create_user("limited", Some(policy)).await.unwrap();
    let client = client_with(&account, Credentials::keys(key.id, key.secret));
    let database = database().await;
    let spec = CreateTable::new("refused", &database, columns(SCHEMA)).database(&database);

    let error = client.create_table(&spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(client.databases().await.unwrap()[&database].is_empty(), "the table is undone");
    assert!(client.mappings().await.unwrap().all().await.unwrap().is_empty(), "and the claim");

    let databases = client.databases().await.unwrap();
    assert!(databases.get("quarantine").is_none_or(|tables| !tables.contains(&database)), "nor a quarantine");

    // A table that was there before stays.
    let table = format!(
        "CREATE TABLE {database}.{database} (id UInt64, at DateTime64(3, 'UTC'), name Nullable(String)) ENGINE = MergeTree \
         ORDER BY id SETTINGS non_replicated_deduplication_window = 10000"
    );
    client.warehouse().execute(&table).await.unwrap();
    assert_eq!(client.create_table(&spec).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(client.databases().await.unwrap()[&database], [database]);
}

/// Leaves behind what a create leaves that was killed right after its claim, so long ago.
async fn interrupted(account: &Account, client: &HeliosClient, database: &str, ago: SignedDuration) -> Uuid {
    let uuid = Uuid::new_v4();
    client.mappings().await.unwrap().ensure().await.unwrap();
    let attributes = [
        ("stream_id", format!("arn:aws:kinesis:{}:{}:stream/interrupted", account.region(), account.id())),
        ("table_id", uuid.to_string()),
        ("stream_name", "interrupted".to_owned()),
        ("stream_type", "kinesis".to_owned()),
        ("database_name", database.to_owned()),
        ("table_name", "t".to_owned()),
        ("created_on", (client.clock().now() - ago).to_string()),
        ("state", "PENDING".to_owned()),
        ("operation_id", Uuid::new_v4().to_string()),
        ("table_schema", "[]".to_owned()),
    ];
    let item = attributes.map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
    let put = account.dynamodb().put_item().table_name("helios-sources").set_item(Some(item.into()));
    put.send().await.unwrap();
    uuid
}

#[tokio::test]
async fn an_interrupted_create_is_taken_over_once_it_is_old() {
    let (account, client) = shop("interrupted").await;
    let database = database().await;
    let left = interrupted(&account, &client, &database, SignedDuration::from_mins(20)).await;
    assert!(client.sources().await.unwrap().is_empty(), "a claim is no source");
    let spec = CreateTable::new("interrupted", "t", columns(SCHEMA)).database(&database);
    let created = client.create_table(&spec).await.unwrap();
    assert_eq!(created.table_uuid, left);
    assert_eq!(client.mappings().await.unwrap().all().await.unwrap().len(), 1, "nothing is left of it");
}

#[tokio::test]
async fn a_create_under_way_is_left_alone() {
    let (account, client) = shop("interrupted").await;
    let database = database().await;
    let left = interrupted(&account, &client, &database, SignedDuration::from_mins(5)).await;
    let spec = CreateTable::new("interrupted", "t", columns(SCHEMA)).database(&database);
    let error = client.create_table(&spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.is_retryable());
    let mappings = client.mappings().await.unwrap().all().await.unwrap();
    assert_eq!(mappings.iter().map(|mapping| mapping.table_uuid).collect::<Vec<_>>(), [left]);
}
