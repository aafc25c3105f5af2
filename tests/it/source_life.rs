//! The life of sources: paused, resumed, removed, changed by hand, under hostile names.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::types::{Filter, FilterCriteria, FunctionResponseType};
use helios_core::{
    Column, CreateTable, ErrorKind, PlanTable, RemoveSource, ReportOptions,
    clock::{Clock as _, SystemClock},
    sources::{CheckStatus, Delivery, PlanAction, SourceState},
    streams::Position,
};
use helios_tests::KinesisDouble;
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    consumer_source::{ClickHouse, client_at, event},
    delivery_source::{ANYWHERE, acknowledged, ids, start},
    shop::{account, columns, database, rows},
    source_scene::{FUNCTION, STREAM, Scene, stand_in},
};

fn drop_of(id: Uuid) -> RemoveSource {
    RemoveSource::new(id.to_string()).drop_table()
}

#[tokio::test]
async fn the_trigger_goes_with_the_last_source_of_its_stream() {
    let scene = Scene::set().await;
    let client = scene.client();
    let mut spec = scene.spec();
    let first = client.create_table(&spec).await.unwrap();
    "u".clone_into(&mut spec.table_name);
    let second = client.create_table(&spec).await.unwrap();
    let trigger = async || scene.triggers().await.first().and_then(|trigger| trigger.state.clone());

    assert_eq!(client.pause(first.source_id.to_string()).await.unwrap().state, SourceState::Paused);
    assert_eq!(trigger().await.as_deref(), Some("Enabled"), "the other table is still filled");
    let paused = client.pause(format!("{}.u", scene.database)).await.unwrap();
    assert_eq!(paused.trigger.unwrap().state, "Disabled");
    client.resume(second.source_id.to_string()).await.unwrap();
    assert_eq!(trigger().await.as_deref(), Some("Enabled"));

    let insert = format!("INSERT INTO {}.u VALUES (1, now())", scene.database);
    client.warehouse().execute(&insert).await.unwrap();
    let removed = client.remove(&RemoveSource::new(second.source_id.to_string())).await.unwrap();
    assert!(!removed.trigger_deleted);
    assert_eq!(trigger().await.as_deref(), Some("Disabled"), "the one that is left is paused");
    assert!(client.remove(&drop_of(first.source_id)).await.unwrap().trigger_deleted);
    assert_eq!((trigger().await, scene.items().await), (None, (0, 0)));
    assert_eq!(scene.tables().await, ["u"], "what was to be kept is kept");
    assert_eq!(rows(&format!("SELECT id FROM {}.u", scene.database)).await, [r#"{"id":1}"#]);
}

#[tokio::test]
async fn a_table_that_two_streams_fill_is_dropped_with_the_last() {
    let scene = Scene::set().await;
    let client = scene.client();
    scene.account.create_stream("other", 1).await.unwrap();
    let first = client.create_table(&scene.spec()).await.unwrap();
    let mut spec = scene.spec();
    "other".clone_into(&mut spec.stream_name);
    let other = client.create_table(&spec).await.unwrap();
    assert_eq!(first.table_uuid, other.table_uuid);
    let error = client.pause(format!("{}.t", scene.database)).await.unwrap_err();
    assert!(error.message().contains(&other.source_id.to_string()), "{error}");

    assert_eq!(client.remove(&drop_of(first.source_id)).await.unwrap_err().kind(), ErrorKind::Conflict);
    // The other one has found it.
    assert_eq!(client.remove(&drop_of(other.source_id)).await.unwrap_err().kind(), ErrorKind::Conflict);
    client.remove(&RemoveSource::new(other.source_id.to_string())).await.unwrap();
    client.remove(&drop_of(first.source_id)).await.unwrap();
    assert!(scene.tables().await.is_empty());
}

/// Its mapping is that of the former name: a create must not take it for its own, and undo it.
#[tokio::test]
async fn a_table_that_was_renamed_is_not_taken_from_its_source() {
    let scene = Scene::set().await;
    let client = scene.client();
    let created = client.create_table(&scene.spec()).await.unwrap();
    let database = &scene.database;
    client.warehouse().execute(&format!("RENAME TABLE {database}.t TO {database}.u")).await.unwrap();
    let mut spec = scene.spec();
    "u".clone_into(&mut spec.table_name);
    let error = client.create_table(&spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert!(error.message().contains("`repair`"), "{error}");
    assert_eq!((scene.items().await, scene.triggers().await.len()), ((1, 0), 1));
    client.repair().await.unwrap();
    let source = client.sources().await.unwrap().pop().unwrap();
    assert_eq!((source.id, source.state), (Some(created.source_id), SourceState::Active));
    assert_eq!(source.table_name, "u");
}

#[tokio::test]
async fn what_is_wrong_with_another_stream_of_a_table_keeps_no_create_from_its_end() {
    let scene = Scene::set().await;
    let client = scene.client();
    scene.account.create_stream("other", 1).await.unwrap();
    client.create_table(&scene.spec()).await.unwrap();
    let trigger = scene.triggers().await[0].uuid.clone().unwrap();
    scene.account.lambda().delete_event_source_mapping().uuid(trigger).send().await.unwrap();
    let mut spec = scene.spec();
    "other".clone_into(&mut spec.stream_name);
    client.create_table(&spec).await.unwrap();
    assert_eq!((scene.items().await, scene.triggers().await.len()), ((2, 0), 1));
}

/// R12: the trigger is made as it was asked for, and else as the shards want it.
#[tokio::test]
async fn the_trigger_is_what_was_asked_for() {
    let scene = Scene::set().await;
    let client = scene.client();
    let queue = format!("arn:aws:sqs:{}:{}:lost", scene.account.region(), scene.account.id());
    let asked =
        scene.spec().batch_size(500.try_into().unwrap()).batching_window_seconds(2).on_failure(&queue);
    assert_eq!(client.create_table(&asked).await.unwrap().warnings, [""; 0]);
    let trigger = scene.triggers().await.remove(0);
    assert_eq!((trigger.batch_size, trigger.maximum_batching_window_in_seconds), (Some(500), Some(2)));
    let destination = trigger.destination_config.unwrap().on_failure.unwrap().destination;
    assert_eq!(destination, Some(queue));

    // A further table asks for what there is, or for nothing.
    let further = |table: &str| {
        let mut spec = scene.spec();
        table.clone_into(&mut spec.table_name);
        spec
    };
    client.create_table(&further("same").batch_size(500.try_into().unwrap())).await.unwrap();
    client.create_table(&further("silent")).await.unwrap();
    let error = client.create_table(&further("other").batching_window_seconds(3)).await.unwrap_err();
    assert!(error.message().contains("for 2 seconds, not 3"), "{error}");

    scene.account.create_stream("wide", 25).await.unwrap();
    let mut wide = further("wide");
    "wide".clone_into(&mut wide.stream_name);
    let plan = client.plan(&PlanTable::new(wide.clone())).await.unwrap();
    assert_eq!((plan.shards, plan.deduplication_window), (Some(25), 30_000));
    let created = client.create_table(&wide).await.unwrap();
    assert!(created.create_table_query.ends_with("non_replicated_deduplication_window = 30000"));
    let made = scene.account.lambda().list_event_source_mappings().event_source_arn(created.stream_arn);
    let made = made.send().await.unwrap().event_source_mappings.unwrap().remove(0);
    assert_eq!((made.batch_size, made.maximum_batching_window_in_seconds), (Some(10_000), Some(3)));
}

#[tokio::test]
async fn what_was_done_by_hand_is_shown_and_mended() {
    let scene = Scene::set().await;
    let client = scene.client();
    client.create_table(&scene.spec()).await.unwrap();
    let lambda = scene.account.lambda();
    let id = scene.triggers().await[0].uuid.clone().unwrap();

    lambda.update_event_source_mapping().uuid(&id).enabled(false).send().await.unwrap();
    let source = client.sources().await.unwrap().pop().unwrap();
    assert_eq!(source.state, SourceState::Failing);
    assert!(source.problems[0].contains("`resume`"), "{source:?}");
    let repair = client.repair().await.unwrap();
    assert!(repair.done[0].what.contains("runs again"), "{repair:?}");
    assert!(scene.all_or_nothing("stopped by hand").await);

    lambda.delete_event_source_mapping().uuid(&id).send().await.unwrap();
    let source = client.sources().await.unwrap().pop().unwrap();
    assert_eq!((source.state, source.trigger), (SourceState::Orphaned, None));
    let repair = client.repair().await.unwrap();
    assert!(repair.done[0].what.contains("made again"), "{repair:?}");
    assert!(scene.all_or_nothing("deleted by hand").await);
    let start = scene.triggers().await[0].starting_position.clone().unwrap();
    assert_eq!(start.as_str(), "AT_TIMESTAMP");

    // A part that does not answer keeps the others from nothing.
    let builder = scene.builder(scene.account.endpoint(), "http://127.0.0.1:1");
    let source = builder.build().unwrap().sources().await.unwrap().pop().unwrap();
    assert!(source.problems[0].contains("the table could not be looked at"), "{source:?}");
    assert!(source.trigger.is_some() && source.delivered.is_some(), "{source:?}");
}

/// A trigger that would lose events is refused, and reported if it was changed by hand.
#[tokio::test]
async fn what_makes_a_trigger_lose_events_is_told() {
    let filter =
        || FilterCriteria::builder().filters(Filter::builder().pattern(r#"{"data":{}}"#).build()).build();
    for (stream, says) in [
        ("filtered", "`FilterCriteria`"),
        ("bisecting", "halves batches"),
        ("parallel", "several batches of a shard at once"),
    ] {
        // An existing one is not used.
        let scene = Scene::set().await;
        let (client, lambda) = (scene.client(), scene.account.lambda());
        let made = lambda.create_event_source_mapping().function_name(FUNCTION).enabled(false);
        let arn =
            format!("arn:aws:kinesis:{}:{}:stream/{STREAM}", scene.account.region(), scene.account.id());
        let made = made.event_source_arn(arn);
        let made = made.function_response_types(FunctionResponseType::ReportBatchItemFailures);
        let made = match stream {
            "filtered" => made.filter_criteria(filter()),
            "bisecting" => made.bisect_batch_on_function_error(true),
            _ => made.parallelization_factor(10),
        };
        let made = made.send().await.unwrap().uuid.unwrap();
        let error = client.create_table(&scene.spec()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.message().contains(says), "{error} should say {says}");
        assert_eq!((scene.tables().await, scene.items().await), (Vec::new(), (0, 0)));
        assert_eq!(scene.triggers().await.len(), 1, "Helios must not delete it");
        lambda.delete_event_source_mapping().uuid(made).send().await.unwrap();

        // One of ours that was changed is reported.
        client.create_table(&scene.spec()).await.unwrap();
        let id = scene.triggers().await.remove(0).uuid.unwrap();
        let change = lambda.update_event_source_mapping().uuid(id);
        let change = match stream {
            "filtered" => change.filter_criteria(filter()),
            "bisecting" => change.bisect_batch_on_function_error(true),
            _ => change.parallelization_factor(10),
        };
        change.send().await.unwrap();
        let source = client.sources().await.unwrap().remove(0);
        assert_eq!(source.state, SourceState::Failing, "{stream}");
        assert!(source.problems.iter().any(|problem| problem.contains(says)), "{source:?}");
        let plan = client.plan(&PlanTable::new(scene.spec())).await.unwrap();
        assert!(plan.obstacles.iter().any(|obstacle| obstacle.contains(says)), "{plan:?}");
        let doctor = client.doctor().await.unwrap();
        let check = doctor.checks.iter().find(|check| check.check == format!("trigger of {STREAM}")).unwrap();
        assert_eq!(check.status, CheckStatus::Missing, "{check:?}");
        let options = ReportOptions::new("t").database(&scene.database);
        let report = client.delivery_report(&options).await.unwrap();
        assert!(report.errors.iter().any(|error| error.contains(says)) && !report.balanced, "{report:?}");
    }
}

/// A trigger that gives up early loses nothing as long as the stream has the events: this is only a warning.
#[tokio::test]
async fn a_trigger_that_soon_gives_up_is_told() {
    let scene = Scene::set().await;
    let client = scene.client();
    client.create_table(&scene.spec()).await.unwrap();
    let id = scene.triggers().await.remove(0).uuid.unwrap();
    let lambda = scene.account.lambda();
    lambda.update_event_source_mapping().uuid(id).maximum_retry_attempts(2).send().await.unwrap();
    let source = client.sources().await.unwrap().remove(0);
    assert_eq!(source.state, SourceState::Active);
    assert!(source.problems[0].contains("`MaximumRetryAttempts`"), "{source:?}");
    let report = client.delivery_report(&ReportOptions::new("t").database(&scene.database)).await.unwrap();
    assert!(report.balanced && report.warnings.iter().any(|text| text.contains("`MaximumRetryAttempts`")));
    let doctor = client.doctor().await.unwrap();
    let check = doctor.checks.iter().find(|check| check.check == format!("trigger of {STREAM}")).unwrap();
    assert_eq!(check.status, CheckStatus::Unknown, "{check:?}");
}

#[tokio::test]
async fn a_trigger_or_a_stream_that_was_deleted_is_told() {
    let scene = Scene::set().await;
    let client = scene.client();
    client.create_table(&scene.spec()).await.unwrap();
    let options = ReportOptions::new("t").database(&scene.database);
    assert!(client.delivery_report(&options).await.unwrap().balanced);
    let id = scene.triggers().await.remove(0).uuid.unwrap();
    scene.account.lambda().delete_event_source_mapping().uuid(id).send().await.unwrap();
    let report = client.delivery_report(&options).await.unwrap();
    assert!(
        report.errors.iter().any(|error| error.contains("the trigger of its stream was deleted")),
        "{report:?}"
    );
    client.repair().await.unwrap();
    assert!(client.delivery_report(&options).await.unwrap().balanced);

    scene.account.kinesis().delete_stream().stream_name(STREAM).send().await.unwrap();
    let is_gone = async || {
        let source = client.sources().await.unwrap().remove(0);
        let is_said = source.problems.iter().any(|problem| problem.contains("its stream was deleted"));
        is_said && source.state == SourceState::Orphaned
    };
    let gone = async {
        while !is_gone().await {
            SystemClock.sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), gone).await.unwrap();
}

/// An existing table gets the column by which rows are counted on request, and is counted from then on.
#[tokio::test]
async fn an_existing_table_is_counted_once_it_has_the_column() {
    let scene = Scene::set().await;
    let client = scene.client();
    let table = format!("{}.found", scene.database);
    let create = format!(
        "CREATE TABLE {table} (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 10000"
    );
    client.warehouse().execute(&create).await.unwrap();
    client.warehouse().execute(&format!("INSERT INTO {table} VALUES (100)")).await.unwrap();
    let spec = CreateTable::new(STREAM, "found", columns(&[("id", "UInt64")])).database(&scene.database);
    let spec = spec.delivery(Delivery::Consumer).start_position(Position::Oldest);

    let plan = client.plan(&PlanTable::new(spec.clone())).await.unwrap();
    assert!(plan.warnings.iter().any(|warning| warning.contains("`addBatchColumn`")), "{plan:?}");
    assert!(plan.steps.iter().all(|step| step.what != "batchColumn"), "{plan:?}");
    let uncounted = spec.clone();
    let spec = spec.add_batch_column();
    let plan = client.plan(&PlanTable::new(spec.clone())).await.unwrap();
    assert!(plan.possible && plan.warnings.is_empty(), "{plan:?}");
    let step = plan.steps.iter().find(|step| step.what == "batchColumn").unwrap();
    assert_eq!(step.action, PlanAction::Create);
    assert!(
        step.detail.contains("ADD COLUMN IF NOT EXISTS _helios_batch UInt128 MATERIALIZED 0"),
        "{step:?}"
    );

    // A source that is there gets it, too.
    client.create_table(&uncounted).await.unwrap();
    client.create_table(&spec).await.unwrap();
    let index =
        format!("SELECT name FROM system.data_skipping_indices WHERE database = '{}'", scene.database);
    assert_eq!(rows(&index).await, [r#"{"name":"_helios_batch"}"#]);
    let again = client.plan(&PlanTable::new(spec)).await.unwrap();
    assert!(again.steps.iter().all(|step| step.action == PlanAction::Use), "{again:?}");
    client.consume(STREAM).until_caught_up().await.unwrap();
    let all = rows(&format!("SELECT * FROM {table} ORDER BY id")).await;
    assert_eq!(all, [r#"{"id":1}"#, r#"{"id":100}"#]);

    let options = ReportOptions::new("found").database(&scene.database).count_rows();
    let report = client.delivery_report(&options).await.unwrap();
    report.check().unwrap();
    let counted = report.counted.unwrap();
    assert_eq!(
        (counted.rows, counted.expected, counted.under_way),
        (1, 1, 0),
        "what was there before is not counted"
    );
    let delete = format!("ALTER TABLE {table} DELETE WHERE id = 1 SETTINGS mutations_sync = 2");
    client.warehouse().execute(&delete).await.unwrap();
    let error = client.delivery_report(&options).await.unwrap().check().unwrap_err();
    assert!(error.message().contains("1 are missing"), "{error}");
}

#[tokio::test]
async fn items_of_every_form_are_listed_and_all_pages_of_them() {
    let scene = Scene::set().await;
    let client = scene.client();
    client.mappings().await.unwrap().ensure().await.unwrap();
    let arn = |stream: &str| {
        format!("arn:aws:kinesis:{}:{}:stream/{stream}", scene.account.region(), scene.account.id())
    };
    let put = async |stream: &str, table_id: String, more: &[(&str, &str)]| {
        let key = [("stream_id", arn(stream)), ("table_id", table_id), ("table_name", "t".to_owned())];
        let more = more.iter().map(|(name, text)| (*name, (*text).to_owned()));
        let item = key.into_iter().chain(more);
        let item = item.map(|(name, text)| (name.to_owned(), AttributeValue::S(text))).collect();
        let put = scene.account.dynamodb().put_item().table_name("helios-sources");
        put.set_item(Some(item)).send().await.unwrap();
    };
    let uuid = || Uuid::new_v4().to_string();
    let older = ("created_on", "01-31-2026");
    put("older", uuid(), &[older]).await;
    put("strange", "no uuid".to_owned(), &[]).await;
    // Beyond a megabyte DynamoDB begins another page.
    let note = "x".repeat(100_000);
    for at in 0..25 {
        put(&format!("s{at}"), uuid(), &[older, ("state", "PAUSED"), ("note", &note)]).await;
    }
    let sources = client.sources().await.unwrap();
    assert_eq!(sources.len(), 27);
    let of = |stream: &str| sources.iter().find(|source| source.stream_name == stream).unwrap();
    assert_eq!((of("older").created_on.as_str(), &*of("older").database_name), ("01-31-2026", "default"));
    assert_eq!(of("older").state, SourceState::Orphaned, "its table is not there");
    let strange = of("strange");
    assert_eq!((strange.id, strange.state, &*strange.table_name), (None, SourceState::Orphaned, "t"));
    assert!(strange.problems[0].contains("cannot be read"), "{strange:?}");
    let repair = client.repair().await.unwrap();
    assert!(repair.left.iter().any(|step| step.id.is_none() && step.what.contains("strange")), "{repair:?}");
}

/// While the trigger goes on for another table, a paused one misses events, its very first among them.
#[tokio::test]
async fn a_paused_table_gets_later_what_it_has_missed() {
    let account = account().await;
    let double = KinesisDouble::start(&account, "shared", 1).await.unwrap();
    stand_in(&account).await;
    let client = client_at(&account, double.endpoint());
    let database = database().await;
    let spec =
        |table: &str| CreateTable::new("shared", table, columns(&[("id", "UInt64")])).database(&database);
    client.create_table(&spec("a").start_position(Position::Oldest)).await.unwrap();
    client.create_table(&spec("b")).await.unwrap();
    client.pause(format!("{database}.b")).await.unwrap();

    let clickhouse = ClickHouse::new();
    let listener = clickhouse.listen(ANYWHERE).await;
    let function = start(clickhouse.environment(&double, listener.local_addr())).await;
    let shard = double.shards(false).remove(0);
    let deliver = async |ids: std::ops::Range<u64>| {
        let before = double.records(&shard).len();
        for id in ids {
            double.put(id, format!(r#"{{"id":{id}}}"#));
        }
        let batch = event(&double, &shard, before..double.records(&shard).len());
        assert_eq!(function.invoke(&batch).await.unwrap(), acknowledged());
    };
    let all = async |table: &str| ids(&format!("{database}.{table}")).await;
    deliver(0..10).await;
    deliver(10..15).await;
    assert_eq!((all("a").await.len(), all("b").await.len()), (15, 0));
    client.resume(format!("{database}.b")).await.unwrap();
    deliver(15..20).await;
    for table in ["a", "b"] {
        assert_eq!(all(table).await, (0..20).collect::<Vec<_>>(), "{table}");
    }
    // And once more, now that it has some.
    client.pause(format!("{database}.b")).await.unwrap();
    deliver(20..25).await;
    client.resume(format!("{database}.b")).await.unwrap();
    deliver(25..30).await;
    assert_eq!(all("b").await, (0..30).collect::<Vec<_>>());
}

/// Names and types that would be more than that.
#[tokio::test]
async fn hostile_names_and_schemas_are_quoted_or_refused() {
    let scene = Scene::set().await;
    let client = scene.client();
    let canary = format!("CREATE TABLE {}.canary (a UInt8) ENGINE = MergeTree ORDER BY a", scene.database);
    client.warehouse().execute(&canary).await.unwrap();
    let server = async || {
        let sql = "SELECT database, name, create_table_query FROM system.tables WHERE database =";
        rows(&format!("{sql} '{}' ORDER BY name", scene.database)).await
    };
    let before = server().await;
    let spec = || scene.spec().delivery(Delivery::Consumer);
    let with = |change: &dyn Fn(&mut CreateTable)| {
        let mut spec = spec();
        change(&mut spec);
        spec
    };
    let mut refused = Vec::new();
    for hostile in [
        "UInt8) ENGINE = Memory; DROP TABLE canary; --",
        "UInt8 DEFAULT (SELECT 1)",
        "Enum8('a' = (SELECT 1))",
        "Array(UInt8), b UInt8",
        "UInt8 /* */ CODEC(NONE)",
        "DateTime('UTC'); DROP DATABASE default",
        "FixedString((SELECT 1))",
    ] {
        refused.push(with(&|spec| spec.schema = columns(&[("a", hostile)])));
    }
    for hostile in ["id; DROP TABLE canary", "`id`, (SELECT 1)", "tuple()"] {
        refused.push(with(&|spec| spec.order_by = Some(vec![hostile.to_owned()])));
        refused.push(with(&|spec| spec.partition_by = Some(hostile.to_owned())));
        refused.push(with(&|spec| spec.ttl = Some(format!("at + INTERVAL 1 DAY, {hostile}"))));
        refused.push(with(&|spec| spec.engine = Some(format!("ReplacingMergeTree({hostile})"))));
    }
    // As many as no mapping holds.
    let name = |at| Column::new(format!("column_number_{at}"), "Nullable(String)");
    refused.push(with(&|spec| spec.schema = (0..10_000).map(name).collect()));
    for spec in refused {
        let error = client.create_table(&spec).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert_eq!(server().await, before, "{error}");
    }
    for hostile in ["`; DROP TABLE canary; --", "'; SELECT 1", "/* */", "a\0b", "a\nb", "\u{202e}x", "\\`"] {
        let spec = with(&|spec| {
            hostile.clone_into(&mut spec.table_name);
            spec.schema = vec![Column::new(hostile, "DateTime"), Column::new("b", "UInt8")];
            spec.order_by = Some(vec![hostile.to_owned()]);
            spec.engine = Some("ReplacingMergeTree(b)".to_owned());
        });
        let created = client.create_table(&spec).await.unwrap_or_else(|error| panic!("{hostile:?}: {error}"));
        let source = client.pause(created.source_id.to_string()).await.unwrap();
        assert_eq!(source.table_name, hostile);
        client.remove(&drop_of(created.source_id)).await.unwrap();
        assert_eq!(server().await, before, "{hostile:?}");
    }
    // Of a cluster that is not there, under a name that would be more than that.
    let error = client.create_table(&spec().on_cluster("it's'; DROP TABLE canary")).await.unwrap_err();
    assert!(error.server_code().is_some(), "{error}");
    assert_eq!((server().await, scene.items().await), (before, (0, 0)));
}

/// What cannot be finished is undone, but not what has rows, nor what was there before.
#[tokio::test]
async fn a_repair_drops_no_table_that_has_rows_or_was_there() {
    let scene = Scene::set().await;
    let client = scene.client();
    let (schema, window) =
        ("(id UInt64, at DateTime)", "SETTINGS non_replicated_deduplication_window = 10000");
    client.mappings().await.unwrap().ensure().await.unwrap();
    // Creates that were killed, of a stream that is gone meanwhile.
    for (name, is_ours, rows) in [("empty", true, 0), ("filled", true, 3), ("found", false, 0)] {
        let table = format!("{}.{name}", scene.database);
        let create = format!("CREATE TABLE {table} {schema} ENGINE = MergeTree ORDER BY id {window}");
        client.warehouse().execute(&create).await.unwrap();
        client
            .warehouse()
            .execute(&format!("INSERT INTO {table} SELECT number, now() FROM numbers({rows})"))
            .await
            .unwrap();
        let uuid = rows_of(&format!(
            "SELECT uuid FROM system.tables WHERE database = '{}' AND name = '{name}'",
            scene.database
        ))
        .await;
        let item = [
            (
                "stream_id",
                format!("arn:aws:kinesis:{}:{}:stream/gone", scene.account.region(), scene.account.id()),
            ),
            ("table_id", uuid),
            ("database_name", scene.database.clone()),
            ("table_name", name.to_owned()),
            ("created_on", client.clock().now().to_string()),
            ("state", "PENDING".to_owned()),
            ("made", format!(r#"{{"table":{is_ours},"trigger":true}}"#)),
        ];
        let item = item.map(|(name, text)| (name.to_owned(), AttributeValue::S(text)));
        let put = scene.account.dynamodb().put_item().table_name("helios-sources");
        put.set_item(Some(item.into())).send().await.unwrap();
    }
    let repair = client.repair().await.unwrap();
    assert_eq!((repair.done.len(), repair.left.len()), (2, 1), "{repair:?}");
    assert!(
        repair.left[0].table.ends_with(".filled") && repair.left[0].what.contains("has rows"),
        "{repair:?}"
    );
    assert_eq!(scene.tables().await, ["filled", "found"]);
    // Somebody decides.
    client.remove(&RemoveSource::new(format!("{}.filled", scene.database))).await.unwrap();
    assert_eq!((scene.tables().await.len(), scene.items().await), (2, (0, 0)));
}

/// The one value of the one row of a query.
async fn rows_of(sql: &str) -> String {
    let row: serde_json::Value = serde_json::from_str(&rows(sql).await[0]).unwrap();
    row.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
}

/// In an account where nothing was made yet.
#[tokio::test]
async fn a_plan_for_the_first_source_has_no_obstacle_and_makes_nothing() {
    let scene = Scene::set().await;
    let client = scene.client();
    let plan = client.plan(&PlanTable::new(scene.spec())).await.unwrap();
    assert!(plan.possible && plan.obstacles.is_empty(), "{plan:#?}");
    assert!(
        plan.steps
            .iter()
            .filter(|step| step.what != "database")
            .all(|step| step.action == PlanAction::Create)
    );
    assert_eq!((scene.items().await, scene.triggers().await.len()), ((0, 0), 0));
    assert!(scene.tables().await.is_empty());
    let created = client.create_table(&scene.spec()).await.unwrap();
    // Its statement is that of the plan, with the table's identity.
    let identity = format!(" UUID '{}'", created.table_uuid);
    assert_eq!(created.create_table_query.replace(&identity, ""), plan.create_table_query);
    let again = client.plan(&PlanTable::new(scene.spec())).await.unwrap();
    assert!(again.possible && again.steps.iter().all(|step| step.action == PlanAction::Use), "{again:#?}");
}

/// R16
#[tokio::test]
async fn a_table_that_is_there_must_have_what_is_asked_for() {
    let scene = Scene::set().await;
    let client = scene.client();
    for (name, more, engine, window) in [
        ("replacing", "", "ReplacingMergeTree", 10_000),
        ("narrow", "", "MergeTree", 100),
        ("traced", ", _shard String, _sequence String, _subsequence UInt64", "MergeTree", 10_000),
    ] {
        let table = format!(
            "CREATE TABLE {}.{name} (id UInt64, at DateTime64(3, 'UTC'){more}) ENGINE = {engine} ORDER BY id \
             SETTINGS non_replicated_deduplication_window = {window}",
            scene.database
        );
        client.warehouse().execute(&table).await.unwrap();
    }
    let spec = |table: &str| {
        let mut spec = scene.spec().delivery(Delivery::Consumer);
        table.clone_into(&mut spec.table_name);
        spec
    };
    for (spec, says) in [
        (spec("replacing").engine("MergeTree"), "engine ReplacingMergeTree, not MergeTree"),
        (spec("narrow"), "deduplication window of 100"),
        (spec("replacing").provenance(), "`_shard` LowCardinality(String) is missing"),
        (spec("traced").refuse_existing_table(), "existingTable"),
    ] {
        let error = client.create_table(&spec).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Conflict | ErrorKind::AlreadyExists), "{error}");
        assert!(error.message().contains(says), "{error} should say {says}");
        let plan = client.plan(&PlanTable::new(spec)).await.unwrap();
        assert!(plan.obstacles.iter().any(|obstacle| obstacle.contains(says)), "{plan:?}");
    }
    assert_eq!(scene.items().await, (0, 0));
    client.create_table(&spec("replacing")).await.unwrap();
    client.create_table(&spec("traced")).await.unwrap();
}
