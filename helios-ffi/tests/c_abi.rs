//! The C ABI, from C: each program of `tests/c` as C99, as C++, and under AddressSanitizer and UBSan.
//!
//! A compiler or an engine that is missing fails a test.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, also in its helper functions"
)]

use std::{
    collections::BTreeSet,
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use tempfile::TempDir;

const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

const PATIENCE_SECONDS: &str = "120";

/// How a program is compiled.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Build {
    C99,
    Cpp,
    /// C99, with both sanitizers and their leak check.
    Sanitized,
}

/// What a program comes from, relative to this folder, and whether it links the library.
struct Program<'a> {
    source: &'a str,
    linked: bool,
}

impl<'a> Program<'a> {
    const fn new(source: &'a str) -> Self {
        Self { source, linked: true }
    }

    /// Compiles it into `folder`.
    fn compile(&self, build: Build, folder: &Path) -> PathBuf {
        let program = folder.join("program");
        let mut compiler = Command::new(if build == Build::Cpp { "g++" } else { "gcc" });
        match build {
            Build::C99 => compiler.arg("-std=c99"),
            Build::Cpp => compiler.args(["-x", "c++", "-std=c++11"]),
            Build::Sanitized => compiler
                .args(["-std=c99", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"])
                .arg(here("c/asan/mutex.c")),
        };
        compiler.args(STRICT).arg("-I").arg(here("../include")).arg(here(self.source));
        compiler.arg("-o").arg(&program).args(["-x", "none", "-pthread", "-ldl"]);
        if self.linked {
            compiler.arg("-L").arg(library_folder()).arg("-lhelios");
            compiler.arg(joined("-Wl,-rpath,", library_folder()));
        }
        succeed(&mut compiler);
        program
    }

    /// Compiles it and runs it in a folder of its own.
    fn run(&self, build: Build, with: impl FnOnce(&mut Command)) -> Output {
        let folder = TempDir::new().unwrap();
        // What hangs is ended, with status 124.
        let mut program = Command::new("timeout");
        program.arg(PATIENCE_SECONDS).arg(self.compile(build, folder.path()));
        program.current_dir(folder.path()).arg(folder.path().join("data"));
        // Cargo's names a folder where the library may lie as another command built it.
        program.env_remove("LD_LIBRARY_PATH");
        if build == Build::Sanitized {
            program.env("HELIOS_CHDB_LIB", sanitized_engine());
            // At a thread's end the sanitizer unmaps its signal stack, whatever that is by then. The engine's threads
            // have one of their own there, on the heap.
            program.env("ASAN_OPTIONS", "use_sigaltstack=0");
        }
        with(&mut program);
        program.output().unwrap()
    }
}

/// Runs a program that must end well.
#[track_caller]
fn check(program: &Program<'_>, build: Build) {
    let output = program.run(build, |_| {});
    assert!(output.status.success(), "{} as {build:?}: {}", program.source, told(&output));
}

macro_rules! programs {
    ($($name:ident: $source:literal,)*) => {
        mod c99 {
            $(#[test] fn $name() { super::check(&super::Program::new($source), super::Build::C99) })*
        }
        mod cpp {
            $(#[test] fn $name() { super::check(&super::Program::new($source), super::Build::Cpp) })*
        }
        mod sanitized {
            $(#[test] fn $name() { super::check(&super::Program::new($source), super::Build::Sanitized) })*
        }
    };
}

programs! {
    arguments: "c/arguments.c",
    arrow: "c/arrow.c",
    engine: "c/engine.c",
    fork: "c/fork.c",
    panic: "c/panic.c",
    query: "c/query.c",
    threads: "c/threads.c",
    quickstart: "../../examples/c/quickstart.c",
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

/// Nothing else of this library, or of what it is made of, gets in the way of the program's own names.
#[test]
fn the_library_exports_what_the_header_declares() {
    let symbols = succeed(Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library()));
    let exported: BTreeSet<&str> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    let header = fs::read_to_string(here("../include/helios.h")).unwrap();
    let mut declared: BTreeSet<&str> = header
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '(')
        .filter_map(|word| word.split_once('(').map(|(name, _)| name))
        .filter(|name| name.starts_with("helios_"))
        .collect();
    declared.insert("helios_test_panic");
    assert_eq!(exported, declared);
}

/// A file beside this one.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Where Cargo put the library that this test was built with.
fn library_folder() -> PathBuf {
    env::current_exe().unwrap().parent().unwrap().to_path_buf()
}

fn library() -> PathBuf {
    let library = library_folder().join("libhelios.so");
    assert!(library.exists(), "{} was not built", library.display());
    library
}

/// The engine, to be loaded by a program under the sanitizer: see `c/asan/engine_library.c`.
fn sanitized_engine() -> &'static Path {
    static MADE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, library) = MADE.get_or_init(|| {
        let engine = env::var_os("HELIOS_CHDB_LIB")
            .map(PathBuf::from)
            .or_else(helios_embedded::setup_location)
            .filter(|engine| engine.exists())
            .expect("the engine is not there; `make engine` fetches it");
        let folder = TempDir::new().unwrap();
        let library = folder.path().join("libchdb-sanitized.so");
        let mut compiler = Command::new("gcc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(here("c/asan/engine_library.c"));
        succeed(compiler.arg("-Wl,--no-as-needed").arg(engine).arg("-lasan"));
        (folder, library)
    });
    library
}

fn joined(option: &str, path: impl AsRef<OsStr>) -> std::ffi::OsString {
    let mut joined = std::ffi::OsString::from(option);
    joined.push(path);
    joined
}

/// Runs a command that must succeed, and returns what it prints.
#[track_caller]
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn told(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{}\n{out}\n{err}", output.status)
}
