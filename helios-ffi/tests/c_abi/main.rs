//! The C ABI, from C: each program of `tests/c` as C99, as C++, under AddressSanitizer and UBSan, and under valgrind if it needs
//! no engine in its process.
//!
//! A compiler, an engine or an emulator that is missing fails a test.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, also in its helper functions"
)]

mod abuse;
mod installed;
mod program;
mod prototypes;
mod service;

use std::{fs, process::Command};

use program::{Build, Program, here, library, succeed, told};
use tempfile::TempDir;

/// Runs a program that must end well.
#[track_caller]
fn check(program: &Program<'_>, build: Build) {
    let output = program.run(build, |_| {});
    assert!(output.status.success(), "{} as {build:?}: {}", program.source, told(&output));
}

/// Runs one that uses what other processes have.
#[track_caller]
fn check_served(program: &Program<'_>, build: Build) {
    let output = program.run(build, |command| {
        command.envs(service::environment());
    });
    assert!(output.status.success(), "{} as {build:?}: {}", program.source, told(&output));
}

/// Each program in each way, with a function that runs it.
macro_rules! programs {
    ($check:path, [$($module:ident: $build:ident),*], $programs:tt) => {
        $(mod $module {
            programs! { $check, $build, $programs }
        })*
    };
    ($check:path, $build:ident, { $($name:ident: $source:literal,)* }) => {
        $(#[test] fn $name() { $check(&crate::Program::new($source), crate::Build::$build) })*
    };
}

programs! {
    crate::check, [c99: C99, cpp: Cpp, sanitized: Sanitized], {
        arrow: "c/arrow.c",
        engine: "c/engine.c",
        fork: "c/fork.c",
        log: "c/log.c",
        panic: "c/panic.c",
        query: "c/query.c",
        threads: "c/threads.c",
        quickstart: "../../examples/c/quickstart.c",
        arrow_example: "../../examples/c/arrow.c",
    }
}

/// With an engine of its own, and an account of another process.
#[test]
fn an_engine_is_closed_when_its_consumer_is_freed() {
    check_served(&Program::new("c/consumer_engine.c"), Build::C99);
}

/// Without an engine in their process.
mod served {
    programs! {
        crate::check_served, [c99: C99, cpp: Cpp, sanitized: Sanitized, valgrind: Valgrind], {
            arguments: "c/arguments.c",
            cancel: "c/cancel.c",
            consumer: "c/consumer.c",
            rows: "c/rows.c",
        }
    }
}

/// Every function, with every argument wrong in every way.
mod abused {
    use super::*;

    #[track_caller]
    fn check(build: Build) {
        let folder = TempDir::new().unwrap();
        let source = folder.path().join("abuse.c");
        let functions = prototypes::functions();
        assert!(functions.len() > 50, "the header is not understood: {functions:?}");
        fs::write(&source, abuse::program(&functions)).unwrap();
        check_served(&Program::new(source.to_str().unwrap()), build);
    }

    #[test]
    fn c99() {
        check(Build::C99);
    }

    #[test]
    fn cpp() {
        check(Build::Cpp);
    }

    #[test]
    fn sanitized() {
        check(Build::Sanitized);
    }

    #[test]
    fn valgrind() {
        check(Build::Valgrind);
    }
}

#[test]
fn the_readme_prints_what_it_says() {
    let readme = fs::read_to_string(here("../README.md")).unwrap();
    let block = |fence: &str| {
        let (_, rest) = readme.split_once(fence).unwrap();
        rest.split_once("```").unwrap().0.trim_start().to_owned()
    };
    let folder = TempDir::new().unwrap();
    let source = folder.path().join("readme.c");
    fs::write(&source, block("```c\n")).unwrap();
    let output = Program::new(source.to_str().unwrap()).run(Build::C99, |_| {});
    assert_eq!(String::from_utf8_lossy(&output.stdout), block("```text\n"), "{}", told(&output));
}

#[test]
fn the_sanitizer_finds_a_leak() {
    let output = Program::new("c/asan/leak.c").run(Build::Sanitized, |_| {});
    assert!(told(&output).contains("LeakSanitizer: detected memory leaks"), "{}", told(&output));
}

#[test]
fn the_sanitizer_finds_a_use_after_free() {
    let output = Program::new("c/asan/use_after_free.c").run(Build::Sanitized, |_| {});
    assert!(told(&output).contains("heap-use-after-free"), "{}", told(&output));
}

#[test]
fn valgrind_finds_a_leak_and_a_use_after_free() {
    for (source, finding) in [
        ("c/valgrind/leak.c", "are definitely lost"),
        ("c/valgrind/use_after_free.c", "Invalid read of size 1"),
    ] {
        let output = Program::new(source).run(Build::Valgrind, |_| {});
        let told = told(&output);
        assert!(output.status.code() == Some(99) && told.contains(finding), "{source}: {told}");
    }
}

#[test]
fn an_engine_that_is_missing_is_named() {
    let output = Program::new("c/missing_engine.c").run(Build::C99, |program| {
        program.env("HELIOS_CHDB_LIB", "/nowhere/libchdb.so");
    });
    assert!(output.status.success(), "{}", told(&output));
}

#[test]
fn a_process_ends_with_a_query_under_way() {
    let output = Program::new("c/exit.c").run(Build::C99, |_| {});
    assert_eq!(output.status.code(), Some(7), "{}", told(&output));
}

#[test]
fn unloading_leaves_the_code_where_it_is() {
    // The threads that are there keep it in place too, as glibc is now. This is what was asked for.
    let dynamic = succeed(Command::new("readelf").arg("-d").arg(library()));
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    let program = Program { source: "c/unload.c", linked: false };
    let output = program.run(Build::C99, |program| {
        program.arg(library());
    });
    assert!(output.status.success(), "{}", told(&output));
}
