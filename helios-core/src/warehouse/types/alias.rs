//! The other names ClickHouse has for its types, as `system.data_type_families` lists them.

/// The proper name for `words`, one or more words with single spaces.
///
/// The names in the first table may be written in any case, as in ClickHouse; all other names are taken as they are.
pub(super) fn canonical(words: &str) -> Option<&'static str> {
    let upper = words.to_ascii_uppercase();
    let found = CASE_INSENSITIVE.binary_search_by(|(alias, _)| alias.cmp(&upper.as_str())).ok()?;
    CASE_INSENSITIVE.get(found).map(|(_, name)| *name)
}

/// Sorted by alias.
const CASE_INSENSITIVE: &[(&str, &str)] = &[
    ("BIGINT", "Int64"),
    ("BIGINT SIGNED", "Int64"),
    ("BIGINT UNSIGNED", "UInt64"),
    ("BINARY", "FixedString"),
    ("BINARY LARGE OBJECT", "String"),
    ("BINARY VARYING", "String"),
    ("BIT", "UInt64"),
    ("BLOB", "String"),
    ("BOOL", "Bool"),
    ("BOOLEAN", "Bool"),
    ("BYTE", "Int8"),
    ("BYTEA", "String"),
    ("CHAR", "String"),
    ("CHAR LARGE OBJECT", "String"),
    ("CHAR VARYING", "String"),
    ("CHARACTER", "String"),
    ("CHARACTER LARGE OBJECT", "String"),
    ("CHARACTER VARYING", "String"),
    ("CLOB", "String"),
    ("DATE", "Date"),
    ("DATE32", "Date32"),
    ("DATETIME", "DateTime"),
    ("DATETIME32", "DateTime32"),
    ("DATETIME64", "DateTime64"),
    ("DEC", "Decimal"),
    ("DECIMAL", "Decimal"),
    ("DECIMAL128", "Decimal128"),
    ("DECIMAL256", "Decimal256"),
    ("DECIMAL32", "Decimal32"),
    ("DECIMAL64", "Decimal64"),
    ("DOUBLE", "Float64"),
    ("DOUBLE PRECISION", "Float64"),
    ("ENUM", "Enum"),
    ("FIXED", "Decimal"),
    ("FLOAT", "Float32"),
    ("INET4", "IPv4"),
    ("INET6", "IPv6"),
    ("INT", "Int32"),
    ("INT SIGNED", "Int32"),
    ("INT UNSIGNED", "UInt32"),
    ("INT1", "Int8"),
    ("INT1 SIGNED", "Int8"),
    ("INT1 UNSIGNED", "UInt8"),
    ("INTEGER", "Int32"),
    ("INTEGER SIGNED", "Int32"),
    ("INTEGER UNSIGNED", "UInt32"),
    ("JSON", "JSON"),
    ("LONGBLOB", "String"),
    ("LONGTEXT", "String"),
    ("MEDIUMBLOB", "String"),
    ("MEDIUMINT", "Int32"),
    ("MEDIUMINT SIGNED", "Int32"),
    ("MEDIUMINT UNSIGNED", "UInt32"),
    ("MEDIUMTEXT", "String"),
    ("NATIONAL CHAR", "String"),
    ("NATIONAL CHAR VARYING", "String"),
    ("NATIONAL CHARACTER", "String"),
    ("NATIONAL CHARACTER LARGE OBJECT", "String"),
    ("NATIONAL CHARACTER VARYING", "String"),
    ("NCHAR", "String"),
    ("NCHAR LARGE OBJECT", "String"),
    ("NCHAR VARYING", "String"),
    ("NUMERIC", "Decimal"),
    ("NVARCHAR", "String"),
    ("REAL", "Float32"),
    ("SET", "UInt64"),
    ("SIGNED", "Int64"),
    ("SINGLE", "Float32"),
    ("SMALLINT", "Int16"),
    ("SMALLINT SIGNED", "Int16"),
    ("SMALLINT UNSIGNED", "UInt16"),
    ("TEXT", "String"),
    ("TIME", "Time"),
    ("TIME64", "Time64"),
    ("TIMESTAMP", "DateTime"),
    ("TINYBLOB", "String"),
    ("TINYINT", "Int8"),
    ("TINYINT SIGNED", "Int8"),
    ("TINYINT UNSIGNED", "UInt8"),
    ("TINYTEXT", "String"),
    ("UNSIGNED", "UInt64"),
    ("VARBINARY", "String"),
    ("VARCHAR", "String"),
    ("VARCHAR2", "String"),
    ("YEAR", "UInt16"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(CASE_INSENSITIVE.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn case_is_free_only_where_clickhouse_says_so() {
        assert_eq!(canonical("datetime64"), Some("DateTime64"));
        assert_eq!(canonical("Double Precision"), Some("Float64"));
        assert_eq!(canonical("uint8"), None);
    }
}
