//! Users with limited permissions, for an emulator with authentication.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use helios_core::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{Account, Result};

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// A user's access key.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl Account {
    /// Creates a user who may do what the policy says, or nothing.
    ///
    /// # Errors
    ///
    /// Whatever IAM says.
    pub async fn create_user(&self, name: &str, policy: Option<Value>) -> Result<AccessKey> {
        self.iam(&[("Action", "CreateUser"), ("UserName", name)]).await?;
        if let Some(policy) = policy {
            let document = policy.to_string();
            let put = [
                ("Action", "PutUserPolicy"),
                ("UserName", name),
                ("PolicyName", "p"),
                ("PolicyDocument", &document),
            ];
            self.iam(&put).await?;
        }
        let answer = self.iam(&[("Action", "CreateAccessKey"), ("UserName", name)]).await?;
        Ok(AccessKey { id: element(&answer, "AccessKeyId")?, secret: element(&answer, "SecretAccessKey")? })
    }

    /// Creates the role that a function runs as.
    ///
    /// # Errors
    ///
    /// Whatever IAM says.
    pub async fn create_role(&self, name: &str) -> Result<()> {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [
                { "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole" },
            ],
        });
        let document = trust.to_string();
        let role = [("Action", "CreateRole"), ("RoleName", name), ("AssumeRolePolicyDocument", &document)];
        self.iam(&role).await.map(drop)
    }

    /// Calls IAM as root. A whole SDK crate for three calls would cost half a minute of every build.
    async fn iam(&self, parameters: &[(&str, &str)]) -> Result<String> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("Version", "2010-05-08")
            .extend_pairs(parameters)
            .finish();
        let signable = SignableRequest::new(
            "POST",
            self.endpoint(),
            [("content-type", CONTENT_TYPE)].into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )?;

        let identity = Credentials::new(self.id(), self.secret_key(), None, None, "emulator").into();
        let signing = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("iam")
            .time(UNIX_EPOCH + Duration::from_secs(SystemClock.now().as_second().try_into()?))
            .settings(SigningSettings::default())
            .build()?
            .into();
        let (instructions, _) = sign(signable, &signing)?.into_parts();

        let mut request =
            reqwest::Client::new().post(self.endpoint()).header("content-type", CONTENT_TYPE).body(body);
        for (name, value) in instructions.headers() {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if status.is_success() { Ok(text) } else { Err(format!("IAM answered {status}: {text}").into()) }
    }
}

fn element(xml: &str, name: &str) -> Result<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let inner = xml.split_once(&open).and_then(|(_, rest)| rest.split_once(&close));
    inner.map(|(text, _)| text.to_owned()).ok_or_else(|| format!("IAM gave no {name}: {xml}").into())
}
