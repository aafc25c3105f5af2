#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod backoff;
mod client;
pub mod clock;
mod column;
mod column_names;
mod config;
pub mod delivery;
mod dynamo;
mod error;
mod field_path;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod iso8601;
mod json;
#[cfg(feature = "log-lines")]
mod log_lines;
pub mod schema;
pub mod sources;
pub mod streams;
mod time_unit;
pub mod warehouse;

/// What [`HeliosClient::query_as`] reads its rows by.
pub use clickhouse;
pub use client::{
    Authentication, CheckSchema, Consume, DriftOptions, HeliosClient, HeliosClientBuilder, KinesisSample,
    KinesisSampleOptions, PlanTable, Query, SampleRecord, StreamSample, Watched, WatchedConsumer,
    WatchedQuery, check_events,
};
pub use column::Column;
pub use config::{ConfigKey, HeliosConfig};
pub use delivery::{ConsumeOptions, ConsumeReport, Consumer, DeliveryReport, ReportOptions, RowCount};
pub use error::{Error, ErrorCode, ErrorKind, Result, SqlPosition};
pub use field_path::FieldPath;
#[cfg(feature = "log-lines")]
pub use log_lines::{LogLine, take_log_lines};
pub use sources::{
    CreatePlan, CreateTable, Diagnosis, RemoveSource, Repair, SchemaCheck, SchemaDrift, Source,
    SourceRemoved, TableCreated,
};
pub use streams::{Credentials, EventsPut, PutEvents, Stream};
pub use time_unit::TimeUnit;
pub use warehouse::{
    ArrowStream, Compression, Databases, EngineInfo, QueryCancelled, QueryId, QueryMetadata, QueryOptions,
    QueryProgress, QueryResult, QueryStream, ResultFormat, RowStream, TimeForm, WideIntegers,
};
