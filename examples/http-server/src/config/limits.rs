//! What a query and a request may cost.

use std::time::Duration;

use clap::Args;
use helios_core::warehouse::QueryOptions;

use super::seconds;

/// What one query may cost. Without `--allow-writes` no SQL lifts these limits.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Query limits")]
#[non_exhaustive]
pub struct QueryLimits {
    /// Seconds that a query may take.
    #[arg(long, env = "HELIOS_QUERY_TIMEOUT", default_value = "30", value_name = "SECONDS", value_parser = seconds)]
    pub query_timeout: Duration,

    /// Rows that a result may have.
    #[arg(long, env = "HELIOS_QUERY_MAX_ROWS", default_value_t = 1_000_000, value_name = "ROWS")]
    pub query_max_rows: u64,

    /// MiB that a result may have.
    #[arg(long, env = "HELIOS_QUERY_MAX_RESULT_MIB", default_value_t = 256, value_name = "MIB")]
    pub query_max_result_mib: u32,

    /// MiB of memory that a query may take.
    #[arg(long, env = "HELIOS_QUERY_MAX_MEMORY_MIB", default_value_t = 4096, value_name = "MIB")]
    pub query_max_memory_mib: u32,

    /// Queries at the same time; one more is refused.
    #[arg(long, env = "HELIOS_QUERY_MAX_CONCURRENT", default_value_t = 32, value_name = "QUERIES")]
    pub query_max_concurrent: u16,
}

impl QueryLimits {
    /// These limits as the library's options.
    #[must_use]
    pub fn options(&self, allow_writes: bool) -> QueryOptions {
        QueryOptions {
            read_only: !allow_writes,
            max_execution_time: Some(self.query_timeout),
            max_result_rows: Some(self.query_max_rows),
            max_result_bytes: Some(u64::from(self.query_max_result_mib) << 20),
            max_memory_usage: Some(u64::from(self.query_max_memory_mib) << 20),
            ..QueryOptions::default()
        }
    }
}

/// What one request may cost, and one connection.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Request limits")]
#[non_exhaustive]
pub struct RequestLimits {
    /// Seconds in which a request's head must have arrived; also how long an idle connection is kept.
    #[arg(long, env = "HELIOS_HEADER_TIMEOUT", default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    pub header_timeout: Duration,

    /// Seconds in which a request's body must have arrived.
    #[arg(long, env = "HELIOS_BODY_TIMEOUT", default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    pub body_timeout: Duration,

    /// Seconds until an answer must have begun.
    #[arg(long, env = "HELIOS_REQUEST_TIMEOUT", default_value = "60", value_name = "SECONDS", value_parser = seconds)]
    pub request_timeout: Duration,

    /// Seconds that a reader may let the server wait before it reads on.
    #[arg(long, env = "HELIOS_WRITE_TIMEOUT", default_value = "30", value_name = "SECONDS", value_parser = seconds)]
    pub write_timeout: Duration,

    /// Requests at the same time; one more is refused.
    #[arg(long, env = "HELIOS_MAX_REQUESTS", default_value_t = 256, value_name = "REQUESTS")]
    pub max_requests: u16,

    /// Seconds that requests under way get to end when the server is told to stop; at most 20.
    #[arg(
        long,
        env = "HELIOS_SHUTDOWN_TIMEOUT",
        default_value = "15",
        value_name = "SECONDS",
        value_parser = shutdown_seconds
    )]
    pub shutdown_timeout: Duration,
}

/// With the ten seconds that the engine's listener takes at most, the process ends within thirty.
fn shutdown_seconds(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        duration if duration > Duration::from_secs(20) => Err("more than 20 seconds".to_owned()),
        duration => Ok(duration),
    }
}
