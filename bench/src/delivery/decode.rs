//! JSON bytes into checked Arrow columns.

use std::{hint::black_box, time::Duration};

use helios_core::delivery::Decoder;
use helios_tests::Result;
use serde::de::IgnoredAny;

use crate::{
    events::Kind,
    measure::{ROUNDS, median, timed},
    results::Row,
};

const EVENTS: usize = 10_000;
/// A round is short: many of them tell more.
const PASSES: usize = 3;

/// Megabytes of JSON a second, beside `serde_json` passing over the same bytes without keeping anything.
pub(crate) fn rows() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (kind, target) in [(Kind::Flat, 800.0), (Kind::Nested, 500.0)] {
        let events: Vec<_> = (0..EVENTS).map(|id| kind.event(id)).collect();
        let bytes: usize = events.iter().map(String::len).sum();
        let mut decoder = Decoder::new(&kind.schema())?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS * PASSES {
            ours.push(decode(&mut decoder, &events)?);
            theirs.push(pass_over(&events)?);
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of bytes")]
        let speed = |times: &[Duration]| bytes as f64 / median(times) / 1e6;
        let name = format!("decode and check, {} events", kind.name());
        rows.push(Row::at_least(&name, speed(&ours), "MB/s", target));
        let told = [&ours, &theirs].map(|times| format!("{:.0} MB/s", speed(times)));
        let [mine, other] = told;
        let name = format!("the same beside serde_json ignoring all, {}", kind.name());
        rows.push(Row::told(&name, (mine, other), median(&theirs) / median(&ours)));
    }
    Ok(rows)
}

fn decode(decoder: &mut Decoder, events: &[String]) -> Result<Duration> {
    let (read, time) = timed(|| {
        for event in events {
            decoder.decode(black_box(event.as_bytes())).map_err(|reject| reject.message)?;
        }
        Ok(black_box(decoder.finish()?))
    });
    read.map(|_: _| time)
}

fn pass_over(events: &[String]) -> Result<Duration> {
    let (read, time) = timed(|| {
        events.iter().try_for_each(|event| {
            black_box(serde_json::from_slice::<IgnoredAny>(black_box(event.as_bytes()))?);
            Ok(())
        })
    });
    read.map(|()| time)
}

/// Decodes over and over, for a profiler.
pub(crate) fn profile(kind: Kind) -> Result<()> {
    let events: Vec<_> = (0..EVENTS).map(|id| kind.event(id)).collect();
    let mut decoder = Decoder::new(&kind.schema())?;
    for _ in 0..1000 {
        decode(&mut decoder, &events)?;
    }
    Ok(())
}
