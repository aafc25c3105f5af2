//! A result as record batches, one by one.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::reader::StreamDecoder;
use arrow_schema::{ArrowError, Field, Schema, SchemaRef};
use clickhouse::query::BytesCursor;
use futures_util::Stream;
use sync_wrapper::SyncWrapper;

use super::{
    convert::Conversion,
    result_types::{ResultTypes, untold},
};
use crate::{
    Column, Error, ErrorKind, Result,
    warehouse::{QueryId, QueryOptions, Warehouse, error::located_in, from_clickhouse, query::StartedQuery},
};

const FORMAT: &str = "ArrowStream";

/// Of messages in the stream.
const ALIGNMENT: usize = 8;

/// Everything as bytes: ClickHouse does not check that a text is UTF-8, we do.
const SETTINGS: [(&str, &str); 4] = [
    ("output_format_arrow_compression_method", "none"),
    ("output_format_arrow_fixed_string_as_fixed_byte_array", "1"),
    ("output_format_arrow_low_cardinality_as_dictionary", "1"),
    ("output_format_arrow_string_as_string", "0"),
];

/// The key under which a field's metadata has its ClickHouse type.
pub const TYPE_KEY: &str = "clickhouse.type";

impl Warehouse {
    /// Runs a query and streams its result as Arrow, in constant memory.
    ///
    /// | ClickHouse | Arrow |
    /// |---|---|
    /// | integers to 64 bits, floats, `Bool`, `Decimal`, `Date`, `Date32` | the same; `BFloat16` as `Float32` |
    /// | 128 and 256 bit integers | text, all digits |
    /// | `String`, `FixedString` | `Utf8`; what is not UTF-8 becomes U+FFFD (`hex(x)` in the query keeps it) |
    /// | `DateTime`, `DateTime64` | `Timestamp` with its zone, `UTC` if the type has none |
    /// | `Time`, `Time64` | `Duration` |
    /// | `UUID`, `IPv4`, `IPv6` | text |
    /// | `Enum8`, `Enum16`, `LowCardinality` | `Dictionary` |
    /// | `Array`, `Nested`, `Map`, `Tuple`, `Variant` | `List`, `Map`, `Struct`, `DenseUnion` of these |
    /// | `JSON`, `Dynamic` | JSON text |
    /// | aggregate states, types unknown here | as ClickHouse sends them |
    ///
    /// Each field carries its full ClickHouse type in its metadata, under [`TYPE_KEY`]. A statement that selects nothing,
    /// such as `SHOW`, has the types of ClickHouse's own Arrow; one without a result has no fields.
    ///
    /// An error before the first row is returned here; one after it ends the stream with an error. Dropping the stream
    /// cancels the query.
    ///
    /// # Errors
    ///
    /// What ClickHouse says; [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for an empty text or one with a `FORMAT`
    /// clause.
    pub async fn query_arrow(&self, sql: &str, options: &QueryOptions) -> Result<ArrowStream> {
        self.start_arrow(sql, options).await.map_err(|error| error.at("query"))
    }

    async fn start_arrow(&self, sql: &str, options: &QueryOptions) -> Result<ArrowStream> {
        let types = match sql.trim() {
            "" => ResultTypes::Known(Vec::new()),
            _ => self.result_types(sql, options).await,
        };
        let StartedQuery { cursor, id } = self.start_query(sql, options, FORMAT, SETTINGS)?;
        let mut stream = ArrowStream {
            id,
            cursor: SyncWrapper::new(cursor),
            decoder: StreamDecoder::new(),
            input: Buffer::from(Vec::<u8>::new()),
            decoded: VecDeque::new(),
            conversions: Vec::new(),
            schema: Arc::new(Schema::empty()),
            received: 0,
            ended: false,
        };
        stream.read_schema().await.map_err(|error| located_in(sql, error))?;
        match types {
            ResultTypes::Known(columns) => stream.take_types(&columns)?,
            ResultTypes::Unknown(cause) => {
                // The statement's own error came first, so `cause` is about the question only.
                if !stream.decoder_schema().fields().is_empty()
                    && let Some(error) = untold(sql, "Arrow", cause)
                {
                    return Err(error);
                }
                stream.take_types(&[])?;
            }
        }
        Ok(stream)
    }
}

/// The record batches of a result.
///
/// An error ends it; what came before is then not a whole result.
pub struct ArrowStream {
    id: QueryId,
    /// Only ever used through `&mut`, which makes the stream `Sync` too.
    cursor: SyncWrapper<BytesCursor>,
    decoder: StreamDecoder,
    /// What has arrived and is not decoded yet.
    input: Buffer,
    /// Batches that were decoded while looking for the schema.
    decoded: VecDeque<RecordBatch>,
    conversions: Vec<Conversion>,
    schema: SchemaRef,
    /// How many bytes have arrived.
    received: usize,
    ended: bool,
}

impl ArrowStream {
    /// The name by which the query can be cancelled and watched.
    #[must_use]
    pub fn query_id(&self) -> &QueryId {
        &self.id
    }

    /// The schema of every batch.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn decoder_schema(&self) -> SchemaRef {
        self.decoder.schema().unwrap_or_else(|| Arc::new(Schema::empty()))
    }

    /// Reads until the schema is there, so that an early error is seen before anything was answered.
    async fn read_schema(&mut self) -> Result<()> {
        while !self.ended && self.decoder.schema().is_none() {
            let chunk = self.cursor.get_mut().next().await.map_err(from_clickhouse)?;
            self.take_chunk(chunk.map(Buffer::from))?;
            if let Some(batch) = self.decode().map_err(|error| own_format().caused_by(error))? {
                self.decoded.push_back(batch);
            }
        }
        Ok(())
    }

    /// Decides what each column becomes.
    fn take_types(&mut self, columns: &[Column]) -> Result<()> {
        let transport = self.decoder_schema();
        let mut fields = Vec::with_capacity(transport.fields().len());
        for (index, field) in transport.fields().iter().enumerate() {
            let told = columns.get(index).map(|column| column.data_type.as_str());
            let conversion = Conversion::new(field.data_type(), told)?;
            let metadata = HashMap::from([(TYPE_KEY.to_owned(), conversion.clickhouse_type())]);
            let data_type = conversion.data_type(field)?;
            fields.push(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(metadata));
            self.conversions.push(conversion);
        }
        self.schema = Arc::new(Schema::new(fields));
        Ok(())
    }

    /// Takes what arrived; `None` is the end of the answer.
    fn take_chunk(&mut self, chunk: Option<Buffer>) -> Result<()> {
        match chunk {
            Some(chunk) => {
                let length = chunk.len();
                self.input = aligned(chunk, self.received);
                self.received += length;
            }
            None => {
                self.ended = true;
                // A statement without a result answers with nothing at all.
                if self.received > 0 && self.decoder.schema().is_none() {
                    return Err(own_format());
                }
                self.decoder.finish().map_err(malformed)?;
            }
        }
        Ok(())
    }

    /// The next batch of what has arrived, as it was sent.
    fn decode(&mut self) -> Result<Option<RecordBatch>> {
        while !self.input.is_empty() {
            if let Some(batch) = self.decoder.decode(&mut self.input).map_err(malformed)? {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = batch.columns().iter().zip(&self.conversions);
        let columns = columns.map(|(array, conversion)| conversion.apply(array)).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(malformed)
    }

    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<RecordBatch>>> {
        loop {
            let batch = match self.decoded.pop_front() {
                Some(batch) => Some(batch),
                None => self.decode()?,
            };
            if let Some(batch) = batch {
                return Poll::Ready(self.convert(&batch).map(Some));
            }
            if self.ended {
                return Poll::Ready(Ok(None));
            }
            let chunk = ready!(self.cursor.get_mut().poll_next(cx)).map_err(from_clickhouse)?;
            self.take_chunk(chunk.map(Buffer::from))?;
        }
    }
}

impl Stream for ArrowStream {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let outcome = ready!(this.poll_batch(cx));
        if outcome.is_err() {
            this.ended = true;
            this.input = Buffer::from(Vec::<u8>::new());
            this.decoded.clear();
        }
        Poll::Ready(outcome.map_err(|error| error.at("query")).transpose())
    }
}

impl fmt::Debug for ArrowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrowStream")
            .field("schema", &self.schema)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// The chunk that begins at this position of the stream, in memory that is aligned as the stream is.
///
/// Messages begin at multiples of eight. The decoder copies most arrays that are not aligned, but panics at a union's.
fn aligned(chunk: Buffer, position: usize) -> Buffer {
    let offset = position % ALIGNMENT;
    if chunk.as_ptr().addr() % ALIGNMENT == offset {
        return chunk;
    }
    let mut copy = MutableBuffer::with_capacity(offset + chunk.len());
    copy.extend_zeros(offset);
    copy.extend_from_slice(&chunk);
    Buffer::from(copy).slice(offset)
}

/// What came is not Arrow from the start.
fn own_format() -> Error {
    let message = "the query chose its own output format; leave the FORMAT clause off: the answer is Arrow";
    Error::new(ErrorKind::InvalidQuery, message)
}

fn malformed(error: ArrowError) -> Error {
    Error::unexpected("ClickHouse answered what is no Arrow stream").caused_by(error)
}
