//! Places in SQL, in the order in which [`Place`](super::place::Place) compares: numbers of any length compare as numbers
//! when the shorter come first.

use clickhouse::query::Query;

use super::place::Identity;

/// The place of a row that has a sequence number and a sub-sequence number in these columns.
pub(super) fn place(sequence: &str, sub_sequence: &str) -> String {
    let number = format!("trim(LEADING '0' FROM {sequence})");
    format!("tuple(length({number}), {number}, toUInt64({sub_sequence}))")
}

/// The place that [`bind`] has given this name.
pub(super) fn bound(name: &str) -> String {
    format!("tuple(length({{{name}:String}}), {{{name}:String}}, {{{name}_sub:UInt64}})")
}

/// The condition that a row is between the places bound as `first` and `last`, both included.
pub(super) fn within(sequence: &str, sub_sequence: &str) -> String {
    format!("{} BETWEEN {} AND {}", place(sequence, sub_sequence), bound("first"), bound("last"))
}

/// Gives a place a name in a query.
pub(super) fn bind(query: Query, name: &str, identity: &Identity) -> Query {
    query
        .param(name, identity.sequence_number.trim_start_matches('0'))
        .param(&format!("{name}_sub"), identity.sub_sequence)
}
