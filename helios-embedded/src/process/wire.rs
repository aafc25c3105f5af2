//! What the two processes say to each other besides HTTP: one line of JSON each way.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::sandbox::Sandbox;
use crate::stuck::StopReason;

/// What the child is to do. It comes on its standard input, which stays open for as long as the child is wanted.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) path: PathBuf,
    pub(super) library: PathBuf,
    pub(super) socket: PathBuf,
    pub(super) require_sandbox: bool,
    /// User and password of those who come through the guarded door.
    pub(super) credentials: Option<(String, String)>,
}

/// What the child says on its standard output, a line each.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// The engine answers.
    Ready { version: String, origin: String, sandbox: Sandbox },
    /// It does not start, and why.
    Failed(String),
    /// It ends because of this statement, which does not stop.
    Stuck { query_id: String, reason: StopReason },
}

/// The first byte of a connection: through which door it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// From the parent itself.
    Trusted,
    /// From a client of [`EngineProcess::listen`](super::EngineProcess::listen).
    Guarded,
}

impl Door {
    pub(super) const fn byte(self) -> u8 {
        match self {
            Self::Trusted => b'T',
            Self::Guarded => b'G',
        }
    }

    pub(super) fn of(byte: u8) -> Option<Self> {
        [Self::Trusted, Self::Guarded].into_iter().find(|door| door.byte() == byte)
    }
}

/// The child's exit status after a statement that did not stop.
pub(super) const STUCK: u8 = 70;
