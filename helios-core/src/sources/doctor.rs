//! A look at all that Helios needs: what is there, what is missing, and what to do.

use std::collections::HashMap;

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::{Check, CheckStatus, Sources};
use crate::{
    Error, ErrorKind,
    delivery::{Unheeded, unheeded_settings},
    streams::{self, error::from_sdk},
    warehouse::{EngineInfo, from_clickhouse},
};

/// The first version that Helios is tested with.
const OLDEST_VERSION: (u32, u32) = (24, 8);
/// Signatures and claims bear this much.
const MOST_SKEW_SECONDS: f64 = 10.0;
/// A batch is inserted within this time, with its ledger and its rejects.
const SHORTEST_TIMEOUT_SECONDS: i32 = 60;
/// What must be allowed in ClickHouse, and for what.
const RIGHTS: [(&str, &str); 6] = [
    ("SELECT", "to query"),
    ("INSERT", "to deliver"),
    ("CREATE TABLE", "to create sources"),
    ("CREATE DATABASE", "to make the quarantine"),
    ("ALTER TABLE", "to add columns, and to replay rejects"),
    ("DROP TABLE", "to undo what fails, and to remove sources with their tables"),
];

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Diagnosis {
    /// Whether nothing is known to be missing.
    pub healthy: bool,
    /// Each thing that was looked at, in order.
    pub checks: Vec<Check>,
}

#[derive(Row, Deserialize)]
struct ServerRow {
    version: String,
    microseconds: i64,
}

impl Sources {
    /// Looks at ClickHouse, at AWS and the permissions there, and at the delivery function. Nothing is changed.
    pub async fn doctor(&self) -> Diagnosis {
        let mut checks = self.look_at_clickhouse().await;
        checks.extend(self.look_at_aws().await);
        checks.extend(self.look_at_function().await);
        checks.extend(self.look_at_triggers().await);
        let healthy = checks.iter().all(|check| check.status != CheckStatus::Missing);
        Diagnosis { healthy, checks }
    }

    async fn look_at_clickhouse(&self) -> Vec<Check> {
        let sql = "SELECT version() AS version, toUnixTimestamp64Micro(now64(6)) AS microseconds";
        let before = self.clock.now();
        let asked = self.warehouse.client().query_raw(sql).fetch_one::<ServerRow>().await;
        let after = self.clock.now();
        let server = match asked.map_err(from_clickhouse) {
            Ok(server) => server,
            Err(error) => {
                let remedy = "check `clickhouse_url`, the user and the password, and that the server runs";
                return vec![unseen("ClickHouse", CheckStatus::Missing, &error).remedy(remedy)];
            }
        };
        let mut checks = vec![Check::ok("ClickHouse", "it answers"), version(&server.version)];
        if let Ok(EngineInfo { origin: Some(origin), .. }) = self.warehouse.engine_info().await {
            checks.push(Check::ok("ClickHouse engine", origin));
        }
        // Halfway between question and answer.
        #[expect(clippy::cast_precision_loss, reason = "seconds are enough")]
        let skew = {
            let between = i128::midpoint(before.as_nanosecond(), after.as_nanosecond()) / 1000;
            (i128::from(server.microseconds) - between) as f64 / 1e6
        };
        let detail = format!("the server's clock is {skew:+.1} s from this computer's");
        checks.push(if skew.abs() > MOST_SKEW_SECONDS {
            let remedy = "set both clocks by NTP: times of creation, leases and signatures depend on them";
            Check::new("ClickHouse clock", CheckStatus::Missing, detail).remedy(remedy)
        } else {
            Check::ok("ClickHouse clock", detail)
        });
        checks.extend(match unheeded_settings(&self.warehouse).await {
            Ok(unheeded) => settings(&unheeded, &server.version),
            Err(error) => {
                let remedy = "GRANT SELECT ON system.settings, then try again";
                vec![unseen("ClickHouse settings", CheckStatus::Unknown, &error).remedy(remedy)]
            }
        });
        for (right, needed_for) in RIGHTS {
            checks.push(self.right(right, needed_for).await);
        }
        checks
    }

    /// Whether the user has a right on every database.
    async fn right(&self, right: &str, needed_for: &str) -> Check {
        let check = format!("ClickHouse {right}");
        let asked =
            self.warehouse.client().query_raw(&format!("CHECK GRANT {right} ON *.*")).fetch_one::<u8>().await;
        match asked.map_err(from_clickhouse) {
            Ok(1) => Check::ok(&check, needed_for),
            Ok(_) => Check::new(&check, CheckStatus::Unknown, "the user has it not on every database")
                .remedy(format!(
                    "GRANT {right} ON the databases of your tables and on quarantine: {needed_for}"
                )),
            // An older server has no such statement.
            Err(error) => unseen(&check, CheckStatus::Unknown, &error)
                .remedy(format!("look at SHOW GRANTS: it is needed {needed_for}")),
        }
    }

    async fn look_at_aws(&self) -> Vec<Check> {
        let region = match self.session.region().await {
            Ok(region) => Check::ok("AWS region", region),
            Err(error) => unseen("AWS region", CheckStatus::Missing, &error).remedy("set `aws_region`"),
        };
        let identity = match streams::caller_identity(&self.session).await {
            Ok(identity) => Check::ok("AWS identity", identity.arn),
            Err(error) => {
                let remedy = "give keys, a profile or a role, or let the AWS SDK find some";
                return vec![region, unseen("AWS identity", CheckStatus::Missing, &error).remedy(remedy)];
            }
        };
        let mut checks = vec![region, identity];
        match self.permissions(None).await {
            Ok(permissions) => checks.extend(permissions),
            Err(error) => {
                checks.push(unseen("AWS permissions", CheckStatus::Unknown, &error).remedy("try again"));
            }
        }
        checks
    }

    async fn look_at_function(&self) -> Vec<Check> {
        let function = self.triggers.function();
        let asked = self.triggers.client().get_function_configuration().function_name(function).send().await;
        let found = match asked.map_err(from_sdk) {
            Ok(found) => found,
            Err(error) => {
                let remedy = "deploy it as examples/deploy/README.md says, or name it in `delivery_function`; without it sources \
                              can be delivered by a consumer";
                return vec![unseen("delivery function", CheckStatus::Missing, &error).remedy(remedy)];
            }
        };
        let mut checks =
            vec![Check::ok("delivery function", found.function_arn.as_deref().unwrap_or(function))];
        let timeout = found.timeout.unwrap_or_default();
        let detail = format!("it may run for {timeout} s");
        checks.push(if timeout < SHORTEST_TIMEOUT_SECONDS {
            Check::new("function timeout", CheckStatus::Missing, detail)
                .remedy(format!("set it to at least {SHORTEST_TIMEOUT_SECONDS} s, better 300"))
        } else {
            Check::ok("function timeout", detail)
        });
        let variables = found.environment.and_then(|environment| environment.variables).unwrap_or_default();
        checks.extend(self.look_at_environment(&variables));
        let role = found.role.unwrap_or_default();
        checks.push(Check::new("function role", CheckStatus::Unknown, role).remedy(
            "what a role may do cannot be tried by others: compare it with the function's role in \
             examples/deploy/template.yaml",
        ));
        checks
    }

    /// The triggers of the function, including changes made by hand.
    async fn look_at_triggers(&self) -> Vec<Check> {
        let triggers = match self.triggers.list(None).await {
            Ok(triggers) => triggers,
            // Another check has reported already that the function is missing.
            Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                return vec![unseen("triggers", CheckStatus::Unknown, &error).remedy("try again")];
            }
        };
        let mut triggers: Vec<_> = triggers.into_iter().collect();
        triggers.sort_by(|(left, _), (right, _)| left.cmp(right));
        let looked = triggers.into_iter().map(|(stream, trigger)| {
            let check = format!("trigger of {}", stream.rsplit('/').next().unwrap_or_default());
            match (trigger.check(), trigger.warning()) {
                (Err(error), _) => Check::new(&check, CheckStatus::Missing, error.text())
                    .remedy("delete the trigger, then run `repair`, which creates it correctly"),
                (Ok(()), Some(warning)) => {
                    Check::new(&check, CheckStatus::Unknown, "it gives up batches early").remedy(warning)
                }
                (Ok(()), None) => Check::ok(&check, trigger.state),
            }
        });
        looked.collect()
    }

    /// Values are not shown: one may be a password.
    fn look_at_environment(&self, variables: &HashMap<String, String>) -> Vec<Check> {
        use crate::ConfigKey::{ClickHouseUrl, LedgerTable, MappingTable};
        let url = ClickHouseUrl.env_name();
        let server = if variables.get(&url).is_some_and(|value| !value.is_empty()) {
            Check::ok("function ClickHouse", format!("{url} is set"))
        } else {
            Check::new("function ClickHouse", CheckStatus::Missing, format!("{url} is not set")).remedy(
                format!("set {url} in the function's environment to the server that it delivers into"),
            )
        };
        let tables = [
            (
                "function mapping table",
                MappingTable,
                super::DEFAULT_MAPPING_TABLE,
                &self.mappings.table().name,
            ),
            (
                "function ledger table",
                LedgerTable,
                crate::delivery::ledger::DEFAULT_LEDGER_TABLE,
                &self.ledger.table().name,
            ),
        ];
        let tables = tables.into_iter().map(|(check, key, default, own)| {
            let theirs = variables.get(&key.env_name()).map_or(default, String::as_str);
            if theirs == own {
                Check::ok(check, theirs)
            } else {
                let detail = format!("the function uses {theirs}, and this client {own}");
                let remedy =
                    format!("set {} of the function to {own}, or the client's to {theirs}", key.env_name());
                Check::new(check, CheckStatus::Missing, detail).remedy(remedy)
            }
        });
        std::iter::once(server).chain(tables).collect()
    }
}

fn unseen(check: &str, status: CheckStatus, error: &Error) -> Check {
    Check::new(check, status, error.text())
}

fn version(text: &str) -> Check {
    let mut numbers = text.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= OLDEST_VERSION {
        return Check::ok("ClickHouse version", text);
    }
    let (major, minor) = OLDEST_VERSION;
    let remedy = format!("run {major}.{minor} or newer");
    Check::new("ClickHouse version", CheckStatus::Missing, text).remedy(remedy)
}

/// The settings that Helios sends and this version does not heed.
fn settings(unheeded: &[(&str, Unheeded)], version: &str) -> Vec<Check> {
    if unheeded.is_empty() {
        return vec![Check::ok("ClickHouse settings", "it has every setting that Helios sends")];
    }
    let check = |&(name, how): &(&str, Unheeded)| {
        let check = format!("ClickHouse setting {name}");
        match how {
            Unheeded::Unknown => Check::new(&check, CheckStatus::Missing, format!("{version} does not know it"))
                .remedy("run another version of ClickHouse: statements with an unknown setting fail"),
            Unheeded::Obsolete => {
                Check::new(&check, CheckStatus::Unknown, format!("{version} accepts and ignores it")).remedy(
                    "update Helios, or run an older version of ClickHouse: Helios relies on what this setting did",
                )
            }
        }
    };
    unheeded.iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_is_not_heeded_is_a_check_with_a_remedy() {
        let [all] = &settings(&[], "26.7.2.1")[..] else { panic!("one check") };
        assert_eq!((all.check.as_str(), all.status), ("ClickHouse settings", CheckStatus::Ok));
        let unheeded = [("async_insert", Unheeded::Unknown), ("max_threads", Unheeded::Obsolete)];
        let [unknown, obsolete] = &settings(&unheeded, "99.1")[..] else { panic!("two checks") };
        assert_eq!(
            (unknown.check.as_str(), unknown.status),
            ("ClickHouse setting async_insert", CheckStatus::Missing)
        );
        assert_eq!(
            (obsolete.check.as_str(), obsolete.status),
            ("ClickHouse setting max_threads", CheckStatus::Unknown)
        );
        assert!(obsolete.detail.contains("99.1") && unknown.remedy.is_some() && obsolete.remedy.is_some());
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        for (text, status) in [
            ("24.8.1.1", CheckStatus::Ok),
            ("26.7.2.1", CheckStatus::Ok),
            ("24.10.1", CheckStatus::Ok),
            ("24.7.9.9", CheckStatus::Missing),
            ("9.9", CheckStatus::Missing),
            ("nonsense", CheckStatus::Missing),
        ] {
            assert_eq!(version(text).status, status, "{text}");
        }
    }
}
