//! All streams of the account and region.

use super::{error::from_sdk, session::AwsSession};
use crate::{Error, Result};

/// The names of all streams the caller may see in the session's account and region, sorted.
///
/// # Errors
///
/// `Unauthenticated`, `PermissionDenied` (needs `kinesis:ListStreams`), `Unavailable`, `Timeout`, `LimitExceeded`, and
/// those of [`AwsSession::sdk_config`].
#[tracing::instrument(skip_all)]
pub async fn list(session: &AwsSession) -> Result<Vec<String>> {
    all_pages(session).await.map_err(|error| error.at("list_streams"))
}

async fn all_pages(session: &AwsSession) -> Result<Vec<String>> {
    let client = session.kinesis().await?;
    let mut names: Vec<String> = Vec::new();
    let mut next_token = None;
    loop {
        let mut request = client.list_streams();
        request = match (&next_token, names.last()) {
            (Some(token), _) => request.next_token(token),
            // Emulators give no token, and page by the last name only: Kinesis knows both.
            (None, Some(last)) => request.exclusive_start_stream_name(last),
            (None, None) => request,
        };
        let page = request.send().await.map_err(from_sdk)?;
        let more = page.has_more_streams;
        // The same page again and again would never end.
        let stuck = page.stream_names.is_empty() || page.stream_names.last() == names.last();
        if more && page.next_token.is_none() && stuck {
            return Err(Error::unexpected("the list of streams claims to go on, but does not say how"));
        }
        names.extend(page.stream_names);
        next_token = page.next_token;
        if !more {
            break;
        }
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}
