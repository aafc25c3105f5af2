//! Which libchdb this crate is tested with.

use std::{fs, io};

const PINNED: &str = "engines.env";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={PINNED}");
    let pinned = fs::read_to_string(PINNED)?;
    let version = pinned.lines().find_map(|line| line.strip_prefix("LIBCHDB_VERSION="));
    let version = version.ok_or_else(|| io::Error::other(format!("{PINNED} names no LIBCHDB_VERSION")))?;
    println!("cargo::rustc-env=LIBCHDB_VERSION={version}");
    Ok(())
}
