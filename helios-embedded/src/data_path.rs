//! The directory of the data, before the engine sees it.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use crate::error::Error;

/// Makes the directory if need be, and gives its one absolute name: the engine doubles relative ones in some places.
pub(crate) fn prepare(path: &Path) -> Result<PathBuf, Error> {
    let unusable = |source| Error::PathUnusable { path: path.to_path_buf(), source };
    fs::create_dir_all(path).map_err(unusable)?;
    let absolute = path.canonicalize().map_err(unusable)?;
    fs::read_dir(&absolute).map_err(unusable)?;
    if absolute.to_str().is_none_or(|text| text.contains('\0')) {
        return Err(unusable(io::Error::new(ErrorKind::InvalidInput, "its name is not UTF-8")));
    }
    // The engine reports an unwritable directory only on standard error.
    let probe = absolute.join(format!(".helios-probe-{}", uuid::Uuid::new_v4().simple()));
    fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(unusable)?;
    Ok(absolute)
}

/// Fails if another process holds the engine's lock: a refusal would be explained on standard error only.
pub(crate) fn ensure_free(path: &Path) -> Result<(), Error> {
    let status = path.join("status");
    let file = match fs::File::open(&status) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::PathUnusable { path: path.to_path_buf(), source }),
    };
    // The same kind of lock as the engine's, let go of at once when the file is closed.
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let holder = fs::read_to_string(&status).ok().and_then(|text| holder(&text));
            Err(Error::PathInUse { path: path.to_path_buf(), holder })
        }
        Err(error) => Err(Error::PathUnusable { path: path.to_path_buf(), source: error.into() }),
    }
}

/// The process named in the engine's status file.
fn holder(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("PID: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_read_from_the_status_file() {
        assert_eq!(holder("PID: 13649\nStarted at: 2026-11-23 23:39:58\nRevision: 54513\n"), Some(13649));
        assert_eq!(holder("nonsense"), None);
    }
}
