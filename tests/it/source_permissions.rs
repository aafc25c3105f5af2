//! Permissions on AWS calls: what is missing is named, before and while a source is made, and nothing is left.

use std::{sync::Arc, time::Duration};

use helios_core::{
    ConfigKey, CreateTable, Credentials, Diagnosis, ErrorKind, HeliosClient, HeliosClientBuilder, PlanTable,
    sources::{Check, CheckStatus, Delivery, SourceState},
};
use helios_tests::{Account, Emulator, LaterClock};
use serde_json::json;

use crate::{
    shop::{client, columns, database},
    source_scene::{FUNCTION, SCHEMA, stand_in},
};

/// The calls of a create. The emulator takes getting, changing and deleting a trigger for listing them.
const NEEDED: [&str; 10] = [
    "kinesis:DescribeStreamSummary",
    "lambda:GetFunctionConfiguration",
    "dynamodb:DescribeTable",
    "dynamodb:CreateTable",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "dynamodb:PutItem",
    "dynamodb:Scan",
    "lambda:ListEventSourceMappings",
    "lambda:CreateEventSourceMapping",
];
const NOT_TOLD_APART: [&str; 3] =
    ["lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping", "lambda:DeleteEventSourceMapping"];

async fn guarded() -> Account {
    let account = Emulator::shared(true).await.unwrap().account();
    account.create_role(FUNCTION).await.unwrap();
    stand_in(&account).await;
    account
}

/// A client of somebody in the account, whose mappings and ledger are in tables of this name.
fn client_as(account: &Account, tables: &str, credentials: Credentials) -> HeliosClient {
    builder(account, tables).credentials(credentials).build().unwrap()
}

/// A client of the account's root with another clock.
fn root_at(account: &Account, tables: &str, clock: LaterClock) -> HeliosClient {
    let root = Credentials::keys(account.id(), account.secret_key());
    builder(account, tables).credentials(root).clock(Arc::new(clock)).build().unwrap()
}

fn builder(account: &Account, tables: &str) -> HeliosClientBuilder {
    HeliosClient::builder()
        .data_path(client().warehouse().engine().unwrap().path())
        .region(account.region())
        .endpoint_url(account.endpoint())
        .set(ConfigKey::MappingTable, format!("{tables}-sources"))
        .set(ConfigKey::LedgerTable, format!("{tables}-ledger"))
}

/// Somebody who may do all but this.
async fn all_but(account: &Account, name: &str, denied: &str) -> Credentials {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": denied, "Resource": "*"},
    ]});
    let key = account.create_user(name, Some(policy)).await.unwrap();
    Credentials::keys(key.id, key.secret)
}

fn is_missing(check: &Check, permission: &str) -> bool {
    check.status == CheckStatus::Missing
        && check.check.starts_with(permission)
        && check.remedy.as_ref().is_some_and(|remedy| remedy.contains(permission))
}

#[tokio::test]
async fn a_missing_permission_is_named_and_nothing_is_left() {
    let account = guarded().await;
    for denied in NEEDED {
        let name = denied.replace(':', "-");
        account.create_stream(&name, 1).await.unwrap();
        let limited = client_as(&account, &name, all_but(&account, &name, denied).await);
        let database = database().await;
        let spec = CreateTable::new(&name, "t", columns(SCHEMA)).database(&database);

        let plan = limited.plan(&PlanTable::new(spec.clone())).await.unwrap();
        // To try this one would make the table.
        let is_tried = denied != "dynamodb:CreateTable";
        let is_named = plan.permissions.iter().any(|check| is_missing(check, denied));
        assert!(!is_tried || is_named && !plan.possible, "{denied}: {plan:#?}");

        let error = limited.create_table(&spec).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{denied}: {error}");
        assert!(error.to_string().contains(&format!("permission: {denied}")), "{denied}: {error}");
        let root = client_as(&account, &name, Credentials::keys(account.id(), account.secret_key()));
        assert!(root.sources().await.unwrap().is_empty(), "{denied}");
        assert!(root.databases().await.unwrap()[&database].is_empty(), "{denied}");
        let arn = format!("arn:aws:kinesis:{}:{}:stream/{name}", account.region(), account.id());
        let triggers = account.lambda().list_event_source_mappings().event_source_arn(arn);
        assert!(triggers.send().await.unwrap().event_source_mappings().is_empty(), "{denied}");
        // With the permission it goes, and no claim is in the way.
        root.create_table(&spec).await.unwrap();
    }
}

/// A source that a consumer delivers takes no permission on Lambda.
#[tokio::test]
async fn without_a_trigger_nothing_of_lambda_is_needed() {
    let account = guarded().await;
    account.create_stream("local", 1).await.unwrap();
    let limited = client_as(&account, "local", all_but(&account, "local", "lambda:*").await);
    let spec = |table: &str| CreateTable::new("local", table, columns(SCHEMA));
    let database = database().await;
    let triggered = limited.plan(&PlanTable::new(spec("t").database(&database))).await.unwrap();
    assert!(!triggered.possible, "{triggered:#?}");
    let local = spec("u").database(&database).delivery(Delivery::Consumer);
    let plan = limited.plan(&PlanTable::new(local.clone())).await.unwrap();
    assert!(plan.possible, "{plan:#?}");
    limited.create_table(&local).await.unwrap();
    assert_eq!(limited.sources().await.unwrap()[0].state, SourceState::Active);
}

/// A stream that may not be described is reported, and its source is still listed.
#[tokio::test]
async fn a_stream_that_may_not_be_described_is_listed() {
    let account = guarded().await;
    account.create_stream("unseen", 1).await.unwrap();
    let root = client_as(&account, "unseen", Credentials::keys(account.id(), account.secret_key()));
    let spec = CreateTable::new("unseen", "t", columns(SCHEMA)).database(database().await);
    root.create_table(&spec).await.unwrap();
    assert_eq!(root.sources().await.unwrap()[0].problems, [""; 0]);
    let denied = "kinesis:DescribeStreamSummary";
    let limited = client_as(&account, "unseen", all_but(&account, "unseen", denied).await);
    let source = limited.sources().await.unwrap().remove(0);
    assert_eq!(source.state, SourceState::Active);
    let [problem] = &source.problems[..] else { panic!("{source:?}") };
    assert!(problem.contains("the stream could not be looked at") && problem.contains(denied), "{problem}");
}

/// Each permission that Helios needs is tried, and its absence told apart from its presence.
#[tokio::test]
async fn the_doctor_tells_each_permission_apart() {
    let account = guarded().await;
    let root = client_as(&account, "doctor", Credentials::keys(account.id(), account.secret_key()));
    root.mappings().await.unwrap().ensure().await.unwrap();
    root.ledger().await.unwrap().ensure().await.unwrap();
    let all = root.doctor().await.unwrap();
    let is_permission = |check: &&Check| {
        ["kinesis:", "dynamodb:", "lambda:"].iter().any(|service| check.check.starts_with(service))
    };
    let permissions: Vec<_> = all.checks.iter().filter(is_permission).collect();
    let unknown: Vec<_> = permissions.iter().filter(|check| check.status != CheckStatus::Ok).collect();
    // It takes a stream to be named.
    assert!(unknown.len() == 1 && unknown[0].check == "kinesis:GetRecords", "{unknown:#?}");
    let mut actions: Vec<_> =
        permissions.iter().map(|check| check.check.split(' ').next().unwrap().to_owned()).collect();
    actions.sort_unstable();
    actions.dedup();
    assert_eq!(actions.len(), 18, "{actions:?}");
    let untold = [&["kinesis:GetRecords"][..], &NOT_TOLD_APART].concat();
    for (at, action) in actions.iter().filter(|action| !untold.contains(&action.as_str())).enumerate() {
        let limited = client_as(&account, "doctor", all_but(&account, &format!("user{at}"), action).await);
        let diagnosis = limited.doctor().await.unwrap();
        let doubted = action.starts_with("kinesis:") && action != "kinesis:ListStreams";
        for check in diagnosis.checks.iter().filter(is_permission) {
            let is_denied = check.check.split(' ').next() == Some(action);
            match (is_denied, doubted) {
                (true, false) => assert!(is_missing(check, action), "{action}: {check:?}"),
                // Without a stream that says nothing.
                (true, true) => assert_eq!(check.status, CheckStatus::Unknown, "{action}: {check:?}"),
                (false, _) if NOT_TOLD_APART.contains(&check.check.as_str()) => {}
                (false, _) => assert_ne!(check.status, CheckStatus::Missing, "{action}: {check:?}"),
            }
        }
        assert!(!diagnosis.healthy, "the function's environment is not what it should be");
    }
    // Beside the permissions: the function has neither a server nor these tables, and this ClickHouse does not answer.
    let of = |diagnosis: &Diagnosis, name: &str| {
        diagnosis.checks.iter().find(|check| check.check == name).map(|check| check.status)
    };
    for name in ["function ClickHouse", "function mapping table", "function ledger table"] {
        assert_eq!(of(&all, name), Some(CheckStatus::Missing), "{name}");
    }
    for name in
        ["ClickHouse", "ClickHouse version", "ClickHouse clock", "ClickHouse INSERT", "delivery function"]
    {
        assert_eq!(of(&all, name), Some(CheckStatus::Ok), "{name}");
    }
    assert!(!all.healthy);
    let away = HeliosClient::builder().clickhouse_url("http://127.0.0.1:1").region(account.region());
    let away = away.endpoint_url(account.endpoint()).credentials(Credentials::keys(account.id(), "root"));
    assert_eq!(of(&away.build().unwrap().doctor().await.unwrap(), "ClickHouse"), Some(CheckStatus::Missing));
    let early = root_at(&account, "doctor", LaterClock(Duration::from_secs(60)));
    assert_eq!(of(&early.doctor().await.unwrap(), "ClickHouse clock"), Some(CheckStatus::Missing));
    // Nothing was made by trying.
    let triggers = account.lambda().list_event_source_mappings().send().await.unwrap();
    assert!(triggers.event_source_mappings().is_empty());
    let items = account.dynamodb().scan().table_name("doctor-sources").send().await.unwrap();
    assert!(items.items().is_empty());
}
