//! How rows get into the engine: through the driver's insert stream, or from a file if that stream hides errors.
//!
//! What a driver reports is proved when the engine is opened. The package chdb 4.4.0 reports success for a streamed insert
//! that ClickHouse has refused, and counts rows that are in no table; a statement that selects from a file reports the error.

use std::{
    fs::File,
    io::Write as _,
    ops::Range,
    os::fd::AsRawFd as _,
    path::{Path, PathBuf},
};

use crate::{
    default_database::execute,
    driver::{DriverConnection, DriverInsert, Output},
};

/// The way in that a driver is used by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InsertWay {
    /// Whether the driver's own inserts can be relied on. Otherwise a statement selects from a file.
    streams: bool,
    /// Where the files are.
    folder: PathBuf,
}

/// An `INSERT` without its data.
#[derive(Clone, Debug)]
pub(crate) struct InsertHead<'a> {
    /// The statement up to `FORMAT`.
    pub(crate) text: &'a [u8],
    /// Where in it a `SELECT` reads the data: `input(`, up to its structure.
    pub(crate) input: Option<Range<usize>>,
    pub(crate) format: &'a str,
    pub(crate) parameters: &'a [(String, String)],
}

impl InsertWay {
    /// The first way by which the driver proves that it reports errors and counts rows.
    ///
    /// # Errors
    ///
    /// What each way got wrong.
    pub(crate) fn proven(connection: &mut dyn DriverConnection, path: &Path) -> Result<Self, String> {
        let streams = Self { streams: true, folder: path.to_owned() };
        let stream = match prove(&streams, connection) {
            Ok(()) => return Ok(streams),
            Err(wrong) => wrong,
        };
        let file = Self { streams: false, ..streams };
        match prove(&file, connection) {
            Ok(()) => {
                tracing::debug!(
                    stream,
                    "The driver's insert stream is unreliable: rows are inserted from files."
                );
                Ok(file)
            }
            Err(wrong) => Err(format!(
                "its insert stream is unreliable ({stream}), and so is an insert from a file ({wrong})"
            )),
        }
    }

    /// Starts an insert.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub(crate) fn insert<'connection>(
        &self,
        connection: &'connection mut dyn DriverConnection,
        head: InsertHead<'connection>,
    ) -> Result<Box<dyn DriverInsert + 'connection>, String> {
        if self.streams && head.input.is_none() {
            return connection.insert(head.text, head.format, head.parameters);
        }
        let file = tempfile::tempfile_in(&self.folder).map_err(|error| unwritable(&error))?;
        Ok(Box::new(FileInsert { connection, head, file }))
    }
}

/// An insert whose data are collected in a file without a name, which only its end hands to the engine.
struct FileInsert<'a> {
    connection: &'a mut dyn DriverConnection,
    head: InsertHead<'a>,
    file: File,
}

impl DriverInsert for FileInsert<'_> {
    fn append(&mut self, data: &[u8]) -> Result<(), String> {
        self.file.write_all(data).map_err(|error| unwritable(&error))
    }

    fn finish(self: Box<Self>) -> Result<Output, String> {
        let Self { connection, head: InsertHead { text, input, format, parameters }, file } = *self;
        // Opened by this path, the file is read from its beginning. Without a structure of its own it has that of the table
        // and columns it goes into. `FROM INFILE` would not do: it refuses materialized columns, whatever the settings are.
        let read = format!("file('/proc/self/fd/{}', '{format}'", file.as_raw_fd());
        let statement = match input {
            None => [text, format!("\nSELECT * FROM {read})").as_bytes()].concat(),
            Some(input) => {
                let (before, after) = (text.get(..input.start), text.get(input.end..).unwrap_or_default());
                let has_structure = !after.trim_ascii_start().starts_with(b")");
                let comma: &[u8] = if has_structure { b", " } else { b"" };
                [before.unwrap_or_default(), read.as_bytes(), comma, after].concat()
            }
        };
        connection.run(&statement, "Null", parameters)
    }
}

fn unwritable(error: &std::io::Error) -> String {
    format!("the data of an insert cannot be written to a file: {error}")
}

/// The table of the proof, which only its connection sees.
const TABLE: &str = "_helios_check";

/// Shows that a refused insert is an error, that rows are counted, and that they can be read.
fn prove(way: &InsertWay, connection: &mut dyn DriverConnection) -> Result<(), String> {
    let create = format!(
        "CREATE OR REPLACE TEMPORARY TABLE {TABLE} (v Int64, m UInt128 MATERIALIZED 0, CONSTRAINT positive CHECK v > 0) \
         ENGINE = Memory"
    );
    execute(connection, &create)?;
    let proved = prove_in_table(way, connection);
    execute(connection, &format!("DROP TEMPORARY TABLE {TABLE}"))?;
    proved
}

fn prove_in_table(way: &InsertWay, connection: &mut dyn DriverConnection) -> Result<(), String> {
    let text = format!("INSERT INTO {TABLE} (v, m) SETTINGS insert_allow_materialized_columns = 1 ");
    let head = InsertHead { text: text.as_bytes(), input: None, format: "TabSeparated", parameters: &[] };
    let send = |connection: &mut dyn DriverConnection, rows: &[u8]| {
        let mut insert = way.insert(connection, head.clone())?;
        insert.append(rows)?;
        insert.finish()
    };
    match send(connection, b"1\t1\n-1\t1\n2\t1\n") {
        Ok(_) => return Err("it reports success for an insert that violates a constraint".to_owned()),
        Err(error) if error.contains("Code: 469") => {}
        Err(error) => return Err(format!("an insert that violates a constraint fails otherwise: {error}")),
    }
    let counts = send(connection, b"3\t5\n4\t6\n")?.counts;
    if counts.written_rows != 2 {
        return Err(format!("it reports {} inserted rows instead of 2", counts.written_rows));
    }
    let found = execute(connection, &format!("SELECT count(), sum(v), sum(m) FROM {TABLE}"))?;
    if found != "2\t7\t11" {
        return Err(format!("the rows that it has inserted cannot be read back: {found}"));
    }
    Ok(())
}
