//! The tokens by which ClickHouse knows an insert that it has seen.

use uuid::Uuid;

use super::place::Place;

/// What of a range is inserted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// The rows, into the table.
    Rows,
    /// The rejects, into quarantine.
    Rejects,
    /// An event that ClickHouse refuses, into quarantine.
    Refused,
}

/// The token of a range, the same in every process and at all times. The ledger keeps it as long as the range is open.
///
/// It has the version of the schema in it: what is rejected depends on that, and so do the rows.
pub(super) fn range_token(
    (stream_arn, shard, table): (&str, &str, Uuid),
    (first, last): (Place<'_>, Place<'_>),
    schema_version: &str,
) -> String {
    format!("helios-2 {table} {stream_arn} {shard} {first}-{last} {schema_version}")
}

/// The token of one insert of a range.
pub(super) fn insert_token(range_token: &str, part: Part) -> String {
    let part = match part {
        Part::Rows => "rows",
        Part::Rejects => "rejects",
        Part::Refused => "refused",
    };
    format!("{range_token} {part}")
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
        assert_eq!(
            insert_token(&token, Part::Rows),
            "helios-2 00000000-0000-0000-0000-000000000001 \
             arn:aws:kinesis:eu-west-1:111122223333:stream/clicks shardId-000000000000 49.0-51.7 ab12 rows"
        );
        assert_eq!(insert_token(&token, Part::Rejects), format!("{token} rejects"));
        assert_eq!(insert_token(&token, Part::Refused), format!("{token} refused"));
    }
}
