//! Turning the database `default` into an ordinary one.

use std::path::Path;

use crate::driver::DriverConnection;

/// Makes `default` an `Atomic` database, whose tables have UUIDs that survive a restart.
///
/// On every start the engine puts an *overlay* in its place: a view of the stored tables, with zero UUIDs, mixed with
/// the files of the working directory. Detaching and attaching it brings back the stored database. One that never held
/// a table has left only its definition behind, which cannot be attached; it is made anew, as on a fresh path.
pub(crate) fn make_atomic(connection: &mut dyn DriverConnection, path: &Path) -> Result<(), String> {
    if engine(connection)? != "Atomic" {
        let metadata = path.join("metadata");
        if metadata.join("default").exists() && metadata.join("default.sql").exists() {
            execute(connection, "DETACH DATABASE default")?;
            execute(connection, "ATTACH DATABASE default")?;
        } else {
            let tables = execute(connection, "SELECT count() FROM system.tables WHERE database = 'default'")?;
            if tables != "0" {
                return Err(format!(
                    "its database `default` was made by another program and holds {tables} tables outside of an \
                     Atomic database; move them to a database of their own first"
                ));
            }
            execute(connection, "DROP DATABASE IF EXISTS default")?;
            execute(connection, "CREATE DATABASE default ENGINE = Atomic")?;
        }
    }
    match engine(connection)?.as_str() {
        "Atomic" => Ok(()),
        other => Err(format!("its database `default` is stored as {other}, not as Atomic")),
    }
}

/// Makes `default` again if a statement has dropped, detached or renamed it: the engine takes no connections without it. `true` if
/// it was gone.
pub(crate) fn restore(connection: &mut dyn DriverConnection) -> Result<bool, String> {
    if !engine(connection)?.is_empty() {
        return Ok(false);
    }
    if execute(connection, "ATTACH DATABASE default").is_err() {
        execute(connection, "CREATE DATABASE IF NOT EXISTS default ENGINE = Atomic")?;
    }
    Ok(true)
}

fn engine(connection: &mut dyn DriverConnection) -> Result<String, String> {
    execute(connection, "SELECT engine FROM system.databases WHERE name = 'default'")
}

/// Runs a statement of our own; its output without the final newline.
pub(crate) fn execute(connection: &mut dyn DriverConnection, sql: &str) -> Result<String, String> {
    let output = connection.run(sql.as_bytes(), "TabSeparatedRaw", &[])?;
    Ok(String::from_utf8_lossy(&output.printed).trim_end_matches('\n').to_owned())
}
