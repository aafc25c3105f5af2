//! Credentials as a caller gives them, each part by name.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};

use super::Credentials;
use crate::{Error, Result};

/// Credentials as a caller gives them: keys, a profile, or nothing for what the AWS SDK finds by itself.
///
/// On the wire: `{"accessKey", "secretKey", "sessionToken", "region", "roleArn", "externalId", "profile"}`, each optional.
/// `Debug` shows no secret, and an error in reading it repeats none.
#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct CredentialsRequest {
    /// The access key id.
    pub access_key: Option<String>,
    /// Its secret.
    #[serde(deserialize_with = "secret")]
    pub secret_key: Option<SecretString>,
    /// The token of temporary keys.
    #[serde(deserialize_with = "secret")]
    pub session_token: Option<SecretString>,
    /// The region of these credentials.
    pub region: Option<String>,
    /// A role to act in.
    pub role_arn: Option<String>,
    /// The external id that the role asks for.
    #[serde(deserialize_with = "secret")]
    pub external_id: Option<SecretString>,
    /// A profile of the AWS configuration.
    pub profile: Option<String>,
}

impl CredentialsRequest {
    /// Whether nothing at all is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { access_key, secret_key, session_token, region, role_arn, external_id, profile } = self;
        [access_key, region, role_arn, profile].into_iter().all(Option::is_none)
            && [secret_key, session_token, external_id].into_iter().all(Option::is_none)
    }

    /// The credentials.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for one key without the other, and for keys beside a profile.
    /// What else is wrong with a part is said when the credentials are used.
    pub fn credentials(self) -> Result<Credentials> {
        let missing = |field: &str| Err(Error::invalid_input(format!("missing field `{field}`")));
        let mut credentials = match (self.access_key, self.secret_key, self.profile) {
            (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                return Err(Error::invalid_input("give either keys or `profile`"));
            }
            (Some(access_key), Some(secret_key), None) => Credentials::keys(access_key, secret_key),
            (Some(_), None, None) => return missing("secretKey"),
            (None, Some(_), None) => return missing("accessKey"),
            (None, None, _) if self.session_token.is_some() => return missing("accessKey"),
            (None, None, Some(profile)) => Credentials::profile(profile),
            (None, None, None) => Credentials::default_chain(),
        };
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
        Ok(credentials)
    }
}

impl fmt::Debug for CredentialsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.clone().credentials() {
            Ok(credentials) => credentials.fmt(f),
            Err(_) => f.debug_struct("CredentialsRequest").finish_non_exhaustive(),
        }
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
    use crate::ErrorKind;

    fn read(body: &str) -> CredentialsRequest {
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn what_contradicts_or_is_missing_is_named() {
        for (body, says) in [
            (r#"{"secretKey": "s"}"#, "missing field `accessKey`"),
            (r#"{"accessKey": "a"}"#, "missing field `secretKey`"),
            (r#"{"accessKey": "a", "secretKey": null}"#, "missing field `secretKey`"),
            (r#"{"sessionToken": "t"}"#, "missing field `accessKey`"),
            (r#"{"sessionToken": "t", "profile": "p"}"#, "missing field `accessKey`"),
            (r#"{"profile": "p", "secretKey": "s"}"#, "either keys or `profile`"),
            (r#"{"profile": "p", "accessKey": "a"}"#, "either keys or `profile`"),
        ] {
            let error = read(body).credentials().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{body}");
            assert!(error.message().contains(says), "{body} → {error}");
        }
    }

    #[test]
    fn every_part_reaches_the_credentials() {
        let body = r#"{"accessKey": "AKIAIOSFODNN7EXAMPLE", "secretKey": "s", "sessionToken": "t", "region": "eu-west-1",
            "roleArn": "arn:aws:iam::123456789012:role/r", "externalId": "e"}"#;
        assert_eq!(
            format!("{:?}", read(body).credentials().unwrap()),
            "Credentials { access_key: AKIA…, secret_key: ***, session_token: ***, role_arn: \
             \"arn:aws:iam::123456789012:role/r\", external_id: ***, region: \"eu-west-1\" }"
        );
        assert!(
            format!("{:?}", read(r#"{"profile": "p"}"#).credentials().unwrap()).contains("profile: \"p\"")
        );
        assert!(format!("{:?}", read("{}").credentials().unwrap()).contains("default chain"));
    }

    #[test]
    fn nothing_is_empty_and_anything_is_not() {
        assert!(read("{}").is_empty());
        for field in ["accessKey", "secretKey", "sessionToken", "region", "roleArn", "externalId", "profile"]
        {
            assert!(!read(&format!("{{\"{field}\": \"x\"}}")).is_empty(), "{field}");
        }
    }

    #[test]
    fn no_secret_is_repeated() {
        for field in ["secretKey", "sessionToken", "externalId"] {
            for canary in ["4711", "[\"4711\"]", "{\"4711\": 4711}"] {
                let error = serde_json::from_str::<CredentialsRequest>(&format!("{{\"{field}\": {canary}}}"))
                    .unwrap_err();
                assert!(!error.to_string().contains("4711"), "{error}");
            }
            let body = format!("{{\"{field}\": \"canary\", \"accessKey\": \"AKIA\"}}");
            assert!(!format!("{:?}", read(&body)).contains("canary"), "{field}");
        }
    }
}
