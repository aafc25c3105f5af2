//! Whose credentials a request may ask for.

use helios_core::{Credentials, streams::CredentialsRequest};

use crate::{error::ApiError, refusal::Refusal};

/// The library's credentials; `None` stands for the server's own. `profile`, and no keys at all, are for the operator's
/// own use of the server.
pub(crate) fn credentials(
    request: CredentialsRequest,
    is_operator: bool,
) -> Result<Option<Credentials>, ApiError> {
    if !is_operator {
        if request.profile.is_some() && request.access_key.is_none() && request.secret_key.is_none() {
            let refusal = "the profiles of this server are not for its visitors; give keys";
            return Err(Refusal::NotAllowed(refusal).into());
        }
        if request.access_key.is_none() {
            let missing = "the body does not fit: missing field `accessKey`";
            return Err(Refusal::BadBody(missing.to_owned()).into());
        }
    }
    if request.is_empty() {
        return Ok(None);
    }
    Ok(Some(request.credentials()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> CredentialsRequest {
        serde_json::from_str(body).unwrap()
    }

    #[track_caller]
    fn refused(body: &str, is_operator: bool, says: &str) {
        let error = credentials(read(body), is_operator).unwrap_err();
        assert!(error.body().error.contains(says), "{body} → {:?}", error.body());
    }

    #[test]
    fn a_visitor_gives_both_keys() {
        refused("{}", false, "missing field `accessKey`");
        refused(r#"{"secretKey": "s"}"#, false, "missing field `accessKey`");
        refused(r#"{"accessKey": "a"}"#, false, "missing field `secretKey`");
        refused(r#"{"accessKey": "a", "secretKey": null}"#, false, "missing field `secretKey`");
        assert!(credentials(read(r#"{"accessKey": "a", "secretKey": "s"}"#), false).unwrap().is_some());
    }

    #[test]
    fn a_visitor_never_gets_the_servers_own_credentials() {
        refused(r#"{"roleArn": "arn:aws:iam::123456789012:role/x"}"#, false, "missing field `accessKey`");
        refused(r#"{"region": "eu-west-1"}"#, false, "missing field `accessKey`");
        let error = credentials(read(r#"{"profile": "admin"}"#), false).unwrap_err();
        assert!(matches!(error, ApiError::Refused(Refusal::NotAllowed(_))));
        refused(r#"{"profile": "p", "accessKey": "a", "secretKey": "s"}"#, false, "either keys or `profile`");
    }

    #[test]
    fn the_operator_may_leave_keys_out() {
        assert!(credentials(read("{}"), true).unwrap().is_none());
        assert!(credentials(read(r#"{"profile": "admin"}"#), true).unwrap().is_some());
        assert!(credentials(read(r#"{"region": "eu-west-1"}"#), true).unwrap().is_some());
        refused(r#"{"sessionToken": "t"}"#, true, "missing field `accessKey`");
        refused(r#"{"profile": "p", "secretKey": "s"}"#, true, "either keys or `profile`");
    }
}
