//! Finding libchdb, and loading it once.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

use crate::{api::Api, error::Error};

/// The version of the npm package `@chdb/lib-linux-x64-gnu` that this crate is written for and tested with.
pub const ENGINE_VERSION: &str = env!("LIBCHDB_VERSION");

/// The environment variable that names the library file.
pub const LIBRARY_VARIABLE: &str = "HELIOS_CHDB_LIB";

const FILE_NAME: &str = "libchdb.so";

/// Where the set-up puts the library: `$XDG_CACHE_HOME/helios/chdb-<version>/libchdb.so`, with `$HOME/.cache` for
/// a missing `XDG_CACHE_HOME`. `None` without either variable.
#[must_use]
pub fn setup_location() -> Option<PathBuf> {
    setup_location_in(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"))
}

fn setup_location_in(cache: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    // The XDG specification: a relative or empty XDG_CACHE_HOME counts as unset.
    let cache = cache
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| home.filter(|home| !home.is_empty()).map(|home| PathBuf::from(home).join(".cache")))?;
    Some(cache.join("helios").join(format!("chdb-{ENGINE_VERSION}")).join(FILE_NAME))
}

static LOADED: OnceLock<(Api, PathBuf)> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());

/// The library, loaded on the first call and kept for the life of the process: its threads outlive every connection,
/// so it can never be unloaded, and a second copy beside it would share nothing but the signal handlers.
pub(crate) fn load(explicit: Option<&Path>) -> Result<(&'static Api, PathBuf), Error> {
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((api, file)) = LOADED.get() {
        return Ok((api, file.clone()));
    }
    let file = find(explicit)?;
    // Loading blocks SIGPIPE in the thread that does it. On a thread of its own the caller's signal mask stays as it is.
    let loading = thread::Builder::new().name("helios-load".into()).spawn({
        let file = file.clone();
        move || Api::load(&file)
    });
    let loaded = match loading {
        Ok(thread) => thread.join().unwrap_or_else(|_| Err("loading it panicked".into())),
        Err(error) => Err(format!("no thread to load it on: {error}")),
    };
    match loaded {
        Ok(api) => {
            let (api, file) = LOADED.get_or_init(|| (api, file));
            Ok((api, file.clone()))
        }
        Err(reason) if file == Path::new(FILE_NAME) => {
            let mut tried = candidates(explicit).map(|(_, tried)| tried).unwrap_or_default();
            tried.push(format!("the system's loader ({reason})"));
            Err(Error::LibraryMissing { tried })
        }
        Err(reason) => Err(Error::LibraryInvalid { path: file, reason }),
    }
}

/// The file to load. A bare `libchdb.so` leaves the search to the system's loader.
pub(crate) fn find(explicit: Option<&Path>) -> Result<PathBuf, Error> {
    match candidates(explicit) {
        Ok((file, _)) => Ok(file),
        Err(tried) => Err(Error::LibraryMissing { tried }),
    }
}

/// The file to load with what was passed over before it, or everything tried where the caller or the environment
/// named a file that is not there: what was asked for is not replaced in silence.
fn candidates(explicit: Option<&Path>) -> Result<(PathBuf, Vec<String>), Vec<String>> {
    let variable = env::var_os(LIBRARY_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let asked_for = match (explicit, variable) {
        (Some(path), _) => Some((path.to_path_buf(), path.display().to_string())),
        (None, Some(path)) => {
            let name = format!("{} (from {LIBRARY_VARIABLE})", path.display());
            Some((path, name))
        }
        (None, None) => None,
    };
    if let Some((path, name)) = asked_for {
        return if path.exists() { Ok((path, Vec::new())) } else { Err(vec![name]) };
    }
    let mut tried = vec![format!("{LIBRARY_VARIABLE} (not set)")];
    if let Some(path) = setup_location() {
        if path.exists() {
            return Ok((path, tried));
        }
        tried.push(path.display().to_string());
    }
    Ok((PathBuf::from(FILE_NAME), tried))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setup_location_follows_xdg() {
        let expected =
            |base: &str| Some(PathBuf::from(format!("{base}/helios/chdb-{ENGINE_VERSION}/libchdb.so")));
        assert_eq!(setup_location_in(Some("/cache".into()), Some("/home/u".into())), expected("/cache"));
        assert_eq!(setup_location_in(None, Some("/home/u".into())), expected("/home/u/.cache"));
        assert_eq!(
            setup_location_in(Some("relative".into()), Some("/home/u".into())),
            expected("/home/u/.cache")
        );
        assert_eq!(setup_location_in(Some("".into()), Some("".into())), None);
    }

    #[test]
    fn a_named_file_that_is_missing_is_not_replaced() {
        let tried = candidates(Some(Path::new("/nowhere/libchdb.so"))).unwrap_err();
        assert_eq!(tried, ["/nowhere/libchdb.so"]);
    }
}
