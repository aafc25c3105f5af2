//! What an engine is opened with.

use std::path::PathBuf;

/// Where the data and the library are.
///
/// ```
/// use helios_embedded::Options;
///
/// let options = Options::new("./helios-data");
/// assert_eq!(options.library, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The directory of the data. Made if it is not there. Relative paths are taken from the working directory
    /// of the moment of opening.
    pub path: PathBuf,

    /// The file `libchdb.so`. Default: none, which means the places that
    /// [`Engine::open`](crate::Engine::open) lists.
    pub library: Option<PathBuf>,
}

impl Options {
    /// Data at `path`, the library where it is usually found.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), library: None }
    }

    /// The same, with the library at `library`.
    #[must_use]
    pub fn with_library(self, library: impl Into<PathBuf>) -> Self {
        Self { library: Some(library.into()), ..self }
    }
}
