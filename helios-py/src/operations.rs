//! Operations whose options are one JSON object: each blocking, and as an awaitable.

use helios_core::{
    CheckSchema, CreateTable, DriftOptions, HeliosClient, PlanTable, PutEvents, RemoveSource, ReportOptions,
    delivery::{
        SettleRange,
        quarantine::{RejectSelection, ReplayRejects, Retention, ShowRejects},
    },
    sources::NamedSource,
};
use pyo3::prelude::*;

use crate::{answer, awaitable::awaitable, client::Client, runtime::block_on};

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident, $name_async:ident: $options:ty;)+) => {$(
        #[pymethods]
        impl Client {
            $(#[$doc])*
            fn $name(&self, py: Python<'_>, options: String) -> PyResult<String> {
                block_on(py, self.run(async move |client: HeliosClient| {
                    let options: $options = answer::read(&options)?;
                    answer::write(&client.$name(&options).await?)
                }))
            }

            /// The same, to be awaited.
            fn $name_async<'py>(&self, py: Python<'py>, options: String) -> PyResult<Bound<'py, PyAny>> {
                awaitable(py, self.run(async move |client: HeliosClient| {
                    let options: $options = answer::read(&options)?;
                    answer::write(&client.$name(&options).await?)
                }))
            }
        }
    )+};
}

operations! {
    /// Puts events into a stream.
    put_events, put_events_async: PutEvents;
    /// Says which events a table would not take.
    check_schema, check_schema_async: CheckSchema;
    /// Compares a table with later events.
    schema_drift, schema_drift_async: DriftOptions;
    /// Says what a create would do.
    plan, plan_async: PlanTable;
    /// Creates a table and lets a stream fill it.
    create_table, create_table_async: CreateTable;
    /// Delivers a source's events no more.
    pause, pause_async: NamedSource;
    /// Goes on with a source.
    resume, resume_async: NamedSource;
    /// Removes a source.
    remove, remove_async: RemoveSource;
    /// What became of the events of a source.
    delivery_report, delivery_report_async: ReportOptions;
    /// Settles a range that is uncertain or failing.
    settle_range, settle_range_async: SettleRange;
    /// What of a table's events is in quarantine.
    quarantine, quarantine_async: RejectSelection;
    /// Shows rejects.
    quarantine_show, quarantine_show_async: ShowRejects;
    /// Replays rejects.
    quarantine_replay, quarantine_replay_async: ReplayRejects;
    /// Throws rejects away.
    quarantine_discard, quarantine_discard_async: RejectSelection;
    /// Sets for how long rejects are kept.
    quarantine_retention, quarantine_retention_async: Retention;
}
