//! What goes wrong with AWS: each its kind, what to do next, and no secret.

use std::{env, process::Command, sync::Arc};

use helios_core::{
    Error, ErrorKind,
    clock::{SharedClock, SystemClock},
    streams::{self, AwsSession, AwsSettings, Credentials, SampleOptions},
};
use helios_tests::{Account, Emulator, stream_names};
use serde_json::json;

const SECRET: &str = "canary-secret-canary";

async fn guarded() -> Account {
    Emulator::shared(true).await.unwrap().account()
}

fn as_caller(account: &Account, credentials: Credentials) -> AwsSession {
    AwsSession::new(AwsSettings { credentials, ..account.settings() })
}

#[track_caller]
fn assert_error(error: &Error, kind: ErrorKind, code: Option<&str>) {
    assert_eq!((error.kind(), error.aws_code()), (kind, code), "{error:?}");
    let text = format!("{error} {error:#} {error:?}");
    assert!(!text.contains("canary"), "{text}");
    assert!(!error.operation().is_empty(), "{error}");
}

async fn sample(session: &AwsSession, stream: &str) -> Result<streams::Sample, Error> {
    let clock: SharedClock = Arc::new(SystemClock);
    streams::sample(session, stream, &SampleOptions::default(), &clock).await
}

#[tokio::test]
async fn the_accounts_root_is_let_in() {
    let account = guarded().await;
    account.create_stream("clicks", 1).await.unwrap();
    assert_eq!(stream_names(&account.session()).await.unwrap(), ["clicks"]);
}

#[tokio::test]
async fn an_unknown_key() {
    let session = as_caller(&guarded().await, Credentials::keys("AKIAUNKNOWNUNKNOWN00", SECRET));
    let error = streams::list(&session).await.unwrap_err();
    assert_error(&error, ErrorKind::Unauthenticated, Some("UnrecognizedClientException"));
    let error = streams::caller_identity(&session).await.unwrap_err();
    assert_error(&error, ErrorKind::Unauthenticated, Some("InvalidClientTokenId"));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_wrong_secret() {
    let account = guarded().await;
    let key = account.create_user("ada", None).await.unwrap();
    let session = as_caller(&account, Credentials::keys(key.id.clone(), SECRET));
    let error = streams::list(&session).await.unwrap_err();
    assert_error(&error, ErrorKind::Unauthenticated, Some("InvalidSignatureException"));
    let error = streams::caller_identity(&session).await.unwrap_err();
    assert_error(&error, ErrorKind::Unauthenticated, Some("SignatureDoesNotMatch"));

    let session = as_caller(&account, Credentials::keys(key.id, key.secret).session_token("canary-token"));
    let error = streams::list(&session).await.unwrap_err();
    assert_error(&error, ErrorKind::Unauthenticated, Some("UnrecognizedClientException"));
}

#[tokio::test]
async fn a_missing_permission() {
    let account = guarded().await;
    account.create_stream("clicks", 1).await.unwrap();
    let nothing = account.create_user("nothing", None).await.unwrap();
    let session = as_caller(&account, Credentials::keys(nothing.id, nothing.secret));
    assert_eq!(streams::caller_identity(&session).await.unwrap().account, account.id());
    assert_error(
        &streams::list(&session).await.unwrap_err(),
        ErrorKind::PermissionDenied,
        Some("AccessDeniedException"),
    );

    let describes = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": ["kinesis:DescribeStreamSummary", "kinesis:ListShards"],
            "Resource": "*",
        }],
    });
    let lister = account.create_user("describes", Some(describes)).await.unwrap();
    let session = as_caller(&account, Credentials::keys(lister.id, lister.secret));
    assert!(streams::describe(&session, "clicks").await.is_ok());
    let error = sample(&session, "clicks").await.unwrap_err();
    assert_error(&error, ErrorKind::PermissionDenied, Some("AccessDeniedException"));
    assert!(error.message().contains("kinesis:GetShardIterator"), "{error}");
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed() {
    let account = guarded().await;
    let key = account.create_user("ada", None).await.unwrap();
    let role = format!("arn:aws:iam::{}:role/reader", account.id());
    let session = as_caller(&account, Credentials::keys(key.id, key.secret).assume_role(role));
    let error = streams::list(&session).await.unwrap_err();
    assert_error(&error, ErrorKind::PermissionDenied, Some("AccessDenied"));
    assert!(error.message().contains("role"), "{error}");
}

#[tokio::test]
async fn an_unknown_stream() {
    let session = Emulator::shared(false).await.unwrap().account().session();
    let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/nowhere";
    for stream in ["nowhere", arn] {
        let error = streams::describe(&session, stream).await.unwrap_err();
        assert_error(&error, ErrorKind::NotFound, Some("ResourceNotFoundException"));
        assert!(error.text().contains(stream), "{error}");
        assert_error(
            &sample(&session, stream).await.unwrap_err(),
            ErrorKind::NotFound,
            Some("ResourceNotFoundException"),
        );
    }
}

#[tokio::test]
async fn what_cannot_be_a_stream() {
    let session = Emulator::shared(false).await.unwrap().account().session();
    for stream in ["", "a b", "`clicks`", "clicks'; DROP TABLE x", "clicks/é", "arn:aws:kinesis"] {
        assert_error(&sample(&session, stream).await.unwrap_err(), ErrorKind::InvalidInput, None);
    }
}

#[tokio::test]
async fn an_unreachable_endpoint() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint_url = Some(format!("http://{}", listener.local_addr().unwrap()));
    drop(listener);
    let credentials = Credentials::keys("AKIAEXAMPLEEXAMPLE00", SECRET);
    let session =
        AwsSession::new(AwsSettings { region: Some("eu-west-1".into()), endpoint_url, credentials });
    let error = streams::list(&session).await.unwrap_err();
    assert_error(&error, ErrorKind::Unavailable, None);
    assert!(error.is_retryable());
    assert!(error.message().contains("aws_endpoint_url"), "{error}");
}

#[tokio::test]
async fn an_unknown_profile() {
    let account = Emulator::shared(false).await.unwrap().account();
    let session = as_caller(&account, Credentials::profile("no such profile"));
    let error = streams::list(&session).await.unwrap_err();
    assert_error(&error, ErrorKind::Unauthenticated, None);
    assert!(error.message().contains("profile"), "{error}");
}

/// The environment is shared by all threads, so this test runs once more in a process with an empty one.
#[tokio::test]
async fn no_credentials_and_no_region() {
    const ENDPOINT: &str = "HELIOS_TEST_ENDPOINT";
    let Some(endpoint) = env::var(ENDPOINT).ok() else {
        let emulator = Emulator::shared(false).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "stream_errors::no_credentials_and_no_region"])
            .env_clear()
            .env("HOME", home.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env(ENDPOINT, emulator.endpoint())
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
        return;
    };
    let settings = AwsSettings { endpoint_url: Some(endpoint), ..AwsSettings::default() };
    let session = AwsSession::new(settings.clone());
    let error = streams::list(&session).await.unwrap_err();
    assert_error(&error, ErrorKind::ConfigInvalid, None);
    assert!(error.message().contains("AWS_REGION"), "{error}");

    let session = AwsSession::new(AwsSettings { region: Some("eu-west-1".into()), ..settings });
    let error = streams::list(&session).await.unwrap_err();
    assert_error(&error, ErrorKind::Unauthenticated, None);
    assert!(error.message().contains("AWS_ACCESS_KEY_ID"), "{error}");
}
