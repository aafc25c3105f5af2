//! How often a table is inserted into, and for how long it must remember that.

use serde::Serialize;

use super::CreateTable;
use crate::{Error, Result, warehouse::DEDUPLICATION_WINDOW};

/// As many as Lambda allows: the payload, 6 MB, is the narrower limit.
const MOST_RECORDS: u32 = 10_000;
/// As long as Lambda allows.
const LONGEST_WINDOW: u32 = 300;
/// AWS asks for a window where a batch may have more records than this.
const FEW_RECORDS: u32 = 10;
/// Each insert makes a part, and ClickHouse has to merge them all.
const INSERTS_A_SECOND: u32 = 10;
/// For so long a token must be known: whoever repeats an insert does it within this time.
const RETRY_HORIZON_SECONDS: u64 = 3_600;

/// How the events of a stream are put together for the delivery function.
///
/// On the wire: `{"batchSize": 10000, "windowSeconds": 1}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Batching {
    /// How many records at most are handed over at once.
    pub batch_size: u32,
    /// For how many seconds records are gathered.
    pub window_seconds: u32,
}

impl Batching {
    /// What is asked for, and else what suits a stream of so many open shards: at most ten inserts a second.
    pub(super) fn of(spec: &CreateTable, shards: u32) -> Result<Self> {
        let batch_size = spec.batch_size.map_or(MOST_RECORDS, std::num::NonZeroU32::get);
        if batch_size > MOST_RECORDS {
            let message = format!("`batchSize` is at most {MOST_RECORDS}");
            return Err(Error::invalid_input(message).with("batchSize", batch_size.to_string()));
        }
        let asked = spec.batching_window_seconds;
        if asked.is_some_and(|seconds| seconds > LONGEST_WINDOW) {
            return Err(Error::invalid_input(format!("`batchingWindowSeconds` is at most {LONGEST_WINDOW}")));
        }
        if asked == Some(0) && batch_size > FEW_RECORDS {
            let message = format!(
                "without a batching window a batch has at most {FEW_RECORDS} records: set `batchSize`, or a \
                                   window of at least one second"
            );
            return Err(Error::invalid_input(message));
        }
        let window_seconds =
            asked.unwrap_or_else(|| shards.div_ceil(INSERTS_A_SECOND).clamp(1, LONGEST_WINDOW));
        Ok(Self { batch_size, window_seconds })
    }

    /// How many inserts a table must remember: those of all shards within the time in which one may be repeated.
    pub(super) fn deduplication_window(self, shards: u32) -> u64 {
        let inserts = u64::from(shards) * RETRY_HORIZON_SECONDS;
        inserts.div_ceil(u64::from(self.window_seconds.max(1))).max(DEDUPLICATION_WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> CreateTable {
        CreateTable::new("s", "t", [])
    }

    #[test]
    fn the_window_grows_with_the_shards() {
        for (shards, seconds, remembered) in [
            (0, 1, 10_000),
            (1, 1, 10_000),
            (3, 1, 10_800),
            (10, 1, 36_000),
            (11, 2, 19_800),
            (1_000, 100, 36_000),
            (3_000, 300, 36_000),
            (10_000, 300, 120_000),
        ] {
            let batching = Batching::of(&spec(), shards).unwrap();
            assert_eq!((batching.batch_size, batching.window_seconds), (10_000, seconds), "{shards}");
            assert_eq!(batching.deduplication_window(shards), remembered, "{shards}");
        }
    }

    #[test]
    fn what_is_asked_for_stands_within_the_limits_of_lambda() {
        let asked = |size: u32, seconds| {
            let spec = spec().batch_size(size.try_into().unwrap()).batching_window_seconds(seconds);
            Batching::of(&spec, 1_000).map(|batching| (batching.batch_size, batching.window_seconds))
        };
        assert_eq!(asked(500, 5).unwrap(), (500, 5));
        assert_eq!(asked(10, 0).unwrap(), (10, 0));
        assert_eq!(asked(10_000, 300).unwrap(), (10_000, 300));
        for (size, seconds) in [(11, 0), (10_001, 1), (1, 301)] {
            assert_eq!(asked(size, seconds).unwrap_err().kind(), crate::ErrorKind::InvalidInput);
        }
    }
}
