//! `helios._helios`: what the Python package `helios` calls.
//!
//! Requests and small answers cross as JSON text in the shapes of the HTTP interface, results of queries as Arrow. Each
//! operation is here twice over one future: blocking, and as an awaitable (`…_async`).

mod answer;
mod awaitable;
mod batch;
mod cancel;
mod capsule;
mod chdb;
mod client;
mod connect;
mod consumer;
mod databases;
mod engine;
mod error;
mod exit;
mod listener;
mod logs;
mod operations;
mod progress;
mod query;
mod query_batches;
mod query_bytes;
mod questions;
mod reading;
mod result;
mod runtime;
mod sample;
mod schema;
mod signals;
mod streams;
mod types;
mod values;

use pyo3::pymodule;

// Nobody has tried it without the interpreter's lock: those builds of Python do not load a wheel of the stable ABI.
#[pymodule(gil_used = true)]
mod _helios {
    use pyo3::prelude::*;

    use crate::{exit, logs};

    #[pymodule_export]
    use crate::{
        batch::QueryBatch,
        client::Client,
        connect::{connect, connect_async},
        consumer::Consumer,
        error::error_kinds,
        listener::Listener,
        query_batches::QueryBatches,
        query_bytes::QueryBytes,
        result::QueryResult,
        sample::{SampledEvents, check},
        schema::edit_schema,
        types::describe_type,
    };

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        logs::watch(module.py())?;
        exit::watch(module.py())
    }

    /// The version of Helios.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "as Python names it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
