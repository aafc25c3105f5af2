//! Cargo counts a package's build dependencies only if it has a build script.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
