//! What the HTTP server needs for a result, however large: measured on a server that has no engine in it.

use std::fs;

use helios_tests::Result;

use super::service::{Service, TABLE, fill};
use crate::results::Row;

const SIZES: [u64; 3] = [1_000, 100_000, 5_000_000];
/// A row of JSON has at least so many bytes: an answer with fewer is not whole.
const LEAST_BYTES_A_ROW: u64 = 50;

pub(crate) async fn rows() -> Result<Vec<Row>> {
    let engine = Service::embedded().await?;
    let largest = SIZES.into_iter().max().unwrap_or_default();
    for statement in ["CREATE DATABASE bench", TABLE, &fill(largest)] {
        engine.engine(statement).await?;
    }
    let server = engine.remote().await?;
    server.ours("SELECT 1 AS one").await?;
    let idle = kilobytes(server.process(), "VmRSS")?;
    let mut rows = Vec::new();
    for size in SIZES {
        // The highest mark is set back to what is in use now (proc(5)).
        fs::write(format!("/proc/{}/clear_refs", server.process()), "5")?;
        let bytes = server.ours(&format!("SELECT * FROM bench.readings WHERE id < {size}")).await?;
        if u64::try_from(bytes)? < size * LEAST_BYTES_A_ROW {
            return Err(format!("only {bytes} bytes of {size} rows came").into());
        }
        let peak = kilobytes(server.process(), "VmHWM")?;
        let name = format!("/api/query, {size} rows × 5, peak memory over idle, engine elsewhere");
        rows.push(Row::at_most(&name, (peak - idle) / 1024.0, "MB", 32.0));
    }
    Ok(rows)
}

/// A line of a process's status, in kB.
fn kilobytes(process: u32, name: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let value = line.and_then(|line| line.split_ascii_whitespace().next());
    Ok(value.ok_or_else(|| format!("the status of {process} has no {name}"))?.parse()?)
}
