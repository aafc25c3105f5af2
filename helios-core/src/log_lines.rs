//! What Helios logs, line by line, for a logger of another language.
//!
//! A program in Rust has `tracing` for it, and needs none of this.

use std::{io, mem, sync::Arc};

use tracing::{Level, Metadata};
use tracing_subscriber::{
    Layer as _, filter::dynamic_filter_fn, fmt::MakeWriter, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{Error, ErrorKind, Result};

/// One thing that was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How bad it is.
    pub level: Level,
    /// Where in Helios: `helios_core::delivery::worker`.
    pub target: String,
    /// What happened, in one line: a sentence, then names and figures. Holds no secret.
    pub text: String,
}

/// Hands every line of a level that `is_wanted` to `take`, from now until the process ends. What is not wanted is not even put
/// into words. Other libraries' lines are left out: they log what they send.
///
/// Both are called on whichever thread logs.
///
/// # Errors
///
/// [`Conflict`](ErrorKind::Conflict) if the process has a `tracing` subscriber already.
pub fn take_log_lines(
    is_wanted: impl Fn(Level) -> bool + Send + Sync + 'static,
    take: impl Fn(LogLine) + Send + Sync + 'static,
) -> Result<()> {
    let lines = tracing_subscriber::fmt::layer()
        .without_time()
        .with_level(false)
        .with_target(false)
        .with_ansi(false)
        .with_writer(Lines(Arc::new(take)))
        .with_filter(dynamic_filter_fn(move |metadata, _| {
            metadata.target().starts_with("helios") && is_wanted(*metadata.level())
        }));
    tracing_subscriber::registry().with(lines).try_init().map_err(|error| {
        let message = "what is logged goes to another subscriber of `tracing` in this process";
        Error::new(ErrorKind::Conflict, message).caused_by(error)
    })
}

type Take = dyn Fn(LogLine) + Send + Sync;

/// What makes a line's writer.
struct Lines(Arc<Take>);

impl Lines {
    fn line(&self, level: Level, target: &str) -> Line {
        Line { take: Arc::clone(&self.0), level, target: target.to_owned(), bytes: Vec::new() }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        self.line(Level::INFO, "helios")
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        self.line(*metadata.level(), metadata.target())
    }
}

/// A line while it is written.
struct Line {
    take: Arc<Take>,
    level: Level,
    target: String,
    bytes: Vec<u8>,
}

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = one_line(&String::from_utf8_lossy(&self.bytes));
        if !text.is_empty() {
            (self.take)(LogLine { level: self.level, target: mem::take(&mut self.target), text });
        }
    }
}

/// A text without the line breaks that an error from elsewhere may have in it.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one() {
        assert_eq!(
            one_line("A shard does not go on. error=left\r\n\n  right\n"),
            "A shard does not go on. error=left right"
        );
        assert_eq!(one_line("\n"), "");
    }
}
