//! Which source somebody means.

use serde::Deserialize;

use super::{Mapping, Sources};
use crate::{Error, ErrorKind, Result, warehouse::TableName};

/// Which source is meant: `{"source": "shop.clicks"}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct NamedSource {
    /// Its id, or its table: `clicks`, `shop.clicks`.
    pub source: String,
}

impl AsRef<str> for NamedSource {
    fn as_ref(&self) -> &str {
        &self.source
    }
}

/// The one of a table's mappings, or of several the one of that stream, given by name or ARN.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::Conflict`] if there are several: it names their streams.
pub(crate) fn the_one(
    mut mappings: Vec<Mapping>,
    table: &TableName,
    stream: Option<&str>,
) -> Result<Mapping> {
    if let Some(stream) = stream {
        mappings.retain(|mapping| mapping.stream_name == stream || mapping.stream_arn == stream);
    }
    if mappings.len() > 1 {
        let streams: Vec<&str> = mappings.iter().map(|mapping| mapping.stream_name.as_str()).collect();
        let message = format!("several streams fill this table: name one of {}", streams.join(", "));
        return Err(Error::new(ErrorKind::Conflict, message).with("table", table.plain()));
    }
    mappings.pop().ok_or_else(|| {
        let message = "no source fills this table; `sources` lists those there are";
        let error = Error::new(ErrorKind::NotFound, message).with("table", table.plain());
        stream.into_iter().fold(error, |error, stream| error.with("stream", stream))
    })
}

impl Sources {
    /// The source that somebody means by its id, or by its table: `clicks` in `default`, or `shop.clicks`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if there is none, [`ErrorKind::Conflict`] if several streams fill the table: it names their ids.
    pub(super) async fn find(&self, source: &str) -> Result<Mapping> {
        let mut found = self.mappings.all().await?;
        found.retain(|mapping| is_meant(mapping, source));
        if found.len() > 1 {
            let ids: Vec<_> =
                found.iter().map(|mapping| format!("{} ({})", mapping.id(), mapping.stream_name)).collect();
            let message =
                format!("several streams fill this table: name one source by its id, {}", ids.join(", "));
            return Err(Error::new(ErrorKind::Conflict, message).with("source", source));
        }
        found.pop().ok_or_else(|| {
            let message = "there is no such source; `sources` lists those there are, with their ids";
            Error::new(ErrorKind::NotFound, message).with("source", source)
        })
    }
}

fn is_meant(mapping: &Mapping, source: &str) -> bool {
    let table = &mapping.table;
    let is_default = table.database().as_str() == "default";
    source.parse().is_ok_and(|id: uuid::Uuid| id == mapping.id())
        || table.plain() == source
        || is_default && table.table().as_str() == source
}
