//! Who AWS takes the caller for.

use serde::Serialize;

use super::{error::from_sdk, session::AwsSession};
use crate::Result;

/// Who AWS takes the caller for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallerIdentity {
    /// The account's twelve digits.
    pub account: String,
    /// The user's or assumed role's ARN.
    pub arn: String,
    /// The unique id of the user or role.
    pub user_id: String,
}

/// Asks STS who the caller is: the cheapest proof that credentials are good, as it needs no permission.
///
/// # Errors
///
/// `Unauthenticated` if there are no credentials or they are not accepted, `PermissionDenied` if a role may not be
/// assumed, `Unavailable` or `Timeout` if STS cannot be asked, and those of [`AwsSession::sdk_config`].
#[tracing::instrument(skip_all)]
pub async fn caller_identity(session: &AwsSession) -> Result<CallerIdentity> {
    let answer = session
        .sts()
        .await
        .map_err(|error| error.at("authenticate"))?
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| from_sdk(error).at("authenticate"))?;
    Ok(CallerIdentity {
        account: answer.account.unwrap_or_default(),
        arn: answer.arn.unwrap_or_default(),
        user_id: answer.user_id.unwrap_or_default(),
    })
}
