#![doc = include_str!("../README.md")]
#![expect(clippy::missing_safety_doc, reason = "what a caller owes is said once, at the top of helios.h")]

mod arrow;
mod boundary;
mod callback;
mod client;
mod config;
mod consumer;
mod delivery;
mod error;
mod handle;
mod json;
mod kinesis;
mod log;
mod operation;
mod pointer;
mod quarantine;
mod query;
mod runtime;
mod schema;
mod source;
mod status;
#[cfg(feature = "test-hooks")]
mod test_hooks;
mod text;
mod version;

pub use arrow::helios_client_query_arrow;
pub use callback::{HeliosOnBytes, HeliosOnProgress, HeliosOnRow};
pub use client::{
    HeliosClient, helios_client_cancel, helios_client_clone, helios_client_free, helios_client_new,
    helios_client_with_credentials,
};
pub use config::{
    HeliosConfig, helios_config_free, helios_config_new, helios_config_read_env, helios_config_set,
};
pub use consumer::{
    HeliosConsumer, helios_client_start_consumer, helios_consumer_free, helios_consumer_progress,
    helios_consumer_stop, helios_consumer_wait,
};
pub use delivery::{helios_client_consume, helios_client_delivery_report, helios_client_settle_range};
pub use error::{
    HeliosError, HeliosSqlPosition, helios_error_aws_code, helios_error_free, helios_error_is_retryable,
    helios_error_kind, helios_error_message, helios_error_message_length, helios_error_operation,
    helios_error_position, helios_error_server_code, helios_error_server_error_name, helios_error_status,
};
pub use kinesis::{
    helios_client_authenticate, helios_client_kinesis_sample, helios_client_put_events, helios_client_streams,
};
pub use log::{
    HELIOS_LOG_DEBUG, HELIOS_LOG_ERROR, HELIOS_LOG_INFO, HELIOS_LOG_OFF, HELIOS_LOG_TRACE, HELIOS_LOG_WARN,
    HeliosLogLevel, HeliosOnLog, helios_log_set,
};
pub use quarantine::{
    helios_client_quarantine, helios_client_quarantine_discard, helios_client_quarantine_replay,
    helios_client_quarantine_retention, helios_client_quarantine_show,
};
pub use query::{
    helios_client_cancel_query, helios_client_databases, helios_client_engine, helios_client_query,
    helios_client_query_bytes, helios_client_query_progress, helios_client_query_rows,
};
pub use schema::{helios_client_check_schema, helios_client_schema_drift};
pub use source::{
    helios_client_create_table, helios_client_doctor, helios_client_pause, helios_client_plan,
    helios_client_remove, helios_client_repair, helios_client_resume, helios_client_sources,
};
pub use status::HeliosStatus;
#[cfg(feature = "test-hooks")]
pub use test_hooks::helios_test_panic_next;
pub use text::helios_string_free;
pub use version::helios_version;
