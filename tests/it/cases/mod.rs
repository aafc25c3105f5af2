//! The cases of `tests/cases/*.json`, told once and run through every face.
//!
//! Each face gets an engine and an AWS account of its own, both fresh, so that the same cases have the same answers.

mod case;
mod described;
mod driver;
mod face;
mod http;
mod pattern;
mod running;
mod rust;
mod stop;

use std::sync::{Arc, Mutex};

use helios_tests::{Lab, LabOptions};

use self::{
    case::{CaseFile, Variables},
    described::Described,
    driver::Driver,
    face::Face,
    http::HttpFace,
    rust::RustFace,
};

/// What every face has.
const OPERATIONS: [&str; 26] = [
    "engine",
    "databases",
    "query",
    "cancel_query",
    "authenticate",
    "streams",
    "put_events",
    "kinesis_sample",
    "check_schema",
    "plan",
    "create_table",
    "schema_drift",
    "sources",
    "pause",
    "resume",
    "remove",
    "repair",
    "doctor",
    "consume",
    "delivery_report",
    "settle_range",
    "quarantine",
    "quarantine_show",
    "quarantine_replay",
    "quarantine_discard",
    "quarantine_retention",
];

/// Runs every case through a face, and fails with all that went wrong. `start` makes the face, and the same caller once more.
async fn run<F: Face>(start: impl AsyncFn(&Lab) -> [F; 2]) {
    let mut failures = Vec::new();
    let mut count = 0;
    for guarded in [false, true] {
        let files: Vec<CaseFile> =
            CaseFile::all().into_iter().filter(|file| file.guarded == guarded).collect();
        let options = LabOptions { allow_writes: true, guarded, ..LabOptions::default() };
        let lab = Lab::start(options).await.unwrap();
        let variables = Variables::new(&lab).await;
        for file in &files {
            file.set_up(&lab).await;
        }
        let [mut face, mut twin] = start(&lab).await;
        for file in &files {
            for case in &file.cases {
                count += 1;
                let case = variables.fill(case);
                let outcome = face.call(&case).await;
                if let Err(difference) = case.check(&outcome) {
                    failures.push(format!("{}: {}\n  {difference}", file.name, case.name));
                }
            }
        }
        if !guarded {
            failures.extend(running::every_form(&mut face, &lab).await);
            running::looked_at_and_cancelled(&mut face, &mut twin).await;
        }
    }
    let failed = failures.len();
    assert!(failures.is_empty(), "{failed} of {count} cases failed:\n{}", failures.join("\n"));
}

#[test]
fn there_are_cases_for_every_operation() {
    let files = CaseFile::all();
    let cases: Vec<_> = files.iter().flat_map(|file| &file.cases).collect();
    assert!(cases.len() >= 150, "{} cases", cases.len());
    for operation in OPERATIONS {
        let of_it: Vec<_> = cases.iter().filter(|case| case.operation == operation).collect();
        assert!(of_it.iter().any(|case| case.answer.is_some()), "{operation} is never seen to work");
    }
    for file in &files {
        let mut names: Vec<_> = file.cases.iter().map(|case| &case.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), file.cases.len(), "a name of {} stands twice", file.name);
    }
}

#[tokio::test]
async fn rust() {
    run(async |lab| [RustFace::new(lab), RustFace::new(lab)]).await;
}

#[tokio::test]
async fn http() {
    let described: Arc<Mutex<Described>> = Arc::default();
    run(async |lab| {
        let face = HttpFace::new(lab, Arc::clone(&described)).await;
        [face.clone(), face]
    })
    .await;
    std::mem::take(&mut *described.lock().unwrap()).finish();
}

#[tokio::test]
async fn python() {
    run(async |lab| [Driver::python("sync", lab), Driver::python("sync", lab)]).await;
}

#[tokio::test]
async fn python_async() {
    run(async |lab| [Driver::python("async", lab), Driver::python("async", lab)]).await;
}

#[tokio::test]
async fn c() {
    run(async |lab| [Driver::compiled("driver-c", lab), Driver::compiled("driver-c", lab)]).await;
}

#[tokio::test]
async fn go() {
    run(async |lab| [Driver::compiled("driver-go", lab), Driver::compiled("driver-go", lab)]).await;
}
