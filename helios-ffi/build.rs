//! How the shared library is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Its threads, and those of the engine, live as long as the process: `dlclose` must not take the code from under them.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
