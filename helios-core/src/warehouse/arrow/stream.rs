//! A result as record batches, one by one.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::reader::StreamDecoder;
use arrow_schema::{ArrowError, Field, Schema, SchemaRef};
use futures_util::{Stream, future};
use sync_wrapper::SyncWrapper;

use super::{
    convert::Conversion,
    result_types::{ResultTypes, always_answers, untold},
};
use crate::{
    Column, Error, ErrorKind, Result,
    warehouse::{
        QueryId, QueryOptions, Warehouse, WideIntegers,
        cancel::QueryBytes,
        error::{cut_off, located_in},
        late_exception::{Tail, exception_in},
        query::{ByteLimit, Judged, StartedQuery, without_format},
        types::DataType,
    },
};

const FORMAT: &str = "ArrowStream";

/// Of messages in the stream.
const ALIGNMENT: usize = 8;

/// What every stream ends with.
const END_OF_STREAM: [u8; 8] = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];

/// What every message begins with.
const CONTINUATION: [u8; 4] = [0xFF; 4];

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
    /// | 128 and 256 bit integers | text, all digits; on request [decimals and bytes](WideIntegers::Decimal) |
    /// | `String`, `FixedString` | `Utf8`; what is not UTF-8 becomes U+FFFD (`hex(x)` in the query keeps it) |
    /// | `DateTime`, `DateTime64` | `Timestamp` with its zone, `UTC` if the type has none |
    /// | `Time`, `Time64` | `Duration` |
    /// | `UUID`, `IPv4`, `IPv6` | text |
    /// | `Enum8`, `Enum16`, `LowCardinality` | `Dictionary` |
    /// | `Array`, `Nested`, `Map`, `Tuple`, `Variant` | `List`, `Map`, `Struct`, `DenseUnion` of these |
    /// | `JSON`, `Dynamic` | JSON text |
    /// | aggregate states, types unknown here | as ClickHouse sends them |
    ///
    /// Each field, a nested one too, carries its full ClickHouse type in its metadata, under [`TYPE_KEY`]. A statement that
    /// selects nothing, such as `SHOW`, has the types of ClickHouse's own Arrow; one without a result has no fields.
    ///
    /// An error before the first row is returned here; one after it ends the stream with an error, and so does a result that
    /// was cut off: whole is one with Arrow's end-of-stream marker. Dropping the stream cancels the query.
    ///
    /// # Errors
    ///
    /// What ClickHouse says; [`InvalidQuery`](crate::ErrorKind::InvalidQuery) for an empty text or one with a `FORMAT`
    /// clause.
    pub async fn query_arrow(&self, sql: &str, options: &QueryOptions) -> Result<ArrowStream> {
        let started = async { self.start_arrow(self.judge(sql, options).await?).await };
        started.await.map_err(|error: Error| without_format(sql, error).at("query"))
    }

    pub(in crate::warehouse) async fn start_arrow(&self, judged: Judged<'_>) -> Result<ArrowStream> {
        let sql = judged.sql;
        // At once, as one after the other a small query would take twice as long. The statement's own error comes first.
        let types = async {
            Ok(match sql.trim() {
                "" => ResultTypes::Known(Vec::new()),
                _ => self.result_types(judged).await,
            })
        };
        let (types, mut stream) = future::try_join(types, self.open_arrow(judged)).await?;
        match types {
            ResultTypes::Known(columns) => {
                refuse_states(&columns)?;
                stream.take_types(&columns)?;
            }
            ResultTypes::Unknown(cause) => {
                // The statement has no error of its own, so `cause` is about the question only.
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

    /// Starts the query, and reads its result as far as its schema.
    async fn open_arrow(&self, judged: Judged<'_>) -> Result<ArrowStream> {
        let Judged { sql, options } = judged;
        let StartedQuery { cursor, id } = self.start_query(judged, FORMAT, SETTINGS)?;
        let mut stream = ArrowStream {
            id,
            cursor: SyncWrapper::new(cursor),
            limit: options.byte_limit(),
            decoder: StreamDecoder::new(),
            input: Buffer::from(Vec::<u8>::new()),
            decoded: VecDeque::new(),
            conversions: Vec::new(),
            schema: Arc::new(Schema::empty()),
            tail: Tail::default(),
            damage: None,
            wide_integers: options.wide_integers,
            must_answer: always_answers(sql),
            ended: false,
        };
        stream.read_schema().await.map_err(|error| located_in(sql, error))?;
        Ok(stream)
    }
}

/// The record batches of a result.
///
/// An error ends it; what came before is then not a whole result.
pub struct ArrowStream {
    id: QueryId,
    /// Only ever used through `&mut`, which makes the stream `Sync` too.
    cursor: SyncWrapper<QueryBytes>,
    /// Of what arrives: a batch is held until it is whole.
    limit: ByteLimit,
    decoder: StreamDecoder,
    /// What has arrived and is not decoded yet.
    input: Buffer,
    /// Batches that were decoded while looking for the schema.
    decoded: VecDeque<RecordBatch>,
    conversions: Vec<Conversion>,
    schema: SchemaRef,
    /// The end of what has arrived.
    tail: Tail,
    /// What came instead of Arrow, and how many bytes had arrived when it was noticed.
    damage: Option<(Error, usize)>,
    wide_integers: WideIntegers,
    /// Whether an answer without anything is none.
    must_answer: bool,
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
            poll_fn(|cx| self.poll_chunk(cx)).await?;
            let batch = self.decode();
            self.decoded.extend(batch);
        }
        Ok(())
    }

    /// Decides what each column becomes.
    fn take_types(&mut self, columns: &[Column]) -> Result<()> {
        let transport = self.decoder_schema();
        let mut fields = Vec::with_capacity(transport.fields().len());
        for (index, field) in transport.fields().iter().enumerate() {
            let told = columns.get(index).map(|column| column.data_type.as_str());
            let conversion = Conversion::new(field.data_type(), told, self.wide_integers)?;
            let metadata = HashMap::from([(TYPE_KEY.to_owned(), conversion.clickhouse_type())]);
            let data_type = conversion.data_type(field)?;
            fields.push(Field::new(field.name(), data_type, field.is_nullable()).with_metadata(metadata));
            self.conversions.push(conversion);
        }
        self.schema = Arc::new(Schema::new(fields));
        Ok(())
    }

    /// Waits for more of the answer, or its end.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            match ready!(self.cursor.get_mut().poll_next(cx)) {
                Ok(Some(chunk)) => {
                    self.limit.take(chunk.len())?;
                    let position = self.tail.taken();
                    self.tail.take(&chunk);
                    match &self.damage {
                        None => self.input = aligned(Buffer::from(chunk), position),
                        // An exception is the last thing that comes: with nothing but more behind it, it is none.
                        Some((_, noticed)) if position - noticed > Tail::CAPACITY => {
                            return Poll::Ready(Err(self.verdict(None)));
                        }
                        Some(_) => continue,
                    }
                }
                Ok(None) => {
                    self.ended = true;
                    self.check_end()?;
                }
                Err(error) => return Poll::Ready(Err(self.verdict(Some(error)))),
            }
            return Poll::Ready(Ok(()));
        }
    }

    /// The answer is over: is it whole?
    fn check_end(&mut self) -> Result<()> {
        if self.damage.is_some() {
            return Err(self.verdict(None));
        }
        if self.tail.taken() == 0 {
            // A statement without a result answers with nothing at all.
            return if self.must_answer { Err(cut_off()) } else { Ok(()) };
        }
        let begins_well =
            self.tail.bytes().iter().zip(&CONTINUATION).all(|(byte, expected)| byte == expected);
        if self.decoder.schema().is_none() && !begins_well {
            return Err(exception_in(self.tail.bytes()).unwrap_or_else(own_format));
        }
        // To the decoder, the end of any message is a good end.
        let is_whole = self.decoder.finish().is_ok() && self.tail.bytes().ends_with(&END_OF_STREAM);
        if is_whole { Ok(()) } else { Err(self.tail.verdict()) }
    }

    /// Why the result ended: what ClickHouse says of it, else how the connection broke, else what came instead.
    fn verdict(&mut self, broken: Option<Error>) -> Error {
        match broken {
            Some(error) if error.server_code().is_some() => error,
            broken => {
                let damage = self.damage.take().map(|(damage, _)| damage);
                exception_in(self.tail.bytes()).or(broken).or(damage).unwrap_or_else(cut_off)
            }
        }
    }

    /// The next batch of what has arrived, as it was sent. If what came is no Arrow, the rest is read for the reason.
    fn decode(&mut self) -> Option<RecordBatch> {
        while !self.input.is_empty() {
            match self.decoder.decode(&mut self.input) {
                Ok(None) => {}
                Ok(Some(batch)) => return Some(batch),
                Err(error) => {
                    let damage =
                        if self.decoder.schema().is_some() { malformed(error) } else { own_format() };
                    self.damage = Some((damage, self.tail.taken()));
                    self.input = Buffer::from(Vec::<u8>::new());
                }
            }
        }
        None
    }

    fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = batch.columns().iter().zip(&self.conversions);
        let columns = columns.map(|(array, conversion)| conversion.apply(array)).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(malformed)
    }

    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<RecordBatch>>> {
        loop {
            let batch = self.decoded.pop_front();
            if let Some(batch) = batch.or_else(|| self.decode()) {
                return Poll::Ready(self.convert(&batch).map(Some));
            }
            if self.ended {
                return Poll::Ready(Ok(None));
            }
            ready!(self.poll_chunk(cx))?;
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

/// ClickHouse writes the states of aggregate functions into Arrow as what its own memory has: addresses, which are neither the
/// state's bytes nor for others to see (measured on 26.7 and 26.9).
fn refuse_states(columns: &[Column]) -> Result<()> {
    let is_state = |data_type: &DataType| matches!(data_type, DataType::AggregateFunction(_));
    let has_state =
        |column: &&Column| column.data_type.parse().is_ok_and(|parsed: DataType| parsed.has(&is_state));
    let Some(column) = columns.iter().find(has_state) else { return Ok(()) };
    let message = "Arrow cannot hold the state of an aggregate function; finish it with `finalizeAggregation` or a function that ends in \
                   `Merge`, or ask for its bytes with `hex`";
    Err(Error::new(ErrorKind::InvalidQuery, message)
        .with("column", column.name.clone())
        .with("type", column.data_type.clone()))
}
