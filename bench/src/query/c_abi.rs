//! The C ABI beside the same calls in Rust: the same engine, the same statements, in turns.

#![expect(unsafe_code, reason = "called as C calls it")]

use std::{
    ffi::{CStr, CString, c_char},
    path::Path,
    ptr,
    time::Duration,
};

use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use futures_util::TryStreamExt as _;
use helios::{
    HeliosClient as Handle, HeliosError, HeliosStatus, helios_client_free, helios_client_new,
    helios_client_query, helios_client_query_arrow, helios_config_free, helios_config_new, helios_config_set,
    helios_error_free, helios_error_message, helios_string_free,
};
use helios_core::{HeliosClient, QueryOptions};
use helios_tests::Result;
use tokio::runtime::Runtime;

use super::service::{TABLE, fill};
use crate::{
    measure::{ROUNDS, median, timed},
    results::Row,
};

const ROWS: u64 = 5_000_000;
/// Of the small query, in each turn.
const CALLS: u32 = 500;
const SMALL: &str = "SELECT 1";
const LARGE: &str = "SELECT * FROM bench.readings";

pub(crate) fn rows() -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let rust = InRust::open(folder.path())?;
    let c = InC::open(folder.path())?;
    for statement in ["CREATE DATABASE bench", TABLE, &fill(ROWS)] {
        rust.query(statement)?;
    }
    let small = turns(|| repeat(|| c.query(SMALL)), || repeat(|| rust.query(SMALL)))?;
    let large = turns(|| c.arrow(LARGE), || rust.arrow(LARGE))?;
    Ok(vec![
        row("SELECT 1 through C, beside Rust", &small, |times| {
            format!("{:.3} ms", median(times) / f64::from(CALLS) * 1e3)
        }),
        row("Arrow stream through C, 5 M rows × 5, beside Rust", &large, |times| {
            #[expect(clippy::cast_precision_loss, reason = "a count of rows")]
            let rows = ROWS as f64;
            format!("{:.1} M rows/s", rows / median(times) / 1e6)
        }),
    ])
}

fn row(
    name: &str,
    (ours, theirs): &(Vec<Duration>, Vec<Duration>),
    told: impl Fn(&[Duration]) -> String,
) -> Row {
    Row::within(name, (told(ours), told(theirs)), median(ours) / median(theirs), 1.05)
}

/// Times of both, one after the other; who is first takes turns.
fn turns(
    ours: impl Fn() -> Result<()>,
    theirs: impl Fn() -> Result<()>,
) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for round in 0..=2 * ROUNDS {
        let ((our, our_time), (their, their_time)) = if round % 2 == 0 {
            let ours = timed(&ours);
            (ours, timed(&theirs))
        } else {
            let theirs = timed(&theirs);
            (timed(&ours), theirs)
        };
        our?;
        their?;
        if round > 0 {
            our_times.push(our_time);
            their_times.push(their_time);
        }
    }
    Ok((our_times, their_times))
}

fn repeat(call: impl Fn() -> Result<()>) -> Result<()> {
    (0..CALLS).try_for_each(|_| call())
}

fn all(rows: u64) -> Result<()> {
    if rows == ROWS { Ok(()) } else { Err(format!("{rows} of {ROWS} rows came").into()) }
}

struct InRust {
    runtime: Runtime,
    client: HeliosClient,
}

impl InRust {
    fn open(folder: &Path) -> Result<Self> {
        let runtime = Runtime::new()?;
        let client = runtime.block_on(async { HeliosClient::builder().data_path(folder).build() })?;
        Ok(Self { runtime, client })
    }

    /// The whole answer, as C gets it.
    fn query(&self, sql: &str) -> Result<()> {
        let answer: Vec<u8> = self.runtime.block_on(async {
            let mut chunks = self.client.query_json(sql, &QueryOptions::default()).await?;
            let mut answer = Vec::new();
            while let Some(chunk) = chunks.try_next().await? {
                answer.extend_from_slice(&chunk);
            }
            Ok::<_, helios_core::Error>(answer)
        })?;
        if answer.is_empty() { Err("no answer".into()) } else { Ok(()) }
    }

    fn arrow(&self, sql: &str) -> Result<()> {
        self.runtime.block_on(async {
            let mut stream = self.client.query_arrow(sql, &QueryOptions::default()).await?;
            let mut rows = 0;
            while let Some(batch) = stream.try_next().await? {
                rows += u64::try_from(batch.num_rows())?;
            }
            all(rows)
        })
    }
}

struct InC {
    client: *mut Handle,
}

impl InC {
    fn open(folder: &Path) -> Result<Self> {
        let folder = CString::new(folder.to_string_lossy().as_bytes())?;
        let mut client = ptr::null_mut();
        let config = helios_config_new();
        // SAFETY: texts that end with NUL, and room for the client.
        let opened = unsafe {
            check(|error| helios_config_set(config, c"data_path".as_ptr(), folder.as_ptr(), error))
                .and_then(|()| check(|error| helios_client_new(config, &raw mut client, error)))
        };
        helios_config_free(config);
        opened.map(|()| Self { client })
    }

    fn query(&self, sql: &str) -> Result<()> {
        let sql = CString::new(sql)?;
        let mut json: *mut c_char = ptr::null_mut();
        // SAFETY: as in `open`; the answer is freed once.
        unsafe {
            check(|error| helios_client_query(self.client, sql.as_ptr(), ptr::null(), &raw mut json, error))?;
            helios_string_free(json);
        }
        Ok(())
    }

    fn arrow(&self, sql: &str) -> Result<()> {
        let sql = CString::new(sql)?;
        let mut stream = FFI_ArrowArrayStream::empty();
        // SAFETY: as in `open`.
        check(|error| unsafe {
            helios_client_query_arrow(self.client, sql.as_ptr(), ptr::null(), &raw mut stream, error)
        })?;
        let mut rows = 0;
        // As another library takes them over.
        for batch in RecordBatchStreamReader::try_new(stream)? {
            rows += u64::try_from(batch?.num_rows())?;
        }
        all(rows)
    }
}

impl Drop for InC {
    fn drop(&mut self) {
        helios_client_free(self.client);
    }
}

/// What a call says of its failure.
fn check(call: impl FnOnce(*mut *mut HeliosError) -> HeliosStatus) -> Result<()> {
    let mut error = ptr::null_mut();
    if call(&raw mut error) == HeliosStatus::Ok {
        return Ok(());
    }
    // SAFETY: the call failed, so there is an error, which is freed once, after its text was copied.
    let message = unsafe {
        let message = CStr::from_ptr(helios_error_message(error)).to_string_lossy().into_owned();
        helios_error_free(error);
        message
    };
    Err(message.into())
}
