//! SQL, answered as Arrow.

#![expect(unsafe_code, reason = "the C ABI: exported names, and pointers")]

use std::{ffi::c_char, io, mem::ManuallyDrop};

use arrow_array::{RecordBatch, RecordBatchReader, ffi_stream::FFI_ArrowArrayStream};
use arrow_schema::{ArrowError, SchemaRef};
use futures_util::TryStreamExt as _;
use helios_core::{ArrowStream, warehouse::check_c_names};

use crate::{
    boundary,
    client::{Cancellation, HeliosClient},
    error::{Failure, HeliosError},
    pointer::output,
    query::Asked,
    runtime,
    status::HeliosStatus,
};

/// Runs one SQL statement and gives its result as a stream of Arrow record batches, read as fast as `get_next` is called,
/// in constant memory. Types are ClickHouse's; the name of each stands in its field's metadata as `clickhouse.type`.
///
/// `options_json`, or NULL, as for `helios_client_query`. What `stream` holds is overwritten, so it must not be a stream that is not
/// released. Release it when done, also before its end: that cancels the query. A query that fails midway makes
/// `get_next` fail, now and ever after, with the reason in `get_last_error`; only a whole result has an end. A stream
/// is for one thread at a time, and stays good when the client is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn helios_client_query_arrow(
    client: *const HeliosClient,
    sql: *const c_char,
    options_json: *const c_char,
    stream: *mut FFI_ArrowArrayStream,
    error: *mut *mut HeliosError,
) -> HeliosStatus {
    boundary::status(error, || {
        // SAFETY: the caller's promise.
        let (asked, stream) = unsafe { (Asked::read(client, sql, options_json)?, output(stream, "stream")?) };
        let Asked { client, sql, options } = asked;
        let batches = client.wait(client.core().query_arrow(sql, &options))?;
        check_c_names(batches.schema())?;
        stream.write(FFI_ArrowArrayStream::new(Box::new(Batches::new(batches, client.cancellation()))));
        Ok(())
    })
}

/// The batches of a result, one after the other, for whoever calls from C.
struct Batches {
    schema: SchemaRef,
    stream: ManuallyDrop<ArrowStream>,
    cancellation: Cancellation,
    /// Why it ended early. Told again at every call, so that nobody takes the next call's answer for the end.
    failed: Option<String>,
}

impl Batches {
    fn new(stream: ArrowStream, cancellation: Cancellation) -> Self {
        let schema = SchemaRef::clone(stream.schema());
        Self { schema, stream: ManuallyDrop::new(stream), cancellation, failed: None }
    }

    fn read(&mut self) -> Result<Option<RecordBatch>, Failure> {
        self.cancellation.wait(self.stream.try_next())
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed.is_none() {
            let failure = match boundary::caught(|| self.read()) {
                Ok(Ok(batch)) => return batch.map(Ok),
                Ok(Err(failure)) => failure,
                Err(message) => Failure::Panic(message),
            };
            self.failed = Some(HeliosError::from(failure).describe());
        }
        let text = self.failed.clone().unwrap_or_default();
        Some(Err(ArrowError::IoError(text.clone(), io::Error::other(text))))
    }
}

impl RecordBatchReader for Batches {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        boundary::value((), || {
            // In a fork there is none, and the stream stays where it is.
            let Ok(_runtime) = runtime::enter() else { return };
            // SAFETY: dropped here and nowhere else.
            unsafe { ManuallyDrop::drop(&mut self.stream) };
        });
    }
}
