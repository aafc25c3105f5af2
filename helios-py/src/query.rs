//! Queries: whole, and piece by piece.

use std::{future::Future, sync::Arc};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, future};
use helios_core::{
    ArrowStream, Error, ErrorKind, HeliosClient, Query, QueryId, QueryOptions, Result, ResultFormat,
};
use pyo3::prelude::*;
use serde_json::Value;

use crate::{
    answer,
    awaitable::awaitable,
    client::Client,
    progress::{self, OnProgress, Raised},
    query_batches::QueryBatches,
    query_bytes::{Chunk, QueryBytes},
    reading::{Pieces, Reading},
    result::QueryResult,
    runtime::block_on,
};

#[pymethods]
impl Client {
    /// Runs a query; `options` is the JSON of `QueryOptions`. `on_progress` gets the JSON of how far it is. If it returns
    /// `False` the query is cancelled, if it raises that is raised.
    #[pyo3(signature = (sql, options, on_progress=None))]
    fn query(
        &self,
        py: Python<'_>,
        sql: String,
        options: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<QueryResult> {
        block_on(py, query(self, Asked { sql, options, on_progress }))
    }

    /// `query`, to be awaited. `on_progress` is called on a thread of Helios.
    #[pyo3(signature = (sql, options, on_progress=None))]
    fn query_async<'py>(
        &self,
        py: Python<'py>,
        sql: String,
        options: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, query(self, Asked { sql, options, on_progress }))
    }

    /// As `query`, for the documented JSON.
    #[pyo3(signature = (sql, options, on_progress=None))]
    fn query_json(
        &self,
        py: Python<'_>,
        sql: String,
        options: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<Chunk> {
        block_on(py, query_json(self, Asked { sql, options, on_progress }))
    }

    /// `query_json`, to be awaited. `on_progress` is called on a thread of Helios.
    #[pyo3(signature = (sql, options, on_progress=None))]
    fn query_json_async<'py>(
        &self,
        py: Python<'py>,
        sql: String,
        options: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, query_json(self, Asked { sql, options, on_progress }))
    }

    /// As `query`, for bytes of this form, chunk by chunk.
    #[pyo3(signature = (sql, format, options, on_progress=None))]
    fn query_bytes(
        slf: &Bound<'_, Self>,
        py: Python<'_>,
        sql: String,
        format: String,
        options: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<QueryBytes> {
        block_on(py, query_bytes(slf, Asked { sql, options, on_progress }, format))
    }

    /// `query_bytes`, to be awaited. `on_progress` is called on a thread of Helios.
    #[pyo3(signature = (sql, format, options, on_progress=None))]
    fn query_bytes_async<'py>(
        slf: &Bound<'py, Self>,
        py: Python<'py>,
        sql: String,
        format: String,
        options: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, query_bytes(slf, Asked { sql, options, on_progress }, format))
    }

    /// As `query`, for record batches, one by one.
    #[pyo3(signature = (sql, options, on_progress=None))]
    fn query_arrow(
        slf: &Bound<'_, Self>,
        py: Python<'_>,
        sql: String,
        options: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<QueryBatches> {
        block_on(py, query_arrow(slf, Asked { sql, options, on_progress }))
    }

    /// `query_arrow`, to be awaited. `on_progress` is called on a thread of Helios.
    #[pyo3(signature = (sql, options, on_progress=None))]
    fn query_arrow_async<'py>(
        slf: &Bound<'py, Self>,
        py: Python<'py>,
        sql: String,
        options: String,
        on_progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        awaitable(py, query_arrow(slf, Asked { sql, options, on_progress }))
    }
}

/// A statement, and how it is to run.
struct Asked {
    sql: String,
    options: String,
    on_progress: Option<Py<PyAny>>,
}

impl Asked {
    fn query(self, client: &HeliosClient) -> Result<(Query, Option<OnProgress>, Raised)> {
        let options: QueryOptions = answer::read(&self.options)?;
        let (on_progress, raised) = progress::watch(self.on_progress);
        Ok((client.query(self.sql).options(options), on_progress, raised))
    }
}

fn query(client: &Client, asked: Asked) -> impl Future<Output = Result<QueryResult>> + Send + use<> {
    client.run(async move |client: HeliosClient| {
        let sql = asked.sql.clone();
        let (id, schema, mut pieces) = batches(&client, asked).await?;
        let mut batches = Vec::new();
        while let Some(batch) = pieces.next().await? {
            batches.push(batch);
        }
        Ok(QueryResult::new(sql, id, schema, batches))
    })
}

fn query_json(client: &Client, asked: Asked) -> impl Future<Output = Result<Chunk>> + Send + use<> {
    client.run(async move |client: HeliosClient| {
        let (_, mut pieces) = chunks(&client, asked, ResultFormat::Json).await?;
        let mut json = Vec::new();
        while let Some(chunk) = pieces.next().await? {
            json.extend_from_slice(&chunk);
        }
        Ok(Chunk(json.into()))
    })
}

fn query_bytes(
    client: &Bound<'_, Client>,
    asked: Asked,
    format: String,
) -> impl Future<Output = Result<QueryBytes>> + Send + use<> {
    let (owner, closing) = (client.clone().unbind(), client.get().closing());
    client.get().run(async move |client: HeliosClient| {
        let (id, pieces) = chunks(&client, asked, named(format)?).await?;
        Ok(QueryBytes::new(id, Reading::new(pieces, closing), owner))
    })
}

fn query_arrow(
    client: &Bound<'_, Client>,
    asked: Asked,
) -> impl Future<Output = Result<QueryBatches>> + Send + use<> {
    let (owner, closing) = (client.clone().unbind(), client.get().closing());
    client.get().run(async move |client: HeliosClient| {
        let (id, schema, pieces) = batches(&client, asked).await?;
        Ok(QueryBatches::new(id, schema, Reading::new(pieces, closing), owner))
    })
}

/// Starts a query, for bytes.
async fn chunks(
    client: &HeliosClient,
    asked: Asked,
    format: ResultFormat,
) -> Result<(QueryId, Pieces<Bytes>)> {
    let (query, on_progress, raised) = asked.query(client)?;
    let started = raised.or(async {
        Ok(match on_progress {
            None => {
                let stream = query.bytes(format).await?;
                (stream.query_id().clone(), stream.boxed())
            }
            Some(mut on_progress) => {
                let stream = query.on_progress(move |so_far| on_progress.ask(so_far)).bytes(format).await?;
                (stream.get_ref().query_id().clone(), stream.boxed())
            }
        })
    });
    let (id, stream) = started.await?;
    Ok((id, Pieces { stream, raised }))
}

/// Starts a query, for record batches, of which none is empty.
async fn batches(client: &HeliosClient, asked: Asked) -> Result<(QueryId, SchemaRef, Pieces<RecordBatch>)> {
    let (query, on_progress, raised) = asked.query(client)?;
    let head = |stream: &ArrowStream| (stream.query_id().clone(), Arc::clone(stream.schema()));
    let started = raised.or(async {
        Ok(match on_progress {
            None => {
                let stream = query.arrow().await?;
                (head(&stream), stream.boxed())
            }
            Some(mut on_progress) => {
                let stream = query.on_progress(move |so_far| on_progress.ask(so_far)).arrow().await?;
                (head(stream.get_ref()), stream.boxed())
            }
        })
    });
    let ((id, schema), stream) = started.await?;
    let stream = stream.try_filter(|batch| future::ready(batch.num_rows() > 0)).boxed();
    Ok((id, schema, Pieces { stream, raised }))
}

fn named(format: String) -> Result<ResultFormat> {
    serde_json::from_value(Value::String(format))
        .map_err(|error| Error::new(ErrorKind::InvalidInput, format!("format: {error}")).at("query"))
}
