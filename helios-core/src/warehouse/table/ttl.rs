//! When rows of a table are deleted.

use std::fmt;

use crate::{
    Column, Error, Result,
    warehouse::{column_function::ColumnFunction, types::DataType},
};

const FUNCTIONS: &[&str] = &["toDate", "toDateTime"];
const UNITS: [&str; 8] = ["SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"];

/// `column + INTERVAL 90 DAY`: rows are deleted that long after the time in the column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ttl {
    time: ColumnFunction,
    amount: u32,
    unit: &'static str,
}

impl Ttl {
    pub(super) fn parse(text: &str, schema: &[Column]) -> Result<Self> {
        Self::read(text, schema)?.ok_or_else(|| {
            let message = "the TTL is not like `at + INTERVAL 90 DAY`, of a column of the schema that is a time, or toDate \
                           or toDateTime of one, and in SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER or YEAR";
            Error::invalid_input(message).with("TTL", text)
        })
    }

    fn read(text: &str, schema: &[Column]) -> Result<Option<Self>> {
        let Some((time, interval)) = text.rsplit_once('+') else { return Ok(None) };
        let Some(time) = ColumnFunction::parse(time, FUNCTIONS, schema)? else { return Ok(None) };
        let mut words = interval.split_ascii_whitespace();
        let (Some(keyword), Some(amount), Some(unit), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Ok(None);
        };
        let amount = amount.parse().ok().filter(|amount| *amount > 0);
        let unit = UNITS.into_iter().find(|known| known.eq_ignore_ascii_case(unit));
        let (true, Some(amount), Some(unit)) = (keyword.eq_ignore_ascii_case("INTERVAL"), amount, unit)
        else {
            return Ok(None);
        };
        let column = schema.iter().find(|column| column.name == time.column.as_str());
        let data_type = column.map(|column| column.data_type.parse::<DataType>()).transpose()?;
        let is_time = matches!(
            data_type,
            Some(DataType::Date | DataType::Date32 | DataType::DateTime { .. } | DataType::DateTime64 { .. })
        );
        if !is_time {
            let message = "the TTL counts from a column that is not a time, or may be null";
            return Err(Error::invalid_input(message).with("column", time.column.as_str()));
        }
        Ok(Some(Self { time, amount, unit }))
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} + INTERVAL {} {}", self.time, self.amount, self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String> {
        let columns = [
            ("at", "DateTime64(3, 'UTC')"),
            ("a + b", "Date"),
            ("maybe", "Nullable(DateTime)"),
            ("id", "UInt8"),
        ];
        let schema = columns.map(|(name, data_type)| Column::new(name, data_type));
        Ttl::parse(text, &schema).map(|ttl| ttl.to_string())
    }

    #[test]
    fn so_long_after_the_time_in_a_column() {
        for (text, sql) in [
            ("at + INTERVAL 90 DAY", "`at` + INTERVAL 90 DAY"),
            ("toDateTime(at)+interval 1 month", "toDateTime(`at`) + INTERVAL 1 MONTH"),
            ("`a + b` + INTERVAL 2 YEAR", "`a + b` + INTERVAL 2 YEAR"),
        ] {
            assert_eq!(parse(text).unwrap(), sql);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "at",
            "at + 90",
            "at + INTERVAL 0 DAY",
            "at + INTERVAL -1 DAY",
            "at + INTERVAL 1 DAY DELETE WHERE 1",
            "at + INTERVAL 1 EON",
            "nope + INTERVAL 1 DAY",
            "now() + INTERVAL 1 DAY",
            "id + INTERVAL 1 DAY",
            "maybe + INTERVAL 1 DAY",
            "at + INTERVAL 1 DAY, at + INTERVAL 2 DAY",
        ] {
            assert_eq!(parse(text).unwrap_err().kind(), crate::ErrorKind::InvalidInput, "{text}");
        }
    }
}
