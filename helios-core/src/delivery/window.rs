//! How long a table remembers the tokens of inserts.

use jiff::Timestamp;

/// A table's deduplication window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// How many blocks back a token is known; 0: never.
    pub blocks: u64,
    /// For how many seconds it is known. `None`: a plain `MergeTree` counts blocks only.
    pub seconds: Option<u64>,
}

/// The server's own windows of replicated tables.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServerWindow {
    pub(super) blocks: u64,
    pub(super) seconds: u64,
}

impl Window {
    /// The window of a table, given by `system.tables.engine_full`.
    pub(super) fn of(engine: &str, server: ServerWindow) -> Self {
        if !engine.split([' ', '(']).next().unwrap_or_default().ends_with("MergeTree") {
            return Self { blocks: 0, seconds: None };
        }
        if is_replicated(engine) {
            Self {
                blocks: setting(engine, "replicated_deduplication_window").unwrap_or(server.blocks),
                seconds: Some(
                    setting(engine, "replicated_deduplication_window_seconds").unwrap_or(server.seconds),
                ),
            }
        } else {
            let blocks = setting(engine, "non_replicated_deduplication_window").unwrap_or(0);
            Self { blocks, seconds: None }
        }
    }

    /// Whether the table still knows a token of `opened_at`, when `blocks_then` blocks had been inserted at most.
    pub(super) fn reaches(
        self,
        (opened_at, blocks_then): (Timestamp, u64),
        (now, blocks_now): (Timestamp, u64),
    ) -> bool {
        // Fewer blocks than then: parts were dropped, and perhaps the tokens with them.
        let within_blocks = blocks_now.checked_sub(blocks_then).is_some_and(|since| since < self.blocks);
        let age = u64::try_from(now.duration_since(opened_at).as_secs()).unwrap_or(0);
        within_blocks && self.seconds.is_none_or(|seconds| age < seconds)
    }
}

pub(super) fn is_replicated(engine: &str) -> bool {
    engine.starts_with("Replicated") || engine.starts_with("Shared")
}

fn setting(engine: &str, name: &str) -> Option<u64> {
    let (_, rest) = engine.split_once(&format!(" {name} = "))?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: ServerWindow = ServerWindow { blocks: 10_000, seconds: 3600 };

    #[test]
    fn the_window_is_that_of_the_engine() {
        for (engine, blocks, seconds) in [
            ("MergeTree ORDER BY id SETTINGS x = 1, non_replicated_deduplication_window = 100", 100, None),
            ("MergeTree ORDER BY id SETTINGS index_granularity = 8192", 0, None),
            ("ReplicatedMergeTree('/t', 'r') ORDER BY id", 10_000, Some(3600)),
            (
                "SharedReplacingMergeTree ORDER BY id SETTINGS replicated_deduplication_window_seconds = 60, \
                 replicated_deduplication_window = 5",
                5,
                Some(60),
            ),
            ("Memory", 0, None),
            ("Distributed('c', 'd', 't')", 0, None),
        ] {
            assert_eq!(Window::of(engine, SERVER), Window { blocks, seconds }, "{engine}");
        }
    }

    /// R6: beyond either limit a token proves nothing.
    #[test]
    fn a_token_is_known_for_so_many_blocks_and_so_long() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let reaches = |seconds, (age, blocks): (i64, u64)| {
            Window { blocks: 100, seconds }.reaches((at(1000), 50), (at(1000 + age), blocks))
        };
        for (seconds, now, known) in [
            (None, (0, 50), true),
            (None, (0, 149), true),
            (None, (0, 150), false),
            (None, (0, 49), false),
            (None, (1_000_000, 149), true),
            (Some(3600), (3599, 50), true),
            (Some(3600), (3600, 50), false),
            // A clock that was set back.
            (Some(3600), (-10, 50), true),
        ] {
            assert_eq!(reaches(seconds, now), known, "{seconds:?} {now:?}");
        }
        let none = Window { blocks: 0, seconds: None };
        assert!(!none.reaches((at(0), 0), (at(0), 0)));
    }
}
