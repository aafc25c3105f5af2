//! How answers and inserts are compressed on their way from and to a server.

use std::str::FromStr;

use crate::{Error, ErrorKind, Result};

/// The compression of what goes between this process and a ClickHouse server. The embedded engine needs none.
///
/// A compressed answer ends with a mark of its own, so one that was cut is an error even where HTTP says that it is whole:
/// [`Compression::None`] gives that up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Quick to make and to read. In settings: `lz4`.
    #[default]
    Lz4,
    /// Smaller, for slow or metered networks. In settings: `zstd`.
    Zstd,
    /// For a server on the same machine. In settings: `none`.
    None,
}

impl Compression {
    /// As the `clickhouse` crate has it.
    pub(super) fn of_client(self) -> clickhouse::Compression {
        match self {
            Self::Lz4 => clickhouse::Compression::Lz4,
            Self::Zstd => clickhouse::Compression::zstd(),
            Self::None => clickhouse::Compression::None,
        }
    }
}

impl FromStr for Compression {
    type Err = Error;

    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] for any other text; it names the right ones.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "lz4" => Ok(Self::Lz4),
            "zstd" => Ok(Self::Zstd),
            "none" => Ok(Self::None),
            other => Err(Error::new(
                ErrorKind::ConfigInvalid,
                format!("`clickhouse_compression` is `{other}`; it can be `lz4`, `zstd` or `none`"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_one_names_those_that_are() {
        assert_eq!("zstd".parse::<Compression>().unwrap(), Compression::Zstd);
        let error = "LZ4".parse::<Compression>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert_eq!(error.message(), "`clickhouse_compression` is `LZ4`; it can be `lz4`, `zstd` or `none`");
    }
}
