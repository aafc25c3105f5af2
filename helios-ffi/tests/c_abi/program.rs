//! A program in C: compiled, and run.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use tempfile::TempDir;

const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

const PATIENCE_SECONDS: &str = "300";

/// Every error it finds fails the program, and so does memory that nothing points to any more.
const VALGRIND: [&str; 5] = [
    "--quiet",
    "--error-exitcode=99",
    "--leak-check=full",
    "--show-leak-kinds=definite",
    "--errors-for-leak-kinds=definite",
];

/// How a program is compiled, and run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Build {
    C99,
    Cpp,
    /// C99, with both sanitizers and their leak check.
    Sanitized,
    /// C99, under valgrind, which cannot have the engine in its process.
    Valgrind,
}

/// What a program comes from, relative to this folder, and whether it links the library.
pub(crate) struct Program<'a> {
    pub(crate) source: &'a str,
    pub(crate) linked: bool,
}

impl<'a> Program<'a> {
    pub(crate) const fn new(source: &'a str) -> Self {
        Self { source, linked: true }
    }

    /// Compiles it into `folder`.
    fn compile(&self, build: Build, folder: &Path) -> PathBuf {
        let program = folder.join("program");
        let mut compiler = Command::new(if build == Build::Cpp { "g++" } else { "gcc" });
        match build {
            Build::C99 => compiler.arg("-std=c99"),
            Build::Valgrind => compiler.args(["-std=c99", "-g", "-DUNDER_VALGRIND"]),
            Build::Cpp => compiler.args(["-x", "c++", "-std=c++17"]),
            Build::Sanitized => compiler
                .args(["-std=c99", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"])
                .arg(here("c/asan/mutex.c")),
        };
        compiler
            .args(STRICT)
            .arg("-I")
            .arg(here("../include"))
            .arg("-I")
            .arg(here("c"))
            .arg(here(self.source));
        compiler.arg("-o").arg(&program).args(["-x", "none", "-pthread", "-ldl"]);
        if self.linked {
            // Valgrind looks at what users have.
            let folder = if build == Build::Valgrind { installed("lib") } else { library_folder() };
            compiler.arg("-L").arg(&folder).arg("-lhelios").arg(joined("-Wl,-rpath,", folder));
        }
        succeed(&mut compiler);
        program
    }

    /// Compiles it and runs it in a folder of its own.
    pub(crate) fn run(&self, build: Build, with: impl FnOnce(&mut Command)) -> Output {
        let folder = TempDir::new().unwrap();
        // What hangs is ended, with status 124.
        let mut program = Command::new("timeout");
        program.arg(PATIENCE_SECONDS);
        if build == Build::Valgrind {
            program.arg("valgrind").args(VALGRIND);
        }
        program.arg(self.compile(build, folder.path()));
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

/// A file beside this one.
pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Where Cargo put the library that this test was built with.
fn library_folder() -> PathBuf {
    env::current_exe().unwrap().parent().unwrap().to_path_buf()
}

pub(crate) fn library() -> PathBuf {
    let library = library_folder().join("libhelios.so");
    assert!(library.exists(), "{} was not built", library.display());
    library
}

/// Where `make install-c` has put a release, for the tests.
pub(crate) fn installed(path: &str) -> PathBuf {
    let target = library_folder().join("../..");
    let installed = target.join("faces/installed").join(path);
    assert!(
        installed.exists(),
        "{} is not there: `make install-c PREFIX=target/faces/installed`",
        installed.display()
    );
    installed.canonicalize().unwrap()
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

fn joined(option: &str, path: impl AsRef<OsStr>) -> OsString {
    let mut joined = OsString::from(option);
    joined.push(path);
    joined
}

/// Runs a command that must succeed, and returns what it prints.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn told(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{}\n{out}\n{err}", output.status)
}
