//! What a query and a request may cost.

use std::{num::NonZeroU32, time::Duration};

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

    /// MiB that a result may have, in ClickHouse and as it is sent.
    #[arg(long, env = "HELIOS_QUERY_MAX_RESULT_MIB", default_value_t = 256, value_name = "MIB")]
    pub query_max_result_mib: u32,

    /// MiB of memory that a query may take.
    #[arg(long, env = "HELIOS_QUERY_MAX_MEMORY_MIB", default_value_t = 4096, value_name = "MIB")]
    pub query_max_memory_mib: u32,

    /// Queries at the same time; one more is refused. A query counts until ClickHouse has ended it.
    #[arg(long, env = "HELIOS_QUERY_MAX_CONCURRENT", default_value_t = 32, value_name = "QUERIES")]
    pub query_max_concurrent: u16,
}

impl QueryLimits {
    /// What a request asks for, within these limits: it may ask for less, not for more.
    ///
    /// # Errors
    ///
    /// A limit of zero, which ClickHouse takes for none.
    pub fn within(&self, asked: QueryOptions, allow_writes: bool) -> helios_core::Result<QueryOptions> {
        asked.validate()?;
        fn lower<T: Ord>(asked: Option<T>, limit: T) -> Option<T> {
            asked.into_iter().chain([limit]).min()
        }
        Ok(QueryOptions {
            read_only: asked.read_only || !allow_writes,
            max_execution_time: lower(asked.max_execution_time, self.query_timeout),
            max_result_rows: lower(asked.max_result_rows, self.query_max_rows),
            max_result_bytes: lower(asked.max_result_bytes, u64::from(self.query_max_result_mib) << 20),
            max_memory_usage: lower(asked.max_memory_usage, u64::from(self.query_max_memory_mib) << 20),
            ..asked
        })
    }

    /// What an operation that only reads may take. How large its answer is, it limits itself.
    pub(crate) fn of_reading(&self) -> QueryOptions {
        QueryOptions {
            read_only: true,
            max_execution_time: Some(self.query_timeout),
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

    /// How often one address may call `authenticate` in a minute; one more is refused. A proxy in front is one address.
    #[arg(long, env = "HELIOS_MAX_LOGINS_PER_MINUTE", default_value = "60", value_name = "LOGINS")]
    pub max_logins_per_minute: NonZeroU32,

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

/// With the three seconds that the engine's listener takes at most, and the seven of its process, the server ends within thirty.
fn shutdown_seconds(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        duration if duration > Duration::from_secs(20) => Err("more than 20 seconds".to_owned()),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_may_ask_for_less_not_for_more() {
        let limits = QueryLimits {
            query_timeout: Duration::from_secs(30),
            query_max_rows: 100,
            query_max_result_mib: 1,
            query_max_memory_mib: 1,
            query_max_concurrent: 1,
        };
        let all = |value: u64| QueryOptions {
            max_execution_time: Some(Duration::from_secs(value)),
            max_result_rows: Some(value),
            max_result_bytes: Some(value),
            max_memory_usage: Some(value),
            ..QueryOptions::default()
        };
        let less = limits.within(QueryOptions { read_only: true, ..all(7) }, true).unwrap();
        assert_eq!(less, QueryOptions { read_only: true, ..all(7) });
        let most = QueryOptions {
            read_only: true,
            max_execution_time: Some(Duration::from_secs(30)),
            max_result_rows: Some(100),
            max_result_bytes: Some(1 << 20),
            max_memory_usage: Some(1 << 20),
            ..QueryOptions::default()
        };
        assert_eq!(limits.within(all(u64::from(u32::MAX)), false).unwrap(), most);
        assert_eq!(limits.within(QueryOptions::default(), false).unwrap(), most);
        assert!(limits.within(all(0), false).is_err(), "zero would lift the limit");
    }
}
