//! Tables to be made.

use std::{collections::HashSet, fmt};

use uuid::Uuid;

use super::{
    column::ColumnDefinition,
    engine::TableEngine,
    options::{OnCluster, TableOptions},
    ttl::Ttl,
};
use crate::{
    Column, Error, Result, column_names,
    warehouse::{Ident, Literal, Partition, TableName, types::DataType},
};

/// How long a replicated table that Helios creates recognises a repeated insert: a week, because Lambda may repeat one for
/// that long. ClickHouse's default is an hour.
const DEDUPLICATION_SECONDS: u64 = 604_800;

/// A table to create. `Display` is its `CREATE TABLE`.
#[derive(Clone, Debug, PartialEq)]
pub struct TableDefinition {
    name: TableName,
    uuid: Uuid,
    cluster: Option<String>,
    columns: Vec<ColumnDefinition>,
    /// Columns that no event fills.
    further_columns: Vec<ColumnDefinition>,
    hidden: Vec<String>,
    engine: TableEngine,
    order_by: Vec<Ident>,
    partition_by: Option<Partition>,
    ttl: Option<Ttl>,
    deduplication_window: u64,
    comment: Option<String>,
}

impl TableDefinition {
    /// Checks a schema and makes it a table's. With the nil UUID ClickHouse chooses one.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for no columns, an empty or repeated name, a name that no table can
    /// have, or not beside the others, an invalid type, a sorting key that is not among the columns or may be null, a partition key, TTL or engine that is none; it names the
    /// column.
    pub fn new(name: TableName, uuid: Uuid, schema: &[Column], options: &TableOptions) -> Result<Self> {
        if schema.is_empty() {
            return Err(Error::invalid_input(
                "the schema has no columns; give at least one `{\"name\", \"type\"}`",
            ));
        }
        let mut columns = Vec::with_capacity(schema.len());
        let mut names = HashSet::with_capacity(schema.len());
        names.extend(options.further_columns.iter().map(|column| &*column.name));
        let hidden = options.hidden.iter().filter_map(|hidden| hidden.split(' ').next());
        names.extend(hidden.filter(|word| *word != "INDEX"));
        for (index, column) in schema.iter().enumerate() {
            if column.name.is_empty() {
                let message = format!("column {} of the schema has an empty name", index + 1);
                return Err(Error::invalid_input(message));
            }
            if !names.insert(&*column.name) {
                let twice = Error::invalid_input("the schema has a column twice");
                return Err(twice.with("column", column.name.as_str()));
            }
            columns.push(ColumnDefinition::new(column)?);
        }
        column_names::check(schema)?;
        let order_by = match &options.order_by {
            Some(keys) => keys.iter().map(|key| sorting_key(key, &columns)).collect::<Result<_>>()?,
            None => time_column(&columns).cloned().into_iter().collect(),
        };
        let engine = options.engine.as_deref().map(|text| TableEngine::parse(text, schema));
        Ok(Self {
            name,
            uuid,
            cluster: options.cluster.clone(),
            further_columns: options
                .further_columns
                .iter()
                .map(ColumnDefinition::new)
                .collect::<Result<_>>()?,
            columns,
            hidden: options.hidden.clone(),
            engine: engine.transpose()?.unwrap_or_default(),
            order_by,
            partition_by: options
                .partition_by
                .as_deref()
                .map(|text| Partition::parse(text, schema))
                .transpose()?,
            ttl: options.ttl.as_deref().map(|text| Ttl::parse(text, schema)).transpose()?,
            deduplication_window: options.deduplication_window,
            comment: None,
        })
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

    /// The same table with this identity.
    #[must_use]
    pub fn with_uuid(self, uuid: Uuid) -> Self {
        Self { uuid, ..self }
    }

    /// The same table with this comment.
    pub(crate) fn with_comment(self, comment: String) -> Self {
        Self { comment: Some(comment), ..self }
    }

    /// The cluster on whose nodes it will be.
    #[must_use]
    pub fn cluster(&self) -> Option<&str> {
        self.cluster.as_deref()
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &TableEngine {
        &self.engine
    }

    /// How many inserts back a repeated one will be recognised.
    #[must_use]
    pub fn deduplication_window(&self) -> u64 {
        self.deduplication_window
    }

    /// The columns that events fill, their types in ClickHouse's own spelling.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        self.columns.iter().map(ColumnDefinition::column).collect()
    }

    /// The columns that no event fills.
    #[must_use]
    pub fn further_columns(&self) -> Vec<Column> {
        self.further_columns.iter().map(ColumnDefinition::column).collect()
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

/// The first column that is a time, else the first that is a day.
fn time_column(columns: &[ColumnDefinition]) -> Option<&Ident> {
    let of = |is: fn(&DataType) -> bool| columns.iter().find(|column| is(&column.data_type));
    let time = of(|data_type| matches!(data_type, DataType::DateTime64 { .. } | DataType::DateTime { .. }));
    time.or_else(|| of(|data_type| matches!(data_type, DataType::Date32 | DataType::Date)))
        .map(|column| &column.name)
}

impl fmt::Display for TableDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE TABLE {}", self.name)?;
        if !self.uuid.is_nil() {
            write!(f, " UUID '{}'", self.uuid)?;
        }
        write!(f, "{}\n(", OnCluster(self.cluster.as_deref()))?;
        for (index, column) in self.columns.iter().chain(&self.further_columns).enumerate() {
            write!(f, "{}\n    {column}", if index == 0 { "" } else { "," })?;
        }
        self.hidden.iter().try_for_each(|hidden| write!(f, ",\n    {hidden}"))?;
        write!(f, "\n)\nENGINE = {}", self.engine)?;
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
        if let Some(ttl) = &self.ttl {
            write!(f, "\nTTL {ttl}")?;
        }
        write!(f, "\nSETTINGS {} = {}", self.engine.window_setting(), self.deduplication_window)?;
        if let Some(setting) = self.engine.window_seconds_setting() {
            write!(f, ", {setting} = {DEDUPLICATION_SECONDS}")?;
        }
        if let Some(comment) = &self.comment {
            write!(f, "\nCOMMENT {}", Literal(comment))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, FieldPath};

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
            &TableOptions::keys(order_by, partition_by.map(str::to_owned)),
        )
    }

    #[test]
    fn without_an_identity_clickhouse_chooses_one() {
        let schema = [Column::new("id", "UInt64")];
        let table = TableDefinition::new(
            TableName::new("a", "b").unwrap(),
            Uuid::nil(),
            &schema,
            &TableOptions::default(),
        );
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
        let table = TableDefinition::new(name(), Uuid::nil(), &schema, &TableOptions::default()).unwrap();
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
            &TableOptions::default(),
        );
        assert!(error.unwrap_err().to_string().contains("{column: m}"));
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

    fn with(options: &TableOptions) -> String {
        let schema = [Column::new("id", "UInt64"), Column::new("day", "Date"), Column::new("at", "DateTime")];
        TableDefinition::new(TableName::new("a", "b").unwrap(), Uuid::nil(), &schema, options)
            .unwrap()
            .to_string()
    }

    #[test]
    fn where_no_key_is_named_rows_lie_by_their_time() {
        assert!(with(&TableOptions::default()).contains("\nORDER BY `at`\n"));
        assert!(with(&TableOptions::keys([], None)).contains("\nORDER BY tuple()\n"));
        let order = |schema: &[(&str, &str)]| {
            let schema: Vec<_> =
                schema.iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect();
            let name = TableName::new("a", "b").unwrap();
            let table = TableDefinition::new(name, Uuid::nil(), &schema, &TableOptions::default()).unwrap();
            table.to_string().lines().find(|line| line.starts_with("ORDER BY")).unwrap().to_owned()
        };
        assert_eq!(order(&[("d", "Date"), ("n", "Nullable(DateTime)")]), "ORDER BY `d`");
        assert_eq!(order(&[("n", "Nullable(DateTime)"), ("id", "UInt8")]), "ORDER BY tuple()");
    }

    #[test]
    fn every_option_has_its_place() {
        let text = with(&TableOptions {
            ttl: Some("at + INTERVAL 90 DAY".to_owned()),
            engine: Some("ReplicatedReplacingMergeTree('/p', 'r', at)".to_owned()),
            cluster: Some("it's".to_owned()),
            further_columns: vec![Column::new("_shard", "LowCardinality(String)")],
            deduplication_window: 36_000,
            ..TableOptions::default()
        });
        assert_eq!(
            text,
            "CREATE TABLE `a`.`b` ON CLUSTER 'it\\'s'\n(\n    `id` UInt64,\n    `day` Date,\n    `at` DateTime,\n    \
             `_shard` LowCardinality(String)\n)\n\
             ENGINE = ReplicatedReplacingMergeTree('/p', 'r', `at`)\nORDER BY `at`\nTTL `at` + INTERVAL 90 DAY\n\
             SETTINGS replicated_deduplication_window = 36000, replicated_deduplication_window_seconds = 604800"
        );
    }

    #[test]
    fn a_column_cannot_have_the_name_of_a_further_one() {
        let further_columns = vec![Column::new("_shard", "String")];
        let options = TableOptions { further_columns, ..TableOptions::default() };
        let schema = [Column::new("_shard", "String")];
        let error = TableDefinition::new(TableName::new("a", "b").unwrap(), Uuid::nil(), &schema, &options);
        assert!(error.unwrap_err().to_string().contains("column: _shard"));
    }
}
