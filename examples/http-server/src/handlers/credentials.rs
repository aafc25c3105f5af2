//! Credentials as they come in a body.

use helios_core::Credentials;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};
use utoipa::ToSchema;

use crate::refusal::Refusal;

/// Keys, with what belongs to them. `profile`, and no keys at all, are for the operator's own use of the server.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CredentialsRequest {
    /// The access key id.
    #[schema(example = "AKIAIOSFODNN7EXAMPLE")]
    access_key: Option<String>,
    /// Its secret.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, format = Password)]
    secret_key: Option<SecretString>,
    /// The token of temporary keys.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, format = Password)]
    session_token: Option<SecretString>,
    /// The region of this session.
    #[schema(example = "eu-west-1")]
    region: Option<String>,
    /// A role to act in.
    role_arn: Option<String>,
    /// The external id that the role asks for.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>)]
    external_id: Option<SecretString>,
    /// A profile of the AWS configuration on the server.
    profile: Option<String>,
}

impl CredentialsRequest {
    /// The library's credentials; `None` stands for the server's own.
    pub(crate) fn credentials(self, is_operator: bool) -> Result<Option<Credentials>, Refusal> {
        let missing =
            |field: &str| Refusal::BadBody(format!("the body does not fit: missing field `{field}`"));
        let base = match (self.access_key, self.secret_key, self.profile) {
            (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                return Err(Refusal::BadBody("give either keys or `profile`".to_owned()));
            }
            (Some(access_key), Some(secret_key), None) => Credentials::keys(access_key, secret_key),
            (Some(_), None, None) => return Err(missing("secretKey")),
            (None, Some(_), None) => return Err(missing("accessKey")),
            (None, None, Some(_)) if !is_operator => {
                return Err(Refusal::NotAllowed(
                    "the profiles of this server are not for its visitors; give keys",
                ));
            }
            (None, None, Some(profile)) => Credentials::profile(profile),
            (None, None, None) if !is_operator || self.session_token.is_some() => {
                return Err(missing("accessKey"));
            }
            (None, None, None)
                if self.region.is_none() && self.role_arn.is_none() && self.external_id.is_none() =>
            {
                return Ok(None);
            }
            (None, None, None) => Credentials::default_chain(),
        };
        let mut credentials = base;
        if let Some(token) = self.session_token {
            credentials = credentials.session_token(token);
        }
        if let Some(region) = self.region {
            credentials = credentials.region(region);
        }
        if let Some(role) = self.role_arn {
            credentials = credentials.assume_role(role);
        }
        if let Some(id) = self.external_id {
            credentials = credentials.external_id(id);
        }
        Ok(Some(credentials))
    }
}

/// A secret, with an error that does not repeat what came in its place.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(text) => Ok(Some(text.into())),
        _ => Err(de::Error::custom("expected a string")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> CredentialsRequest {
        serde_json::from_str(body).unwrap()
    }

    #[track_caller]
    fn refused(body: &str, is_operator: bool, says: &str) {
        let refusal = read(body).credentials(is_operator).unwrap_err();
        assert!(refusal.text().contains(says), "{body} → {}", refusal.text());
    }

    #[test]
    fn a_visitor_gives_both_keys() {
        refused("{}", false, "missing field `accessKey`");
        refused(r#"{"secretKey": "s"}"#, false, "missing field `accessKey`");
        refused(r#"{"accessKey": "a"}"#, false, "missing field `secretKey`");
        refused(r#"{"accessKey": "a", "secretKey": null}"#, false, "missing field `secretKey`");
        assert!(read(r#"{"accessKey": "a", "secretKey": "s"}"#).credentials(false).unwrap().is_some());
    }

    #[test]
    fn a_visitor_never_gets_the_servers_own_credentials() {
        refused(r#"{"roleArn": "arn:aws:iam::123456789012:role/x"}"#, false, "missing field `accessKey`");
        let refusal = read(r#"{"profile": "admin"}"#).credentials(false).unwrap_err();
        assert!(matches!(refusal, Refusal::NotAllowed(_)));
    }

    #[test]
    fn the_operator_may_leave_keys_out() {
        assert!(read("{}").credentials(true).unwrap().is_none());
        assert!(read(r#"{"profile": "admin"}"#).credentials(true).unwrap().is_some());
        assert!(read(r#"{"region": "eu-west-1"}"#).credentials(true).unwrap().is_some());
        refused(r#"{"sessionToken": "t"}"#, true, "missing field `accessKey`");
        refused(r#"{"profile": "p", "secretKey": "s"}"#, true, "either keys or `profile`");
    }

    #[test]
    fn no_secret_is_repeated() {
        for field in ["secretKey", "sessionToken", "externalId"] {
            for canary in ["4711", "[\"4711\"]", "{\"4711\": 4711}"] {
                let error = serde_json::from_str::<CredentialsRequest>(&format!("{{\"{field}\": {canary}}}"))
                    .unwrap_err();
                assert!(!error.to_string().contains("4711"), "{error}");
            }
        }
        assert!(!format!("{:?}", read(r#"{"secretKey": "canary"}"#)).contains("canary"));
    }
}
