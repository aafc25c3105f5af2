//! Errors as Lambda reports them.

use helios_core::Error;
use lambda_runtime::Diagnostic;

/// An invocation that failed: Lambda tries the whole batch again.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<Failure> for Diagnostic {
    fn from(Failure(error): Failure) -> Self {
        Self { error_type: error.kind().as_str().to_owned(), error_message: format!("{error:#}") }
    }
}

#[cfg(test)]
mod tests {
    use helios_core::ErrorKind;

    use super::*;

    #[test]
    fn the_type_is_the_kind() {
        let error = Error::new(ErrorKind::NotFound, "no source").with("stream", "clicks").caused_by("why");
        let Diagnostic { error_type, error_message } = Failure(error).into();
        assert_eq!(error_type, "not_found");
        assert_eq!(error_message, "not_found: no source {stream: clicks}: why");
    }
}
