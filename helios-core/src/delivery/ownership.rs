//! For which AWS accounts a table is filled. A client that is kept within one account changes no table of another.
//!
//! The mapping cannot prove it: it lies in DynamoDB of the account that asks, which can write there what it likes. So the
//! proof is in ClickHouse: the table's comment, which Helios writes when it makes or adopts the table, and the streams that
//! its rejects came from.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::quarantine;
use crate::{
    Error, ErrorKind, Result,
    warehouse::{Literal, OnCluster, TableName, Warehouse, from_clickhouse},
};

const CREATED: &str = "Created by Helios for AWS account ";
const FILLED: &str = "Filled by Helios from AWS account ";

/// The account in an ARN, such as that of a stream.
pub(crate) fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

/// The comment of a table that is made for an account.
pub(crate) fn comment_of_created(account: &str) -> String {
    format!("{CREATED}{account}")
}

/// What a table's comment says of its accounts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Owners {
    accounts: BTreeSet<String>,
    /// Those it was made for.
    makers: BTreeSet<String>,
}

impl Owners {
    fn read(comment: &str) -> Self {
        let mut owners = Self::default();
        for (phrase, is_maker) in [(CREATED, true), (FILLED, false)] {
            for rest in comment.split(phrase).skip(1) {
                let account: String = rest.chars().take_while(char::is_ascii_digit).collect();
                if account.is_empty() {
                    continue;
                }
                if is_maker {
                    owners.makers.insert(account.clone());
                }
                owners.accounts.insert(account);
            }
        }
        owners
    }
}

/// Fails for a stream of another account.
pub(crate) fn check_stream(warehouse: &Warehouse, stream_arn: &str) -> Result<()> {
    match warehouse.account() {
        Some(own) if account_of(stream_arn) != Some(own) => {
            let message =
                "the stream belongs to another AWS account; authenticate with credentials of that account";
            Err(Error::new(ErrorKind::PermissionDenied, message).with("stream", stream_arn))
        }
        _ => Ok(()),
    }
}

/// Fails for a table that another account has a part in. A table without an account passes.
pub(crate) async fn refuse_foreign(warehouse: &Warehouse, table: &TableName) -> Result<()> {
    let Some(own) = warehouse.account() else { return Ok(()) };
    let owners = owners_of(warehouse, table).await?.unwrap_or_default();
    check_foreign(own, table, &owners.accounts)?;
    check_rejects(warehouse, own, table, false).await
}

/// Fails unless the table is this account's, and no other's. A table that does not exist passes, as there is nothing to
/// change; rejects of a dropped one must all be from this account.
pub(crate) async fn require_own(warehouse: &Warehouse, table: &TableName) -> Result<()> {
    let Some(own) = warehouse.account() else { return Ok(()) };
    if let Some(owners) = owners_of(warehouse, table).await? {
        check_foreign(own, table, &owners.accounts)?;
        if !owners.accounts.contains(own) {
            let message = "no AWS account is recorded for this table; repeat the `create-table` of your source, or ask the \
                           operator of this server";
            return Err(Error::new(ErrorKind::PermissionDenied, message).with("table", table.plain()));
        }
    }
    check_rejects(warehouse, own, table, false).await
}

/// The same for the tables of these identities, whatever they are called now.
pub(crate) async fn require_own_identities(warehouse: &Warehouse, identities: &[Uuid]) -> Result<()> {
    if warehouse.account().is_none() {
        return Ok(());
    }
    for (_, table) in warehouse.tables_of(identities).await? {
        require_own(warehouse, &table).await?;
    }
    Ok(())
}

/// The same for a change of a whole quarantine, which tables of the same name in several databases share.
pub(crate) async fn require_own_quarantine(warehouse: &Warehouse, table: &TableName) -> Result<()> {
    let Some(own) = warehouse.account() else { return Ok(()) };
    require_own(warehouse, table).await?;
    let query = warehouse.client().query_raw("SELECT comment FROM system.tables WHERE name = {table:String}");
    let comments = query.param("table", table.table().as_str()).fetch_all::<String>();
    for comment in comments.await.map_err(from_clickhouse)? {
        check_foreign(own, table, &Owners::read(&comment).accounts)?;
    }
    check_rejects(warehouse, own, table, true).await
}

/// Fails unless the table of this identity was made for this account. One that does not exist passes.
pub(crate) async fn require_made(warehouse: &Warehouse, table: &TableName, identity: Uuid) -> Result<()> {
    let Some(own) = warehouse.account() else { return Ok(()) };
    if warehouse.tables_of(&[identity]).await?.iter().all(|(_, name)| name != table) {
        return Ok(());
    }
    require_own(warehouse, table).await?;
    match owners_of(warehouse, table).await? {
        Some(owners) if !owners.makers.contains(own) => {
            let message =
                "Helios did not create this table for your AWS account, so you cannot drop it; keep it";
            Err(Error::new(ErrorKind::PermissionDenied, message).with("table", table.plain()))
        }
        _ => Ok(()),
    }
}

/// Records in a table that exists that it is filled from an account, unless that is there already.
///
/// For a client that is kept within its account this must succeed, and no other account may have been faster.
pub(crate) async fn adopt(
    warehouse: &Warehouse,
    table: &TableName,
    cluster: Option<&str>,
    account: &str,
) -> Result<()> {
    let Some(comment) = comment_of(warehouse, table).await? else { return Ok(()) };
    if Owners::read(&comment).accounts.contains(account) {
        return Ok(());
    }
    let comment = format!("{comment} {FILLED}{account}");
    let statement =
        format!("ALTER TABLE {table}{} MODIFY COMMENT {}", OnCluster(cluster), Literal(comment.trim_start()));
    match warehouse.execute(&statement).await {
        Ok(()) => require_own(warehouse, table).await,
        Err(error) if warehouse.account().is_some() => Err(error.with("table", table.plain())),
        // Whoever may not alter the table can fill it all the same.
        Err(error) => {
            tracing::warn!(%error, table = table.plain(), "Failed to record the AWS account in the table's comment.");
            Ok(())
        }
    }
}

fn check_foreign(own: &str, table: &TableName, accounts: &BTreeSet<String>) -> Result<()> {
    if accounts.iter().all(|account| account == own) {
        return Ok(());
    }
    let message = if accounts.contains(own) {
        "several AWS accounts fill this table; only the operator of this server can change it"
    } else {
        "the table belongs to another AWS account; authenticate with credentials of that account"
    };
    Err(Error::new(ErrorKind::PermissionDenied, message).with("table", table.plain()))
}

/// Fails for rejects of another account's streams, of this table or in the whole quarantine.
async fn check_rejects(warehouse: &Warehouse, own: &str, table: &TableName, all: bool) -> Result<()> {
    let condition = if all { "" } else { " AND original_table = {original_table:String}" };
    let question = format!(
        "SELECT count() FROM {} WHERE stream != '' AND splitByChar(':', toString(stream))[5] != {{own:String}}{condition}",
        quarantine::table_of(table)?
    );
    let query = warehouse.client().query_raw(&question).param("own", own);
    let query = if all { query } else { query.param("original_table", table.plain()) };
    match query.fetch_one::<u64>().await.map_err(from_clickhouse) {
        Ok(0) => Ok(()),
        Ok(_) => {
            let message = "the table has rejects from a stream of another AWS account; authenticate with credentials of that \
                           account, or ask the operator of this server";
            Err(Error::new(ErrorKind::PermissionDenied, message).with("table", table.plain()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.with("table", table.plain())),
    }
}

async fn owners_of(warehouse: &Warehouse, table: &TableName) -> Result<Option<Owners>> {
    Ok(comment_of(warehouse, table).await?.map(|comment| Owners::read(&comment)))
}

/// A table's comment; `None` if there is no such table.
async fn comment_of(warehouse: &Warehouse, table: &TableName) -> Result<Option<String>> {
    let question =
        "SELECT comment FROM system.tables WHERE database = {database:String} AND name = {table:String}";
    let query = warehouse.client().query_raw(question).param("database", table.database().as_str());
    let query = query.param("table", table.table().as_str());
    query.fetch_optional().await.map_err(|error| from_clickhouse(error).with("table", table.plain()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(accounts: &[&str]) -> BTreeSet<String> {
        accounts.iter().map(|account| (*account).to_owned()).collect()
    }

    #[test]
    fn an_arn_names_its_account() {
        let arn = "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks";
        assert_eq!(account_of(arn), Some("111122223333"));
        assert_eq!(account_of("arn:aws:s3:::bucket"), None);
        assert_eq!(account_of("clicks"), None);
    }

    #[test]
    fn a_comment_names_makers_and_others() {
        for (comment, makers, accounts) in [
            ("", &[][..], &[][..]),
            ("clicks of the shop", &[], &[]),
            ("Created by Helios for AWS account ", &[], &[]),
            (&comment_of_created("1"), &["1"], &["1"]),
            (&format!("my table {FILLED}2"), &[], &["2"]),
            (&format!("{CREATED}1 {FILLED}2 {FILLED}3."), &["1"], &["1", "2", "3"]),
        ] {
            let expected = Owners { accounts: set(accounts), makers: set(makers) };
            assert_eq!(Owners::read(comment), expected, "{comment}");
        }
    }

    #[test]
    fn one_foreign_account_is_enough_to_refuse() {
        let table = TableName::new("shop", "clicks").unwrap();
        assert!(check_foreign("1", &table, &set(&[])).is_ok());
        assert!(check_foreign("1", &table, &set(&["1"])).is_ok());
        for (accounts, says) in [(&["2"][..], "another AWS account"), (&["1", "2"], "several AWS accounts")] {
            let error = check_foreign("1", &table, &set(accounts)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
