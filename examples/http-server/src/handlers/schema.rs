//! `POST /api/check-schema` and `POST /api/schema-drift`

use helios_core::{CheckSchema, DriftOptions, SchemaCheck, SchemaDrift};

use super::{
    kinesis_sample::within_time,
    operation::{answer, operation},
};
use crate::openapi::schema::{CheckSchemaRequest, DriftRequest, SchemaCheckAnswer, SchemaDriftAnswer};

operation! {
    /// Says which sampled events a table with these columns would not take, and why, and what statement would make it.
    check_schema at "/api/check-schema" for Caller:
    CheckSchema as CheckSchemaRequest => SchemaCheck as SchemaCheckAnswer,
    |client, spec| async move {
        within_time(&spec.sample)?;
        answer(client.check_schema(&spec)).await
    }
}

operation! {
    /// Compares a table with later events of its stream: new fields, changed types, and the `ALTER` that mends it.
    schema_drift at "/api/schema-drift" for Caller:
    DriftOptions as DriftRequest => SchemaDrift as SchemaDriftAnswer,
    |client, options| async move {
        within_time(&options.sample)?;
        answer(client.schema_drift(&options)).await
    }
}
