//! `include/helios.h` is what the source says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helper functions")]

use std::{env, fs, path::Path};

#[test]
fn the_header_is_up_to_date() {
    let made = header();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/helios.h");
    if env::var_os("HELIOS_BLESS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "include/helios.h is not what cbindgen makes of the source, first in line {}; \
         `HELIOS_BLESS=1 cargo test -p helios-ffi --test header` writes it anew",
        1 + kept.lines().zip(made.lines()).take_while(|(kept, made)| kept == made).count()
    );
}

/// What C sees, in the order of reading.
const SOURCES: [&str; 16] = [
    "version",
    "status",
    "error",
    "text",
    "log",
    "config",
    "client",
    "callback",
    "query",
    "arrow",
    "kinesis",
    "schema",
    "source",
    "delivery",
    "consumer",
    "quarantine",
];

fn header() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    let rest = config.after_includes.take().unwrap();
    config.after_includes = Some(format!("\n{}{rest}", version()));
    let sources = SOURCES.iter().map(|name| folder.join("src").join(name).with_extension("rs"));
    let builder = cbindgen::Builder::new().with_config(config);
    let mut text = Vec::new();
    sources.fold(builder, cbindgen::Builder::with_src).generate().unwrap().write(&mut text);
    String::from_utf8(text).unwrap()
}

/// Cargo's version, as macros.
fn version() -> String {
    format!(
        "#define HELIOS_VERSION_MAJOR {}\n#define HELIOS_VERSION_MINOR {}\n#define HELIOS_VERSION_PATCH {}\n\
         #define HELIOS_VERSION \"{}\"\n",
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
        env!("CARGO_PKG_VERSION_PATCH"),
        env!("CARGO_PKG_VERSION"),
    )
}
