//! The shards of a stream.

use std::collections::HashSet;

use aws_sdk_kinesis::Client;

use super::{error::from_sdk, session::AwsSession};
use crate::{ErrorKind, Result};

/// What Kinesis gives at once at most.
const PAGE: i32 = 1000;

/// One shard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shard {
    /// Its id: `"shardId-000000000000"`.
    pub id: String,
    /// The shards it was split from or merged of, which may no longer exist.
    pub parents: Vec<String>,
    /// Whether it takes no more events. Those it has can be read until they are too old.
    pub closed: bool,
}

/// All shards of a stream, closed ones included, all pages.
///
/// # Errors
///
/// `NotFound`, `Unauthenticated`, `PermissionDenied` (needs `kinesis:ListShards`), `Unavailable`, `Timeout`,
/// `LimitExceeded`, and those of [`AwsSession::sdk_config`].
#[tracing::instrument(skip_all, fields(stream_arn = stream_arn))]
pub async fn list_shards(session: &AwsSession, stream_arn: &str) -> Result<Vec<Shard>> {
    let at = |error: crate::Error| error.at("list_shards").with("stream", stream_arn);
    all_pages(&session.kinesis().await.map_err(at)?, stream_arn).await.map_err(at)
}

async fn all_pages(client: &Client, stream_arn: &str) -> Result<Vec<Shard>> {
    let first =
        client.list_shards().stream_arn(stream_arn).max_results(PAGE).send().await.map_err(from_sdk)?;
    let mut shards: Vec<Shard> = first.shards.unwrap_or_default().into_iter().map(Shard::from).collect();
    let mut next_token = first.next_token;
    while let Some(token) = next_token {
        // Kinesis refuses a token together with a stream; emulators refuse a token without one.
        let by_token =
            client.list_shards().next_token(token).max_results(PAGE).send().await.map_err(from_sdk);
        let page = match (by_token, shards.last()) {
            (Ok(page), _) => page,
            (Err(error), Some(last)) if error.kind() == ErrorKind::NotFound => {
                let request = client.list_shards().stream_arn(stream_arn).exclusive_start_shard_id(&last.id);
                request.max_results(PAGE).send().await.map_err(from_sdk)?
            }
            (Err(error), _) => return Err(error),
        };
        shards.extend(page.shards.unwrap_or_default().into_iter().map(Shard::from));
        next_token = page.next_token;
    }
    Ok(shards)
}

impl From<aws_sdk_kinesis::types::Shard> for Shard {
    fn from(shard: aws_sdk_kinesis::types::Shard) -> Self {
        let closed = shard.sequence_number_range.is_some_and(|range| range.ending_sequence_number.is_some());
        let parents = shard.parent_shard_id.into_iter().chain(shard.adjacent_parent_shard_id).collect();
        Self { id: shard.shard_id, parents, closed }
    }
}

/// The shards that may be read now without an event overtaking an earlier one of its key: those whose parents are
/// `finished`, or are no longer listed because all their events are too old. Finished shards are left out.
pub fn readable<'a>(shards: &'a [Shard], finished: &HashSet<String>) -> Vec<&'a Shard> {
    let listed: HashSet<&str> = shards.iter().map(|shard| shard.id.as_str()).collect();
    let settled = |id: &String| finished.contains(id) || !listed.contains(id.as_str());
    shards.iter().filter(|shard| !finished.contains(&shard.id) && shard.parents.iter().all(settled)).collect()
}

/// The shards that this one comes from, as far as they are named.
pub(crate) fn ancestors(shards: &[Shard], shard: &str) -> Vec<String> {
    let parents = |id: &str| shards.iter().find(|one| one.id == id).map_or(&[][..], |one| &one.parents);
    let mut found: Vec<String> = parents(shard).to_vec();
    let mut next = 0;
    while let Some(id) = found.get(next).cloned() {
        next += 1;
        for parent in parents(&id) {
            if !found.contains(parent) {
                found.push(parent.clone());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, parents: &[&str]) -> Shard {
        Shard { id: id.into(), parents: parents.iter().map(ToString::to_string).collect(), closed: false }
    }

    #[test]
    fn children_wait_for_all_their_parents() {
        let shards = [
            shard("0", &["trimmed"]),
            shard("1", &[]),
            shard("2", &["0"]),
            shard("3", &["0", "1"]),
            shard("4", &["3"]),
        ];
        for (finished, expected) in [
            (&[][..], &["0", "1"][..]),
            (&["0"], &["1", "2"]),
            (&["0", "1"], &["2", "3"]),
            (&["0", "1", "3"], &["2", "4"]),
            (&["0", "1", "2", "3", "4"], &[]),
        ] {
            let finished = finished.iter().map(ToString::to_string).collect();
            let ids: Vec<_> =
                readable(&shards, &finished).into_iter().map(|shard| shard.id.as_str()).collect();
            assert_eq!(ids, expected, "after {finished:?}");
        }
    }

    #[test]
    fn ancestors_are_found_to_the_oldest_that_is_named() {
        let shard = |id: &str, parents: &[&str]| Shard {
            id: id.to_owned(),
            parents: parents.iter().map(ToString::to_string).collect(),
            closed: false,
        };
        let shards =
            [shard("1", &["trimmed"]), shard("2", &["1"]), shard("3", &["1"]), shard("4", &["2", "3"])];
        assert_eq!(ancestors(&shards, "4"), ["2", "3", "1", "trimmed"]);
        assert_eq!(ancestors(&shards, "1"), ["trimmed"]);
        assert_eq!(ancestors(&shards, "5"), [""; 0]);
    }
}
