//! A column of a table, as a statement writes it and as a table that there is shows it.

use std::fmt;

use crate::{
    Column, Error, FieldPath, Result, TimeUnit,
    warehouse::{Ident, Literal, types::DataType},
};

/// A column in a statement, ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ColumnDefinition {
    pub(super) name: Ident,
    pub(super) data_type: DataType,
    default: Option<serde_json::Value>,
    field: Option<FieldPath>,
    unit: Option<TimeUnit>,
}

/// What a column's comment says of the field that it is filled from, and before it of the unit of its times. In the table, as that is what delivery, `SHOW CREATE
/// TABLE` and whoever changes the table look at.
const FIELD_COMMENT: &str = "event field ";
const UNIT_COMMENT: &str = " since 1970";

/// A column of a table that there is.
pub(crate) fn described_column(name: String, data_type: String, comment: &str) -> Result<Column> {
    let unit = TimeUnit::ALL.into_iter().find_map(|unit| {
        let rest = comment.strip_prefix(unit.as_str())?.strip_prefix(UNIT_COMMENT)?;
        Some((unit, rest.strip_prefix(", ").or_else(|| rest.is_empty().then_some(rest))?))
    });
    let (unit, comment) = unit.map_or((None, comment), |(unit, rest)| (Some(unit), rest));
    let pointer = comment.strip_prefix(FIELD_COMMENT).filter(|pointer| pointer.starts_with('/'));
    let field = pointer.map(str::parse::<FieldPath>).transpose();
    let field = field.map_err(|error| error.with("column", &name))?;
    let column = Column { unit, ..Column::new(name, data_type) };
    Ok(match field {
        Some(field) => column.filled_from(field),
        None => column,
    })
}

impl ColumnDefinition {
    pub(super) fn new(column: &Column) -> Result<Self> {
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
        if column.unit.is_some() && !data_type.has(&is_time) {
            let message = "a unit is for a DateTime or a DateTime64";
            return Err(context(Error::invalid_input(message)));
        }
        let field = column.field.clone().filter(|field| field.only() != Some(&column.name));
        Ok(Self { name, data_type, default: column.default.clone(), field, unit: column.unit })
    }

    pub(super) fn column(&self) -> Column {
        let column = Column::new(self.name.as_str(), self.data_type.to_string());
        Column { default: self.default.clone(), field: self.field.clone(), unit: self.unit, ..column }
    }
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::DateTime { .. } | DataType::DateTime64 { .. })
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
        let unit = self.unit.map(|unit| format!("{unit}{UNIT_COMMENT}"));
        let field = self.field.as_ref().map(|field| format!("{FIELD_COMMENT}{field}"));
        let said: Vec<_> = unit.into_iter().chain(field).collect();
        if !said.is_empty() {
            write!(f, " COMMENT {}", Literal(&said.join(", ")))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_may_say_the_unit_of_times() {
        for (comment, unit, field) in [
            ("milliseconds since 1970", Some(TimeUnit::Milliseconds), None),
            ("seconds since 1970, event field /a/b", Some(TimeUnit::Seconds), Some("/a/b")),
            ("seconds since 1970 or so", None, None),
            ("milliseconds", None, None),
        ] {
            let column = described_column("t".to_owned(), "DateTime64(3)".to_owned(), comment).unwrap();
            let field = field.map(|field| field.parse().unwrap());
            assert_eq!((column.unit, &column.field), (unit, &field), "{comment}");
            if unit.is_some() {
                let written = ColumnDefinition::new(&column).unwrap().to_string();
                assert_eq!(written, format!("`t` DateTime64(3) COMMENT '{comment}'"));
            }
        }
        let wrong = Column::new("t", "UInt64").counted_in(TimeUnit::Seconds);
        assert!(ColumnDefinition::new(&wrong).unwrap_err().to_string().contains("a unit is for a DateTime"));
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
}
