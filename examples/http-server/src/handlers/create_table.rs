//! `POST /api/create-table`, and `POST /api/plan` before it.

use helios_core::{CreatePlan, CreateTable, PlanTable, TableCreated};

use super::{
    kinesis_sample::within_time,
    operation::{answer, answer_apart, operation},
};
use crate::openapi::sources::{CreatePlanAnswer, CreateTableRequest, PlanRequest, TableCreatedAnswer};

operation! {
    /// Makes a table and lets a stream fill it, all or nothing.
    create_table at "/api/create-table" for Caller:
    CreateTable as CreateTableRequest => TableCreated as TableCreatedAnswer,
    |client, spec| answer_apart(async move { client.create_table(&spec).await })
}

operation! {
    /// Says what `/api/create-table` would do, what would keep it from that, and which events the table would not take.
    plan at "/api/plan" for Caller:
    PlanTable as PlanRequest => CreatePlan as CreatePlanAnswer,
    |client, spec| async move {
        within_time(&spec.sample)?;
        answer(client.plan(&spec)).await
    }
}
