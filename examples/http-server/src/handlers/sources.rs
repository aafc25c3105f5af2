//! `GET /api/sources`, and what is done to one of them, or to all.

use helios_core::{RemoveSource, Repair, Source, SourceRemoved, sources::TableFate};
use serde::Deserialize;

use super::operation::{answer, answer_apart, operation};
use crate::openapi::sources::{RepairAnswer, SourceAnswer, SourceRemovedAnswer};

operation! {
    /// Every stream that feeds a table, as it stands.
    sources at get "/api/sources" for Caller:
    Vec<Source> as Vec<SourceAnswer>,
    |client| answer(client.sources())
}

operation! {
    /// Delivers a source's events no more, until it is resumed.
    pause at post "/api/sources/{source}/pause" of source for Caller:
    Source as SourceAnswer,
    |client| answer_apart(async move { client.pause(source).await })
}

operation! {
    /// Goes on with a source where it was paused.
    resume at post "/api/sources/{source}/resume" of source for Caller:
    Source as SourceAnswer,
    |client| answer_apart(async move { client.resume(source).await })
}

/// What is said beside the path of a removal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    #[serde(default)]
    table: TableFate,
}

operation! {
    /// Removes a source. Its table stays, unless it is to be dropped.
    remove at delete "/api/sources/{source}" of source and removal: Removal
    as ("table" = Option<String>, Query, description = "What becomes of the table: `keep`, the default, or `drop`")
    for Caller:
    SourceRemoved as SourceRemovedAnswer,
    |client| async move {
        let remove = RemoveSource::new(source);
        let remove = if removal.table == TableFate::Drop { remove.drop_table() } else { remove };
        answer_apart(async move { client.remove(&remove).await }).await
    }
}

operation! {
    /// Finishes or undoes what was interrupted, and mends what was changed by hand.
    repair at post "/api/repair" for Caller:
    Repair as RepairAnswer,
    |client| answer_apart(async move { client.repair().await })
}
