//! The settings of an insert: all that matter, none left to the server's defaults, which differ between versions.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use clickhouse::Row;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::OnceCell;

use super::insert::{encode, hex};
use crate::{
    Error, ErrorKind, Result,
    warehouse::{Literal, QueryOptions, Warehouse, from_clickhouse},
};

/// Sent with every insert, to every server.
const ALWAYS: &[(&str, &str)] = &[
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    // One insert is one block per partition: a repeated insert must have the same blocks.
    ("max_insert_block_size", "100000000"),
    ("min_insert_block_size_rows", "100000000"),
    ("min_insert_block_size_bytes", "0"),
    ("max_insert_threads", "1"),
    ("max_threads", "1"),
    ("input_format_parallel_parsing", "0"),
    ("max_partitions_per_insert_block", "100"),
    ("throw_on_max_partitions_per_insert_block", "1"),
    ("date_time_input_format", "best_effort"),
    // The columns are named; one that the table lacks is an error, not to be passed over.
    ("input_format_skip_unknown_fields", "0"),
    // A null in a column with a default stands for an absent field; a null of an event was checked before.
    ("input_format_null_as_default", "1"),
    ("input_format_defaults_for_omitted_fields", "1"),
    ("insert_null_as_default", "1"),
    ("materialized_views_ignore_errors", "0"),
    // A text in a JSON column stays a text: the engine would turn "2024-02-30" into the first of March.
    ("input_format_try_infer_dates", "0"),
    ("input_format_try_infer_datetimes", "0"),
    ("input_format_json_read_bools_as_numbers", "0"),
];

/// Sent to the servers that know them: a setting that a server does not know is an error.
const WHERE_KNOWN: &[(&str, &str)] = &[
    ("deduplicate_insert", "enable"),
    ("deduplicate_insert_select", "enable_when_possible"),
    ("deduplicate_blocks_in_dependent_materialized_views", "1"),
    ("max_insert_block_size_bytes", "0"),
    ("input_format_json_infer_array_of_dynamic_from_array_of_different_types", "1"),
    ("type_json_skip_duplicated_paths", "0"),
    ("cast_string_to_dynamic_use_inference", "0"),
    ("cast_string_to_variant_use_inference", "0"),
];

/// For a table with columns that ClickHouse makes from text. The native reader, the only one to have this switch, makes a
/// `JSON` under the engine's defaults, whatever the settings of the insert are (measured on 26.7).
const FROM_TEXT: (&str, &str) = ("input_format_arrow_use_native_reader", "0");

/// Sent with other statements of delivery, to every server.
const OF_OTHER_STATEMENTS: &[&str] = &[
    "insert_allow_materialized_columns",
    "insert_deduplication_token",
    "lightweight_deletes_sync",
    "max_query_size",
    "mutations_sync",
    "select_sequential_consistency",
];

/// A string that looks like a date but is not a valid one.
const NO_DATE: &str = "2024-02-30";

/// Name and value of each setting of an insert, but its token.
#[derive(Clone, Debug)]
pub(super) struct InsertSettings {
    always: Vec<(&'static str, &'static str)>,
    from_text: Option<(&'static str, &'static str)>,
    /// Whether a `JSON` must be cast from text.
    casts: OnceCell<bool>,
}

#[derive(Row, Deserialize)]
struct KeptRow {
    is_kept: u8,
}

#[derive(Row, Deserialize)]
struct SettingRow {
    name: String,
    is_obsolete: bool,
}

/// How a server treats a setting that Helios relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unheeded {
    /// It refuses statements that are sent with it.
    Unknown,
    /// It is obsolete: accepted, and without effect.
    Obsolete,
}

/// The settings that Helios sends with queries and deliveries to every server, and that this one does not heed, sorted.
pub(crate) async fn unheeded_settings(warehouse: &Warehouse) -> Result<Vec<(&'static str, Unheeded)>> {
    let sent = sent();
    let rows = ask(warehouse, &sent).await?;
    Ok(unheeded(&sent, &rows))
}

fn sent() -> Vec<&'static str> {
    let of_inserts = ALWAYS.iter().map(|(name, _)| *name);
    let mut sent: Vec<_> =
        of_inserts.chain(OF_OTHER_STATEMENTS.iter().copied()).chain(QueryOptions::SETTINGS).collect();
    sent.sort_unstable();
    sent
}

fn unheeded(sent: &[&'static str], rows: &[SettingRow]) -> Vec<(&'static str, Unheeded)> {
    let of = |name: &'static str| match rows.iter().find(|row| row.name == name) {
        None => Some((name, Unheeded::Unknown)),
        Some(row) if row.is_obsolete => Some((name, Unheeded::Obsolete)),
        Some(_) => None,
    };
    sent.iter().copied().filter_map(of).collect()
}

/// What the server says of these settings; nothing of one that it does not know.
async fn ask(warehouse: &Warehouse, names: &[&str]) -> Result<Vec<SettingRow>> {
    let names: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    let question =
        format!("SELECT name, is_obsolete FROM system.settings WHERE name IN ({})", names.join(", "));
    warehouse.client().query_raw(&question).fetch_all().await.map_err(from_clickhouse)
}

impl InsertSettings {
    /// Asks the server which settings it knows. One that is obsolete is accepted, and has no effect.
    pub(super) async fn of(warehouse: &Warehouse) -> Result<Self> {
        let wanted = ALWAYS.iter().chain(WHERE_KNOWN).chain([&FROM_TEXT]);
        let wanted: Vec<_> = wanted.map(|(name, _)| *name).collect();
        let rows = ask(warehouse, &wanted).await?;
        let is_known = |name: &str| rows.iter().any(|row| row.name == name && !row.is_obsolete);
        for (name, value) in ALWAYS.iter().filter(|(name, _)| !is_known(name)) {
            tracing::warn!(name, value, "ClickHouse ignores a setting of inserts that Helios relies on.");
        }
        let known = WHERE_KNOWN.iter().filter(|(name, _)| is_known(name));
        Ok(Self {
            always: ALWAYS.iter().chain(known).copied().collect(),
            from_text: is_known(FROM_TEXT.0).then_some(FROM_TEXT),
            casts: OnceCell::new(),
        })
    }

    /// Whether a `JSON` must be cast from text, as the reader of Arrow changes strings in it: tried once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConfigInvalid`] if this ClickHouse changes strings in `JSON` either way.
    pub(super) async fn casts(&self, warehouse: &Warehouse) -> Result<bool> {
        let found = self.casts.get_or_try_init(async || {
            let document = json!({"p": NO_DATE}).to_string();
            let sent = StringArray::from(vec![document.as_str()]);
            let rows = RecordBatch::try_from_iter([("v", Arc::new(sent) as ArrayRef)]);
            let rows = encode(&rows.map_err(|error| Error::unexpected("a string makes no batch").caused_by(error))?)?;
            let read = format!("format(ArrowStream, 'v JSON', unhex('{}'))", hex(&rows)?);
            if self.keeps(warehouse, &read).await? {
                return Ok(false);
            }
            if self.keeps(warehouse, &format!("(SELECT CAST({} AS JSON) AS v)", Literal(&document))).await? {
                return Ok(true);
            }
            let message = "this ClickHouse changes strings in `JSON` columns that look like dates; let the column be a \
                           String";
            Err(Error::new(ErrorKind::ConfigInvalid, message))
        });
        found.await.copied()
    }

    /// Whether a string in the `JSON` `v` of this source is as it was.
    async fn keeps(&self, warehouse: &Warehouse, source: &str) -> Result<bool> {
        let question = format!("SELECT toString(v.p) = '{NO_DATE}' AS is_kept FROM {source}");
        let query = warehouse.client().query_raw(&question);
        let query = self.for_insert(true).fold(query, |query, (name, value)| query.with_setting(name, value));
        // No error of this is the fault of a row that waits to be inserted.
        let row: KeptRow = query.fetch_one().await.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "how ClickHouse reads `JSON` cannot be tried")
                .caused_by(from_clickhouse(error))
                .retryable(true)
        })?;
        Ok(row.is_kept == 1)
    }

    /// The settings of an insert into a table that has, or has not, columns made from text.
    pub(super) fn for_insert(&self, from_text: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.always.iter().copied().chain(self.from_text.filter(|_| from_text))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// They would drop bad rows without a word.
    #[test]
    fn errors_are_never_allowed() {
        for (name, _) in ALWAYS.iter().chain(WHERE_KNOWN) {
            assert!(!name.starts_with("input_format_allow_errors"), "{name}");
        }
    }

    #[test]
    fn what_a_server_does_not_heed_is_told() {
        let row = |name: &str, is_obsolete| SettingRow { name: name.to_owned(), is_obsolete };
        let rows = [row("async_insert", false), row("max_threads", true), row("another", true)];
        assert_eq!(
            unheeded(&["async_insert", "insert_deduplicate", "max_threads"], &rows),
            [("insert_deduplicate", Unheeded::Unknown), ("max_threads", Unheeded::Obsolete)]
        );
    }

    /// A setting that is written into a statement elsewhere is one of those that the server is asked about.
    #[test]
    fn every_setting_of_delivery_is_known_here() {
        fn look(folder: &Path, sent: &[&str]) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    look(&path, sent);
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap();
                let names = text.split(".with_setting(\"").skip(1).filter_map(|rest| rest.split('"').next());
                for name in names {
                    assert!(sent.contains(&name), "{}: {name}", path.display());
                }
            }
        }
        look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/delivery"), &sent());
    }

    #[test]
    fn what_exactly_once_rests_on_is_always_sent() {
        for setting in [("async_insert", "0"), ("insert_deduplicate", "1"), ("max_insert_threads", "1")] {
            assert!(ALWAYS.contains(&setting));
        }
        assert!(WHERE_KNOWN.contains(&("deduplicate_insert", "enable")));
    }
}
