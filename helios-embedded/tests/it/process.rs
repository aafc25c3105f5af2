//! What concerns the whole process, each in a process of its own.

use std::{
    fs,
    io::{BufRead, BufReader, Lines, Read},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

use helios_embedded::{ENGINE_VERSION, Engine, Error, LIBRARY_VARIABLE, Options};

use crate::{
    child::{again, block_on, client, part, report, reported, run},
    support::scratch,
};

#[test]
fn tables_of_default_keep_their_uuids_and_rows() {
    const TEST: &str = "process::tables_of_default_keep_their_uuids_and_rows";
    let Some((part, path)) = part() else {
        let path = scratch("restart");
        let first = reported(&run(again(TEST, "first", &path)));
        let second = reported(&run(again(TEST, "second", &path)));
        let third = reported(&run(again(TEST, "second", &path)));
        assert_eq!(first.len(), 1);
        assert!(!first.concat().contains("00000000-0000"), "{first:?}");
        assert_eq!((&first, &first), (&second, &third));
        return;
    };
    let engine = Engine::open(Options::new(path)).unwrap();
    block_on(async {
        let client = client(&engine);
        if part == "first" {
            client.query("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a").execute().await.unwrap();
            client.query("INSERT INTO t VALUES (1), (2)").execute().await.unwrap();
        }
        let table: String = client
            .query(
                "SELECT concat(d.engine, ' ', toString(t.uuid), ' ', toString(assumeNotNull((SELECT sum(a) FROM t)))) \
                 FROM system.tables t JOIN system.databases d ON d.name = t.database \
                 WHERE t.database = 'default' AND t.name = 't'",
            )
            .fetch_one()
            .await
            .unwrap();
        assert!(table.starts_with("Atomic "), "{table}");
        report(table);
    });
}

#[test]
fn a_path_that_never_held_a_table_can_be_opened_again() {
    const TEST: &str = "process::a_path_that_never_held_a_table_can_be_opened_again";
    let Some((_, path)) = part() else {
        let path = scratch("empty");
        for _ in 0..3 {
            run(again(TEST, "all", &path));
        }
        return;
    };
    for _ in 0..2 {
        let engine = Engine::open(Options::new(&path)).unwrap();
        let kind = block_on(async {
            client(&engine)
                .query("SELECT engine FROM system.databases WHERE name = 'default'")
                .fetch_one::<String>()
                .await
        });
        assert_eq!(kind.unwrap(), "Atomic");
    }
}

#[test]
fn a_second_process_on_the_same_path_is_told_so() {
    const TEST: &str = "process::a_second_process_on_the_same_path_is_told_so";
    let Some((part, path)) = part() else {
        let path = scratch("shared");
        let mut holder = Holder::start(again(TEST, "hold", &path));
        let output = run(again(TEST, "try", &path));
        let message = reported(&output).concat();
        assert!(message.contains("in use by another process"), "{message}");
        assert!(message.contains(&format!("(pid {})", holder.child.id())), "{message}");
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert!(
            !String::from_utf8_lossy(&output.stderr).contains("Code: 76"),
            "the engine was asked in vain"
        );
        holder.end();
        run(again(TEST, "open", &path));
        return;
    };
    match part.as_str() {
        "hold" => {
            let _engine = Engine::open(Options::new(path)).unwrap();
            report("open");
            // Until the test closes standard input.
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        }
        "try" => {
            let error = Engine::open(Options::new(path)).unwrap_err();
            assert!(matches!(error, Error::PathInUse { .. }), "{error:?}");
            report(error);
        }
        _ => drop(Engine::open(Options::new(path)).unwrap()),
    }
}

/// A child that keeps a path open.
struct Holder {
    child: Child,
    /// Kept open: the child goes on printing.
    _output: Lines<BufReader<ChildStdout>>,
}

impl Holder {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.by_ref().any(|line| line.unwrap().ends_with("REPORT open")));
        Self { child, _output: lines }
    }

    fn end(&mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn one_process_has_one_path_at_a_time() {
    const TEST: &str = "process::one_process_has_one_path_at_a_time";
    let Some((_, base)) = part() else {
        run(again(TEST, "all", &scratch("paths")));
        return;
    };
    let (one, two) = (base.join("one"), base.join("two"));
    let engine = Engine::open(Options::new(&one)).unwrap();
    let same =
        Engine::open(Options::new(base.join("two/../one/."))).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(same.path(), engine.path());
    let error = Engine::open(Options::new(&two)).unwrap_err();
    assert!(matches!(error, Error::OtherPathOpen { .. }), "{error:?}");
    drop(engine);
    // The other clone still runs.
    assert!(matches!(Engine::open(Options::new(&two)), Err(Error::OtherPathOpen { .. })));
    drop(same);
    // From many threads at once, on one path or the other: every engine that opens works.
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let path = if thread % 2 == 0 { &one } else { &two };
            scope.spawn(move || {
                for _ in 0..5 {
                    match Engine::open(Options::new(path)) {
                        Ok(engine) => {
                            let answer =
                                block_on(async { client(&engine).query("SELECT 1").fetch_one::<u8>().await });
                            assert_eq!(answer.unwrap(), 1);
                        }
                        Err(error) => assert!(matches!(error, Error::OtherPathOpen { .. }), "{error:?}"),
                    }
                }
            });
        }
    });
}

#[test]
fn a_missing_library_is_explained() {
    const TEST: &str = "process::a_missing_library_is_explained";
    let Some((part, path)) = part() else {
        let path = scratch("missing");
        let missing = path.join("nowhere/libchdb.so");
        let mut by_variable = again(TEST, "default", &path);
        by_variable.env(LIBRARY_VARIABLE, &missing);
        let by_option = again(TEST, "option", &path);
        let mut nowhere = again(TEST, "default", &path);
        nowhere.env_remove(LIBRARY_VARIABLE).env("XDG_CACHE_HOME", &path);
        for (command, tried) in [
            (by_variable, missing.to_str().unwrap()),
            (by_option, missing.to_str().unwrap()),
            (nowhere, &format!("helios/chdb-{ENGINE_VERSION}/libchdb.so")),
        ] {
            let message = reported(&run(command)).concat();
            assert!(message.contains(tried) && message.contains("make engine"), "{message}");
        }
        return;
    };
    let options = Options::new(&path);
    let options =
        if part == "option" { options.with_library(path.join("nowhere/libchdb.so")) } else { options };
    let error = Engine::open(options).unwrap_err();
    assert!(matches!(error, Error::LibraryMissing { .. }), "{error:?}");
    report(error);
}

#[test]
fn a_file_that_is_no_engine_is_named() {
    const TEST: &str = "process::a_file_that_is_no_engine_is_named";
    let Some((part, path)) = part() else {
        let path = scratch("invalid");
        fs::write(path.join("text"), "not a library").unwrap();
        let text = reported(&run(again(TEST, "text", &path))).concat();
        assert!(text.contains(path.join("text").to_str().unwrap()), "{text}");
        // A real library of something else.
        let other = reported(&run(again(TEST, "other", &path))).concat();
        assert!(other.contains("`chdb_connect`"), "{other}");
        return;
    };
    let library = if part == "text" { path.join("text") } else { some_library() };
    let error = Engine::open(Options::new(path).with_library(&library)).unwrap_err();
    assert!(matches!(&error, Error::LibraryInvalid { path, .. } if *path == library), "{error:?}");
    report(error);
}

/// A library that this process has loaded already: the C library.
fn some_library() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| line.contains("/libc.so") || line.contains("/libc-"));
    PathBuf::from(line.unwrap().split_whitespace().last().unwrap())
}

#[test]
fn an_unusable_path_is_named() {
    const TEST: &str = "process::an_unusable_path_is_named";
    let Some((_, base)) = part() else {
        run(again(TEST, "all", &scratch("unusable")));
        return;
    };
    let file = base.join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below"), PathBuf::from("/proc/helios"), PathBuf::from("/proc/self")]
    {
        let error = Engine::open(Options::new(&path)).unwrap_err();
        assert!(matches!(error, Error::PathUnusable { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn a_crash_ends_the_process() {
    const TEST: &str = "process::a_crash_ends_the_process";
    let Some((_, path)) = part() else {
        let mut command = again(TEST, "abort", &scratch("abort"));
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(6), "{status}");
        return;
    };
    let before = handled_signals();
    let _engine = Engine::open(Options::new(path)).unwrap();
    assert_eq!(handled_signals() & !before & ENGINES_SIGNALS, 0);
    std::process::abort();
}

/// ILL, TRAP, ABRT, BUS, FPE, SEGV and TSTP: what the engine would catch.
const ENGINES_SIGNALS: u64 = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 10 | 1 << 19;

/// The main thread has never used the engine, and the statements under way have made static objects that are younger than the
/// last of the exit handlers.
#[test]
fn a_process_ends_beside_results_that_nobody_reads() {
    const TEST: &str = "process::a_process_ends_beside_results_that_nobody_reads";
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let Some((_, path)) = part() else {
        for _ in 0..3 {
            run(again(TEST, "leaves", &scratch("process")));
        }
        return;
    };
    let leave = move || {
        let client = client(ENGINE.get_or_init(|| Engine::open(Options::new(path)).unwrap()));
        block_on(async {
            for _ in 0..200 {
                client.query("SELECT 1").fetch_one::<u8>().await.unwrap();
            }
            for format in ["CSV", "JSONEachRow", "Arrow"] {
                let endless = client.query("SELECT number, toString(number) AS s FROM system.numbers");
                let mut result = endless.fetch_bytes(format).unwrap();
                result.next().await.unwrap();
            }
        });
    };
    std::thread::spawn(leave).join().unwrap();
}

/// It tries to connect, again and again, and does not look whether it shall go on.
#[test]
fn a_process_ends_beside_a_statement_that_cannot_be_stopped() {
    const TEST: &str = "process::a_process_ends_beside_a_statement_that_cannot_be_stopped";
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let Some((_, path)) = part() else {
        run(again(TEST, "leaves", &scratch("process")));
        return;
    };
    let leave = move || {
        let client = client(ENGINE.get_or_init(|| Engine::open(Options::new(path)).unwrap()));
        block_on(async {
            let lost = client.query("SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a UInt8')");
            let runs = async {
                let count = "SELECT count() FROM system.processes WHERE query LIKE '%127.0.0.1%'";
                while client.query(count).fetch_one::<u64>().await.unwrap() < 2 {}
            };
            tokio::select! {
                outcome = lost.execute() => panic!("{outcome:?}"),
                () = runs => {}
            }
        });
    };
    std::thread::spawn(leave).join().unwrap();
}

fn handled_signals() -> u64 {
    status_mask("SigCgt:")
}

fn status_mask(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap()
}

#[test]
fn the_callers_signal_mask_stays() {
    const TEST: &str = "process::the_callers_signal_mask_stays";
    let Some((_, path)) = part() else {
        run(again(TEST, "all", &scratch("mask")));
        return;
    };
    let before = status_mask("SigBlk:");
    let engine = Engine::open(Options::new(path)).unwrap();
    block_on(async { client(&engine).query("SELECT 1").execute().await.unwrap() });
    assert_eq!(status_mask("SigBlk:"), before);
}
