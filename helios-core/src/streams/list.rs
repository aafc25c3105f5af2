//! All streams of the account and region.

use aws_sdk_kinesis::types::StreamSummary;
use jiff::Timestamp;
use serde::Serialize;

use super::{error::from_sdk, session::AwsSession};
use crate::{Error, Result};

/// A stream, as far as a list of all of them tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Stream {
    /// The name.
    pub stream_name: String,
    /// The ARN. Emulators may not tell it, nor what follows.
    #[serde(rename = "streamARN")]
    pub stream_arn: Option<String>,
    /// Kinesis' word for its state: `"CREATING"`, `"DELETING"`, `"ACTIVE"`, `"UPDATING"`.
    pub status: Option<String>,
    /// Kinesis' word for how it is paid and scaled: `"PROVISIONED"`, `"ON_DEMAND"`.
    pub mode: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
}

/// All streams the caller may see in the session's account and region, by name.
///
/// # Errors
///
/// `Unauthenticated`, `PermissionDenied` (needs `kinesis:ListStreams`), `Unavailable`, `Timeout`, `LimitExceeded`, and
/// those of [`AwsSession::sdk_config`].
#[tracing::instrument(skip_all)]
pub async fn list(session: &AwsSession) -> Result<Vec<Stream>> {
    all_pages(session).await.map_err(|error| error.at("list_streams"))
}

async fn all_pages(session: &AwsSession) -> Result<Vec<Stream>> {
    let client = session.kinesis().await?;
    let mut streams: Vec<Stream> = Vec::new();
    let mut last: Option<String> = None;
    let mut next_token = None;
    loop {
        let mut request = client.list_streams();
        request = match (&next_token, &last) {
            (Some(token), _) => request.next_token(token),
            // Emulators give no token, and page by the last name only: Kinesis knows both.
            (None, Some(last)) => request.exclusive_start_stream_name(last),
            (None, None) => request,
        };
        let page = request.send().await.map_err(from_sdk)?;
        let more = page.has_more_streams;
        // The same page again and again would never end.
        let stuck = page.stream_names.is_empty() || page.stream_names.last() == last.as_ref();
        if more && page.next_token.is_none() && stuck {
            return Err(Error::unexpected("the list of streams claims to go on, but does not say how"));
        }
        last = page.stream_names.last().cloned().or(last);
        let summaries = page.stream_summaries.unwrap_or_default();
        streams.extend(page.stream_names.into_iter().map(|name| stream(name, &summaries)));
        next_token = page.next_token;
        if !more {
            break;
        }
    }
    streams.sort_unstable_by(|one, other| one.stream_name.cmp(&other.stream_name));
    streams.dedup_by(|one, other| one.stream_name == other.stream_name);
    Ok(streams)
}

fn stream(name: String, summaries: &[StreamSummary]) -> Stream {
    let told = summaries.iter().find(|summary| summary.stream_name == name);
    let mode = told.and_then(|told| told.stream_mode_details.as_ref());
    let created = told.and_then(|told| told.stream_creation_timestamp.as_ref());
    Stream {
        stream_arn: told.map(|told| told.stream_arn.clone()),
        status: told.map(|told| told.stream_status.as_str().to_owned()),
        mode: mode.map(|mode| mode.stream_mode.as_str().to_owned()),
        created_at: created.and_then(|created| Timestamp::from_second(created.secs()).ok()),
        stream_name: name,
    }
}
