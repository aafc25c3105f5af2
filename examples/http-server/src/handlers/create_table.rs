//! `POST /api/create-table`

use helios_core::{CreateTable, TableCreated};

use super::operation::{answer_apart, operation};
use crate::openapi::answers::{CreateTableRequest, TableCreatedAnswer};

operation! {
    /// Makes a table and lets a stream fill it, all or nothing.
    create_table at "/api/create-table" for Caller:
    CreateTable as CreateTableRequest => TableCreated as TableCreatedAnswer,
    |client, spec| answer_apart(async move { client.create_table(&spec).await })
}
