//! Arrow through C takes no more memory than in Rust: the buffers are handed over, not copied.
//!
//! A program of its own, as every allocation in it is counted.

#![expect(unsafe_code, reason = "called as C calls it")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helper functions")]

use std::{ffi::CString, ptr};

use allocation_counter::{AllocationInfo, measure};
use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use futures_util::TryStreamExt as _;
use helios::{
    HeliosClient as Handle, HeliosStatus, helios_client_free, helios_client_new, helios_client_query_arrow,
    helios_config_free, helios_config_new, helios_config_set,
};
use helios_core::{HeliosClient, QueryOptions};
use tokio::runtime::Runtime;

const SQL: &str = "SELECT number, number + 1 AS next FROM numbers(1000000)";
/// What the result's buffers hold.
const BYTES: u64 = 16 * 1_000_000;

#[test]
fn the_buffers_are_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let rust = runtime.block_on(async { HeliosClient::builder().data_path(folder.path()).build() }).unwrap();
    let path = CString::new(folder.path().to_str().unwrap()).unwrap();
    let mut c = ptr::null_mut();
    let config = helios_config_new();
    // SAFETY: texts that end with NUL, and room for the client.
    unsafe {
        let set = helios_config_set(config, c"data_path".as_ptr(), path.as_ptr(), ptr::null_mut());
        assert_eq!(set, HeliosStatus::Ok);
        assert_eq!(helios_client_new(config, &raw mut c, ptr::null_mut()), HeliosStatus::Ok);
    }
    helios_config_free(config);
    // What both make once.
    in_c(c);
    in_rust(&runtime, &rust);
    let (ours, theirs) = (in_c(c), in_rust(&runtime, &rust));
    // Pieces end elsewhere each time, which makes a difference of some percent.
    assert!(theirs.bytes_total >= BYTES, "the result is not counted: {theirs:?}");
    assert!(ours.bytes_total < theirs.bytes_total + BYTES / 4, "{ours:?}, in Rust {theirs:?}");
    helios_client_free(c);
}

/// What this thread allocates, which is where batches are made.
fn in_rust(runtime: &Runtime, client: &HeliosClient) -> AllocationInfo {
    measure(|| {
        runtime.block_on(async {
            let mut stream = client.query_arrow(SQL, &QueryOptions::default()).await.unwrap();
            while stream.try_next().await.unwrap().is_some() {}
        });
    })
}

fn in_c(client: *const Handle) -> AllocationInfo {
    measure(|| {
        let sql = CString::new(SQL).unwrap();
        let mut stream = FFI_ArrowArrayStream::empty();
        // SAFETY: a client, a text that ends with NUL, and room for the stream.
        let status = unsafe {
            helios_client_query_arrow(client, sql.as_ptr(), ptr::null(), &raw mut stream, ptr::null_mut())
        };
        assert_eq!(status, HeliosStatus::Ok);
        // As another library takes them over.
        RecordBatchStreamReader::try_new(stream).unwrap().for_each(|batch| drop(batch.unwrap()));
    })
}
