//! Operations without options: each blocking, and as an awaitable.

use helios_core::HeliosClient;
use pyo3::prelude::*;

use crate::{answer, awaitable::awaitable, client::Client, runtime::block_on};

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident, $name_async:ident;)+) => {$(
        #[pymethods]
        impl Client {
            $(#[$doc])*
            fn $name(&self, py: Python<'_>) -> PyResult<String> {
                block_on(py, self.run(async |client: HeliosClient| answer::write(&client.$name().await?)))
            }

            /// The same, to be awaited.
            fn $name_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                awaitable(py, self.run(async |client: HeliosClient| answer::write(&client.$name().await?)))
            }
        }
    )+};
}

operations! {
    /// Says which ClickHouse runs.
    engine_info, engine_info_async;
    /// Lists the streams.
    streams, streams_async;
    /// Lists the sources.
    sources, sources_async;
    /// Finishes or undoes what was interrupted.
    repair, repair_async;
    /// Looks at all that Helios needs.
    doctor, doctor_async;
}
