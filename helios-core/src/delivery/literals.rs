//! The defaults that no null can ask for: those that are literals are asked for when a table is looked at.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use clickhouse::Row;
use serde::Deserialize;

use super::{
    cast::as_text,
    insert::{encode, hex},
    schema::TableSchema,
    settings::InsertSettings,
};
use crate::{
    Error, ErrorKind, Result,
    warehouse::{
        Literal, Warehouse, from_clickhouse,
        types::{DataType, is_literal},
    },
};

/// What the defaults of one table that are asked for come to at most, and their values: the ledger keeps these with each
/// range that is open.
const MAX_BYTES: usize = 16 * 1024;

/// How ClickHouse writes values so that they are read as what they were: times with their offset, numbers as numbers.
const OUTPUT: &[(&str, &str)] = &[
    ("date_time_output_format", "iso"),
    ("output_format_json_quote_64bit_integers", "0"),
    ("output_format_json_quote_decimals", "0"),
    ("output_format_json_quote_denormals", "1"),
];

#[derive(Row, Deserialize)]
struct ValuesRow {
    values: Vec<String>,
}

#[derive(Row, Deserialize)]
struct SameRow {
    is_same: u8,
}

/// A column's default.
struct ColumnDefault<'a> {
    column: &'a str,
    data_type: &'a str,
    expression: &'a str,
}

impl ColumnDefault<'_> {
    /// Its value, as ClickHouse makes it where a field is absent.
    fn sql(&self) -> String {
        format!("CAST({}, {})", self.expression, Literal(self.data_type))
    }
}

/// The values, as JSON, of a table's defaults that no null can ask for, by column. Those that are no literals are left out,
/// and those that events could not have: of them an absent field cannot be filled in.
///
/// # Errors
///
/// What keeps ClickHouse from answering, but not that it refuses a default.
pub(super) async fn literals(
    warehouse: &Warehouse,
    schema: &TableSchema,
    expressions: &HashMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    // Who delivers to a table that events cannot be read for is told so then.
    let Ok(mut decoder) = schema.decoder() else { return Ok(BTreeMap::new()) };
    let types = schema.columns.iter().map(|column| (column.name.as_str(), column.data_type.as_str()));
    let types: HashMap<_, _> = types.collect();
    let mut room = Room(MAX_BYTES);
    let unasked = decoder.unasked().filter_map(|column| {
        let (column, data_type) = types.get_key_value(column)?;
        let expression = expressions.get(*column)?;
        let is_asked_for = is_literal(expression) && room.takes(expression);
        is_asked_for.then_some(ColumnDefault { column, data_type, expression })
    });
    let defaults: Vec<_> = unasked.collect();
    if defaults.is_empty() {
        return Ok(BTreeMap::new());
    }
    let asking = Asking {
        warehouse,
        settings: InsertSettings::of(warehouse).await?,
        from_text: schema.has_columns_from_text()?,
    };
    let (mut found, mut room) = (BTreeMap::new(), Room(MAX_BYTES));
    for (default, value) in defaults.iter().zip(asking.values(&defaults).await?) {
        let Some(row) = decoder.value(default.column, &value).filter(|_| room.takes(&value)) else {
            continue;
        };
        let data_type: DataType = default.data_type.parse()?;
        if !may_change(&data_type) || asking.is_same(default, &row).await? {
            found.insert(default.column.to_owned(), value);
        }
    }
    Ok(found)
}

/// How many bytes there may still be.
struct Room(usize);

impl Room {
    /// Whether a text has room, which it then takes.
    fn takes(&mut self, text: &str) -> bool {
        let left = self.0.checked_sub(text.len());
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

/// Whether a value of this type may be of another type after it was JSON.
fn may_change(data_type: &DataType) -> bool {
    let is_open =
        |part: &DataType| matches!(part, DataType::Json(_) | DataType::Dynamic { .. } | DataType::Variant(_));
    data_type.has(&is_open)
}

struct Asking<'a> {
    warehouse: &'a Warehouse,
    settings: InsertSettings,
    from_text: bool,
}

impl Asking<'_> {
    /// The values of these, as JSON; none if ClickHouse refuses one of them.
    async fn values(&self, defaults: &[ColumnDefault<'_>]) -> Result<Vec<String>> {
        let values = defaults
            .iter()
            .map(|default| format!("formatRowNoNewline('JSONCompactEachRow', {})", default.sql()))
            .collect::<Vec<_>>()
            .join(", ");
        let question = format!("SELECT [{values}] AS values");
        let lines = match self.query(&question).fetch_one::<ValuesRow>().await.map_err(from_clickhouse) {
            Ok(row) => row.values,
            Err(error) if is_refusal(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
        let value = |line: String| Some(line.strip_prefix('[')?.strip_suffix(']')?.to_owned());
        Ok(lines.into_iter().map(|line| value(line).unwrap_or_default()).collect())
    }

    /// Whether what would be sent for a default is that default to the last bit, and of the same type within.
    async fn is_same(&self, default: &ColumnDefault<'_>, row: &RecordBatch) -> Result<bool> {
        let casts = self.from_text && self.settings.casts(self.warehouse).await?;
        let sent: DataType = default.data_type.parse()?;
        let sent = if casts { as_text(sent) } else { sent };
        let question = format!(
            "SELECT formatRow('RowBinary', CAST(value, {data_type})) = formatRow('RowBinary', {}) AS is_same \
             FROM format(ArrowStream, {}, unhex('{}'))",
            default.sql(),
            Literal(&format!("value {sent}")),
            hex(&encode(row)?)?,
            data_type = Literal(default.data_type),
        );
        match self.query(&question).fetch_one::<SameRow>().await.map_err(from_clickhouse) {
            Ok(row) => Ok(row.is_same == 1),
            Err(error) if is_refusal(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A query under the settings of the table's inserts.
    fn query(&self, question: &str) -> clickhouse::query::Query {
        let query = self.warehouse.client().query_raw(question);
        let settings = self.settings.for_insert(self.from_text).chain(OUTPUT.iter().copied());
        settings.fold(query, |query, (name, value)| query.with_setting(name, value))
    }
}

/// Whether ClickHouse has understood, and will answer the same the next time.
fn is_refusal(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::InvalidQuery | ErrorKind::PermissionDenied => true,
        ErrorKind::Unexpected => error.server_code().is_some(),
        _ => false,
    }
}
