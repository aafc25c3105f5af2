//! The one error of the library.

use std::{borrow::Cow, error::Error as StdError, fmt};

/// A result with the library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync + 'static>;

/// What sort of thing went wrong: the part of an [`Error`] a program decides on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing, unknown or contradicts another.
    ConfigInvalid,
    /// An argument is malformed: a name, a schema, a position.
    InvalidInput,
    /// ClickHouse refused the SQL text: syntax, unknown column or function, type mismatch, more than one statement.
    InvalidQuery,
    /// No credentials, or credentials that were not accepted.
    Unauthenticated,
    /// The credentials are good, the permission is missing.
    PermissionDenied,
    /// A stream, table, database or function that does not exist.
    NotFound,
    /// Something of that name exists already.
    AlreadyExists,
    /// What exists differs from what was asked for, or another operation is under way.
    Conflict,
    /// A limit was passed: size, rows, memory, quota.
    LimitExceeded,
    /// It took longer than allowed. Whether it took effect is unknown.
    Timeout,
    /// The other side cannot be reached or is not ready.
    Unavailable,
    /// The embedded engine cannot be opened.
    EngineUnavailable,
    /// The query was cancelled.
    Cancelled,
    /// None of the above: a defect here or an answer nobody expected.
    Unexpected,
}

impl ErrorKind {
    /// Every kind, for tables that must be complete.
    pub const ALL: [Self; 14] = [
        Self::ConfigInvalid,
        Self::InvalidInput,
        Self::InvalidQuery,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::LimitExceeded,
        Self::Timeout,
        Self::Unavailable,
        Self::EngineUnavailable,
        Self::Cancelled,
        Self::Unexpected,
    ];

    /// The stable name, the same on every face: `"not_found"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfigInvalid => "config_invalid",
            Self::InvalidInput => "invalid_input",
            Self::InvalidQuery => "invalid_query",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Conflict => "conflict",
            Self::LimitExceeded => "limit_exceeded",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::EngineUnavailable => "engine_unavailable",
            Self::Cancelled => "cancelled",
            Self::Unexpected => "unexpected",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The code the other side gave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorCode {
    /// ClickHouse's number and, where it said so, its name: `60`, `"UNKNOWN_TABLE"`.
    ClickHouse {
        /// The number.
        code: u32,
        /// The name in capitals.
        name: Option<String>,
    },
    /// AWS's error code: `"ResourceNotFoundException"`.
    Aws(String),
}

/// A place in the SQL text of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqlPosition {
    /// In bytes from the beginning of the text, from 0.
    pub offset: usize,
    /// The line, from 1.
    pub line: usize,
    /// The character in its line, from 1.
    pub column: usize,
}

impl SqlPosition {
    /// The place of a byte in a text. Beyond its end: the end.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let offset = text.floor_char_boundary(offset);
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            offset,
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// Why an operation failed: what happened, to which thing, and what to do next.
///
/// `{}` is one line, `kind at operation: message {key: value}`; `{:#}` adds the causes. Neither holds a secret.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    operation: &'static str,
    context: Vec<(&'static str, String)>,
    code: Option<ErrorCode>,
    position: Option<SqlPosition>,
    retryable: bool,
    source: Option<Source>,
}

impl Error {
    /// A new error of `kind`; the message is a sentence without its full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            operation: "",
            context: Vec::new(),
            code: None,
            position: None,
            retryable: false,
            source: None,
        }))
    }

    pub(crate) fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    pub(crate) fn unexpected(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unexpected, message)
    }

    /// Names the operation. The outermost one stands: it is the one that was asked for.
    #[must_use]
    pub fn at(mut self, operation: &'static str) -> Self {
        self.0.operation = operation;
        self
    }

    /// Adds what the error is about: `("stream", "clicks")`.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.context.push((key, value.into()));
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Keeps the code the other side gave.
    #[must_use]
    pub fn with_code(mut self, code: ErrorCode) -> Self {
        self.0.code = Some(code);
        self
    }

    /// Says that the same call may succeed later.
    #[must_use]
    pub fn retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// What sort of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened, without kind, operation and context.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The operation that failed, `""` if it failed outside of one.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// What the error is about, in order of mention.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.context.iter().map(|(key, value)| (*key, value.as_str()))
    }

    /// Whether the same call may succeed later, unchanged.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// The code the other side gave.
    #[must_use]
    pub fn code(&self) -> Option<&ErrorCode> {
        self.0.code.as_ref()
    }

    /// ClickHouse's error number.
    #[must_use]
    pub fn server_code(&self) -> Option<u32> {
        match self.code()? {
            ErrorCode::ClickHouse { code, .. } => Some(*code),
            ErrorCode::Aws(_) => None,
        }
    }

    /// ClickHouse's name for the error, if it said one: `"UNKNOWN_TABLE"`.
    #[must_use]
    pub fn server_error_name(&self) -> Option<&str> {
        match self.code()? {
            ErrorCode::ClickHouse { name, .. } => name.as_deref(),
            ErrorCode::Aws(_) => None,
        }
    }

    /// Where in the SQL text the error is, for one of syntax.
    #[must_use]
    pub fn position(&self) -> Option<SqlPosition> {
        self.0.position
    }

    /// Says where in the SQL text the error is.
    #[must_use]
    pub fn at_position(mut self, position: Option<SqlPosition>) -> Self {
        self.0.position = position;
        self
    }

    /// AWS's error code.
    #[must_use]
    pub fn aws_code(&self) -> Option<&str> {
        match self.code()? {
            ErrorCode::Aws(code) => Some(code),
            ErrorCode::ClickHouse { .. } => None,
        }
    }

    /// What a person reads: the message and its context, without kind and operation.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        if self.0.context.is_empty() {
            Cow::Borrowed(&self.0.message)
        } else {
            Cow::Owned(format!("{}{}", self.0.message, Context(&self.0.context)))
        }
    }
}

struct Context<'a>(&'a [(&'static str, String)]);

impl fmt::Display for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.0.iter().enumerate() {
            write!(f, "{}{key}: {value}", if index == 0 { " {" } else { ", " })?;
        }
        if self.0.is_empty() { Ok(()) } else { f.write_str("}") }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.kind)?;
        if !self.0.operation.is_empty() {
            write!(f, " at {}", self.0.operation)?;
        }
        write!(f, ": {}{}", self.0.message, Context(&self.0.context))?;
        if f.alternate() {
            let mut cause = self.source();
            while let Some(error) = cause {
                write!(f, ": {error}")?;
                cause = error.source();
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{self}")?;
        if let Some(code) = &self.0.code {
            writeln!(f, "  code: {code:?}")?;
        }
        writeln!(f, "  retryable: {}", self.0.retryable)?;
        let mut cause = self.source();
        while let Some(error) = cause {
            writeln!(f, "  caused by: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Error {
        Error::new(ErrorKind::NotFound, "the stream does not exist")
            .at("kinesis_sample")
            .with("stream", "clicks")
            .with("region", "eu-west-1")
            .with_code(ErrorCode::Aws("ResourceNotFoundException".into()))
            .caused_by("service error")
    }

    #[test]
    fn display_is_one_line_without_the_cause() {
        assert_eq!(
            example().to_string(),
            "not_found at kinesis_sample: the stream does not exist {stream: clicks, region: eu-west-1}"
        );
    }

    #[test]
    fn alternate_display_adds_the_causes() {
        assert_eq!(
            format!("{:#}", example()),
            "not_found at kinesis_sample: the stream does not exist {stream: clicks, region: eu-west-1}: service error"
        );
    }

    #[test]
    fn debug_adds_code_retryability_and_causes() {
        assert_eq!(
            format!("{:?}", example()),
            "not_found at kinesis_sample: the stream does not exist {stream: clicks, region: eu-west-1}\n  \
             code: Aws(\"ResourceNotFoundException\")\n  retryable: false\n  caused by: service error\n"
        );
    }

    #[test]
    fn the_outermost_operation_stands() {
        assert_eq!(example().at("outer").operation(), "outer");
    }

    #[test]
    fn kind_names_are_distinct() {
        let names: std::collections::BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), ErrorKind::ALL.len());
    }

    #[test]
    fn a_result_stays_small() {
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }
}
