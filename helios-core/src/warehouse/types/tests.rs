use std::collections::HashSet;

use proptest::prelude::*;

use super::{
    data_type::{DataType, EnumValue, TupleField},
    parse::MAX_DEPTH,
};

fn canonical_text(text: &str) -> String {
    text.parse::<DataType>().unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
}

/// What the engine (26.7) says of the same text in `system.columns`.
#[test]
fn text_becomes_canonical_as_in_clickhouse() {
    for (text, expected) in [
        ("Decimal32(4)", "Decimal(9, 4)"),
        ("Decimal", "Decimal(10, 0)"),
        ("Decimal(5)", "Decimal(5, 0)"),
        ("Tuple(a UInt8,`b c` String)", "Tuple(a UInt8, `b c` String)"),
        ("Tuple(UInt8,String)", "Tuple(UInt8, String)"),
        ("Tuple()", "Tuple()"),
        ("Tuple(DOUBLE PRECISION)", "Tuple(Float64)"),
        ("Enum('a','b')", "Enum8('a' = 1, 'b' = 2)"),
        ("Enum8('a'=-1,'b')", "Enum8('a' = -1, 'b' = 0)"),
        ("Enum8('a\\'b'=1)", "Enum8('a\\'b' = 1)"),
        ("Enum8('é'=3)", "Enum8('é' = 3)"),
        ("Enum('x' = 1000)", "Enum16('x' = 1000)"),
        ("Dynamic(max_types=3)", "Dynamic(max_types=3)"),
        ("AggregateFunction(quantiles(0.5, 0.9), UInt64)", "AggregateFunction(quantiles(0.5, 0.9), UInt64)"),
        ("SimpleAggregateFunction(sum,UInt64)", "SimpleAggregateFunction(sum, UInt64)"),
        ("DateTime64", "DateTime64(3)"),
        ("DateTime(3)", "DateTime64(3)"),
        ("DateTime64(3,'UTC')", "DateTime64(3, 'UTC')"),
        ("dateTime('Europe/Zurich')", "DateTime('Europe/Zurich')"),
        ("QBit(Float32, 16)", "QBit(Float32, 16)"),
        ("varchar(10)", "String"),
        ("BIGINT UNSIGNED", "UInt64"),
        ("BINARY(3)", "FixedString(3)"),
        ("INT(11)", "Int32"),
        ("Array( Nullable( int ) )", "Array(Nullable(Int32))"),
        ("Variant(UInt8, String)", "Variant(String, UInt8)"),
        ("Nested(a UInt8, b Array(String))", "Nested(a UInt8, b Array(String))"),
        ("JSON(max_dynamic_paths=3, SKIP REGEXP '\\\\)')", "JSON(max_dynamic_paths=3, SKIP REGEXP '\\\\)')"),
        ("Map(LowCardinality(String), Tuple(x Point))", "Map(LowCardinality(String), Tuple(x Point))"),
        ("IntervalDay", "IntervalDay"),
        ("uint8", "uint8"),
    ] {
        assert_eq!(canonical_text(text), expected, "{text}");
    }
}

#[test]
fn garbage_is_refused_by_position() {
    for (text, position) in [
        ("", 0),
        ("   ", 3),
        ("Array", 5),
        ("Array(", 6),
        ("Array(UInt8", 11),
        ("Array(UInt8))", 12),
        ("UInt8 DROP", 6),
        ("UInt8; DROP TABLE t", 5),
        ("Decimal(77, 1)", 8),
        ("Decimal(9, 10)", 11),
        ("FixedString(0)", 12),
        ("DateTime64(10)", 11),
        ("Enum8('a' = 1, 'a' = 2)", 15),
        ("Enum8('a' = 200)", 12),
        ("Enum8('a)", 6),
        ("Tuple(a UInt8, String)", 5),
        ("Tuple(a UInt8, a String)", 5),
        ("Map(String)", 10),
        ("Weird(1, (2)", 5),
        ("Weird()", 5),
        ("1", 0),
        ("'x'", 0),
        ("\u{0}", 0),
        ("ÄÖ", 0),
    ] {
        let error = text.parse::<DataType>().expect_err(text);
        assert_eq!(error.kind(), crate::ErrorKind::InvalidInput, "{text}");
        assert!(error.message().contains(&format!("at byte {position} ")), "{text}: {error}");
    }
}

#[test]
fn depth_is_limited() {
    let nested = |open: &str, levels: usize| {
        format!("{}UInt8{}", format!("{open}(").repeat(levels), ")".repeat(levels))
    };
    assert!(nested("Array", MAX_DEPTH - 1).parse::<DataType>().is_ok());
    assert!(nested("Array", MAX_DEPTH).parse::<DataType>().is_err());
    assert!(nested("Array", 1_000_000).parse::<DataType>().is_err());
    assert!(nested("Weird", 1_000_000).parse::<DataType>().is_err());
}

fn any_type() -> impl Strategy<Value = DataType> {
    let name = "[a-zA-Z_ .`'\\\\\"é\n\t]{1,8}";
    let leaf = prop_oneof![
        prop::sample::select(vec![8_u16, 16, 32, 64, 128, 256]).prop_map(|bits| DataType::Int { bits }),
        prop::sample::select(vec![8_u16, 16, 32, 64, 128, 256]).prop_map(|bits| DataType::UInt { bits }),
        (1_u8..=76)
            .prop_flat_map(|precision| (Just(precision), 0..=precision))
            .prop_map(|(precision, scale)| DataType::Decimal { precision, scale }),
        (1_u32..).prop_map(|length| DataType::FixedString { length }),
        (0_u8..=9, prop::option::of(name))
            .prop_map(|(precision, timezone)| DataType::DateTime64 { precision, timezone }),
        prop::option::of(0_u8..=254).prop_map(|max_types| DataType::Dynamic { max_types }),
        prop::collection::btree_map(any::<i16>(), name, 1..5).prop_filter_map("equal names", |values| {
            let names: HashSet<_> = values.values().collect();
            (names.len() == values.len()).then(|| {
                DataType::Enum16(values.into_iter().map(|(value, name)| EnumValue { name, value }).collect())
            })
        }),
        Just(DataType::String),
        Just(DataType::Json(Some("max_dynamic_paths=3, SKIP `a)`".to_owned()))),
        Just(DataType::Other("QBit(Float32, 16)".to_owned())),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(DataType::Array),
            boxed.clone().prop_map(DataType::Nullable),
            (boxed.clone(), boxed.clone()).prop_map(|(key, value)| DataType::Map(key, value)),
            boxed.prop_map(|data_type| DataType::SimpleAggregateFunction {
                function: "any".to_owned(),
                data_type
            }),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|types| {
                DataType::Tuple(
                    types.into_iter().map(|data_type| TupleField { name: None, data_type }).collect(),
                )
            }),
            prop::collection::btree_map(name, inner, 1..4).prop_map(|fields| {
                DataType::Nested(
                    fields
                        .into_iter()
                        .map(|(name, data_type)| TupleField { name: Some(name), data_type })
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(data_type in any_type()) {
        let text = data_type.to_string();
        prop_assert_eq!(text.parse::<DataType>().map_err(|error| TestCaseError::fail(error.to_string()))?, data_type);
    }

    #[test]
    fn no_text_panics_and_canonical_text_is_stable(
        text in "([A-Za-z0-9_(),='`\"\\\\. -]|Array\\(|Tuple\\(|Enum8\\(|Decimal\\(|\\PC){0,40}"
    ) {
        if let Ok(parsed) = text.parse::<DataType>() {
            let canonical = parsed.to_string();
            prop_assert_eq!(canonical.parse::<DataType>().ok(), Some(parsed));
        }
    }
}

#[test]
fn the_typed_paths_of_a_json() {
    let paths = |arguments| {
        let paths = super::typed_paths(arguments).unwrap();
        paths.into_iter().map(|(path, data_type)| format!("{path} {data_type}")).collect::<Vec<_>>()
    };
    assert_eq!(paths(""), Vec::<String>::new());
    assert_eq!(paths("max_dynamic_paths=3, SKIP a.b, SKIP REGEXP 'x, y'"), Vec::<String>::new());
    assert_eq!(
        paths("a.b UInt8, max_dynamic_types = 2, `c d`.e Array(Nullable(Decimal(9, 2))), SKIP f"),
        ["a.b UInt8", "c d.e Array(Nullable(Decimal(9, 2)))"]
    );
    assert!(super::typed_paths("a UInt8 b UInt8").is_err());
}
