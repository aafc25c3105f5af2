//! Inference, beside the engine's own of the same events.

use std::{fs, hint::black_box, path::Path, time::Duration};

use helios_core::{
    schema::{InferOptions, Inference, Observation},
    warehouse::{Warehouse, WarehouseSettings},
};
use helios_tests::Result;

use crate::{
    HEAP,
    events::Kind,
    measure::{ROUNDS, median, timed, timed_async},
    results::Row,
};

const EVENTS: usize = 10_000;
const MANY: usize = 1_000_000;
/// So many different ones are kept in memory, and gone through again: nested events are large.
const DIFFERENT_NESTED: usize = 50_000;
/// A million events take a second: fewer rounds are enough.
const LONG_ROUNDS: usize = 5;

pub(crate) async fn rows() -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let mut settings = WarehouseSettings::default();
    settings.data_path = Some(folder.path().join("data"));
    let warehouse = Warehouse::connect(&settings)?;
    let mut rows = Vec::new();
    for kind in [Kind::Flat, Kind::Nested] {
        rows.push(beside_the_engine(kind, &warehouse, folder.path()).await?);
    }
    for (kind, different, target) in [(Kind::Flat, MANY, Some(400.0)), (Kind::Nested, DIFFERENT_NESTED, None)]
    {
        rows.extend(many(kind, different, target)?);
    }
    Ok(rows)
}

/// The engine reads the events from a file, which the system has in memory; ours have them in memory too.
async fn beside_the_engine(kind: Kind, warehouse: &Warehouse, folder: &Path) -> Result<Row> {
    let events: Vec<_> = (0..EVENTS).map(|id| kind.event(id)).collect();
    let file = folder.join(format!("{}.json", kind.name()));
    fs::write(&file, events.join("\n"))?;
    let statement = format!(
        "DESCRIBE TABLE file('{}', JSONEachRow) SETTINGS schema_inference_use_cache_for_file = 0, max_threads = 1, \
         input_format_max_rows_to_read_for_schema_inference = {EVENTS}, \
         input_format_max_bytes_to_read_for_schema_inference = 1000000000",
        file.display()
    );
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (inference, our) = timed(|| infer(&events, EVENTS));
        let (described, their) =
            timed_async(warehouse.client().query_raw(&statement).fetch_bytes("TSV")?.collect()).await;
        let described = described?.iter().filter(|byte| **byte == b'\n').count();
        if inference.events != EVENTS as u64 || described < inference.columns.len() {
            return Err(format!("{} events, {described} columns of the engine", inference.events).into());
        }
        if round > 0 {
            ours.push(our);
            theirs.push(their);
        }
    }
    let told = [&ours, &theirs].map(|times| format!("{:.1} ms", median(times) * 1e3));
    let ratio = median(&theirs) / median(&ours);
    let name = format!("infer from 10 k {} events, beside the engine's DESC", kind.name());
    Ok(Row::times(&name, told.into(), ratio, 15.0))
}

fn infer(events: &[String], count: usize) -> Inference {
    let mut observation = Observation::default();
    for event in events.iter().cycle().take(count) {
        observation.add(black_box(event.as_bytes()));
    }
    black_box(observation.conclude(&InferOptions::default()))
}

/// Speed and memory over a million events.
fn many(kind: Kind, different: usize, target: Option<f64>) -> Result<Vec<Row>> {
    let events: Vec<_> = (0..different).map(|id| kind.event(id)).collect();
    let bytes = events.iter().map(String::len).sum::<usize>() * (MANY / different);
    let mut times: Vec<Duration> = Vec::new();
    let mut peak = 0;
    for _ in 0..LONG_ROUNDS {
        let before = HEAP.current_usage();
        HEAP.reset_peak_usage();
        let (inference, time) = timed(|| infer(&events, MANY));
        peak = peak.max(HEAP.peak_usage().saturating_sub(before));
        if inference.events != MANY as u64 {
            return Err(format!("only {} events were read", inference.events).into());
        }
        times.push(time);
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of bytes")]
    let (speed, megabytes) = (bytes as f64 / median(&times) / 1e6, peak as f64 / 1e6);
    let name = format!("infer from 1 M {} events", kind.name());
    Ok(vec![
        match target {
            Some(target) => Row::at_least(&name, speed, "MB/s", target),
            None => Row::alone_told(&name, speed, "MB/s"),
        },
        Row::at_most(&format!("memory of the same, {}", kind.name()), megabytes, "MB", 16.0),
    ])
}

/// Infers over and over, for a profiler.
pub(crate) fn profile(kind: Kind) {
    let events: Vec<_> = (0..EVENTS).map(|id| kind.event(id)).collect();
    for _ in 0..300 {
        infer(&events, EVENTS);
    }
}
