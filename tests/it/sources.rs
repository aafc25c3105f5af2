//! Creates that are killed, refused, and kept waiting at every step.

use std::{process::Stdio, sync::Arc, time::Duration};

use aws_sdk_lambda::types::FunctionResponseType;
use futures_util::stream::{self, StreamExt as _};
use helios_core::{CreateTable, ErrorKind, RemoveSource, clock::Clock as _, sources::SourceState};
use helios_tests::{AwsRefusal, FastClock, Fate, Gate, Script, binary};
use jiff::SignedDuration;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::{
    consumer_source::wait_for,
    source_scene::{FUNCTION, STREAM, Scene},
};

/// Whether a call changes something.
fn is_effect(call: &str) -> bool {
    let dynamodb = ["CreateTable", "PutItem", "UpdateItem", "DeleteItem"];
    match call.split_once(':').unwrap() {
        ("dynamodb", operation) => dynamodb.contains(&operation),
        ("lambda", call) => !call.starts_with("GET"),
        ("clickhouse", statement) => {
            ["CREATE", "ALTER", "DROP"].iter().any(|word| statement.starts_with(word))
        }
        _ => false,
    }
}

/// How many of a test's scenes are played at once: they wait for each other's processes and triggers.
const AT_ONCE: usize = 4;

/// R14: the process is killed when a step is done, and does not know it.
#[tokio::test]
async fn a_create_that_is_killed_at_any_step_is_repaired() {
    let recorded = {
        let (scene, script) = (Scene::set().await, Arc::new(Script::default()));
        GatedCreate::run(&scene, &script).await;
        assert!(scene.all_or_nothing("unharmed").await);
        script.calls()
    };
    let steps: Vec<_> = (0..recorded.len()).filter(|at| is_effect(&recorded[*at])).collect();
    assert!(steps.len() >= 12, "{recorded:#?}");
    let ends = stream::iter(steps).map(killed_at).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    let finished = ends.iter().filter(|is_finished| **is_finished).count();
    assert!(finished > 0 && finished < ends.len(), "{finished} of {} were finished", ends.len());
}

/// Kills a create when the call of this number is done, and repairs it. `true` if that finished it.
async fn killed_at(at: usize) -> bool {
    let (scene, script) = (Scene::set().await, Script::with(at, Fate::Unanswered));
    GatedCreate::run_and_kill(&scene, &script).await;
    let call = script.calls().pop().unwrap();
    assert!(is_effect(&call), "{call}");

    // A claim that is still good is respected.
    let early = scene.client().repair().await.unwrap();
    assert!(early.done.is_empty(), "{call}: {early:?}");
    let repair = scene.later().repair().await.unwrap();
    assert!(repair.left.is_empty(), "{call}: {repair:?}");
    let is_finished = scene.all_or_nothing(&call).await;
    assert_eq!(scene.items().await.1, 0, "{call}: a claim is left");
    let again = scene.later().repair().await.unwrap();
    assert!(again.done.is_empty() && again.left.is_empty(), "{call}: {again:?}");

    // The next create makes all of it, or finds it.
    GatedCreate::run(&scene, &Arc::new(Script::default())).await;
    assert!(scene.all_or_nothing(&call).await, "{call}");
    is_finished
}

/// R14: without a repair the next create finishes it.
#[tokio::test]
async fn the_same_create_again_comes_to_the_end_of_one_that_was_killed() {
    let (scene, script) = (Scene::set().await, Script::with(usize::MAX - 1, Fate::Refused));
    scene.client().mappings().await.unwrap().ensure().await.unwrap();
    scene.client().ledger().await.unwrap().ensure().await.unwrap();
    GatedCreate::run(&scene, &script).await;
    let last = script.calls().iter().rposition(|call| call.starts_with("lambda:POST")).unwrap();

    let (scene, script) = (Scene::set().await, Script::with(last, Fate::Unanswered));
    scene.client().mappings().await.unwrap().ensure().await.unwrap();
    scene.client().ledger().await.unwrap().ensure().await.unwrap();
    GatedCreate::run_and_kill(&scene, &script).await;
    let sources = scene.later().sources().await.unwrap();
    assert_eq!(sources[0].state, SourceState::Pending, "{sources:?}");
    let uuid = sources[0].table_uuid;

    let later = scene.later();
    let sample = later.kinesis_sample(STREAM).await.unwrap();
    let spec =
        CreateTable::new(STREAM, "t", sample.inferred_schema).database(&scene.database).create_database();
    let created = later.create_table(&spec).await.unwrap();
    assert_eq!(Some(created.table_uuid), uuid, "it is the one that was begun");
    assert!(scene.all_or_nothing("again").await);
    assert_eq!(scene.items().await.1, 0);
}

/// Whoever is late finds that somebody else has gone on, and leaves what they made alone.
#[tokio::test]
async fn a_create_that_wakes_up_late_does_no_more() {
    let recorded = {
        let (scene, script) = (Scene::set().await, Arc::new(Script::default()));
        let gates = scene.gates(&script).await;
        let client = scene.builder(gates.0.endpoint(), gates.1.endpoint()).build().unwrap();
        client.create_table(&scene.spec()).await.unwrap();
        script.calls()
    };
    let of = |call: &str| recorded.iter().position(|recorded| recorded.starts_with(call)).unwrap();
    for at in [of("clickhouse:CREATE TABLE `test"), of("lambda:POST"), of("lambda:PUT")] {
        let (scene, script) = (Scene::set().await, Script::with(at, Fate::Late));
        let gates = scene.gates(&script).await;
        let client = scene.builder(gates.0.endpoint(), gates.1.endpoint()).build().unwrap();
        let spec = scene.spec();
        let late = tokio::spawn(async move { client.create_table(&spec).await });
        timeout(Duration::from_secs(60), script.met()).await.unwrap();
        let repair = scene.later().repair().await.unwrap();
        assert!(repair.left.is_empty(), "{repair:?}");
        assert!(scene.all_or_nothing(&recorded[at]).await);
        script.let_go();
        let ended = late.await.unwrap();
        // When the mapping is active already, nothing is left to be done wrong.
        assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == ErrorKind::Conflict), "{at}");
        assert!(scene.all_or_nothing(&recorded[at]).await, "it was undone by whoever was late");
        assert_eq!(scene.items().await, (1, 0));
    }
}

/// A claim is extended for as long as somebody is at it.
#[tokio::test]
async fn a_create_that_takes_long_is_not_taken_over() {
    let scene = Scene::set().await;
    let script = Script::refusing(&[AwsRefusal { times: usize::MAX, ..BUSY }]);
    let gates = scene.gates(&script).await;
    let clock = FastClock::new(100);
    let client =
        scene.builder(gates.0.endpoint(), gates.1.endpoint()).clock(Arc::new(clock)).build().unwrap();
    let straight = scene.builder(scene.account.endpoint(), &scene.clickhouse()).clock(Arc::new(clock));
    let other = straight.build().unwrap();
    let (spec, begun) = (scene.spec(), clock.now());
    let long = tokio::spawn(async move { client.create_table(&spec).await });
    // Twice as long as a claim is good for.
    while clock.now() < begun + SignedDuration::from_secs(150) {
        clock.sleep(Duration::from_secs(10)).await;
    }
    assert!(script.calls().iter().any(|call| call.starts_with("lambda:PUT")) && !long.is_finished());
    let repair = other.repair().await.unwrap();
    assert!(repair.done.is_empty() && repair.left.len() == 1, "{repair:?}");
    assert_eq!(long.await.unwrap().unwrap_err().aws_code(), Some("ResourceInUseException"));
    assert!(!scene.all_or_nothing("too long").await);
}

/// A create in a process of its own, on its way through gates.
struct GatedCreate {
    child: Child,
    _gates: (Gate, Gate),
}

impl GatedCreate {
    async fn start(scene: &Scene, script: &Arc<Script>) -> Self {
        let gates = scene.gates(script).await;
        let child = Command::new(binary("helios-create").unwrap())
            .args([STREAM, &format!("{}.t", scene.database)])
            .env_clear()
            .env("HELIOS_CLICKHOUSE_URL", gates.1.endpoint())
            .env("HELIOS_AWS_ENDPOINT_URL", gates.0.endpoint())
            .env("HELIOS_AWS_REGION", scene.account.region())
            .env("HELIOS_AWS_ACCESS_KEY_ID", scene.account.id())
            .env("HELIOS_AWS_SECRET_ACCESS_KEY", scene.account.secret_key())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { child, _gates: gates }
    }

    /// Runs it to its end.
    async fn run(scene: &Scene, script: &Arc<Script>) {
        let status = Self::start(scene, script).await.child.wait().await.unwrap();
        assert!(status.success());
    }

    /// Runs it until the planned call is done, and kills it then, with `kill -9`.
    async fn run_and_kill(scene: &Scene, script: &Arc<Script>) {
        let mut create = Self::start(scene, script).await;
        timeout(Duration::from_secs(60), script.met()).await.unwrap();
        create.child.kill().await.unwrap();
    }
}

/// R14: every step fails once.
#[tokio::test]
async fn a_create_that_is_refused_at_any_step_leaves_nothing() {
    // More than there are calls: the last ones meet no refusal.
    let outcomes = stream::iter(0..48).map(refused_at).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    let calls = |is_made: bool| -> Vec<&str> {
        let met = outcomes.iter().flatten();
        met.filter(|(_, made)| *made == is_made).map(|(call, _)| call.as_str()).collect()
    };
    let (refused, made) = (calls(false), calls(true));
    println!("refused: {refused:#?}\nmade without: {made:#?}");
    assert!(refused.len() > 25 && refused.len() + made.len() < outcomes.len(), "{refused:#?}");
    assert!(
        made.iter().all(|call| ["sts:GetCallerIdentity", "dynamodb:DeleteItem"].contains(call)),
        "{made:#?}"
    );
}

/// Refuses the call of this number, and says which it was and whether the source was made without it.
async fn refused_at(at: usize) -> Option<(String, bool)> {
    let (scene, script) = (Scene::set().await, Script::with(at, Fate::Refused));
    let gates = scene.gates(&script).await;
    let created = scene
        .builder(gates.0.endpoint(), gates.1.endpoint())
        .build()
        .unwrap()
        .create_table(&scene.spec())
        .await;
    if !script.is_met() {
        created.unwrap();
        return None;
    }
    let call = script.calls()[at].clone();
    let is_made = scene.all_or_nothing(&call).await;
    match created {
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{call}: {error:?}");
            assert!(!is_made, "{call}");
        }
        Ok(_) => assert!(is_made, "{call}"),
    }
    Some((call, is_made))
}

const BUSY: AwsRefusal = AwsRefusal {
    calls: "lambda:PUT",
    times: 3,
    status: 400,
    code: "ResourceInUseException",
    message: "The operation cannot be performed on the event source mapping because of its state.",
};

/// R15
#[tokio::test]
async fn what_passes_is_waited_for() {
    let scene = Scene::set().await;
    let role = |message| AwsRefusal {
        calls: "lambda:POST",
        times: 1,
        code: "InvalidParameterValueException",
        message,
        ..BUSY
    };
    let script = Script::refusing(&[
        role("The role defined for the function cannot be assumed by Lambda."),
        role("The provided execution role does not have permissions to call GetRecords on Kinesis"),
        role("Please ensure the role can perform the GetRecords Action on your stream in IAM."),
        AwsRefusal { calls: "lambda:POST", code: "ResourceConflictException", status: 409, ..BUSY },
        AwsRefusal { calls: "lambda:GET", code: "TooManyRequestsException", status: 429, ..BUSY },
        BUSY,
    ]);
    let gates = scene.gates(&script).await;
    let client = scene.builder(gates.0.endpoint(), gates.1.endpoint()).build().unwrap();
    let created = client.create_table(&scene.spec()).await.unwrap();
    assert!(scene.all_or_nothing("patience").await);
    let posts = script.calls().iter().filter(|call| call.starts_with("lambda:POST")).count();
    assert_eq!(posts, 7);

    let script = Script::refusing(&[AwsRefusal { calls: "lambda:DELETE", ..BUSY }]);
    let gates = scene.gates(&script).await;
    let client = scene.builder(gates.0.endpoint(), gates.1.endpoint()).build().unwrap();
    client.remove(&RemoveSource::new(created.source_id.to_string()).drop_table()).await.unwrap();
    assert!(!scene.all_or_nothing("removed").await);
}

/// A trigger is created by hand between our check and our create: it is checked like one that existed before.
#[tokio::test]
async fn a_trigger_that_comes_meanwhile_is_looked_at() {
    let scene = Scene::set().await;
    let role = AwsRefusal {
        calls: "lambda:POST",
        times: 2,
        code: "InvalidParameterValueException",
        message: "The role defined for the function cannot be assumed by Lambda.",
        ..BUSY
    };
    let there = AwsRefusal { times: 1, status: 409, code: "ResourceConflictException", ..role.clone() };
    let script = Script::refusing(&[role, there]);
    let gates = scene.gates(&script).await;
    let client = scene.builder(gates.0.endpoint(), gates.1.endpoint()).build().unwrap();
    let spec = scene.spec();
    let create = tokio::spawn(async move { client.create_table(&spec).await });
    wait_for(|| script.calls().iter().any(|call| call.starts_with("lambda:POST"))).await;
    let arn = format!("arn:aws:kinesis:{}:{}:stream/{STREAM}", scene.account.region(), scene.account.id());
    let lambda = scene.account.lambda();
    let handmade = lambda.create_event_source_mapping().event_source_arn(arn).function_name(FUNCTION);
    let handmade = handmade.function_response_types(FunctionResponseType::ReportBatchItemFailures);
    handmade.parallelization_factor(10).enabled(false).send().await.unwrap();
    let error = create.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.message().contains("several batches of a shard at once"), "{error}");
    assert_eq!((scene.tables().await, scene.items().await), (Vec::new(), (0, 0)));
}

/// R15: but not for ever, and not what does not pass.
#[tokio::test]
async fn what_does_not_pass_is_an_error_and_leaves_nothing() {
    let never = AwsRefusal { times: usize::MAX, ..BUSY };
    let wrong = AwsRefusal {
        calls: "lambda:POST",
        code: "InvalidParameterValueException",
        message: "Batch size must not be less than 1.",
        ..never.clone()
    };
    for (refusal, kind) in [(never, ErrorKind::Conflict), (wrong, ErrorKind::InvalidInput)] {
        let scene = Scene::set().await;
        let script = Script::refusing(std::slice::from_ref(&refusal));
        let gates = scene.gates(&script).await;
        let builder = scene.builder(gates.0.endpoint(), gates.1.endpoint());
        // Five minutes are three seconds.
        let client = builder.clock(Arc::new(FastClock::new(100))).build().unwrap();
        let error = client.create_table(&scene.spec()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!scene.all_or_nothing(refusal.code).await);
        let asked = script.calls().iter().filter(|call| call.starts_with(refusal.calls)).count();
        assert_eq!(asked > 1, kind == ErrorKind::Conflict, "{} was asked {asked} times", refusal.code);
    }
}
