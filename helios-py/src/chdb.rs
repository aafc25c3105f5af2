//! ClickHouse as the Python package `chdb` brings it, driven for `helios_embedded`.
//!
//! The package's library hides ClickHouse's C functions, but its extension module `chdb._chdb` has each that is needed as
//! a method, and lets other Python threads run during all of them. Its wrappers above that module are not used: they
//! convert results, and take settings out of paths.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use helios_embedded::{Analysis, Class, Counts, Driver, DriverConnection, DriverInsert, Output};
use pyo3::{
    exceptions::{PyImportError, PyModuleNotFoundError, PyUnicodeDecodeError},
    intern,
    prelude::*,
    sync::PyOnceLock,
    types::{PyBytes, PyDict, PyType},
};

use crate::{exit, signals::Handlers};

/// What is called, and so has to be there.
const METHODS: [&str; 8] = [
    "classify_query",
    "close",
    "insert_append",
    "insert_cancel",
    "insert_done",
    "query",
    "send_insert",
    "send_query",
];

/// The driver, or `None` if the package is not installed.
///
/// The first time it imports the package, which takes up to a second.
///
/// # Errors
///
/// The package is there, but cannot be imported or is too old.
pub(crate) fn driver(py: Python<'_>) -> PyResult<Option<Arc<dyn Driver>>> {
    static LOADED: PyOnceLock<Option<Arc<Chdb>>> = PyOnceLock::new();
    let loaded = LOADED.get_or_try_init(py, || py.detach(load))?;
    Ok(loaded.clone().map(|chdb| chdb as Arc<dyn Driver>))
}

/// Imports the package on a thread of its own, which ends with it. The import blocks `SIGPIPE` in its thread, and the
/// package keeps a pointer to the interpreter's state of that thread, to use it for every later call from there: on a
/// thread that lets go of the interpreter in between, the state is another one by then, and the call crashes.
fn load() -> PyResult<Option<Arc<Chdb>>> {
    let failed = |reason: String| Err(PyImportError::new_err(format!("chdb cannot be imported: {reason}")));
    match thread::Builder::new().name("helios-load".into()).spawn(|| Python::attach(import)) {
        Ok(thread) => thread.join().unwrap_or_else(|_| failed("its thread panicked".into())),
        Err(error) => failed(format!("no thread to import it on: {error}")),
    }
}

fn import(py: Python<'_>) -> PyResult<Option<Arc<Chdb>>> {
    let modules = py.import("sys")?.getattr("modules")?;
    // With ClickHouse's handlers a crash or an abort hangs the process instead of ending it. Importing the package
    // installs them, as it opens a connection. Whoever has imported it before has lost the former ones already.
    let handlers = if modules.contains("chdb")? { None } else { Some(Handlers::current()) };
    let package = match py.import("chdb") {
        Ok(package) => package,
        Err(error) if is_missing(py, &error)? => return Ok(None),
        Err(error) => return Err(error),
    };
    let module = package.getattr("_chdb")?;
    let connect = module.getattr("connect")?.cast_into::<PyType>()?;
    for method in METHODS {
        if !connect.hasattr(method)? {
            let version = package.getattr("__version__")?;
            return Err(PyImportError::new_err(format!(
                "chdb {version} is too old for Helios, it has no `{method}`: pip install -U 'helios-py[embedded]'"
            )));
        }
    }
    module.call_method1("set_signal_handlers_enabled", (0,))?;
    module.call_method0("reset_signal_handlers")?;
    if let Some(handlers) = handlers {
        handlers.restore();
    }
    // The interpreter ends before the process does, and without it no statement can be stopped.
    py.import("atexit")?.call_method1("register", (wrap_pyfunction!(stop_engine, py)?,))?;
    let version = package.getattr("__version__")?.extract::<String>()?;
    let file = package.getattr("__file__")?.extract::<PathBuf>()?;
    let origin = format!("chdb {version}, {}", file.parent().unwrap_or(&file).display());
    Ok(Some(Arc::new(Chdb { connect: connect.unbind(), origin })))
}

fn is_missing(py: Python<'_>, error: &PyErr) -> PyResult<bool> {
    Ok(error.is_instance_of::<PyModuleNotFoundError>(py)
        && error.value(py).getattr("name")?.extract::<Option<String>>()?.as_deref() == Some("chdb"))
}

#[pyfunction]
fn stop_engine(py: Python<'_>) {
    // What is stopped is of daemon threads, and those are not to come back for it.
    exit::begin(py);
    exit::stop_engine(py);
}

/// The class of the package's connections.
struct Chdb {
    connect: Py<PyType>,
    origin: String,
}

impl Driver for Chdb {
    fn connect(&self, path: &Path) -> Result<Box<dyn DriverConnection>, String> {
        let path = path.to_str().ok_or("the path is not UTF-8")?;
        if path.contains('?') {
            return Err(
                "chdb takes what follows a question mark in the path for settings; choose another path"
                    .into(),
            );
        }
        attached(|py| {
            let connection = self.connect.call1(py, (path,)).map_err(|error| text(py, &error))?;
            Ok(Box::new(Connection(connection)) as Box<dyn DriverConnection>)
        })
    }

    fn origin(&self) -> String {
        self.origin.clone()
    }

    fn wait(&self, work: &mut (dyn FnMut() + Send)) {
        if exit::attach_for_engine(|py| py.detach(&mut *work)).is_none() {
            work();
        }
    }
}

/// One connection of the package.
struct Connection(Py<PyAny>);

impl Connection {
    fn call<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        sql: &[u8],
        format: &str,
        parameters: &[(String, String)],
    ) -> Result<Bound<'py, PyAny>, String> {
        let call = || {
            let values = PyDict::new(py);
            for (name, value) in parameters {
                values.set_item(name, value)?;
            }
            let named = PyDict::new(py);
            named.set_item("params", values)?;
            self.0.bind(py).call_method(method, (PyBytes::new(py, sql), format), Some(&named))
        };
        call().map_err(|error| text(py, &error))
    }
}

impl DriverConnection for Connection {
    fn run(&mut self, sql: &[u8], format: &str, parameters: &[(String, String)]) -> Result<Output, String> {
        attached(|py| output(&self.call(py, "query", sql, format, parameters)?))
    }

    fn classify(&mut self, sql: &[u8]) -> Analysis {
        let classify = |py: Python<'_>| -> PyResult<Analysis> {
            let found =
                self.0.bind(py).call_method1(intern!(py, "classify_query"), (PyBytes::new(py, sql),))?;
            Ok(Analysis {
                statements: found.get_item("statement_count")?.extract()?,
                class: Class::from_number(found.get_item("query_class")?.call_method0("__int__")?.extract()?),
            })
        };
        attached(|py| classify(py).map_err(|error| text(py, &error))).unwrap_or(Analysis::UNKNOWN)
    }

    fn complaint(&mut self, sql: &[u8], parameters: &[(String, String)]) -> Option<String> {
        let complain = |py: Python<'_>| {
            let started = self.call(py, "send_query", sql, "Null", parameters)?;
            let cancelled = self.0.bind(py).call_method1("streaming_cancel_query", (started,));
            cancelled.map(drop).map_err(|error| text(py, &error))
        };
        attached(complain).err()
    }

    fn insert<'connection>(
        &'connection mut self,
        head: &[u8],
        format: &str,
        parameters: &[(String, String)],
    ) -> Result<Box<dyn DriverInsert + 'connection>, String> {
        // The package's inserts take no parameters; those of the session are the same.
        if let Some(set) = set_parameters(parameters) {
            self.run(set.as_bytes(), "Null", &[])?;
        }
        attached(|py| {
            let started = self.0.bind(py).call_method1("send_insert", (PyBytes::new(py, head), format));
            let stream = started.map_err(|error| text(py, &error))?.unbind();
            Ok(Box::new(Insert { connection: self, stream, finished: false }) as Box<dyn DriverInsert>)
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let closed = attached(|py| self.0.call_method0(py, "close").map_err(|error| text(py, &error)));
        // Without the interpreter there is no engine to close either.
        drop(closed);
    }
}

/// A streamed insert. The package cancels it when it is dropped without an end.
struct Insert<'connection> {
    connection: &'connection mut Connection,
    stream: Py<PyAny>,
    finished: bool,
}

impl DriverInsert for Insert<'_> {
    fn append(&mut self, data: &[u8]) -> Result<(), String> {
        attached(|py| {
            let arguments = (&self.stream, PyBytes::new(py, data));
            let appended = self.connection.0.bind(py).call_method1(intern!(py, "insert_append"), arguments);
            appended.map(drop).map_err(|error| text(py, &error))
        })
    }

    fn finish(mut self: Box<Self>) -> Result<Output, String> {
        attached(|py| {
            self.finished = true;
            let done = self.connection.0.bind(py).call_method1("insert_done", (&self.stream,));
            output(&done.map_err(|error| text(py, &error))?)
        })
    }
}

impl Drop for Insert<'_> {
    fn drop(&mut self) {
        if !self.finished {
            let cancelled = attached(|py| {
                let cancelled = self.connection.0.call_method1(py, "insert_cancel", (&self.stream,));
                cancelled.map_err(|error| text(py, &error))
            });
            // It may have failed before, and so have ended.
            drop(cancelled);
        }
    }
}

/// Calls into the interpreter, if it still runs.
fn attached<T>(call: impl FnOnce(Python<'_>) -> Result<T, String>) -> Result<T, String> {
    exit::attach_for_engine(call).unwrap_or_else(|| Err("Python has ended".into()))
}

/// What a statement printed and counted.
fn output(result: &Bound<'_, PyAny>) -> Result<Output, String> {
    let read = || -> PyResult<Output> {
        let count = |name: &str| result.call_method0(name)?.extract();
        Ok(Output {
            printed: result.call_method0("bytes")?.extract::<Vec<u8>>()?.into(),
            counts: Counts {
                read_rows: count("storage_rows_read")?,
                read_bytes: count("storage_bytes_read")?,
                written_rows: count("rows_written")?,
                written_bytes: count("bytes_written")?,
                result_rows: count("rows_read")?,
                result_bytes: count("bytes_read")?,
            },
        })
    };
    read().map_err(|error| text(result.py(), &error))
}

/// ClickHouse's text of an error. One that is not UTF-8 comes as the failure to decode it.
fn text(py: Python<'_>, error: &PyErr) -> String {
    let value = error.value(py);
    if error.is_instance_of::<PyUnicodeDecodeError>(py)
        && let Ok(bytes) = value.getattr("object").and_then(|object| object.extract::<Vec<u8>>())
    {
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    value.to_string()
}

/// The parameters as a statement for the session; `None` if there are none. The values stay in ClickHouse's escaped text
/// form: what `SET` reads from the literal is what a parameter is given.
fn set_parameters(parameters: &[(String, String)]) -> Option<String> {
    let assignments: Vec<String> = parameters
        .iter()
        // Others can stand in no statement.
        .filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
        .map(|(name, value)| format!("param_{name} = '{}'", value.replace('\\', r"\\").replace('\'', r"\'")))
        .collect();
    (!assignments.is_empty()).then(|| format!("SET {}", assignments.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_inserts_are_quoted() {
        let parameter = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let set = set_parameters(&[
            parameter("table", "t"),
            parameter("text", r"it's \n; DROP TABLE t"),
            parameter("a = 1, x", "no name"),
        ]);
        assert_eq!(set.unwrap(), r"SET param_table = 't', param_text = 'it\'s \\n; DROP TABLE t'");
        assert_eq!(set_parameters(&[parameter("a-b", "1")]), None);
    }
}
