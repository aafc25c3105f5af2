//! The delivery function: Kinesis batches, handed over by Lambda, into ClickHouse tables.
//!
//! Settings are those of the library, from the environment: `HELIOS_CLICKHOUSE_URL` is needed.

#![forbid(unsafe_code)]

mod event;
mod failure;
mod handler;
mod sequence;
mod targets;

use aws_lambda_events::event::kinesis::KinesisEvent;
use handler::Function;
use helios_core::HeliosConfig;
use lambda_runtime::{LambdaEvent, service_fn};
use tracing_subscriber::EnvFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().without_time().with_env_filter(filter).init();
    let function = &Function::new(HeliosConfig::from_env()?).await?;
    let handle = |event: LambdaEvent<KinesisEvent>| async move { function.handle(event.payload).await };
    lambda_runtime::run(service_fn(handle)).await
}
