//! How many files and sockets the process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Far more than the requests that are let in; it bounds memory.
const MAX_CONNECTIONS: usize = 4_096;
/// What connections leave for the engine, the log and calls to AWS, where there are few: a half.
const SHARE: u64 = 2;

/// Raises the limit of open files as far as the system allows.
pub(crate) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::warn!(%error, "Failed to raise the limit of open files.");
    }
}

/// How many connections there may be at the same time, so that enough files are left for everything else.
pub(crate) fn max_connections() -> usize {
    connections_within(getrlimit(Resource::Nofile).current)
}

/// `None` is no limit.
fn connections_within(files: Option<u64>) -> usize {
    let most =
        files.map_or(MAX_CONNECTIONS, |files| usize::try_from(files / SHARE).unwrap_or(MAX_CONNECTIONS));
    most.clamp(1, MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_few_files_is_left() {
        let found = [None, Some(0), Some(1_024), Some(8_192), Some(u64::MAX)].map(connections_within);
        assert_eq!(found, [4_096, 1, 512, 4_096, 4_096]);
    }
}
