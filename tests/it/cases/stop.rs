//! Consumers and queries that somebody stops while they run, which is no case: it takes a function of the caller's.

use helios_core::{ConsumeOptions, CreateTable, delivery::ConsumeEnd, sources::Delivery};
use helios_tests::{Lab, LabOptions};
use serde_json::json;

use super::{
    case::{Case, client},
    driver::{Driver, script},
    face::Face as _,
};
use crate::shop::columns;

/// A lab with a stream that consumers deliver, and nothing in it.
async fn lab() -> Lab {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    lab.account().create_stream("clicks", 1).await.unwrap();
    let spec = CreateTable::new("clicks", "clicks", columns(&[("id", "UInt64")]));
    client(&lab).create_table(&spec.delivery(Delivery::Consumer)).await.unwrap();
    lab
}

#[tokio::test]
async fn rust() {
    let lab = lab().await;
    let options = ConsumeOptions { until_caught_up: false, ..ConsumeOptions::new("clicks") };
    let consume = || client(&lab).consume("clicks").options(options.clone());
    let mut asked = 0;
    let report = consume()
        .run_while(|_| {
            asked += 1;
            asked < 2
        })
        .await
        .unwrap();
    assert_eq!((report.ended, asked), (ConsumeEnd::Stopped, 2));

    // After a batch it is asked at once, and what else is to be told is told.
    lab.account().put_events("clicks", [("key", r#"{"id":1}"#)]).await.unwrap();
    let (besides, mut told) = tokio::sync::mpsc::unbounded_channel();
    let consume = consume().on_progress(move |so_far| besides.send(so_far.delivered).unwrap());
    let report = consume.run_while(|so_far| so_far.delivered == 0).await.unwrap();
    assert_eq!((report.ended, report.delivered, told.recv().await), (ConsumeEnd::Stopped, 1, Some(1)));
}

#[tokio::test]
async fn c_and_go() {
    let lab = lab().await;
    for name in ["driver-c", "driver-go"] {
        let case = Case::new("stop_consuming", json!({"streamName": "clicks", "untilCaughtUp": false}));
        let mut driver = Driver::compiled(name, &lab);
        let report = driver.call(&case).await.unwrap();
        assert_eq!(report["ended"], "stopped", "{name}: {report}");

        let endless = json!({"query": "SELECT sum(number) FROM system.numbers", "maxExecutionSeconds": 60});
        let failure = driver.call(&Case::new("stop_query", endless)).await.unwrap_err();
        assert_eq!(failure.code, "cancelled", "{name}: {failure:?}");
    }
}

/// What Go's `runtime.Goexit` ends is the goroutine that waits, when the library is done with it.
#[tokio::test]
async fn go_exits() {
    let lab = lab().await;
    let mut driver = Driver::compiled("driver-go", &lab);
    let case = |operation| Case::new(operation, json!({"streamName": "clicks", "untilCaughtUp": false}));
    assert_eq!(driver.call(&case("exit_consuming")).await.unwrap(), json!(false));
    // Nothing of it runs on, or is held.
    assert_eq!(driver.call(&case("stop_consuming")).await.unwrap()["ended"], "stopped");
}

#[tokio::test]
async fn python() {
    let lab = lab().await;
    lab.account().create_stream("views", 1).await.unwrap();
    lab.account().put_events("views", [("key", r#"{"id":1}"#)]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut python = script("consumer.py");
    python.envs(lab.client_environment()).current_dir(folder.path());
    let output = tokio::task::spawn_blocking(move || python.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
