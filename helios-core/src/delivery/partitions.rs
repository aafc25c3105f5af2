//! How many partitions a block would have: ClickHouse takes a hundred, and each is written by itself.

use std::{collections::HashSet, hash::Hash};

use arrow_array::{
    ArrayRef, RecordBatch,
    cast::AsArray as _,
    types::{
        Date32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType, UInt16Type, UInt32Type, UInt64Type,
    },
};

use crate::{Column, warehouse::Partition};

/// The most partitions of one block, which is also the server's own limit.
pub(super) const MAX_PARTITIONS: usize = 100;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// What a table is partitioned by, as far as it is understood: a column, or a calendar function of one.
///
/// What is not understood is not counted: then ClickHouse refuses a block of too many, and it is halved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Partitions(Option<Partition>);

impl Partitions {
    pub(super) fn of(key: &str, columns: &[Column]) -> Self {
        Self(Partition::parse(key, columns).ok())
    }

    /// The first row that would be one partition too many. It depends on the rows alone.
    pub(super) fn excess(&self, rows: &RecordBatch) -> Option<usize> {
        let partition = self.0.as_ref()?;
        let column = rows.column_by_name(partition.column().as_str())?;
        match partition.function() {
            None if let Some(texts) = column.as_binary_opt::<i32>() => beyond(MAX_PARTITIONS, texts.iter()),
            None => beyond(MAX_PARTITIONS, whole_numbers(column)?),
            // Whatever the time zone, a stretch of time as long as the shortest month touches two months at most.
            Some(function) => {
                let stretch = stretch(function)?;
                let stretches =
                    seconds(column)?.map(|second| second.map(|second| second.div_euclid(stretch)));
                beyond(MAX_PARTITIONS / 2, stretches)
            }
        }
    }
}

fn stretch(function: &str) -> Option<i64> {
    Some(match function {
        "toStartOfHour" => HOUR,
        "toDate" | "toStartOfDay" | "toYYYYMMDD" => DAY,
        "toMonday" | "toStartOfWeek" => 7 * DAY,
        "toStartOfMonth" | "toYYYYMM" => 28 * DAY,
        "toYear" => 365 * DAY,
        _ => return None,
    })
}

/// The position of the first value after `limit` distinct ones.
fn beyond<T: Hash + Eq>(limit: usize, values: impl Iterator<Item = T>) -> Option<usize> {
    let mut seen = HashSet::new();
    for (at, value) in values.enumerate() {
        if seen.insert(value) && seen.len() > limit {
            return Some(at);
        }
    }
    None
}

type Numbers<'a> = Box<dyn Iterator<Item = Option<i64>> + 'a>;

/// Times as seconds since 1970.
fn seconds(column: &ArrayRef) -> Option<Numbers<'_>> {
    macro_rules! numbers {
        ($type:ty, $convert:expr) => {
            if let Some(array) = column.as_primitive_opt::<$type>() {
                return Some(Box::new(array.iter().map(|value| value.map($convert))));
            }
        };
    }
    numbers!(UInt16Type, |day| i64::from(day) * DAY);
    numbers!(Date32Type, |day| i64::from(day) * DAY);
    numbers!(UInt32Type, i64::from);
    numbers!(TimestampSecondType, |time| time);
    numbers!(TimestampMillisecondType, |time| time.div_euclid(1000));
    numbers!(TimestampMicrosecondType, |time| time.div_euclid(1_000_000));
    numbers!(TimestampNanosecondType, |time| time.div_euclid(1_000_000_000));
    None
}

/// Numbers, or times, as they are.
fn whole_numbers(column: &ArrayRef) -> Option<Numbers<'_>> {
    if let Some(array) = column.as_primitive_opt::<UInt64Type>() {
        return Some(Box::new(array.iter().map(|value| value.map(u64::cast_signed))));
    }
    if let Some(array) = column.as_primitive_opt::<Int64Type>() {
        return Some(Box::new(array.iter()));
    }
    seconds(column)
}

#[cfg(test)]
mod tests {
    use super::{super::schema::TableSchema, *};

    fn excess(key: &str, data_type: &str, values: &[String]) -> Option<usize> {
        let columns = vec![Column::new("x", data_type)];
        let partitions = Partitions::of(key, &columns);
        let mut decoder = TableSchema { columns, ..TableSchema::default() }.decoder().unwrap();
        for value in values {
            decoder.decode(format!(r#"{{"x":{value}}}"#).as_bytes()).unwrap();
        }
        partitions.excess(&decoder.finish().unwrap())
    }

    fn numbers(step: u64, count: u64) -> Vec<String> {
        (0..count).map(|number| (number * step).to_string()).collect()
    }

    #[test]
    fn the_cut_is_before_the_hundred_and_first_partition() {
        for data_type in ["UInt64", "Int64", "UInt32", "UInt16"] {
            assert_eq!(excess("x", data_type, &numbers(1, 100)), None, "{data_type}");
            assert_eq!(excess("x", data_type, &numbers(1, 300)), Some(100), "{data_type}");
        }
        let texts: Vec<_> = (0..300).map(|number| format!("\"{}\"", number % 150)).collect();
        assert_eq!(excess("x", "String", &texts), Some(100));
    }

    #[test]
    fn months_and_days_are_never_more_than_are_allowed() {
        let days = 86_400;
        assert_eq!(excess("toYYYYMM(x)", "DateTime", &numbers(days, 1000)), None);
        assert_eq!(excess("toYYYYMM(x)", "DateTime", &numbers(28 * days, 300)), Some(50));
        assert_eq!(excess("toDate(x)", "DateTime", &numbers(days, 300)), Some(50));
        assert_eq!(excess("toDate(x)", "DateTime", &numbers(1, 10_000)), None);
        let dates: Vec<_> = (1..=9).map(|day| format!("\"2024-01-0{day}\"")).collect();
        assert_eq!(excess("toDate(x)", "Date", &dates), None);
    }

    #[test]
    fn what_is_not_understood_is_left_to_clickhouse() {
        for key in ["", "tuple()", "(x, x)", "x % 1000"] {
            assert_eq!(excess(key, "UInt64", &numbers(1, 300)), None, "{key}");
        }
    }
}
