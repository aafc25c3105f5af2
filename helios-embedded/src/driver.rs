//! What the service needs of an engine, and nothing more: connections, and what can be done on one.
//!
//! Two reach ClickHouse this way: [`libchdb`](crate::libchdb) through its C functions, and a host that carries
//! ClickHouse already, such as Python with the package `chdb`, through whatever it has.

use std::path::Path;

use bytes::Bytes;

/// A ClickHouse in this process, of which [`Engine::open_with`](crate::Engine::open_with) makes an engine.
///
/// It must have been loaded before: the engine is stopped before the process takes it apart.
pub trait Driver: Send + Sync {
    /// A new connection: a session with its own settings and its own current database. The first one starts ClickHouse
    /// on the data path, which is absolute and UTF-8.
    ///
    /// # Errors
    ///
    /// Why there is none, as text for people.
    fn connect(&self, path: &Path) -> Result<Box<dyn DriverConnection>, String>;

    /// What it is and where it comes from, as text for people: `libchdb, /usr/lib/libchdb.so`.
    fn origin(&self) -> String;

    /// Runs `work`, which waits for other threads of this driver, with none of the host's locks held that those threads
    /// may need. By default there is no such lock.
    fn wait(&self, work: &mut (dyn FnMut() + Send)) {
        work();
    }
}

/// A connection, which runs one statement at a time. Dropped, it is closed.
///
/// Errors are ClickHouse's own texts, which begin with `Code: N. DB::Exception:`, or texts for people. Parameters are
/// names and values of `{name:Type}` in the statement, the values in ClickHouse's escaped text form.
pub trait DriverConnection: Send {
    /// Runs one statement to its end. What it prints is in `format`, unless its text says otherwise. The text is a single
    /// statement, by [`classify`](Self::classify); it may redirect its result with `INTO OUTFILE`.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn run(&mut self, sql: &[u8], format: &str, parameters: &[(String, String)]) -> Result<Output, String>;

    /// What the engine's parser sees in the text. Nothing is run.
    fn classify(&mut self, sql: &[u8]) -> Analysis;

    /// The engine's complaint about a text that is not exactly one statement. Nothing is run.
    fn complaint(&mut self, sql: &[u8], parameters: &[(String, String)]) -> Option<String>;

    /// Starts an insert. `head` is the statement without its `FORMAT` clause and without data.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn insert<'connection>(
        &'connection mut self,
        head: &[u8],
        format: &str,
        parameters: &[(String, String)],
    ) -> Result<Box<dyn DriverInsert + 'connection>, String>;
}

/// An insert that waits for its data. Dropped before [`finish`](Self::finish), it is cancelled and commits nothing of
/// its last block.
pub trait DriverInsert {
    /// Hands data to the engine, and waits while it is busy with earlier data. The data are never taken for SQL.
    ///
    /// # Errors
    ///
    /// The engine's, if it has ended the insert.
    fn append(&mut self, data: &[u8]) -> Result<(), String>;

    /// Commits what was appended.
    ///
    /// # Errors
    ///
    /// The engine's.
    fn finish(self: Box<Self>) -> Result<Output, String>;
}

/// What a statement printed and counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// What it printed, if it was not redirected.
    pub printed: Bytes,
    /// Rows and bytes.
    pub counts: Counts,
}

/// Rows and bytes of a statement, as ClickHouse counts them; 0 where a driver does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows read from storage.
    pub read_rows: u64,
    /// Bytes read from storage.
    pub read_bytes: u64,
    /// Rows inserted.
    pub written_rows: u64,
    /// Bytes inserted.
    pub written_bytes: u64,
    /// Rows of the result.
    pub result_rows: u64,
    /// Bytes of the result.
    pub result_bytes: u64,
}

/// What ClickHouse's parser says about a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// How many statements it holds; 0 if it does not parse.
    pub statements: u32,
    /// What they do. Of several, the one that does most.
    pub class: Class,
}

impl Analysis {
    /// The text does not parse.
    pub const UNKNOWN: Self = Self { statements: 0, class: Class::Unknown };
}

/// What a statement does to state that outlives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
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
    /// The class by chDB's number for it.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        match number {
            0 => Self::ReadOnly,
            1 | 2 => Self::Mutating,
            3 => Self::Control,
            _ => Self::Unknown,
        }
    }
}
