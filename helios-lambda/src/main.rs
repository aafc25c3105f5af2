//! The delivery function: Kinesis batches, handed over by Lambda, into ClickHouse tables.
//!
//! Settings are those of the library, from the environment: `HELIOS_CLICKHOUSE_URL` is needed.

#![forbid(unsafe_code)]

mod event;
mod failure;
mod handler;
mod sequence;

use event::KinesisEvent;
use handler::Function;
use helios_core::HeliosConfig;
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use tracing_subscriber::EnvFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().json().without_time().with_env_filter(filter).init();
    let function = &Function::new(HeliosConfig::from_env()?).await?;
    let handle = |event: LambdaEvent<KinesisEvent>| async move {
        let deadline = deadline(event.context.deadline);
        function.handle(event.payload, deadline).await
    };
    lambda_runtime::run(service_fn(handle)).await
}

/// What an invocation keeps for its answer: nothing new is begun in its last seconds.
const RESERVE_MILLISECONDS: u64 = 5000;

/// Until when deliveries may go on; `deadline` is Lambda's own, in milliseconds since 1970.
fn deadline(deadline: u64) -> Timestamp {
    let until = i64::try_from(deadline.saturating_sub(RESERVE_MILLISECONDS)).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX)
}
