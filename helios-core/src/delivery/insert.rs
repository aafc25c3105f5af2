//! One Arrow batch, one insert, one block.

use std::{fmt::Write as _, time::Duration};

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use bytes::Bytes;

use super::{
    batch_column::{BatchNumber, with_batch},
    cast,
    settings::InsertSettings,
};
use crate::{
    Error, Result,
    warehouse::{Ident, TableName, Warehouse, from_clickhouse},
};

/// How long one chunk may wait for the connection. After that, as after the insert's own timeout, the outcome is unknown,
/// and the same insert, with the same token, may be tried again.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);
const CHUNK: usize = 1024 * 1024;
/// The longest statement to send in the URL, in bytes, each of which may take three there: HTTP clients allow at most
/// 64 KiB of URL, and a table of a thousand columns needs more.
const MAX_STATEMENT_IN_URL: usize = 16 * 1024;

/// Where a batch goes, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Insert<'a> {
    pub(super) table: &'a TableName,
    /// Whether ClickHouse makes some column, a `JSON`, from the text that is sent for it.
    pub(super) from_text: bool,
    pub(super) settings: &'a InsertSettings,
    pub(super) token: &'a str,
    /// The batch by which its rows are counted; none if the table has no batch column.
    pub(super) batch: BatchNumber,
    /// Whether an error of a materialized view is to be passed over.
    pub(super) ignore_views: bool,
    /// How long to wait for the server's answer.
    pub(super) timeout: Duration,
}

impl Insert<'_> {
    /// Inserts a batch. A batch without rows is not inserted.
    ///
    /// # Errors
    ///
    /// What ClickHouse says. When the error is retryable the rows may be in the table: only the same token is safe.
    pub(super) async fn send(&self, warehouse: &Warehouse, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let counted;
        let batch = if self.batch.is_none() {
            batch
        } else {
            counted = with_batch(batch, self.batch)?;
            &counted
        };
        let mut body = encode(batch)?;
        let mut statement = self.statement(warehouse, batch).await?;
        // ClickHouse accepts a statement in the URL, in the body, or split between the two.
        let in_body =
            (statement.len() > MAX_STATEMENT_IN_URL).then(|| format!("{}\n", std::mem::take(&mut statement)));
        let mut insert = warehouse
            .client()
            .insert_formatted_with(statement)
            .with_timeouts(Some(SEND_TIMEOUT.min(self.timeout)), Some(self.timeout))
            .with_setting("insert_deduplication_token", self.token);
        for (name, value) in self.settings.for_insert(self.from_text) {
            insert = insert.with_setting(name, value);
        }
        if !self.batch.is_none() {
            insert = insert.with_setting("insert_allow_materialized_columns", "1");
        }
        if self.ignore_views {
            insert = insert.with_setting("materialized_views_ignore_errors", "1");
        }
        let about = |error| from_clickhouse(error).with("table", self.table.plain());
        if let Some(statement) = in_body {
            insert.send(statement.into()).await.map_err(about)?;
        }
        while !body.is_empty() {
            let chunk = body.split_to(body.len().min(CHUNK));
            insert.send(chunk).await.map_err(about)?;
        }
        insert.end().await.map_err(about)
    }

    async fn statement(&self, warehouse: &Warehouse, batch: &RecordBatch) -> Result<String> {
        let schema = batch.schema();
        let columns = schema.fields().iter().map(|field| Ok(Ident::new(field.name())?.to_string()));
        let columns = columns.collect::<Result<Vec<_>>>()?.join(", ");
        let select = if self.from_text && self.settings.casts(warehouse).await? {
            cast::select(warehouse, self.table, &schema).await? + " "
        } else {
            String::new()
        };
        Ok(format!("INSERT INTO {} ({columns}) {select}FORMAT ArrowStream", self.table))
    }
}

pub(super) fn encode(batch: &RecordBatch) -> Result<Bytes> {
    let unexpected = |error| Error::unexpected("the batch cannot be written").at("deliver").caused_by(error);
    // Room for all of it at once: the columns, and what describes them.
    let body = Vec::with_capacity(batch.get_array_memory_size() + 4096);
    let mut writer = StreamWriter::try_new(body, &batch.schema()).map_err(unexpected)?;
    writer.write(batch).map_err(unexpected)?;
    writer.into_inner().map(Bytes::from).map_err(unexpected)
}

/// Bytes as ClickHouse's `unhex` reads them.
pub(super) fn hex(bytes: &[u8]) -> Result<String> {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").map_err(|error| Error::unexpected(error.to_string()))?;
    }
    Ok(text)
}
