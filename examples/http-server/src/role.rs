//! What a caller may do.

use std::{fmt, str::FromStr};

/// A role. Each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Queries, schemas, lists and reports.
    Read,
    /// Creating, pausing, resuming and repairing sources, delivering, and what is done with rejects.
    Operate,
    /// Everything: removing sources, and SQL that writes where the server allows it.
    Admin,
}

impl Role {
    pub(crate) const ALL: [Self; 3] = [Self::Read, Self::Operate, Self::Admin];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not the name of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}
