//! Sampled events, looked at once more without a client.

use bytes::Bytes;
use helios_core::{CheckSchema, Result, check_events};
use pyo3::prelude::*;

use crate::{answer, error::raise};

/// The events of a sample.
#[pyclass(frozen, module = "helios._helios")]
pub(crate) struct SampledEvents(Vec<Bytes>);

impl SampledEvents {
    pub(crate) fn new(events: Vec<Bytes>) -> Self {
        Self(events)
    }
}

/// Says which events a table would not take; `spec` is the JSON of `CheckSchema`, and the events are those in it, if no others are
/// given.
#[pyfunction]
#[pyo3(name = "check_events", signature = (spec, events=None))]
pub(crate) fn check(
    py: Python<'_>,
    spec: &str,
    events: Option<&Bound<'_, SampledEvents>>,
) -> PyResult<String> {
    let events = events.map(Bound::get);
    py.detach(|| checked(spec, events)).map_err(|error| raise(py, &error))
}

fn checked(spec: &str, events: Option<&SampledEvents>) -> Result<String> {
    let mut spec: CheckSchema = answer::read(spec)?;
    let given = spec.events.take().unwrap_or_default();
    let given: Vec<_> =
        given.into_iter().map(|event| Bytes::from(String::from(Box::<str>::from(event)))).collect();
    let events = events.map_or(given.as_slice(), |events| events.0.as_slice());
    answer::write(&check_events(&spec, events).map_err(|error| error.at("check_schema"))?)
}
