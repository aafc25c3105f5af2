//! Creating sources: all or nothing, in any database, under any name.

use std::{collections::HashMap, path::Path};

use aws_sdk_dynamodb::types::AttributeValue;
use helios_core::{
    CreateTable, Credentials, ErrorKind, HeliosClient, TableCreated,
    sources::{MappingState, RemoveSource, SourceState},
    streams::Position,
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
    let hidden = "_helios_batch UInt128 MATERIALIZED 0,\n    INDEX _helios_batch _helios_batch TYPE minmax GRANULARITY 1\n)";
    assert!(created.create_table_query.contains(hidden), "{}", created.create_table_query);
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
async fn the_same_again_has_the_same_answer_and_another_one_is_refused() {
    let (account, client) = shop("twice").await;
    let spec = CreateTable::new("twice", "twice", columns(SCHEMA)).database(database().await);
    let created = client.create_table(&spec).await.unwrap();
    let mut arn = spec.clone();
    arn.stream_name.clone_from(&created.stream_arn);
    for same in [&spec, &arn] {
        assert_eq!(client.create_table(same).await.unwrap(), created);
    }
    let mut narrower = spec.clone();
    narrower.schema[0].data_type = "UInt32".to_owned();
    for other in [narrower, spec.clone().order_by(["id"]), spec.clone().start_position(Position::Oldest)] {
        let error = client.create_table(&other).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    }
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
        error.message().contains(
            "`id` is UInt32, not UInt64; `at` is missing; `more` is not in the schema and has no DEFAULT"
        ),
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
        (
            with(|spec| spec.schema = columns(&[("_helios_batch", "UInt64")])),
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
        (with(|spec| spec.order_by = Some(vec!["nope".to_owned()])), ErrorKind::InvalidInput, "nope"),
        (with(|spec| spec.order_by = Some(vec!["name".to_owned()])), ErrorKind::InvalidInput, "nullable"),
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

/// R13
#[tokio::test]
async fn fifty_identical_creates_at_once_are_one() {
    let (account, client) = shop("race").await;
    let database = database().await;
    let spec = CreateTable::new("race", "t", columns(SCHEMA)).database(&database);
    let created = at_once(&client, (0..50).map(|_| spec.clone())).await;
    let created: Vec<_> = created.into_iter().map(Result::unwrap).collect();
    assert!(created.iter().all(|one| *one == created[0]), "{created:?}");
    assert_eq!(client.databases().await.unwrap()[&database], ["t"]);
    assert_eq!(client.sources().await.unwrap().len(), 1);
    assert_eq!(triggers(&account).await.len(), 1);
    assert_eq!(items(&account).await, 1, "no claim is left");
}

/// R13: whoever is later gets a conflict, and leaves nothing.
#[tokio::test]
async fn of_different_creates_of_a_table_one_wins() {
    let (account, client) = shop("one").await;
    account.create_stream("other", 1).await.unwrap();
    for _ in 0..5 {
        let database = database().await;
        let specs = (0..6).map(|at| {
            let mut schema = columns(SCHEMA);
            schema[0].data_type = format!("UInt{}", 8 << at);
            CreateTable::new(["one", "other"][at % 2], "t", schema).database(&database)
        });
        let done = at_once(&client, specs).await;
        let (won, lost): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "{lost:?}");
        for error in lost.into_iter().map(Result::unwrap_err) {
            assert!(matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::Conflict), "{error:?}");
        }
        let created = won.into_iter().next().unwrap().unwrap();
        let sources = client.sources().await.unwrap();
        let here: Vec<_> = sources.iter().filter(|source| source.database_name == database).collect();
        assert_eq!(here.len(), 1);
        assert_eq!(here[0].stream_arn, created.stream_arn);
        client.remove(&RemoveSource::new(created.source_id.to_string()).drop_table()).await.unwrap();
        assert_eq!((items(&account).await, triggers(&account).await.len()), (0, 0));
        assert!(client.databases().await.unwrap()[&database].is_empty());
    }
}

/// Runs creates side by side.
async fn at_once(
    client: &HeliosClient,
    specs: impl Iterator<Item = CreateTable>,
) -> Vec<helios_core::Result<TableCreated>> {
    let create = |spec| {
        let client = client.clone();
        tokio::spawn(async move { client.create_table(&spec).await })
    };
    let tasks: Vec<_> = specs.map(create).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

/// How many items the mapping table has, claims among them.
async fn items(account: &Account) -> usize {
    let scan = account.dynamodb().scan().table_name("helios-sources").send().await.unwrap();
    scan.items.unwrap_or_default().len()
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

/// Leaves behind what a create leaves that was killed when it had begun: its claim, good for so long still, and a mapping.
async fn interrupted(account: &Account, client: &HeliosClient, database: &str, lease: SignedDuration) {
    client.mappings().await.unwrap().ensure().await.unwrap();
    let operation = Uuid::new_v4().to_string();
    let mapping = [
        ("stream_id", format!("arn:aws:kinesis:{}:{}:stream/interrupted", account.region(), account.id())),
        ("table_id", Uuid::new_v4().to_string()),
        ("stream_name", "interrupted".to_owned()),
        ("stream_type", "kinesis".to_owned()),
        ("database_name", database.to_owned()),
        ("table_name", "t".to_owned()),
        ("created_on", client.clock().now().to_string()),
        ("state", "PENDING".to_owned()),
        ("operation_id", operation.clone()),
        ("table_schema", "[]".to_owned()),
    ];
    let claim = [
        ("stream_id", format!("claim {database}")),
        ("table_id", "t".to_owned()),
        ("operation_id", operation),
        ("lease_until", (client.clock().now() + lease).to_string()),
        ("request_digest", "0".to_owned()),
    ];
    for item in [mapping.to_vec(), claim.to_vec()] {
        let item =
            item.into_iter().map(|(name, value)| (name.to_owned(), AttributeValue::S(value))).collect();
        let put = account.dynamodb().put_item().table_name("helios-sources").set_item(Some(item));
        put.send().await.unwrap();
    }
}

#[tokio::test]
async fn an_interrupted_create_is_taken_over_once_its_claim_has_run_out() {
    let (account, client) = shop("interrupted").await;
    let database = database().await;
    interrupted(&account, &client, &database, SignedDuration::from_secs(-1)).await;
    let sources = client.sources().await.unwrap();
    assert_eq!(sources[0].state, SourceState::Pending);
    assert!(sources[0].problems[0].contains("`repair`"), "{sources:?}");
    let spec = CreateTable::new("interrupted", "t", columns(SCHEMA)).database(&database);
    let created = client.create_table(&spec).await.unwrap();
    let mappings = client.mappings().await.unwrap().all().await.unwrap();
    assert_eq!(mappings.len(), 1, "nothing is left of it");
    assert_eq!((mappings[0].table_uuid, mappings[0].state), (created.table_uuid, MappingState::Active));
}

#[tokio::test]
async fn a_create_under_way_is_left_alone() {
    let (account, client) = shop("interrupted").await;
    let database = database().await;
    interrupted(&account, &client, &database, SignedDuration::from_secs(50)).await;
    let spec = CreateTable::new("interrupted", "t", columns(SCHEMA)).database(&database);
    let error = client.create_table(&spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.is_retryable());
    let repair = client.repair().await.unwrap();
    assert!(repair.done.is_empty() && repair.left.len() == 1, "{repair:?}");
    let mappings = client.mappings().await.unwrap().all().await.unwrap();
    assert_eq!(mappings.len(), 1);
    assert_eq!(mappings[0].state, MappingState::Pending);
}
