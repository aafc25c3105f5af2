//! Rows whose `JSON` is declared as text, which ClickHouse casts while it inserts them.
//!
//! ClickHouse has two ways from text to `JSON`. Its reader of Arrow makes dates of strings that look like some, and since 26.8
//! no setting prevents that; a cast obeys the settings of the insert. So where the reader changes a string, the rows are
//! declared with text in place of `JSON`, and a `SELECT` from them is inserted.

use arrow_schema::Schema;
use clickhouse::Row;
use serde::Deserialize;

use crate::{
    Result,
    warehouse::{
        Ident, Literal, TableName, Warehouse, from_clickhouse,
        types::{DataType, TupleField},
    },
};

#[derive(Row, Deserialize)]
struct ColumnRow {
    name: String,
    data_type: String,
    has_default: bool,
}

/// The query that reads rows of these columns from the data of an insert into the table.
pub(super) async fn select(warehouse: &Warehouse, table: &TableName, rows: &Schema) -> Result<String> {
    let columns: Vec<ColumnRow> = warehouse
        .client()
        .query_raw(
            "SELECT name, type AS data_type, default_kind != '' AS has_default FROM system.columns \
             WHERE database = {database:String} AND table = {table:String}",
        )
        .param("database", table.database().as_str())
        .param("table", table.table().as_str())
        .fetch_all()
        .await
        .map_err(from_clickhouse)?;
    let (mut names, mut structure) = (Vec::new(), Vec::new());
    for field in rows.fields() {
        let name = Ident::new(field.name())?.to_string();
        // One that is missing is named in the insert, too, whose error says so.
        if let Some(column) = columns.iter().find(|column| column.name == *field.name()) {
            let sent = sent(column.data_type.parse()?, column.has_default);
            structure.push(format!("{name} {sent}"));
        }
        names.push(name);
    }
    Ok(format!("SELECT {} FROM input({})", names.join(", "), Literal(&structure.join(", "))))
}

/// The type with which the values of a column are declared.
fn sent(column: DataType, has_default: bool) -> DataType {
    let sent = as_text(column);
    // A null asks for the default; in other types none does.
    if has_default { nullable(sent) } else { sent }
}

/// The type with text in place of each `JSON`.
pub(super) fn as_text(data_type: DataType) -> DataType {
    let boxed = |inner: Box<DataType>| Box::new(as_text(*inner));
    let fields = |fields: Vec<TupleField>| {
        let field = |field: TupleField| TupleField { data_type: as_text(field.data_type), ..field };
        fields.into_iter().map(field).collect()
    };
    match data_type {
        DataType::Json(_) => DataType::String,
        DataType::Nullable(inner) => DataType::Nullable(boxed(inner)),
        DataType::Array(element) => DataType::Array(boxed(element)),
        DataType::Map(key, value) => DataType::Map(key, boxed(value)),
        DataType::Tuple(of) => DataType::Tuple(fields(of)),
        DataType::Nested(of) => DataType::Nested(fields(of)),
        DataType::SimpleAggregateFunction { data_type, .. } => as_text(*data_type),
        other => other,
    }
}

/// The type with null, if there is one.
fn nullable(data_type: DataType) -> DataType {
    if data_type.is_nullable() {
        return data_type;
    }
    match data_type {
        DataType::LowCardinality(inner) => DataType::LowCardinality(Box::new(nullable(*inner))),
        DataType::Array(_)
        | DataType::Map(..)
        | DataType::Tuple(_)
        | DataType::Nested(_)
        | DataType::Point
        | DataType::Ring
        | DataType::LineString
        | DataType::MultiLineString
        | DataType::Polygon
        | DataType::MultiPolygon
        | DataType::Object(_)
        | DataType::AggregateFunction(_)
        | DataType::Other(_) => data_type,
        scalar => DataType::Nullable(Box::new(scalar)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_declared_as_text() {
        for (column, plain, defaulted) in [
            ("JSON(a UInt8)", "String", "Nullable(String)"),
            ("Nullable(JSON)", "Nullable(String)", "Nullable(String)"),
            (
                "Map(String, Tuple(a Array(JSON), b UInt8))",
                "Map(String, Tuple(a Array(String), b UInt8))",
                "Map(String, Tuple(a Array(String), b UInt8))",
            ),
            ("LowCardinality(String)", "LowCardinality(String)", "LowCardinality(Nullable(String))"),
            ("SimpleAggregateFunction(anyLast, DateTime64(3))", "DateTime64(3)", "Nullable(DateTime64(3))"),
            ("Dynamic", "Dynamic", "Dynamic"),
        ] {
            let sent = |has_default| sent(column.parse().unwrap(), has_default).to_string();
            assert_eq!((sent(false).as_str(), sent(true).as_str()), (plain, defaulted), "{column}");
        }
    }
}
