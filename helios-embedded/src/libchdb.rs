//! libchdb's connections, statements and inserts as types that cannot be misused.

#![expect(unsafe_code, reason = "the one place where libchdb's functions are called")]

use std::{
    ffi::{CStr, CString, c_char, c_int},
    path::{Path, PathBuf},
    ptr::NonNull,
    slice,
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    api::{Api, RawAnalysis, RawConnection, RawInsert, RawResult, StatementWithParameters},
    driver::{Analysis, Class, Counts, Driver, DriverConnection, DriverInsert, Output},
    error::Error,
    library,
};

/// Names and values, as [`DriverConnection`] has them.
type Parameters = [(String, String)];

/// libchdb, loaded.
struct Libchdb {
    api: &'static Api,
    file: PathBuf,
}

/// libchdb as a driver, for a host that wraps it: [`Engine::open`](crate::Engine::open) uses it by itself. The library is
/// looked for as there.
///
/// # Errors
///
/// [`Error::LibraryMissing`] and [`Error::LibraryInvalid`].
pub fn libchdb(file: Option<&Path>) -> Result<Arc<dyn Driver>, Error> {
    let (api, file) = library::load(file)?;
    Ok(Arc::new(Libchdb { api, file }))
}

impl Driver for Libchdb {
    fn origin(&self) -> String {
        format!("libchdb, {}", self.file.display())
    }

    /// libchdb prints the reason of a refusal on standard error.
    fn connect(&self, path: &Path) -> Result<Box<dyn DriverConnection>, String> {
        let text = path.to_str().ok_or("the path is not UTF-8")?;
        let path = CString::new(format!("--path={text}")).map_err(|error| error.to_string())?;
        match Connection::open(self.api, &[c"clickhouse".to_owned(), path]) {
            Some(connection) => Ok(Box::new(connection)),
            None => Err("it refused a connection; its reason is on standard error".into()),
        }
    }
}

/// A connection of libchdb.
struct Connection {
    api: &'static Api,
    handle: NonNull<*mut RawConnection>,
}

// SAFETY: libchdb binds a connection to no thread; it asks only that calls on one connection do not overlap, which
// `&mut self` on every call ensures.
unsafe impl Send for Connection {}

impl Connection {
    /// Connects, and starts the engine if this is the process's first connection. `None` is a refusal.
    fn open(api: &'static Api, arguments: &[CString]) -> Option<Self> {
        let mut pointers: Vec<*mut c_char> = arguments.iter().map(|text| text.as_ptr().cast_mut()).collect();
        let count = c_int::try_from(pointers.len()).ok()?;
        // SAFETY: `pointers` holds `count` NUL-terminated strings that outlive the call; libchdb copies what it keeps
        // and does not write to them.
        let handle = unsafe { (api.connect)(count, pointers.as_mut_ptr()) };
        NonNull::new(handle).map(|handle| Self { api, handle })
    }

    fn call<Handle>(
        &mut self,
        function: StatementWithParameters<Handle>,
        sql: &[u8],
        format: &str,
        parameters: &Parameters,
    ) -> *mut Handle {
        let names: Vec<_> = parameters.iter().map(|(name, _)| name.as_ptr()).collect();
        let name_lengths: Vec<_> = parameters.iter().map(|(name, _)| name.len()).collect();
        let values: Vec<_> = parameters.iter().map(|(_, value)| value.as_ptr()).collect();
        let value_lengths: Vec<_> = parameters.iter().map(|(_, value)| value.len()).collect();
        // SAFETY: the connection is live; every pointer is valid for the length that goes with it and outlives the
        // call; the four arrays have `parameters.len()` entries each.
        unsafe {
            function(
                self.raw(),
                sql.as_ptr(),
                sql.len(),
                format.as_ptr(),
                format.len(),
                names.as_ptr(),
                name_lengths.as_ptr(),
                values.as_ptr(),
                value_lengths.as_ptr(),
                parameters.len(),
            )
        }
    }

    fn raw(&self) -> *mut RawConnection {
        // SAFETY: `connect` returned a pointer to the connection, valid until `close`, which only `drop` calls.
        unsafe { *self.handle.as_ptr() }
    }
}

impl DriverConnection for Connection {
    /// libchdb runs every statement that it finds in the text.
    fn run(&mut self, sql: &[u8], format: &str, parameters: &Parameters) -> Result<Output, String> {
        let raw = self.call(self.api.query, sql, format, parameters);
        Outcome { api: self.api, raw }.output()
    }

    fn classify(&mut self, sql: &[u8]) -> Analysis {
        let mut analysis = RawAnalysis { struct_size: RawAnalysis::SIZE, ..Default::default() };
        // SAFETY: `sql` is valid for its length, a null database is allowed, and `analysis` carries its own size.
        let state = unsafe {
            (self.api.classify)(self.raw(), sql.as_ptr(), sql.len(), std::ptr::null(), 0, &raw mut analysis)
        };
        match state {
            0 => Analysis {
                statements: analysis.statement_count,
                class: Class::from_number(analysis.query_class),
            },
            _ => Analysis::UNKNOWN,
        }
    }

    fn complaint(&mut self, sql: &[u8], parameters: &Parameters) -> Option<String> {
        let raw = self.call(self.api.stream, sql, "Null", parameters);
        let started = Outcome { api: self.api, raw };
        if let Err(complaint) = started.error() {
            return Some(complaint);
        }
        // SAFETY: both handles are live and belong together; no row was fetched.
        unsafe { (self.api.cancel)(self.raw(), started.raw) };
        None
    }

    fn insert<'connection>(
        &'connection mut self,
        head: &[u8],
        format: &str,
        parameters: &Parameters,
    ) -> Result<Box<dyn DriverInsert + 'connection>, String> {
        let raw = self.call(self.api.insert, head, format, parameters);
        let stream = InsertStream { connection: self, raw };
        match stream.error() {
            Some(error) => Err(error),
            None => Ok(Box::new(stream)),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the handle came from `connect` and is closed once. Insert streams borrow the connection, so none is
        // left; outcomes own their memory.
        unsafe { (self.api.close)(self.handle.as_ptr()) };
    }
}

/// libchdb's result of a finished statement.
struct Outcome {
    api: &'static Api,
    raw: *mut RawResult,
}

// SAFETY: an outcome is memory of its own, tied neither to a thread nor to its connection, and is only read.
unsafe impl Send for Outcome {}

impl Outcome {
    /// What the statement printed, without a copy, and counted; or the engine's error.
    fn output(self) -> Result<Output, String> {
        self.error()?;
        let counts = self.counts();
        let printed = if self.as_ref().is_empty() { Bytes::new() } else { Bytes::from_owner(self) };
        Ok(Output { printed, counts })
    }

    fn counts(&self) -> Counts {
        // SAFETY: the result is live; the functions only read it.
        unsafe {
            Counts {
                read_rows: (self.api.read_rows)(self.raw),
                read_bytes: (self.api.read_bytes)(self.raw),
                written_rows: (self.api.written_rows)(self.raw),
                written_bytes: (self.api.written_bytes)(self.raw),
                result_rows: (self.api.result_rows)(self.raw),
                result_bytes: (self.api.result_bytes)(self.raw),
            }
        }
    }

    fn error(&self) -> Result<(), String> {
        if self.raw.is_null() {
            return Err("the engine gave no result".into());
        }
        // SAFETY: the result is live; the text belongs to it.
        match unsafe { text((self.api.error)(self.raw)) } {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

impl AsRef<[u8]> for Outcome {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the result is live.
        let (buffer, length) = unsafe { ((self.api.buffer)(self.raw), (self.api.length)(self.raw)) };
        if buffer.is_null() || length == 0 {
            return &[];
        }
        // SAFETY: the buffer holds `length` bytes and lives, unchanged, as long as the result.
        unsafe { slice::from_raw_parts(buffer, length) }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            // SAFETY: the result came from libchdb and is destroyed once.
            unsafe { (self.api.destroy)(self.raw) };
        }
    }
}

/// libchdb's insert stream.
struct InsertStream<'a> {
    connection: &'a mut Connection,
    raw: *mut RawInsert,
}

impl DriverInsert for InsertStream<'_> {
    fn append(&mut self, data: &[u8]) -> Result<(), String> {
        // SAFETY: the stream is live, and `data` is valid for its length; libchdb copies it.
        match unsafe { (self.connection.api.append)(self.raw, data.as_ptr().cast(), data.len()) } {
            0 => Ok(()),
            _ => Err(self.error().unwrap_or_else(|| "the engine ended the insert".into())),
        }
    }

    fn finish(self: Box<Self>) -> Result<Output, String> {
        // SAFETY: the stream is live; `self` is consumed, so it is finished once.
        let raw = unsafe { (self.connection.api.finish)(self.raw) };
        Outcome { api: self.connection.api, raw }.output()
    }
}

impl InsertStream<'_> {
    fn error(&self) -> Option<String> {
        if self.raw.is_null() {
            return Some("the engine started no insert".into());
        }
        // SAFETY: the stream is live; the text belongs to it.
        unsafe { text((self.connection.api.insert_error)(self.raw)) }
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            // SAFETY: the stream came from libchdb and is destroyed once; an unfinished one is cancelled by this.
            unsafe { (self.connection.api.destroy_insert)(self.raw) };
        }
    }
}

/// A C string as owned text; `None` for a null pointer and for an empty string.
///
/// # Safety
///
/// `pointer` is null or points to a NUL-terminated string that lives until this returns.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: not null, and as the caller promises.
    let text = unsafe { CStr::from_ptr(pointer) }.to_string_lossy();
    (!text.is_empty()).then(|| text.into_owned())
}
