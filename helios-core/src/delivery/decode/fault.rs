//! Why an event did not fit.

use std::fmt;

use super::members::Members;
use crate::json::{Cursor, Malformed, kind_of};

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
    /// A field the table has no column for, where the source's policy wants none such.
    UnknownField,
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
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::UnreadableRecord,
        Self::MalformedJson,
        Self::NotAnObject,
        Self::TooDeep,
        Self::DuplicateField,
        Self::MissingField,
        Self::UnknownField,
        Self::NullValue,
        Self::TypeMismatch,
        Self::OutOfRange,
        Self::InvalidValue,
        Self::NotRepresentable,
        Self::Refused,
    ];

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
            Self::UnknownField => "unknown_field",
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

/// An event that did not fit, with its reason. Message and value repeat a part of the event: they belong where its bytes
/// belong, into quarantine, not into a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reject {
    /// What was wrong.
    pub error_type: RejectKind,
    /// What was wrong, for a person: the column or the path, the value, the type that was wanted, and what to do.
    pub message: String,
    /// The column it did not fit into, if it was one column's fault.
    pub column: Option<String>,
    /// Where in the event: `$.place.tags[2]`; at most [`MAX_PATH_BYTES`].
    pub path: Option<Box<str>>,
    /// The ClickHouse type that was wanted there.
    pub wanted: Option<Box<str>>,
    /// The JSON value that was there, as it was written; at most [`MAX_VALUE_BYTES`] of it.
    pub value: Option<Box<str>>,
}

/// The most of a value that a [`Reject`] repeats.
pub const MAX_VALUE_BYTES: usize = 256;

/// The longest path in a [`Reject`].
pub const MAX_PATH_BYTES: usize = 1024;

impl Reject {
    /// A reject that is no column's fault.
    #[must_use]
    pub fn new(error_type: RejectKind, message: impl Into<String>) -> Self {
        Self { error_type, message: message.into(), column: None, path: None, wanted: None, value: None }
    }
}

/// The outcome of reading. Its error is made where something was found to be wrong, and nowhere else.
pub(super) type Checked<T = ()> = Result<T, Box<Fault>>;

/// What is wrong with one value; where it stood is added on the way up.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: RejectKind,
    problem: Problem,
    /// What to do about it.
    advice: Option<&'static str>,
    /// What leads to it, innermost first.
    path: Vec<Step>,
    /// The type that was wanted.
    wanted: Option<Box<str>>,
    /// The value that was there.
    value: Option<Box<str>>,
}

/// What a message says of a value, and of the type that was wanted.
#[derive(Debug)]
enum Problem {
    /// Another kind of value.
    Mismatch { found: String, wanted: String },
    /// The type cannot hold it unchanged.
    Range(String),
    /// A string that is not what the type holds.
    Invalid(String),
    /// A string that is not a name of the enum.
    NoName,
    /// Anything else; the value follows.
    Other(String),
}

impl From<Malformed> for Box<Fault> {
    #[cold]
    fn from(malformed: Malformed) -> Self {
        let kind = match malformed {
            Malformed::TOO_DEEP => RejectKind::TooDeep,
            _ => RejectKind::MalformedJson,
        };
        Fault::new(kind, malformed.to_string())
    }
}

#[derive(Debug)]
enum Step {
    Field(String),
    Element(usize),
}

impl Fault {
    #[cold]
    pub(super) fn new(kind: RejectKind, message: impl Into<String>) -> Box<Self> {
        Self::of(kind, Problem::Other(message.into()))
    }

    fn of(kind: RejectKind, problem: Problem) -> Box<Self> {
        Box::new(Self { kind, problem, advice: None, path: Vec::new(), wanted: None, value: None })
    }

    #[cold]
    pub(super) fn mismatch(found: &str, wanted: &dyn fmt::Display) -> Box<Self> {
        let problem = Problem::Mismatch { found: found.to_owned(), wanted: wanted.to_string() };
        Self::of(RejectKind::TypeMismatch, problem)
    }

    /// Another value at the cursor than a column takes.
    #[cold]
    pub(super) fn other(cursor: &mut Cursor<'_>, wanted: &str) -> Box<Self> {
        let found = kind_of(cursor.peek());
        match cursor.value() {
            Ok(_) => Self::mismatch(found, &wanted),
            Err(malformed) => malformed.into(),
        }
    }

    #[cold]
    pub(super) fn range(data_type: &dyn fmt::Display) -> Box<Self> {
        Self::of(RejectKind::OutOfRange, Problem::Range(data_type.to_string()))
            .advising("send a value that fits, or change the column's type")
    }

    #[cold]
    pub(super) fn invalid(data_type: &dyn fmt::Display) -> Box<Self> {
        Self::of(RejectKind::InvalidValue, Problem::Invalid(data_type.to_string()))
    }

    /// A string that is not a name of the enum that is wanted.
    #[cold]
    pub(super) fn no_name() -> Box<Self> {
        Self::of(RejectKind::InvalidValue, Problem::NoName)
            .advising("add the name to the enum, or make the column a String")
    }

    /// The same with what to do about it.
    #[cold]
    pub(super) fn advising(mut self: Box<Self>, advice: &'static str) -> Box<Self> {
        self.advice = Some(advice);
        self
    }

    /// Whether the text is at fault, not a value in it.
    pub(super) fn is_of_grammar(&self) -> bool {
        matches!(self.kind, RejectKind::MalformedJson | RejectKind::TooDeep)
    }

    /// Notes what was wanted, and what was there instead, unless something further inside has done so.
    #[cold]
    pub(super) fn expecting(mut self: Box<Self>, wanted: &str, found: Option<&str>) -> Box<Self> {
        if self.wanted.is_none() && self.value.is_none() {
            self.wanted = Some(bounded(wanted, MAX_VALUE_BYTES).into());
            self.value = found.map(|found| bounded(found, MAX_VALUE_BYTES).into());
        }
        self
    }

    /// Notes the value that was there, before anything around it is noted.
    #[cold]
    pub(super) fn with_value(mut self: Box<Self>, found: &str) -> Box<Self> {
        self.value = Some(bounded(found, MAX_VALUE_BYTES).into());
        self
    }

    #[cold]
    pub(super) fn in_field(mut self: Box<Self>, name: &str) -> Box<Self> {
        self.path.push(Step::Field(name.to_owned()));
        self
    }

    #[cold]
    pub(super) fn in_element(mut self: Box<Self>, index: usize) -> Box<Self> {
        self.path.push(Step::Element(index));
        self
    }

    /// The names that lead to it, outermost first, up to the first that is none.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.path.iter().rev().map_while(|step| match step {
            Step::Field(name) => Some(name.as_str()),
            Step::Element(_) => None,
        })
    }

    /// The same for whom it concerns, with the column that one of these members says it is.
    #[cold]
    pub(super) fn into_reject(self, members: &Members) -> Reject {
        let column = members.column_of(self.names());
        let is_column = |name| self.path.len() == 1 && Some(name) == column;
        let names_column = self.names().next().is_some_and(is_column);
        let path = self.names().next().map(|_| self.path());
        let place = match (column, &path) {
            (Some(column), _) if names_column => format!("column `{}`: ", bounded(column, MAX_VALUE_BYTES)),
            (Some(column), Some(path)) => {
                format!("column `{}`, at {path}: ", bounded(column, MAX_VALUE_BYTES))
            }
            (None, Some(path)) => format!("at {path}: "),
            (_, None) => String::new(),
        };
        let advice = self.advice.map_or_else(String::new, |advice| format!("; {advice}"));
        Reject {
            error_type: self.kind,
            message: format!("{place}{}{advice}", self.problem()),
            column: column.map(str::to_owned),
            path: path.map(Into::into),
            wanted: self.wanted,
            value: self.value,
        }
    }

    /// What is wrong, with the value as far as it is known.
    fn problem(&self) -> String {
        let value = self.value.as_deref();
        let (value, wanted) = (value.unwrap_or("a value"), self.wanted.as_deref());
        match &self.problem {
            Problem::Mismatch { found, wanted } => {
                let found = self.value.as_deref().unwrap_or(found);
                format!("expected {wanted}, found {found}")
            }
            Problem::Range(wanted) => format!("{wanted} cannot hold {value} unchanged"),
            Problem::Invalid(wanted) => format!("{value} is not a valid {wanted}"),
            Problem::NoName => format!("{value} is not a name of {}", wanted.unwrap_or("the enum")),
            Problem::Other(message) => match &self.value {
                Some(value) if self.kind != RejectKind::NullValue => format!("{message}: {value}"),
                _ => message.clone(),
            },
        }
    }

    /// `$.place.tags[2]`, with names that are no identifiers as `["a b"]`.
    fn path(&self) -> String {
        let mut path = String::from("$");
        for step in self.path.iter().rev() {
            let is_plain = |name: &str| {
                name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                    && name.chars().all(|c| c.is_alphanumeric() || c == '_')
            };
            path.push_str(&match step {
                Step::Field(name) => match bounded(name, MAX_VALUE_BYTES) {
                    name if is_plain(&name) => format!(".{name}"),
                    name => format!("[{}]", serde_json::Value::from(name)),
                },
                Step::Element(index) => format!("[{index}]"),
            });
        }
        bounded(&path, MAX_PATH_BYTES)
    }
}

/// At most so many bytes, with a mark where something was cut off.
fn bounded(text: &str, most: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most - MARK.len());
    format!("{}{MARK}", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_kinds_are_listed() {
        // The order is that of the declaration, of which this is the last.
        assert_eq!(RejectKind::ALL.len(), RejectKind::Refused as usize + 1);
        assert!(RejectKind::ALL.iter().enumerate().all(|(at, kind)| *kind as usize == at));
    }
}
