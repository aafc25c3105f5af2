//! Why an event did not fit.

use std::fmt;

/// What was wrong with an event: the stable word in the quarantine's `error_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectKind {
    /// The record could not be taken apart into events.
    UnreadableRecord,
    /// Not JSON, or not UTF-8.
    MalformedJson,
    /// JSON, but not an object.
    NotAnObject,
    /// Nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// The same field twice in one object.
    DuplicateField,
    /// A field the table needs is absent.
    MissingField,
    /// `null` where the column takes none.
    NullValue,
    /// Another kind of value than the column holds: text for a number, an object for a list.
    TypeMismatch,
    /// The right kind of value, but the column cannot hold it unchanged: too large, too many digits.
    OutOfRange,
    /// Text that is not what the column holds: no such date, no such name in the enum.
    InvalidValue,
    /// ClickHouse would store something else than what was sent.
    NotRepresentable,
    /// ClickHouse refuses the row, for a constraint of the table or a reason like it.
    Refused,
}

impl RejectKind {
    /// The stable name: `"out_of_range"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnreadableRecord => "unreadable_record",
            Self::MalformedJson => "malformed_json",
            Self::NotAnObject => "not_an_object",
            Self::TooDeep => "too_deep",
            Self::DuplicateField => "duplicate_field",
            Self::MissingField => "missing_field",
            Self::NullValue => "null_value",
            Self::TypeMismatch => "type_mismatch",
            Self::OutOfRange => "out_of_range",
            Self::InvalidValue => "invalid_value",
            Self::NotRepresentable => "not_representable",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for RejectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An event that did not fit, with its reason. The message never repeats the event's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// What was wrong.
    pub error_type: RejectKind,
    /// What was wrong, for a person.
    pub message: String,
    /// The column it did not fit into, if it was one column's fault.
    pub column: Option<String>,
}

/// What is wrong with one value; where it stood is added on the way up.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: RejectKind,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(kind: RejectKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(super) fn mismatch(found: &str, wanted: &dyn fmt::Display) -> Self {
        Self::new(RejectKind::TypeMismatch, format!("{found} where {wanted} was expected"))
    }

    pub(super) fn range(data_type: &dyn fmt::Display) -> Self {
        Self::new(RejectKind::OutOfRange, format!("a value that {data_type} cannot hold unchanged"))
    }

    pub(super) fn invalid(data_type: &dyn fmt::Display) -> Self {
        Self::new(RejectKind::InvalidValue, format!("a text that is no {data_type}"))
    }
}

/// What went wrong while a row was read: kept beside the parser, whose own errors can carry only text.
#[derive(Debug, Default)]
pub(super) struct Failure {
    pub(super) fault: Option<Fault>,
    /// The fields that lead to it, innermost first.
    pub(super) path: Vec<String>,
}

impl Failure {
    /// Notes the fault, and gives the error that stops the parser.
    #[cold]
    pub(super) fn stop<E: serde::de::Error>(&mut self, fault: Fault) -> E {
        self.fault = Some(fault);
        E::custom("rejected")
    }

    /// `grammatical`: whether the event follows JSON's grammar, so that a value the parser refused is the value's fault.
    pub(super) fn into_reject(self, error: &sonic_rs::Error, grammatical: bool) -> Reject {
        let Fault { kind, message } =
            self.fault.unwrap_or_else(|| from_parser(error, self.path.is_empty(), grammatical));
        let message = match self.path.len() {
            0 | 1 => message,
            _ => {
                let path: Vec<_> = self.path.iter().rev().map(String::as_str).collect();
                format!("{message}, at {}", path.join("."))
            }
        };
        Reject { error_type: kind, message, column: self.path.into_iter().next_back() }
    }
}

fn from_parser(error: &sonic_rs::Error, at_top: bool, grammatical: bool) -> Fault {
    match (grammatical, at_top) {
        (true, true) => Fault::new(RejectKind::NotAnObject, "the event is not a JSON object"),
        (true, false) => {
            Fault::new(RejectKind::OutOfRange, "a number beyond Float64, or an escape that is no character")
        }
        (false, _) => {
            // The parser's text goes on with an excerpt of the event, which does not belong into a message.
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            Fault::new(RejectKind::MalformedJson, format!("not valid JSON: {first}"))
        }
    }
}
