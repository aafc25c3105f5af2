//! `GET /api/sources`, and what is done to one of them, or to all.

use axum::{
    Json,
    extract::{
        Path, Query,
        rejection::{PathRejection, QueryRejection},
    },
};
use helios_core::{RemoveSource, Repair, Source, SourceRemoved, sources::TableFate};
use serde::Deserialize;

use super::operation::answer_apart;
use crate::{
    caller::Caller,
    error::{ApiError, ErrorBody},
    openapi::sources::{RepairAnswer, SourceAnswer, SourceRemovedAnswer},
    refusal::Refusal,
};

/// Every stream that feeds a table, as it stands.
#[utoipa::path(
    get,
    tag = "Helios",
    path = "/api/sources",
    responses(
        (status = 200, body = Vec<SourceAnswer>),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn sources(Caller(client): Caller) -> Result<Json<Vec<Source>>, ApiError> {
    Ok(Json(client.sources().await?))
}

/// Delivers a source's events no more, until it is resumed.
#[utoipa::path(
    post,
    tag = "Helios",
    path = "/api/sources/{source}/pause",
    params(("source" = String, Path, description = "Its id, or its table: `clicks`, `shop.clicks`")),
    responses(
        (status = 200, body = SourceAnswer),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn pause(
    Caller(client): Caller,
    source: Result<Path<String>, PathRejection>,
) -> Result<Json<Source>, ApiError> {
    let source = named(source)?;
    answer_apart(async move { client.pause(source).await }).await
}

/// Goes on with a source where it was paused.
#[utoipa::path(
    post,
    tag = "Helios",
    path = "/api/sources/{source}/resume",
    params(("source" = String, Path, description = "Its id, or its table: `clicks`, `shop.clicks`")),
    responses(
        (status = 200, body = SourceAnswer),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn resume(
    Caller(client): Caller,
    source: Result<Path<String>, PathRejection>,
) -> Result<Json<Source>, ApiError> {
    let source = named(source)?;
    answer_apart(async move { client.resume(source).await }).await
}

/// What is said beside the path of a removal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    #[serde(default)]
    table: TableFate,
}

/// Removes a source. Its table stays, unless it is to be dropped.
#[utoipa::path(
    delete,
    tag = "Helios",
    path = "/api/sources/{source}",
    params(
        ("source" = String, Path, description = "Its id, or its table: `clicks`, `shop.clicks`"),
        ("table" = Option<String>, Query, description = "What becomes of the table: `keep`, the default, or `drop`"),
    ),
    responses(
        (status = 200, body = SourceRemovedAnswer),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn remove(
    Caller(client): Caller,
    source: Result<Path<String>, PathRejection>,
    removal: Result<Query<Removal>, QueryRejection>,
) -> Result<Json<SourceRemoved>, ApiError> {
    let Query(removal) =
        removal.map_err(|_| Refusal::BadBody("the query is not `table=keep` or `table=drop`".to_owned()))?;
    let remove = RemoveSource::new(named(source)?);
    let remove = match removal.table {
        TableFate::Drop => remove.drop_table(),
        _ => remove,
    };
    answer_apart(async move { client.remove(&remove).await }).await
}

/// Finishes or undoes what was interrupted, and mends what was changed by hand.
#[utoipa::path(
    post,
    tag = "Helios",
    path = "/api/repair",
    responses(
        (status = 200, body = RepairAnswer),
        (status = "4XX", body = ErrorBody),
        (status = "5XX", body = ErrorBody),
    )
)]
pub(crate) async fn repair(Caller(client): Caller) -> Result<Json<Repair>, ApiError> {
    answer_apart(async move { client.repair().await }).await
}

fn named(source: Result<Path<String>, PathRejection>) -> Result<String, Refusal> {
    let Path(source) =
        source.map_err(|_| Refusal::BadBody("the name of the source in the path is not UTF-8".to_owned()))?;
    Ok(source)
}
