//! The claim: whoever has it, and nobody else, makes or changes the source of a table.

use std::{collections::HashMap, pin::pin, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::{Either, select};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    Mapping, MappingTable, Sources,
    mapping::{Item, STREAM_ID, TABLE_ID, read},
};
use crate::{Error, ErrorKind, Result, clock::SharedClock, warehouse::TableName};

/// A claim is good for so long. Whoever holds it extends it; of whoever does not, nothing more is to be expected.
pub(super) const LEASE: Duration = Duration::from_secs(60);
/// How often it is extended.
const EXTENSION: Duration = Duration::from_secs(20);

/// What the partition key of a claim begins with; that of a mapping is an ARN.
const PREFIX: &str = "claim ";
const OPERATION: &str = "operation_id";
const LEASE_UNTIL: &str = "lease_until";
const DIGEST: &str = "request_digest";

/// A claim on a table, an item beside the mappings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) table: TableName,
    /// Who has it.
    pub(super) operation_id: Uuid,
    /// Until when it is good, unless it is extended.
    pub(super) lease_until: Timestamp,
    /// What it was taken for: two creates of the same are one.
    pub(super) request_digest: String,
}

impl Claim {
    pub(super) fn new(table: TableName, request_digest: String, now: Timestamp) -> Self {
        Self { table, operation_id: Uuid::new_v4(), lease_until: until(now), request_digest }
    }

    /// Whether nothing more is to be expected of whoever took it.
    pub(super) fn is_abandoned(&self, now: Timestamp) -> bool {
        now > self.lease_until
    }

    pub(super) fn key(table: &TableName) -> Item {
        let text = |text: String| AttributeValue::S(text);
        // The names are parts of the key: DynamoDB takes a kilobyte each, more than ClickHouse does.
        let source = format!("{PREFIX}{}", table.database().as_str());
        HashMap::from([
            (STREAM_ID.to_owned(), text(source)),
            (TABLE_ID.to_owned(), text(table.table().as_str().to_owned())),
        ])
    }

    pub(super) fn is_claim(item: &Item) -> bool {
        read(item, STREAM_ID).is_some_and(|source| source.starts_with(PREFIX))
    }

    pub(super) fn to_item(&self) -> Item {
        let mut item = Self::key(&self.table);
        let parts = [
            (OPERATION, self.operation_id.to_string()),
            (LEASE_UNTIL, self.lease_until.to_string()),
            (DIGEST, self.request_digest.clone()),
        ];
        item.extend(parts.map(|(name, value)| (name.to_owned(), AttributeValue::S(value))));
        item
    }

    pub(super) fn from_item(item: &Item) -> Result<Self> {
        let text = |name| {
            read(item, name).ok_or_else(|| Error::unexpected(format!("a claim has no attribute `{name}`")))
        };
        let unreadable = |_| Error::unexpected("a claim cannot be read");
        let database = text(STREAM_ID)?.strip_prefix(PREFIX).unwrap_or_default();
        Ok(Self {
            table: TableName::new(database, text(TABLE_ID)?)?,
            operation_id: text(OPERATION)?.parse().map_err(|_| unreadable(()))?,
            lease_until: text(LEASE_UNTIL)?.parse().map_err(|_| unreadable(()))?,
            request_digest: text(DIGEST)?.to_owned(),
        })
    }
}

fn until(now: Timestamp) -> Timestamp {
    now.saturating_add(LEASE).unwrap_or(now)
}

/// Does some work while the claim is extended. `Err` if it was lost on the way: then somebody else is at it, and nothing
/// more may be done.
pub(super) async fn holding<T>(
    (mappings, clock): (&MappingTable, &SharedClock),
    claim: &Claim,
    work: impl Future<Output = T>,
) -> Result<T> {
    let extended = pin!(async {
        let mut claim = claim.clone();
        loop {
            clock.sleep(EXTENSION).await;
            let extension = Claim { lease_until: until(clock.now()), ..claim.clone() };
            match mappings.extend(&extension).await {
                Ok(true) => claim = extension,
                Ok(false) => break,
                // Until it has run out it may still work.
                Err(error) if claim.is_abandoned(clock.now()) => {
                    tracing::warn!(%error, "A claim could not be extended.");
                    break;
                }
                Err(_) => {}
            }
        }
    });
    match select(pin!(work), extended).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right(((), _)) => {
            let message =
                "somebody else has taken over the table, as this went on for too long: look at `sources`";
            Err(Error::new(ErrorKind::Conflict, message).with("table", claim.table.plain()))
        }
    }
}

/// A source that somebody has the claim on.
pub(super) struct Held<'a> {
    sources: &'a Sources,
    claim: Claim,
    found: Mapping,
}

impl Sources {
    /// Takes the claim on a source's table, to do something to it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if somebody else has it.
    pub(super) async fn hold(&self, found: Mapping, what: &str) -> Result<Held<'_>> {
        let now = self.clock.now();
        let claim = Claim::new(found.table.clone(), format!("{what} {}", found.id()), now);
        let is_taken = match self.mappings.claim_on(&found.table).await? {
            None => self.mappings.claim(&claim).await?,
            Some(holder) if holder.is_abandoned(now) => self.mappings.take_over(&holder, &claim).await?,
            Some(_) => false,
        };
        if is_taken {
            return Ok(Held { sources: self, claim, found });
        }
        let message = "somebody else is at this table: a create, or a change of its source, is under way, or was interrupted less \
                       than a minute ago";
        let error = Error::new(ErrorKind::Conflict, message).with("table", found.table.plain());
        Err(error.retryable(true))
    }

    /// Gives a claim up. If that fails it runs out by itself.
    pub(super) async fn give_up(&self, claim: &Claim) {
        if let Err(error) = self.mappings.release(claim).await {
            let table = claim.table.plain();
            tracing::warn!(%error, %table, "A claim could not be given up; it ends within a minute.");
        }
    }
}

impl Held<'_> {
    /// The mapping as it is now, and from now on this operation's.
    pub(super) async fn mapping(&self) -> Result<Mapping> {
        let mappings = self.sources.mappings.of_stream_in_any_state(&self.found.stream_arn).await?;
        let Some(now) = mappings.into_iter().find(|now| now.table_uuid == self.found.table_uuid) else {
            let message = "the source was removed meanwhile";
            return Err(Error::new(ErrorKind::NotFound, message).with("table", self.found.table.plain()));
        };
        let now = Mapping { operation_id: self.claim.operation_id, ..now };
        self.sources.mappings.write(&now).await?;
        Ok(now)
    }

    /// Does something, and gives the claim up.
    pub(super) async fn work<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let done = holding((&self.sources.mappings, &self.sources.clock), &self.claim, work).await?;
        self.sources.give_up(&self.claim).await;
        done
    }
}
