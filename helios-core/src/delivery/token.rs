//! The tokens by which ClickHouse knows an insert that it has seen.

use uuid::Uuid;

use super::batch::Place;

/// Events of one shard, from the first to the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range<'a> {
    pub(super) stream_arn: &'a str,
    pub(super) shard: &'a str,
    pub(super) first: Place<'a>,
    pub(super) last: Place<'a>,
}

/// What of the range is inserted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind<'a> {
    /// The rows, into the table.
    ///
    /// Without the version of the schema: if it changes between two attempts, rows that the first has committed must
    /// not come in again.
    Rows,
    /// The rejects, into quarantine, with the version of the schema: if it changes between two attempts, other events
    /// may be rejected, and they must not get lost.
    Rejects { schema_version: &'a str },
}

/// The token of an insert: the same for the same events into the same table, in every process and at all times.
pub(super) fn token(range: Range<'_>, table: Uuid, kind: Kind<'_>) -> String {
    let Range { stream_arn, shard, first, last } = range;
    let kind = match kind {
        Kind::Rows => "rows".to_owned(),
        Kind::Rejects { schema_version } => format!("rejects@{schema_version}"),
    };
    format!(
        "helios-1 {kind} {table} {stream_arn} {shard} {}.{}-{}.{}",
        first.sequence_number, first.sub_sequence, last.sequence_number, last.sub_sequence
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Range<'_> = Range {
        stream_arn: "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks",
        shard: "shardId-000000000000",
        first: Place { sequence_number: "49", sub_sequence: 0 },
        last: Place { sequence_number: "51", sub_sequence: 7 },
    };

    /// A change of this text makes every insert under way unknown to ClickHouse.
    #[test]
    fn the_text_is_stable() {
        assert_eq!(
            token(RANGE, Uuid::from_u128(1), Kind::Rows),
            "helios-1 rows 00000000-0000-0000-0000-000000000001 \
             arn:aws:kinesis:eu-west-1:111122223333:stream/clicks shardId-000000000000 49.0-51.7"
        );
        assert_eq!(
            token(RANGE, Uuid::from_u128(1), Kind::Rejects { schema_version: "ab12" }),
            "helios-1 rejects@ab12 00000000-0000-0000-0000-000000000001 \
             arn:aws:kinesis:eu-west-1:111122223333:stream/clicks shardId-000000000000 49.0-51.7"
        );
    }
}
