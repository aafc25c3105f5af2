//! One thing that was looked at: whether it is as it must be, and what to do if not.

use std::borrow::Cow;

use serde::Serialize;

/// One thing that was looked at.
///
/// On the wire: `{"check": "kinesis:ListShards", "status": "missing", "detail": "…", "remedy": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Check {
    /// What was looked at.
    pub check: String,
    /// How it is.
    pub status: CheckStatus,
    /// What was seen, for a person.
    pub detail: String,
    /// What to do, unless it is as it must be.
    pub remedy: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CheckStatus {
    /// As it must be.
    Ok,
    /// Not as it must be.
    Missing,
    /// That could not be found out.
    Unknown,
}

impl Check {
    pub(super) fn new<'a>(check: &str, status: CheckStatus, detail: impl Into<Cow<'a, str>>) -> Self {
        Self { check: check.to_owned(), status, detail: detail.into().into_owned(), remedy: None }
    }

    pub(super) fn ok<'a>(check: &str, detail: impl Into<Cow<'a, str>>) -> Self {
        Self::new(check, CheckStatus::Ok, detail)
    }

    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}
