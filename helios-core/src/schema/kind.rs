//! The kinds of value that are told apart.

use std::fmt;

use serde::Serialize;

/// What a value is, as far as the choice of a type goes; `null` is counted apart.
///
/// On the wire in lower case: `"local_timestamp"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A number without point and exponent.
    Integer,
    /// A number with a point or an exponent.
    Float,
    /// `""`.
    EmptyString,
    /// A string that reads like a number: `"007"`.
    NumericString,
    /// A UUID in its canonical lower-case form.
    Uuid,
    /// An IPv4 address in its canonical form.
    Ipv4,
    /// An IPv6 address in its canonical form.
    Ipv6,
    /// An ISO 8601 date: `"2026-01-31"`.
    Date,
    /// An ISO 8601 time with `Z` or an offset.
    Timestamp,
    /// An ISO 8601 time without `Z` and offset.
    LocalTimestamp,
    /// A time as mail and HTTP write it, RFC 2822: `"Sat, 31 Jan 2026 12:00:00 +0000"`.
    MailTimestamp,
    /// Any other string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// Kinds that one type can hold without turning values into text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Bool,
        Self::Integer,
        Self::Float,
        Self::EmptyString,
        Self::NumericString,
        Self::Uuid,
        Self::Ipv4,
        Self::Ipv6,
        Self::Date,
        Self::Timestamp,
        Self::LocalTimestamp,
        Self::MailTimestamp,
        Self::String,
        Self::Array,
        Self::Object,
    ];

    pub(super) const fn family(self) -> Family {
        match self {
            Self::Bool => Family::Bool,
            Self::Integer | Self::Float => Family::Number,
            Self::EmptyString
            | Self::NumericString
            | Self::Uuid
            | Self::Ipv4
            | Self::Ipv6
            | Self::Date
            | Self::Timestamp
            | Self::LocalTimestamp
            | Self::MailTimestamp
            | Self::String => Family::String,
            Self::Array => Family::Array,
            Self::Object => Family::Object,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "boolean",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::EmptyString => "empty string",
            Self::NumericString => "number in quotes",
            Self::Uuid => "UUID",
            Self::Ipv4 => "IPv4 address",
            Self::Ipv6 => "IPv6 address",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::LocalTimestamp => "timestamp without a zone",
            Self::MailTimestamp => "timestamp of RFC 2822",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        })
    }
}
