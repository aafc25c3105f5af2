//! Tables: made, described, compared.

use std::fmt;

use clickhouse::Row;
use serde::Deserialize;
use uuid::Uuid;

use super::{Ident, Literal, TableName, Warehouse, from_clickhouse, partition::Partition, types::DataType};
use crate::{Column, Error, ErrorKind, FieldPath, Result};

/// How many inserts back a table we create recognises a repeated one.
///
/// ClickHouse's own default is 0: no insert of a plain `MergeTree` is ever recognised.
pub const DEDUPLICATION_WINDOW: u64 = 10_000;

/// A table to create. `Display` is its `CREATE TABLE`.
#[derive(Clone, Debug, PartialEq)]
pub struct TableDefinition {
    name: TableName,
    uuid: Uuid,
    columns: Vec<ColumnDefinition>,
    order_by: Vec<Ident>,
    partition_by: Option<Partition>,
}

/// A column in a statement, ready to be written.
#[derive(Clone, Debug, PartialEq)]
struct ColumnDefinition {
    name: Ident,
    data_type: DataType,
    default: Option<serde_json::Value>,
    field: Option<FieldPath>,
}

/// What a column's comment says of the field that it is filled from. In the table, as that is what delivery, `SHOW CREATE
/// TABLE` and whoever changes the table look at.
const FIELD_COMMENT: &str = "event field ";

/// A column of a table that there is.
pub(crate) fn described_column(name: String, data_type: String, comment: &str) -> Result<Column> {
    let pointer = comment.strip_prefix(FIELD_COMMENT).filter(|pointer| pointer.starts_with('/'));
    let field = pointer.map(str::parse::<FieldPath>).transpose();
    let field = field.map_err(|error| error.with("column", &name))?;
    let column = Column::new(name, data_type);
    Ok(match field {
        Some(field) => column.filled_from(field),
        None => column,
    })
}

impl ColumnDefinition {
    fn new(column: &Column) -> Result<Self> {
        let context = |error: Error| error.with("column", &column.name);
        let name = Ident::new(&column.name).map_err(context)?;
        let data_type = column.data_type.parse::<DataType>().map_err(context)?;
        if matches!(data_type, DataType::Nested(_)) {
            // ClickHouse makes several columns of it, none of them of this name.
            let message = "a column cannot be Nested; make it Array(Tuple(…)), which holds the same";
            return Err(context(Error::invalid_input(message)));
        }
        if let Some(default) = &column.default
            && !is_literal(default)
        {
            let message = "a default is null, a boolean, a number, a text, or a list of these";
            return Err(context(Error::invalid_input(message)));
        }
        // ClickHouse would write it as a text in another way than JSON does.
        if column.default.as_ref().is_some_and(serde_json::Value::is_array)
            && !matches!(data_type, DataType::Array(_))
        {
            return Err(context(Error::invalid_input("a list is the default of an Array only")));
        }
        let field = column.field.clone().filter(|field| field.only() != Some(&column.name));
        Ok(Self { name, data_type, default: column.default.clone(), field })
    }

    fn column(&self) -> Column {
        let column = Column::new(self.name.as_str(), self.data_type.to_string());
        Column { default: self.default.clone(), field: self.field.clone(), ..column }
    }
}

fn is_literal(default: &serde_json::Value) -> bool {
    match default {
        serde_json::Value::Array(elements) => elements.iter().all(is_literal),
        other => !other.is_object(),
    }
}

impl fmt::Display for ColumnDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.data_type)?;
        if let Some(default) = &self.default {
            f.write_str(" DEFAULT ")?;
            write_literal(f, default)?;
        }
        if let Some(field) = &self.field {
            write!(f, " COMMENT {}", Literal(&format!("{FIELD_COMMENT}{field}")))?;
        }
        Ok(())
    }
}

fn write_literal(f: &mut fmt::Formatter<'_>, value: &serde_json::Value) -> fmt::Result {
    match value {
        serde_json::Value::String(text) => write!(f, "{}", Literal(text)),
        serde_json::Value::Null => f.write_str("NULL"),
        serde_json::Value::Array(elements) => {
            f.write_str("[")?;
            for (at, element) in elements.iter().enumerate() {
                f.write_str(if at == 0 { "" } else { ", " })?;
                write_literal(f, element)?;
            }
            f.write_str("]")
        }
        // Numbers and truths are written alike; an object is none of a definition's.
        other => write!(f, "{other}"),
    }
}

/// Changes of a table's columns. `Display` is its `ALTER TABLE`; nothing, if there is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alteration {
    table: TableName,
    added: Vec<ColumnDefinition>,
    modified: Vec<ColumnDefinition>,
}

impl Alteration {
    /// Checks the columns to add, and those to give another type.
    ///
    /// # Errors
    ///
    /// As [`TableDefinition::new`].
    pub(crate) fn new(table: TableName, added: &[Column], modified: &[Column]) -> Result<Self> {
        let of = |columns: &[Column]| columns.iter().map(ColumnDefinition::new).collect::<Result<_>>();
        Ok(Self { table, added: of(added)?, modified: of(modified)? })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty()
    }
}

impl fmt::Display for Alteration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let added = self.added.iter().map(|column| format!("ADD COLUMN {column}"));
        let modified = self.modified.iter();
        let modified = modified.map(|column| format!("MODIFY COLUMN {} {}", column.name, column.data_type));
        for (at, change) in added.chain(modified).enumerate() {
            if at == 0 {
                write!(f, "ALTER TABLE {}", self.table)?;
            }
            write!(f, "{}\n    {change}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl TableDefinition {
    /// Checks a schema and makes it a table's. With the nil UUID ClickHouse chooses one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for no columns, an empty or repeated name, a type that is none, a sorting key that
    /// is not among the columns or may be null, a partition key that is none; it names the column.
    pub fn new(
        name: TableName,
        uuid: Uuid,
        schema: &[Column],
        order_by: &[String],
        partition_by: Option<&str>,
    ) -> Result<Self> {
        if schema.is_empty() {
            return Err(Error::invalid_input(
                "the schema has no columns; give at least one `{\"name\", \"type\"}`",
            ));
        }
        let mut columns = Vec::<ColumnDefinition>::with_capacity(schema.len());
        for (index, column) in schema.iter().enumerate() {
            if column.name.is_empty() {
                let message = format!("column {} of the schema has an empty name", index + 1);
                return Err(Error::invalid_input(message));
            }
            let column = ColumnDefinition::new(column)?;
            if columns.iter().any(|other| other.name == column.name) {
                let twice = Error::invalid_input("the schema has a column twice");
                return Err(twice.with("column", column.name.as_str()));
            }
            columns.push(column);
        }
        let order_by = order_by.iter().map(|key| sorting_key(key, &columns)).collect::<Result<_>>()?;
        let partition_by = partition_by.map(|text| Partition::parse(text, schema)).transpose()?;
        Ok(Self { name, uuid, columns, order_by, partition_by })
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &TableName {
        &self.name
    }

    /// The identity it will have.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.uuid
    }

    /// The columns, their types in ClickHouse's own spelling.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        self.columns.iter().map(ColumnDefinition::column).collect()
    }
}

fn sorting_key(key: &str, columns: &[ColumnDefinition]) -> Result<Ident> {
    match columns.iter().find(|column| column.name.as_str() == key) {
        None => {
            Err(Error::invalid_input("the sorting key is not a column of the schema").with("column", key))
        }
        Some(column) if column.data_type.is_nullable() => {
            Err(Error::invalid_input("a sorting key cannot be nullable").with("column", key))
        }
        Some(column) => Ok(column.name.clone()),
    }
}

impl fmt::Display for TableDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE TABLE {}", self.name)?;
        if !self.uuid.is_nil() {
            write!(f, " UUID '{}'", self.uuid)?;
        }
        f.write_str("\n(")?;
        for (index, column) in self.columns.iter().enumerate() {
            write!(f, "{}\n    {column}", if index == 0 { "" } else { "," })?;
        }
        f.write_str("\n)\nENGINE = MergeTree")?;
        if let Some(partition) = &self.partition_by {
            write!(f, "\nPARTITION BY {partition}")?;
        }
        match self.order_by.as_slice() {
            [] => f.write_str("\nORDER BY tuple()")?,
            [key] => write!(f, "\nORDER BY {key}")?,
            [first, rest @ ..] => {
                write!(f, "\nORDER BY ({first}")?;
                rest.iter().try_for_each(|key| write!(f, ", {key}"))?;
                f.write_str(")")?;
            }
        }
        write!(f, "\nSETTINGS non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}")
    }
}

/// A table as it is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TableDescription {
    /// Its identity, which outlives a rename. Zero in a database that keeps none.
    pub uuid: Uuid,
    /// The engine with its arguments and settings.
    pub engine: String,
    /// Its columns that an insert fills, in order, without their defaults.
    pub columns: Vec<Column>,
    /// Those of them that have a `DEFAULT`.
    pub defaults: Vec<String>,
    /// Those of them that are in the sorting, primary, partition or sampling key, of which ClickHouse keeps the types.
    pub keys: Vec<String>,
    /// The statement that would make it again.
    pub create_statement: String,
}

impl TableDescription {
    /// How many inserts back a repeated one is recognised: 0 is never. `None` if the engine says nothing about it.
    #[must_use]
    pub fn deduplication_window(&self) -> Option<u64> {
        let (_, rest) = self.engine.split_once("deduplication_window = ")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }
}

#[derive(Row, Deserialize)]
struct DescriptionRow {
    #[serde(with = "clickhouse::serde::uuid")]
    uuid: Uuid,
    engine: String,
    columns: Vec<(String, String, String)>,
    defaults: Vec<String>,
    keys: Vec<String>,
    create_statement: String,
}

const DESCRIBE: &str = "\
    SELECT tables.uuid AS uuid, tables.engine_full AS engine, \
    (SELECT groupArray((name, type, comment)) FROM (SELECT name, type, comment FROM system.columns \
     WHERE database = {database:String} AND table = {table:String} AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') \
     ORDER BY position)) AS columns, \
    (SELECT groupArray(name) FROM system.columns WHERE database = {database:String} AND table = {table:String} \
     AND default_kind = 'DEFAULT') AS defaults, \
    (SELECT groupArray(name) FROM system.columns WHERE database = {database:String} AND table = {table:String} \
     AND (is_in_partition_key OR is_in_sorting_key OR is_in_primary_key OR is_in_sampling_key)) AS keys, \
    tables.create_table_query AS create_statement \
    FROM system.tables AS tables WHERE database = {database:String} AND name = {table:String}";

impl Warehouse {
    /// A table's identity, engine and columns; `None` if there is no such table.
    ///
    /// # Errors
    ///
    /// Whatever keeps ClickHouse from answering.
    pub async fn describe_table(&self, name: &TableName) -> Result<Option<TableDescription>> {
        let row = self
            .client()
            .query_raw(DESCRIBE)
            .param("database", name.database().as_str())
            .param("table", name.table().as_str())
            .fetch_optional::<DescriptionRow>()
            .await
            .map_err(|error| from_clickhouse(error).with("table", name.plain()))?;
        let described = row.map(|row| {
            let column = |(name, data_type, comment): (String, String, String)| {
                described_column(name, data_type, &comment)
            };
            Ok(TableDescription {
                uuid: row.uuid,
                engine: row.engine,
                columns: row.columns.into_iter().map(column).collect::<Result<_>>()?,
                defaults: row.defaults,
                keys: row.keys,
                create_statement: row.create_statement,
            })
        });
        described.transpose()
    }

    /// Whether there is such a database.
    ///
    /// # Errors
    ///
    /// Whatever keeps ClickHouse from answering.
    pub async fn has_database(&self, database: &Ident) -> Result<bool> {
        let found: u64 = self
            .client()
            .query_raw("SELECT count() FROM system.databases WHERE name = {database:String}")
            .param("database", database.as_str())
            .fetch_one()
            .await
            .map_err(from_clickhouse)?;
        Ok(found > 0)
    }

    /// Makes a database unless it exists.
    ///
    /// # Errors
    ///
    /// What ClickHouse says, among it [`ErrorKind::PermissionDenied`].
    pub async fn create_database(&self, database: &Ident) -> Result<()> {
        self.execute(&format!("CREATE DATABASE IF NOT EXISTS {database}")).await
    }

    /// Makes the table. It must not exist.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`], [`ErrorKind::NotFound`] for the database, [`ErrorKind::InvalidQuery`] for a type
    /// that ClickHouse does not know.
    pub async fn create_table(&self, table: &TableDefinition) -> Result<()> {
        self.execute(&table.to_string()).await.map_err(|error| error.with("table", table.name.plain()))
    }

    /// Drops the table if it exists and still has this identity.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if it has rows: then it stays. What ClickHouse says.
    pub async fn drop_empty_table(&self, name: &TableName, uuid: Uuid) -> Result<()> {
        if self.describe_table(name).await?.is_none_or(|found| found.uuid != uuid) {
            return Ok(());
        }
        let count = self.client().query_raw(&format!("SELECT count() FROM {name}")).fetch_one();
        let rows: u64 = count.await.map_err(from_clickhouse)?;
        if rows > 0 {
            let error = Error::new(ErrorKind::Conflict, "the table has rows and was kept");
            return Err(error.with("table", name.plain()));
        }
        self.execute(&format!("DROP TABLE IF EXISTS {name} SYNC")).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn define(
        schema: &[(&str, &str)],
        order_by: &[&str],
        partition_by: Option<&str>,
    ) -> Result<TableDefinition> {
        let schema: Vec<_> = schema.iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect();
        let order_by: Vec<_> = order_by.iter().map(|key| (*key).to_owned()).collect();
        TableDefinition::new(
            TableName::new("shop", "clicks").unwrap(),
            Uuid::from_u128(7),
            &schema,
            &order_by,
            partition_by,
        )
    }

    #[test]
    fn without_an_identity_clickhouse_chooses_one() {
        let schema = [Column::new("id", "UInt64")];
        let table = TableDefinition::new(TableName::new("a", "b").unwrap(), Uuid::nil(), &schema, &[], None);
        assert!(table.unwrap().to_string().starts_with("CREATE TABLE `a`.`b`\n("));
    }

    #[test]
    fn the_statement_is_quoted_and_carries_the_window() {
        let table = define(
            &[("id", "UInt64"), ("at", "DateTime64(3, 'UTC')"), ("weird `name`", "Nullable(String)")],
            &["id", "at"],
            Some("toYYYYMM(at)"),
        );
        assert_eq!(
            table.unwrap().to_string(),
            "CREATE TABLE `shop`.`clicks` UUID '00000000-0000-0000-0000-000000000007'\n(\n    `id` UInt64,\n    \
             `at` DateTime64(3, 'UTC'),\n    `weird \\`name\\`` Nullable(String)\n)\nENGINE = MergeTree\n\
             PARTITION BY toYYYYMM(`at`)\nORDER BY (`id`, `at`)\nSETTINGS non_replicated_deduplication_window = 10000"
        );
    }

    #[test]
    fn a_default_and_a_field_are_written() {
        let name = || TableName::new("shop", "clicks").unwrap();
        let field: FieldPath = "/user/it's".parse().unwrap();
        let schema = [
            Column::new("plan", "LowCardinality(String)").default_value("it's").filled_from(field),
            Column::new("tags", "Array(Nullable(Int8))").default_value(serde_json::json!([1, null])),
            Column::new("ok", "Nullable(Bool)").default_value(true).filled_from(FieldPath::top("ok")),
        ];
        let table = TableDefinition::new(name(), Uuid::nil(), &schema, &[], None).unwrap();
        let text = table.to_string();
        for line in [
            r"`plan` LowCardinality(String) DEFAULT 'it\'s' COMMENT 'event field /user/it\'s',",
            "`tags` Array(Nullable(Int8)) DEFAULT [1, NULL],",
            "`ok` Nullable(Bool) DEFAULT true\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert_eq!(table.columns(), schema);
        let error = TableDefinition::new(
            name(),
            Uuid::nil(),
            &[Column::new("m", "Map(String, UInt8)").default_value(serde_json::json!({"a": 1}))],
            &[],
            None,
        );
        assert!(error.unwrap_err().to_string().contains("{column: m}"));
    }

    #[test]
    fn an_alteration_adds_and_modifies() {
        let name = TableName::new("shop", "clicks").unwrap();
        let added = [Column::new("a", "Nullable(UInt8)").filled_from("/b/a".parse().unwrap())];
        let modified = [Column::new("c", "String")];
        let alteration = Alteration::new(name.clone(), &added, &modified).unwrap();
        assert_eq!(
            alteration.to_string(),
            "ALTER TABLE `shop`.`clicks`\n    ADD COLUMN `a` Nullable(UInt8) COMMENT 'event field /b/a',\n    MODIFY \
             COLUMN `c` String"
        );
        assert_eq!(Alteration::new(name, &[], &[]).unwrap().to_string(), "");
    }

    #[test]
    fn a_comment_may_say_what_fills_the_column() {
        let field = |comment| {
            described_column("a".to_owned(), "UInt8".to_owned(), comment).map(|column| column.field)
        };
        assert_eq!(field("event field /b/c").unwrap(), Some("/b/c".parse().unwrap()));
        for comment in ["", "event field /a", "event field of the user", "an event field /b"] {
            assert_eq!(field(comment).unwrap(), None, "{comment}");
        }
        assert!(field("event field /b~c").unwrap_err().to_string().contains("column: a"));
    }

    #[test]
    fn a_bad_schema_is_refused_and_the_column_named() {
        for (schema, order_by, partition_by, says) in [
            (&[][..], &[][..], None, "no columns"),
            (&[("", "String")][..], &[][..], None, "column 1 of the schema has an empty name"),
            (&[("a", "String"), ("a", "UInt8")], &[], None, "column twice {column: a}"),
            (&[("a", "String) ENGINE = Memory --")], &[], None, "{column: a}"),
            (&[("a", "")], &[], None, "{column: a}"),
            (&[("a", "Nested(b UInt8)")], &[], None, "Array(Tuple(…))"),
            (&[("a", "String")], &["b"], None, "not a column of the schema {column: b}"),
            (&[("a", "Nullable(String)")], &["a"], None, "cannot be nullable {column: a}"),
            (&[("a", "String")], &[], Some("sleep(3)"), "partition"),
        ] {
            let error = define(schema, order_by, partition_by).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(says), "{error} should say {says}");
        }
    }

    #[test]
    fn the_window_is_read_from_the_engine() {
        let window = |engine: &str| {
            TableDescription {
                uuid: Uuid::nil(),
                engine: engine.to_owned(),
                columns: Vec::new(),
                defaults: Vec::new(),
                keys: Vec::new(),
                create_statement: String::new(),
            }
            .deduplication_window()
        };
        assert_eq!(
            window("MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100, x = 1"),
            Some(100)
        );
        assert_eq!(window("MergeTree ORDER BY id"), None);
    }
}
