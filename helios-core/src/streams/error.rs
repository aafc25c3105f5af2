//! AWS errors as errors of the library: by code, never by message text.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::{RequestId, assume_role::AssumeRoleError},
};

use crate::{Error, ErrorCode, ErrorKind};

/// What an AWS error code means. `None` for a code that says nothing by itself: its HTTP status decides.
fn by_code(code: &str) -> Option<(ErrorKind, bool)> {
    use ErrorKind::{
        AlreadyExists, Conflict, InvalidInput, LimitExceeded, NotFound, PermissionDenied, Timeout,
        Unauthenticated, Unavailable,
    };
    Some(match code {
        "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "RequestExpired"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => (Unauthenticated, false),

        "AccessDenied"
        | "AccessDeniedException"
        | "KMSAccessDeniedException"
        | "OptInRequired"
        | "RegionDisabledException"
        | "UnauthorizedOperation" => (PermissionDenied, false),

        "KMSNotFoundException"
        | "NoSuchEntity"
        | "NoSuchEntityException"
        | "ResourceNotFoundException"
        | "TableNotFoundException" => (NotFound, false),

        "EntityAlreadyExists" | "TableAlreadyExistsException" => (AlreadyExists, false),

        "ConditionalCheckFailedException"
        | "IdempotentParameterMismatchException"
        | "KMSInvalidStateException"
        | "PreconditionFailedException"
        | "ResourceConflictException"
        | "ResourceInUseException"
        | "TransactionCanceledException" => (Conflict, false),
        "TransactionConflictException" | "TransactionInProgressException" => (Conflict, true),

        "BandwidthLimitExceeded"
        | "EC2ThrottledException"
        | "KMSThrottlingException"
        | "LimitExceededException"
        | "PriorRequestNotComplete"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "ThrottledException"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException" => (LimitExceeded, true),
        "CodeStorageExceededException"
        | "ItemCollectionSizeLimitExceededException"
        | "RequestEntityTooLargeException"
        | "RequestTooLargeException" => (LimitExceeded, false),

        "InvalidArgumentException"
        | "InvalidParameterCombination"
        | "InvalidParameterValue"
        | "InvalidParameterValueException"
        | "InvalidRequestContentException"
        | "MalformedPolicyDocument"
        | "ValidationError"
        | "ValidationException" => (InvalidInput, false),

        "RequestTimeout" | "RequestTimeoutException" => (Timeout, true),

        "InternalFailure"
        | "InternalFailureException"
        | "InternalServerError"
        | "InternalServerErrorException"
        | "ServiceException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException" => (Unavailable, true),

        _ => return None,
    })
}

/// What an AWS error code means, where it means something.
pub(super) fn of_code(code: &str) -> Option<ErrorKind> {
    by_code(code).map(|(kind, _)| kind)
}

/// What an HTTP status means where the code says nothing, as behind a proxy.
fn by_status(status: u16) -> (ErrorKind, bool) {
    match status {
        401 | 407 => (ErrorKind::Unauthenticated, false),
        403 => (ErrorKind::PermissionDenied, false),
        404 => (ErrorKind::NotFound, false),
        408 => (ErrorKind::Timeout, true),
        413 => (ErrorKind::LimitExceeded, false),
        429 => (ErrorKind::LimitExceeded, true),
        500..=599 => (ErrorKind::Unavailable, true),
        _ => (ErrorKind::Unexpected, false),
    }
}

/// The library's error for the SDK's, from any AWS service.
pub(crate) fn from_sdk<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    if let Some(cause) = find::<CredentialsError>(&error) {
        return match find::<SdkError<AssumeRoleError, HttpResponse>>(cause) {
            Some(denied) => assume_role_failed(denied),
            None => caused(no_credentials(cause), error),
        };
    }
    let result = match &error {
        SdkError::ServiceError(_) => return refused(&error),
        SdkError::TimeoutError(_) => timed_out(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => timed_out(),
        SdkError::DispatchFailure(_) => Error::new(
            ErrorKind::Unavailable,
            "AWS cannot be reached: check the network, the region and aws_endpoint_url",
        )
        .retryable(true),
        SdkError::ResponseError(_) => {
            Error::new(ErrorKind::Unavailable, "the answer of AWS could not be read").retryable(true)
        }
        _ => Error::unexpected("the request to AWS could not be made"),
    };
    caused(result, error)
}

fn caused<E>(result: Error, error: SdkError<E, HttpResponse>) -> Error
where
    E: StdError + Send + Sync + 'static,
{
    match error.into_source() {
        Ok(source) => result.caused_by(source),
        Err(error) => result.caused_by(error.to_string()),
    }
}

fn timed_out() -> Error {
    Error::new(ErrorKind::Timeout, "AWS did not answer in time").retryable(true)
}

/// AWS answered, and the answer was no.
fn refused<E>(error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    let code = error.code().map(str::to_owned);
    let request_id = error.request_id().map(str::to_owned);
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let (kind, retryable) = code.as_deref().and_then(by_code).unwrap_or_else(|| by_status(status));

    let mut result = if kind == ErrorKind::Unauthenticated {
        // The cause stays out: for a wrong signature AWS quotes the signed request, session token included.
        Error::new(kind, rejected_credentials(code.as_deref().unwrap_or_default()))
    } else {
        let said =
            error.message().map(|text| text.trim().trim_end_matches('.')).filter(|text| !text.is_empty());
        Error::new(kind, said.unwrap_or("AWS refused the request without saying why"))
    };
    if let Some(code) = code {
        result = result.with("aws_code", code.clone()).with_code(ErrorCode::Aws(code));
    } else {
        result = result.with("http_status", status.to_string());
    }
    if let Some(permission) = error.message().and_then(missing_permission) {
        result = result.with("permission", permission);
    }
    if let Some(id) = request_id {
        result = result.with("aws_request_id", id);
    }
    result.retryable(retryable)
}

/// The permission that AWS says is missing: `lambda:CreateEventSourceMapping`.
fn missing_permission(message: &str) -> Option<&str> {
    let (_, action) = message.split_once("not authorized to perform: ")?;
    let end = action.find(|next: char| !(next.is_ascii_alphanumeric() || ":-".contains(next)));
    action.get(..end.unwrap_or(action.len())).filter(|action| action.contains(':'))
}

fn rejected_credentials(code: &str) -> &'static str {
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            "AWS says the credentials have expired: get new ones"
        }
        "InvalidClientTokenId" | "UnrecognizedClientException" => {
            "AWS does not know this access key or its session token: check them, and that they are of this region"
        }
        "InvalidSignatureException" | "SignatureDoesNotMatch" => {
            "AWS did not accept the signature: check the secret key, and this computer's clock"
        }
        _ => "AWS did not accept the credentials",
    }
}

/// The credentials could not be had, so no service was asked.
fn no_credentials(error: &CredentialsError) -> Error {
    let message = match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            "no AWS credentials were found: give an access key and a secret key, name a profile, or set \
             AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        }
        CredentialsError::ProviderTimedOut(_) => {
            "the provider of AWS credentials did not answer in time: give keys or a profile instead"
        }
        CredentialsError::InvalidConfiguration(_) => {
            "the AWS configuration files give no credentials: check the profile"
        }
        _ => "the provider of AWS credentials failed: check the profile or the role",
    };
    Error::new(ErrorKind::Unauthenticated, message)
}

/// STS' own answer stays out, as it may quote the signed request.
fn assume_role_failed(error: &SdkError<AssumeRoleError, HttpResponse>) -> Error {
    let (kind, retryable) = match error {
        SdkError::ServiceError(context) => {
            error.code().and_then(by_code).unwrap_or_else(|| by_status(context.raw().status().as_u16()))
        }
        SdkError::TimeoutError(_) => (ErrorKind::Timeout, true),
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => (ErrorKind::Unavailable, true),
        _ => (ErrorKind::Unexpected, false),
    };
    let code = error.code().unwrap_or_default();
    let message = match kind {
        ErrorKind::PermissionDenied => {
            "these credentials may not assume the role: check the role's ARN, its trust policy and its external id"
        }
        ErrorKind::Unauthenticated => rejected_credentials(code),
        _ => "the role could not be assumed",
    };
    let result = Error::new(kind, message).retryable(retryable);
    if code.is_empty() {
        return result;
    }
    result.with("aws_code", code).with_code(ErrorCode::Aws(code.to_owned()))
}

fn find<'a, T: StdError + 'static>(mut error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    loop {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        error = error.source()?;
    }
}

/// Whether Kinesis says that it does not take an argument: a sequence number of another stream, a time to come.
pub(crate) fn is_refused_argument(error: &Error) -> bool {
    error.aws_code() == Some("InvalidArgumentException")
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::{error::ErrorMetadata, operation::get_records::GetRecordsError};
    use aws_sdk_sts::config::http::HttpResponse;
    use aws_smithy_types::body::SdkBody;

    use super::*;
    use ErrorKind::{
        AlreadyExists, Conflict, InvalidInput, LimitExceeded, NotFound, PermissionDenied, Timeout,
        Unauthenticated, Unavailable, Unexpected,
    };

    fn answered(status: u16, code: Option<&str>, message: &str) -> Error {
        let mut metadata = ErrorMetadata::builder().message(message).custom("aws_request_id", "req-1");
        if let Some(code) = code {
            metadata = metadata.code(code);
        }
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        response.headers_mut().insert("x-amzn-requestid", "req-1");
        from_sdk(SdkError::service_error(GetRecordsError::generic(metadata.build()), response))
    }

    #[test]
    fn every_code_has_its_kind() {
        let rows = [
            (
                Unauthenticated,
                false,
                "ExpiredToken ExpiredTokenException IncompleteSignature \
                IncompleteSignatureException InvalidClientTokenId \
                InvalidSignatureException MissingAuthenticationToken \
                MissingAuthenticationTokenException RequestExpired SignatureDoesNotMatch \
                UnrecognizedClientException",
            ),
            (
                PermissionDenied,
                false,
                "AccessDenied AccessDeniedException KMSAccessDeniedException OptInRequired \
                RegionDisabledException UnauthorizedOperation",
            ),
            (
                NotFound,
                false,
                "KMSNotFoundException NoSuchEntity NoSuchEntityException \
                ResourceNotFoundException TableNotFoundException",
            ),
            (AlreadyExists, false, "EntityAlreadyExists TableAlreadyExistsException"),
            (
                Conflict,
                false,
                "ConditionalCheckFailedException IdempotentParameterMismatchException \
                KMSInvalidStateException PreconditionFailedException \
                ResourceConflictException ResourceInUseException \
                TransactionCanceledException",
            ),
            (Conflict, true, "TransactionConflictException TransactionInProgressException"),
            (
                LimitExceeded,
                true,
                "BandwidthLimitExceeded EC2ThrottledException KMSThrottlingException \
                LimitExceededException PriorRequestNotComplete \
                ProvisionedThroughputExceededException RequestLimitExceeded \
                RequestThrottled RequestThrottledException SlowDown ThrottledException \
                Throttling ThrottlingException TooManyRequestsException",
            ),
            (
                LimitExceeded,
                false,
                "CodeStorageExceededException ItemCollectionSizeLimitExceededException \
                RequestEntityTooLargeException RequestTooLargeException",
            ),
            (
                InvalidInput,
                false,
                "InvalidArgumentException InvalidParameterCombination InvalidParameterValue \
                InvalidParameterValueException InvalidRequestContentException \
                MalformedPolicyDocument ValidationError ValidationException",
            ),
            (Timeout, true, "RequestTimeout RequestTimeoutException"),
            (
                Unavailable,
                true,
                "InternalFailure InternalFailureException InternalServerError \
                InternalServerErrorException ServiceException ServiceUnavailable \
                ServiceUnavailableException",
            ),
            (Unexpected, false, "SomethingNew"),
        ];
        for (kind, retryable, codes) in rows {
            for code in codes.split_whitespace() {
                let error = answered(400, Some(code), "It did not work.");
                assert_eq!((error.kind(), error.is_retryable()), (kind, retryable), "{code}");
                assert_eq!(error.aws_code(), Some(code));
                assert!(error.to_string().contains("aws_request_id: req-1"), "{error}");
            }
        }
    }

    #[test]
    fn without_a_code_the_status_decides() {
        for (status, kind, retryable) in [
            (400, Unexpected, false),
            (401, Unauthenticated, false),
            (403, PermissionDenied, false),
            (404, NotFound, false),
            (408, Timeout, true),
            (413, LimitExceeded, false),
            (429, LimitExceeded, true),
            (500, Unavailable, true),
            (503, Unavailable, true),
        ] {
            for code in [None, Some("SomethingNew")] {
                let error = answered(status, code, "");
                assert_eq!((error.kind(), error.is_retryable()), (kind, retryable), "{status} {code:?}");
            }
        }
    }

    #[test]
    fn the_text_is_what_aws_said() {
        assert_eq!(
            answered(400, Some("ResourceNotFoundException"), "Stream clicks under account 1 not found.")
                .to_string(),
            "not_found: Stream clicks under account 1 not found {aws_code: ResourceNotFoundException, \
             aws_request_id: req-1}"
        );
    }

    #[test]
    fn a_missing_permission_is_named() {
        let message =
            "User: arn:aws:iam::1:user/ann is not authorized to perform: dynamodb:PutItem on resource: x";
        let error = answered(400, Some("AccessDeniedException"), message);
        assert!(error.to_string().contains("permission: dynamodb:PutItem,"), "{error}");
        let error = answered(400, Some("AccessDeniedException"), "not authorized to perform: something");
        assert!(!error.to_string().contains("permission:"), "{error}");
    }

    #[test]
    fn a_rejected_signature_does_not_repeat_the_request() {
        let error =
            answered(403, Some("InvalidSignatureException"), "should have been x-amz-security-token:canary");
        assert!(!format!("{error} {error:?} {error:#}").contains("canary"), "{error:?}");
        assert!(error.message().contains("secret key"), "{error}");
    }

    #[test]
    fn errors_before_an_answer() {
        use aws_sdk_sts::error::ConnectorError;
        type Failure = SdkError<GetRecordsError, HttpResponse>;
        let response = || HttpResponse::new(200.try_into().unwrap(), SdkBody::empty());
        for (failure, kind, retryable) in [
            (Failure::timeout_error("slow"), Timeout, true),
            (Failure::dispatch_failure(ConnectorError::timeout("slow".into())), Timeout, true),
            (Failure::dispatch_failure(ConnectorError::io("refused".into())), Unavailable, true),
            (Failure::dispatch_failure(ConnectorError::other("odd".into(), None)), Unavailable, true),
            (Failure::response_error("not JSON", response()), Unavailable, true),
            (Failure::construction_failure("no body"), Unexpected, false),
        ] {
            let error = from_sdk(failure);
            assert_eq!((error.kind(), error.is_retryable()), (kind, retryable), "{error:?}");
            assert!(StdError::source(&error).is_some(), "{error:?}");
        }
    }

    #[test]
    fn missing_credentials_say_what_to_do() {
        use aws_sdk_sts::error::ConnectorError;
        let missing = |cause: CredentialsError| {
            let failure = ConnectorError::other(Box::new(cause), None);
            from_sdk(SdkError::<GetRecordsError, _>::dispatch_failure(failure))
        };
        for (cause, text) in [
            (CredentialsError::not_loaded_no_source(), "AWS_ACCESS_KEY_ID"),
            (CredentialsError::provider_timed_out(std::time::Duration::from_secs(5)), "in time"),
            (CredentialsError::invalid_configuration("no such profile"), "profile"),
            (CredentialsError::provider_error("broken"), "failed"),
        ] {
            let error = missing(cause);
            assert_eq!(error.kind(), Unauthenticated);
            assert!(error.message().contains(text), "{error}");
            assert!(!error.is_retryable());
        }
    }

    #[test]
    fn a_role_that_may_not_be_assumed() {
        use aws_sdk_sts::error::ConnectorError;
        for (code, kind) in [("AccessDenied", PermissionDenied), ("ExpiredToken", Unauthenticated)] {
            let denied =
                AssumeRoleError::generic(ErrorMetadata::builder().code(code).message("canary").build());
            let response = HttpResponse::new(403.try_into().unwrap(), SdkBody::empty());
            let cause = CredentialsError::provider_error(SdkError::service_error(denied, response));
            let failure = ConnectorError::other(Box::new(cause), None);
            let error = from_sdk(SdkError::<GetRecordsError, _>::dispatch_failure(failure));
            assert_eq!((error.kind(), error.aws_code()), (kind, Some(code)), "{error:?}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }
}
