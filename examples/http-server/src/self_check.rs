//! What callers' SQL may do on this ClickHouse, tried out before the first of it runs.
//!
//! That a query is sent with `readonly = 1` does not show that the other side heeds it: a proxy may drop it, a profile may
//! lift it, and each release has its own idea of what only reads.

use std::time::Duration;

use futures_util::future::join_all;
use helios_core::{Error, ErrorKind, HeliosClient, QueryOptions, Result};
use serde::Deserialize;
use tokio::{
    sync::OnceCell,
    time::{error::Elapsed, timeout},
};

use crate::{ServerConfig, error::ApiError, refusal::Refusal};

/// Something that must be refused.
struct Attempt {
    /// What it would do.
    what: &'static str,
    sql: &'static str,
    /// ClickHouse's numbers for a refusal. Any other answer shows that it was let pass.
    refused_by: &'static [u32],
    /// Whether it would run into the time limit where it is let pass: it connects, again and again.
    connects: bool,
    /// Whether ClickHouse's `readonly` refuses it, too.
    is_refused_twice: bool,
}

/// What keeps SQL from doing more than read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wall {
    /// Our own judge of SQL.
    Judge,
    /// ClickHouse's `readonly` alone.
    Readonly,
}

/// READONLY, SETTING_CONSTRAINT_VIOLATION, ACCESS_DENIED
const NOT_ALLOWED: &[u32] = &[164, 452, 497];

const fn attempt(what: &'static str, sql: &'static str) -> Attempt {
    Attempt { what, sql, refused_by: NOT_ALLOWED, connects: false, is_refused_twice: true }
}

/// Of which ClickHouse's `readonly` knows nothing, or less.
const fn judged(what: &'static str, sql: &'static str) -> Attempt {
    Attempt { is_refused_twice: false, ..attempt(what, sql) }
}

const fn connection(what: &'static str, sql: &'static str) -> Attempt {
    Attempt { connects: true, ..attempt(what, sql) }
}

/// None of them leaves a trace where it is permitted: nobody is at port 1.
const ATTEMPTS: [Attempt; 13] = [
    attempt("write", "INSERT INTO FUNCTION null('a UInt8') SELECT 1"),
    attempt("lift a limit", "SELECT 1 SETTINGS max_result_rows = 0"),
    connection("use url()", "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a UInt8')"),
    Attempt {
        is_refused_twice: false,
        ..connection("use DESCRIBE url()", "DESCRIBE url('http://127.0.0.1:1/', 'CSV')")
    },
    connection("use remote()", "SELECT * FROM remote('127.0.0.1:1', 'system', 'one')"),
    attempt("use the table function file()", "SELECT * FROM file('/etc/hostname', 'LineAsString')"),
    judged("use the function file()", "SELECT file('/etc/hostname')"),
    judged("end a query", "KILL QUERY WHERE query_id = 'helios-self-check'"),
    judged("lift read-only by its default", "SELECT 1 SETTINGS readonly = DEFAULT"),
    judged("lift read-only in a subquery", "SELECT * FROM (SELECT 1 SETTINGS readonly = 0)"),
    judged(
        "lift limits in a subquery",
        "WITH x AS (SELECT 1 SETTINGS max_execution_time = DEFAULT) SELECT * FROM x",
    ),
    judged("see what others ask", "SELECT query FROM system.processes"),
    // TOO_MANY_ROWS_OR_BYTES
    Attempt {
        what: "have a row too many",
        sql: "SELECT number FROM numbers(2)",
        refused_by: &[396],
        connects: false,
        is_refused_twice: true,
    },
];

/// Says nothing of what is allowed: the user is not known, there is no room, the query was ended.
const SAYS_NOTHING: [u32; 7] = [192, 193, 194, 202, 241, 394, 516];

const TIMEOUT_EXCEEDED: u32 = 159;

/// READONLY, of a setting that is sent with every query.
const READONLY: u32 = 164;

/// A ClickHouse that accepts a connection and never answers must not hold the server.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether callers' SQL is known to be harmless here.
#[derive(Debug, Default)]
pub(crate) struct SelfCheck {
    passed: OnceCell<()>,
}

/// Why callers' SQL does not run.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It could do this.
    Permitted(Vec<&'static str>),
    /// ClickHouse did not say.
    NoAnswer(Error),
}

#[derive(Debug, Deserialize)]
struct Identity {
    user: String,
    version: String,
    readonly: String,
}

const IDENTITY: &str =
    "SELECT currentUser() AS user, version() AS version, toString(getSetting('readonly')) AS readonly";

impl SelfCheck {
    /// Tries, unless that went well before, and says in the log what came of it. With `--allow-writes` nothing that is
    /// permitted is trouble.
    pub(crate) async fn pass(&self, client: &HeliosClient, config: &ServerConfig) -> Result<(), Trouble> {
        let check = async {
            let limits = config.query.within(QueryOptions::default(), false).map_err(Trouble::NoAnswer)?;
            let look = look(client, &limits).await.map_err(Trouble::NoAnswer)?;
            let (Identity { user, version, readonly }, permitted) = look;
            if permitted.is_empty() {
                let (tried, writes) = (ATTEMPTS.len(), config.allow_writes);
                tracing::info!(
                    user,
                    version,
                    readonly,
                    tried,
                    writes,
                    "What read-only SQL must not do is refused."
                );
                return Ok(());
            }
            let permitted_here = permitted.join(", ");
            if config.allow_writes {
                tracing::warn!(
                    user,
                    version,
                    readonly,
                    permitted = permitted_here,
                    "Read-only SQL can do more than read."
                );
                return Ok(());
            }
            tracing::error!(
                user,
                version,
                readonly,
                permitted = permitted_here,
                "No SQL of callers runs: it could do more than read."
            );
            Err(Trouble::Permitted(permitted))
        };
        self.passed.get_or_try_init(|| check).await.copied()
    }
}

/// Who asks, and what of [`ATTEMPTS`] is permitted.
async fn look(client: &HeliosClient, limits: &QueryOptions) -> Result<(Identity, Vec<&'static str>)> {
    let result = timeout(PATIENCE, client.query_with(IDENTITY, limits)).await.map_err(silent)??;
    let [identity] = <[Identity; 1]>::try_from(result.rows()?)
        .map_err(|_| Error::new(ErrorKind::Unexpected, "ClickHouse does not say who its user is"))?;
    // One row is enough to see that a limit holds.
    let options = QueryOptions { max_result_rows: Some(1), ..limits.clone() };
    let walls = |attempt: &'static Attempt| {
        let second = attempt.is_refused_twice.then_some((attempt, Wall::Readonly));
        [(attempt, Wall::Judge)].into_iter().chain(second)
    };
    let tries: Vec<_> = ATTEMPTS.iter().flat_map(walls).collect();
    let outcomes = tries.iter().map(|(attempt, wall)| attempt.outcome(client, &options, *wall));
    let outcomes = join_all(outcomes).await;
    let mut permitted = Vec::new();
    for ((attempt, _), outcome) in tries.into_iter().zip(outcomes) {
        if attempt.passed(outcome)? && !permitted.contains(&attempt.what) {
            permitted.push(attempt.what);
        }
    }
    Ok((identity, permitted))
}

fn silent(_: Elapsed) -> Error {
    Error::new(ErrorKind::Timeout, "ClickHouse does not answer").retryable(true)
}

/// As a caller's SQL runs, or as it would without our own judge.
async fn run(client: &HeliosClient, sql: &str, options: &QueryOptions, wall: Wall) -> Result<(), ApiError> {
    match wall {
        Wall::Judge => client.query_with(sql, options).await?,
        Wall::Readonly => {
            client.warehouse().with_limits(options).query(sql, &QueryOptions::default()).await?
        }
    };
    Ok(())
}

impl Attempt {
    /// What comes of it. A busy machine may once be slower than the callers' time limit, so that one is met three times.
    async fn outcome(
        &self,
        client: &HeliosClient,
        options: &QueryOptions,
        wall: Wall,
    ) -> Result<(), ApiError> {
        let mut late = 0;
        loop {
            let outcome = timeout(PATIENCE, run(client, self.sql, options, wall))
                .await
                .unwrap_or_else(|elapsed| Err(silent(elapsed).into()));
            match &outcome {
                Err(ApiError::Failed(error)) if error.kind() == ErrorKind::Timeout && late < 2 => late += 1,
                _ => return outcome,
            }
        }
    }

    /// Whether it was let pass; an error, if the outcome does not say.
    fn passed(&self, outcome: Result<(), ApiError>) -> Result<bool> {
        match outcome {
            Ok(()) => Ok(true),
            Err(ApiError::Refused(_)) => Ok(false),
            Err(ApiError::Failed(error)) => match error.server_code() {
                Some(code) if self.refused_by.contains(&code) => Ok(false),
                // Who has said who it is, and is busy with what it should refuse, has let it pass.
                _ if error.kind() == ErrorKind::Timeout && self.connects => Ok(true),
                Some(TIMEOUT_EXCEEDED) => Err(error),
                Some(code) if !SAYS_NOTHING.contains(&code) => Ok(true),
                _ => Err(error),
            },
        }
    }
}

impl Trouble {
    /// The error that keeps the server from starting, or what is to be found out later.
    pub(crate) fn at_start(self) -> Result<Error, Error> {
        let invalid = |message: String| Error::new(ErrorKind::ConfigInvalid, message);
        match self {
            Self::Permitted(what) => Ok(invalid(format!(
                "on this ClickHouse, SQL that shall only read can {}; give the server a user made by `helios-server reader`, \
                 or start it with `--allow-writes`",
                what.join(", ")
            ))),
            Self::NoAnswer(error) if error.server_code() == Some(READONLY) => Ok(invalid(
                "the ClickHouse user may not change the settings that queries are sent with; `helios-server reader` makes \
                 one that may"
                    .to_owned(),
            )
            .caused_by(error)),
            Self::NoAnswer(error) => Err(error),
        }
    }
}

impl From<Trouble> for ApiError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Permitted(_) => Refusal::NotSafe.into(),
            Trouble::NoAnswer(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use helios_core::ErrorCode;

    use super::*;

    fn failed(code: u32) -> Result<(), ApiError> {
        let kind = if code == TIMEOUT_EXCEEDED { ErrorKind::Timeout } else { ErrorKind::Unexpected };
        let code = ErrorCode::ClickHouse { code, name: None };
        Err(Error::new(kind, "x").with_code(code).into())
    }

    #[test]
    fn only_a_refusal_is_none() {
        let [write, _, url, .., rows] = &ATTEMPTS;
        for code in [164, 452, 497] {
            assert!(!url.passed(failed(code)).unwrap(), "{code}");
            assert!(rows.passed(failed(code)).unwrap(), "{code}: not by its size");
        }
        assert!(!rows.passed(failed(396)).unwrap());
        assert!(!url.passed(Err(Refusal::NotAllowed("x").into())).unwrap());
        // It connected, it ran into the time limit, it could not parse what came: all of that is to have passed.
        for code in [210, 1000, 159, 27, 36, 4711] {
            assert!(url.passed(failed(code)).unwrap(), "{code}");
        }
        assert!(url.passed(Ok(())).unwrap());
        // Of what connects to nothing, the time limit says only that the machine is busy.
        for attempt in [write, rows] {
            assert!(attempt.passed(failed(27)).unwrap());
            attempt.passed(failed(TIMEOUT_EXCEEDED)).unwrap_err();
        }
    }

    #[test]
    fn what_says_nothing_is_no_verdict() {
        let [first, ..] = &ATTEMPTS;
        for code in SAYS_NOTHING {
            first.passed(failed(code)).unwrap_err();
        }
        let away = Error::new(ErrorKind::Unavailable, "nobody is there");
        first.passed(Err(away.into())).unwrap_err();
    }

    #[test]
    fn a_start_fails_for_what_is_known() {
        let told = Trouble::Permitted(vec!["write", "use url()"]).at_start().unwrap();
        assert_eq!(told.kind(), ErrorKind::ConfigInvalid);
        assert!(told.message().contains("can write, use url();"), "{told}");
        let away = Error::new(ErrorKind::Unavailable, "nobody is there");
        assert_eq!(Trouble::NoAnswer(away).at_start().unwrap_err().kind(), ErrorKind::Unavailable);
        let ApiError::Failed(profile) = failed(READONLY).unwrap_err() else { panic!("no error") };
        assert_eq!(Trouble::NoAnswer(profile).at_start().unwrap().kind(), ErrorKind::ConfigInvalid);
    }
}
