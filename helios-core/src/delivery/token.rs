//! The tokens by which ClickHouse knows an insert that it has seen.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::place::Place;

/// What of a range is inserted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// The rows, into the table.
    Rows,
    /// The rejects, into quarantine; once more under another token, if ClickHouse knew the one before without the rejects.
    Rejects(u32),
}

/// The token of a range, the same in every process and at all times. The ledger keeps it as long as the range is open.
///
/// It has the version of the schema in it: what is rejected depends on that, and so do the rows.
pub(super) fn range_token(
    (stream_arn, shard, table): (&str, &str, Uuid),
    (first, last): (Place<'_>, Place<'_>),
    schema_version: &str,
) -> String {
    let text = format!("{table} {stream_arn} {shard} {first}-{last} {schema_version}");
    // The ledger stores it, so it is short, yet long enough to be unique.
    let hash: String = Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("helios-3 {hash}")
}

/// The new token of a range whose former one proves nothing.
pub(super) fn renewed_token(range_token: &str, generation: u64) -> String {
    let text = format!("{range_token} {generation}");
    let hash: String = Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("helios-3 {hash}")
}

/// The token of one insert of a range.
pub(super) fn insert_token(range_token: &str, part: Part) -> String {
    match part {
        Part::Rows => format!("{range_token} rows"),
        Part::Rejects(0) => format!("{range_token} rejects"),
        Part::Rejects(again) => format!("{range_token} rejects {again}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change of this text makes every insert under way unknown to ClickHouse.
    #[test]
    fn the_text_is_stable() {
        let first = Place { sequence_number: "49", sub_sequence: 0 };
        let last = Place { sequence_number: "51", sub_sequence: 7 };
        let shard = (
            "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks",
            "shardId-000000000000",
            Uuid::from_u128(1),
        );
        let token = range_token(shard, (first, last), "ab12");
        assert_eq!(token, "helios-3 529e8f0bee851598dcc827df68be0dec");
        assert_eq!(insert_token(&token, Part::Rows), format!("{token} rows"));
        assert_eq!(insert_token(&token, Part::Rejects(0)), format!("{token} rejects"));
        assert_eq!(insert_token(&token, Part::Rejects(2)), format!("{token} rejects 2"));
    }
}
