//! Connections, statements and inserts as types that cannot be misused.

#![expect(unsafe_code, reason = "the one place where libchdb's functions are called")]

use std::{
    ffi::{CStr, CString, c_char, c_int},
    ptr::NonNull,
    slice,
};

use bytes::Bytes;

use crate::api::{Api, RawAnalysis, RawConnection, RawInsert, RawResult, StatementWithParameters};

/// Server-side parameters: names, and values in ClickHouse's escaped text form.
pub(crate) type Parameters = [(String, String)];

/// One engine connection: a session with its own settings and current database. It runs one statement at a time.
pub(crate) struct Connection {
    api: &'static Api,
    handle: NonNull<*mut RawConnection>,
}

// SAFETY: libchdb binds a connection to no thread; it asks only that calls on one connection do not overlap, which
// `&mut self` on every call ensures.
unsafe impl Send for Connection {}

impl Connection {
    /// Connects, and starts the engine if this is the process's first connection. `None` is a refusal; the engine
    /// prints its reason on standard error.
    pub(crate) fn open(api: &'static Api, arguments: &[CString]) -> Option<Self> {
        let mut pointers: Vec<*mut c_char> = arguments.iter().map(|text| text.as_ptr().cast_mut()).collect();
        let count = c_int::try_from(pointers.len()).ok()?;
        // SAFETY: `pointers` holds `count` NUL-terminated strings that outlive the call; libchdb copies what it keeps
        // and does not write to them.
        let handle = unsafe { (api.connect)(count, pointers.as_mut_ptr()) };
        NonNull::new(handle).map(|handle| Self { api, handle })
    }

    /// Runs one statement to its end. What it prints is in `format` unless its text says otherwise.
    ///
    /// The text must be a single statement (see [`Connection::classify`]): libchdb runs every statement it finds.
    pub(crate) fn run(
        &mut self,
        sql: &[u8],
        format: &str,
        parameters: &Parameters,
    ) -> Result<Outcome, String> {
        let raw = self.call(self.api.query, sql, format, parameters);
        Outcome { api: self.api, raw }.checked()
    }

    /// The engine's complaint about a text that is not exactly one statement. Nothing is run.
    pub(crate) fn complaint(&mut self, sql: &[u8], parameters: &Parameters) -> Option<String> {
        let raw = self.call(self.api.stream, sql, "Null", parameters);
        let started = Outcome { api: self.api, raw };
        if let Err(complaint) = started.error() {
            return Some(complaint);
        }
        // SAFETY: both handles are live and belong together; no row was fetched.
        unsafe { (self.api.cancel)(self.raw(), started.raw) };
        None
    }

    /// What the engine's parser sees in the text. Nothing is run.
    pub(crate) fn classify(&mut self, sql: &[u8]) -> Analysis {
        let mut analysis = RawAnalysis { struct_size: RawAnalysis::SIZE, ..Default::default() };
        // SAFETY: `sql` is valid for its length, a null database is allowed, and `analysis` carries its own size.
        let state = unsafe {
            (self.api.classify)(self.raw(), sql.as_ptr(), sql.len(), std::ptr::null(), 0, &raw mut analysis)
        };
        match state {
            0 => Analysis {
                statements: analysis.statement_count,
                class: Class::from_raw(analysis.query_class),
            },
            _ => Analysis { statements: 0, class: Class::Unknown },
        }
    }

    /// Starts an insert. `head` is the statement without its `FORMAT` clause and without data.
    pub(crate) fn insert(
        &mut self,
        head: &[u8],
        format: &str,
        parameters: &Parameters,
    ) -> Result<InsertStream<'_>, String> {
        let raw = self.call(self.api.insert, head, format, parameters);
        let stream = InsertStream { connection: self, raw };
        match stream.error() {
            Some(error) => Err(error),
            None => Ok(stream),
        }
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

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the handle came from `connect` and is closed once. Insert streams borrow the connection, so none is
        // left; outcomes own their memory.
        unsafe { (self.api.close)(self.handle.as_ptr()) };
    }
}

/// What the engine's parser says about a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Analysis {
    /// How many statements it holds; 0 if it does not parse.
    pub(crate) statements: u32,
    pub(crate) class: Class,
}

/// What a statement does to state that outlives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// `SELECT`, `SHOW`, `DESCRIBE`, `EXPLAIN`, `EXISTS`, `CHECK`.
    ReadOnly,
    /// Changes data or tables.
    Mutating,
    /// Acts on the session, the engine or files: `SET`, `KILL`, `SYSTEM`, `INTO OUTFILE`.
    Control,
    /// Did not parse.
    Unknown,
}

impl Class {
    fn from_raw(class: u32) -> Self {
        match class {
            0 => Self::ReadOnly,
            1 | 2 => Self::Mutating,
            3 => Self::Control,
            _ => Self::Unknown,
        }
    }
}

/// What a finished statement printed and counted.
pub(crate) struct Outcome {
    api: &'static Api,
    raw: *mut RawResult,
}

// SAFETY: an outcome is memory of its own, tied neither to a thread nor to its connection, and is only read.
unsafe impl Send for Outcome {}

impl Outcome {
    /// Rows and bytes, as the engine counted them.
    pub(crate) fn counts(&self) -> Counts {
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

    /// What the statement printed, without a copy.
    pub(crate) fn into_bytes(self) -> Bytes {
        if self.as_ref().is_empty() { Bytes::new() } else { Bytes::from_owner(self) }
    }

    fn checked(self) -> Result<Self, String> {
        self.error().map(|()| self)
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

/// Rows and bytes of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) read_rows: u64,
    pub(crate) read_bytes: u64,
    pub(crate) written_rows: u64,
    pub(crate) written_bytes: u64,
    pub(crate) result_rows: u64,
    pub(crate) result_bytes: u64,
}

/// An insert that waits for its data. Dropped before [`InsertStream::finish`], it is cancelled.
pub(crate) struct InsertStream<'a> {
    connection: &'a mut Connection,
    raw: *mut RawInsert,
}

impl InsertStream<'_> {
    /// Hands data to the engine, and waits while it is busy with earlier data.
    pub(crate) fn append(&mut self, data: &[u8]) -> Result<(), String> {
        // SAFETY: the stream is live, and `data` is valid for its length; libchdb copies it.
        match unsafe { (self.connection.api.append)(self.raw, data.as_ptr().cast(), data.len()) } {
            0 => Ok(()),
            _ => Err(self.error().unwrap_or_else(|| "the engine ended the insert".into())),
        }
    }

    /// Commits what was appended.
    pub(crate) fn finish(self) -> Result<Outcome, String> {
        // SAFETY: the stream is live; `self` is consumed, so it is finished once.
        let raw = unsafe { (self.connection.api.finish)(self.raw) };
        Outcome { api: self.connection.api, raw }.checked()
    }

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
