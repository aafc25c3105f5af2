//! Who the credentials are, and what they see.

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    streams::{self, AwsSession},
};

/// Credentials that were accepted: `{"authenticated": true, "streamNames": […], "account", "arn"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Authentication {
    /// `true`: what fails is an error.
    pub authenticated: bool,
    /// Every stream of the region, sorted.
    pub stream_names: Vec<String>,
    /// The AWS account.
    pub account: String,
    /// The user or role.
    pub arn: String,
}

pub(super) async fn authenticate(session: &AwsSession) -> Result<Authentication> {
    let identity = streams::caller_identity(session).await?;
    let streams = streams::list(session).await?;
    let stream_names = streams.into_iter().map(|stream| stream.stream_name).collect();
    Ok(Authentication { authenticated: true, stream_names, account: identity.account, arn: identity.arn })
}
