//! The library as `make install-c` puts it there: a release, with its pkg-config file.

use std::{collections::BTreeSet, fs, process::Command};

use tempfile::TempDir;

use crate::{
    program::{here, installed, succeed, told},
    prototypes,
};

/// Nothing else of this library, or of what it is made of, gets in the way of the program's own names.
#[test]
fn it_exports_what_the_header_declares() {
    let library = installed("lib/libhelios.so");
    let symbols = succeed(Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library));
    let exported: BTreeSet<&str> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    let functions = prototypes::functions();
    let declared: BTreeSet<&str> = functions.iter().map(|function| function.name.as_str()).collect();
    assert_eq!(exported, declared);
}

/// A version below 1.0 may break programs with each minor one, so these ask for theirs.
#[test]
fn it_is_named_with_its_version() {
    let dynamic = succeed(Command::new("readelf").arg("-d").arg(installed("lib/libhelios.so")));
    let version = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));
    assert!(dynamic.contains(&format!("soname: [libhelios.so.{version}]")), "{dynamic}");
    let full = installed(concat!("lib/libhelios.so.", env!("CARGO_PKG_VERSION")));
    assert_eq!(installed("lib/libhelios.so"), full);
    assert_eq!(pkg_config(&["--modversion"]), env!("CARGO_PKG_VERSION"));
    let header = fs::read(installed("include/helios.h")).unwrap();
    assert_eq!(header, fs::read(here("../include/helios.h")).unwrap());
}

#[test]
fn a_program_is_built_with_pkg_config() {
    build_and_run(&["--cflags", "--libs"], &[]);
}

/// Then it needs no library of ours when it runs.
#[test]
fn a_program_is_built_with_the_static_library() {
    let archive = installed("lib/libhelios.a");
    let program =
        build_and_run(&["--static", "--cflags", "--libs"], &["-Wl,-Bstatic", "-lhelios", "-Wl,-Bdynamic"]);
    assert!(archive.exists() && !program.contains("libhelios"), "{program}");
}

/// Builds the example, runs it, and says which libraries it needs.
fn build_and_run(flags: &[&str], before: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("quickstart");
    let flags = pkg_config(flags);
    let mut compiler = Command::new("gcc");
    compiler
        .args(["-std=c99", "-Wl,--as-needed"])
        .arg(here("../../examples/c/quickstart.c"))
        .arg("-o")
        .arg(&program);
    compiler.arg("-L").arg(installed("lib")).args(before).args(flags.split_whitespace());
    succeed(&mut compiler);
    let mut run = Command::new(&program);
    run.arg(folder.path().join("data")).env("LD_LIBRARY_PATH", installed("lib"));
    let output = run.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains(r#"[{"seconds":60}]"#), "{}", told(&output));
    succeed(Command::new("readelf").arg("-d").arg(&program))
}

fn pkg_config(arguments: &[&str]) -> String {
    let mut command = Command::new("pkg-config");
    command.env("PKG_CONFIG_PATH", installed("lib/pkgconfig")).args(arguments).arg("helios");
    succeed(&mut command).trim().to_owned()
}
