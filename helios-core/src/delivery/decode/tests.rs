use arrow_array::{
    Array, ArrayRef, UnionArray,
    cast::AsArray,
    types::{Float64Type, Int8Type, UInt8Type, UInt64Type},
};
use proptest::prelude::*;

use super::*;

fn decoder(columns: &[(&str, &str)]) -> Decoder {
    let columns: Vec<_> = columns.iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect();
    Decoder::new(&columns).unwrap()
}

/// What becomes of one value in a column of a type.
fn outcome(data_type: &str, value: &str) -> Result<(), RejectKind> {
    let mut decoder = decoder(&[("before", "UInt8"), ("x", data_type), ("after", "UInt8")]);
    let event = format!(r#"{{"before":1,"x":{value},"after":2}}"#);
    let first = decoder.decode(event.as_bytes()).map_err(|reject| {
        assert_eq!(reject.column.as_deref(), Some("x"), "{data_type} {value}: {reject:?}");
        reject.error_type
    });
    assert_eq!(decoder.rows(), usize::from(first.is_ok()));
    let batch = decoder.finish().unwrap();
    assert_eq!(batch.num_rows(), usize::from(first.is_ok()));
    first
}

#[test]
fn values_that_fit_are_taken() {
    for (data_type, values) in [
        ("UInt8", &["0", "255"][..]),
        ("Int8", &["-128", "127"]),
        ("UInt64", &["18446744073709551615", r#""18446744073709551615""#]),
        ("Int64", &["-9223372036854775808", "9223372036854775807"]),
        ("UInt128", &["340282366920938463463374607431768211455", "0", r#""7""#]),
        ("Int256", &["-1"]),
        (
            "Float64",
            &[
                "0.1",
                "1e308",
                "-5e-324",
                "9007199254740992",
                r#""nan""#,
                r#""-inf""#,
                r#""NaN""#,
                r#""-Infinity""#,
                "-0",
                "-0.0",
            ],
        ),
        ("Float32", &["0.1", "3.4e38", "16777216", "1e-45"]),
        ("BFloat16", &["0.1", "256"]),
        ("Decimal(9, 2)", &["1.23", "1.2300", "-9999999.99", r#""1.23""#, "1e2", "0"]),
        ("Decimal(76, 0)", &["9999999999999999999999999999999999999999999999999999999999999999999999999999"]),
        ("Bool", &["true", "false"]),
        ("String", &[r#""""#, r#""a\u00e9\ud83e\udd80\n""#, "1.50", "true", r#"{"a": [1]}"#, "[]", "1e999"]),
        ("LowCardinality(Nullable(String))", &[r#""a""#, "null"]),
        ("FixedString(2)", &[r#""ab""#, r#""é""#]),
        ("Date", &[r#""1970-01-01""#, r#""2149-06-06""#]),
        ("Date32", &[r#""1900-01-01""#, r#""2299-12-31""#]),
        ("DateTime", &[r#""2106-02-07T06:28:15Z""#, r#""1970-01-01 00:00:00""#, "0", "4294967295"]),
        ("DateTime('Europe/Zurich')", &[r#""2024-06-15T12:00:00.000+02:00""#]),
        ("DateTime64(3)", &[r#""1900-01-01T00:00:00Z""#, r#""2299-12-31T23:59:59.999Z""#]),
        ("DateTime64(3)", &["1718452800123", "1718452800.123", "-1.5", "1718452800", "1700000000123000"]),
        (
            "DateTime",
            &[
                "1718452800000",
                "1718452800.0",
                r#""1718452800""#,
                r#""2024-06-15T12:34Z""#,
                r#""2024-06-15""#,
            ],
        ),
        ("DateTime64(3)", &[r#""1772359200123""#, r#""2026-03-01T10:15+01:00""#, r#""-1.5""#]),
        ("DateTime64(7)", &["1772359200.1234567"]),
        ("DateTime64(1)", &[r#""2024-06-15T12:00:00.5""#]),
        ("DateTime64(9)", &[r#""2262-04-11T23:47:16.854775807Z""#]),
        ("Time", &[r#""-999:59:59""#, r#""12:00:00""#]),
        ("Time64(6)", &[r#""999:59:58.999999""#]),
        ("Time64(3)", &[r#""-999:59:58.999""#]),
        ("UUID", &[r#""61f0c404-5cb3-11e7-907b-a6006ad3dba0""#, r#""61F0C404-5CB3-11E7-907B-A6006AD3DBA0""#]),
        ("IPv4", &[r#""255.255.255.255""#]),
        ("IPv6", &[r#""2001:db8::1""#, r#""::ffff:1.2.3.4""#]),
        ("Enum8('a' = 1, 'b''s' = -2)", &[r#""b's""#]),
        ("Nullable(UInt8)", &["null", "1"]),
        ("Array(Nullable(UInt8))", &["[]", "[1,null]"]),
        ("Array(Array(String))", &[r#"[[],["a","b"]]"#]),
        ("Map(String, UInt8)", &["{}", r#"{"a":1,"b":2}"#]),
        ("Map(UInt16, Array(String))", &[r#"{"1":["x"]}"#]),
        ("Tuple(a UInt8, b Nullable(String))", &[r#"{"b":"x","a":1,"c":2}"#, r#"{"a":1}"#, r#"[1,"x"]"#]),
        ("Tuple(UInt8, String)", &[r#"[1,"x"]"#]),
        ("Nested(a UInt8)", &[r#"[{"a":1},{"a":2}]"#]),
        ("Point", &["[1.5,2]"]),
        ("Polygon", &["[[[0,0],[1,1]]]"]),
        ("JSON", &["{}", r#"{"a":{"b":[1,null]}}"#]),
        ("Nullable(JSON)", &["null"]),
        ("Dynamic", &["1", r#""a""#]),
        ("Variant(String, UInt8)", &[r#""a""#]),
        ("SimpleAggregateFunction(sum, UInt64)", &["1"]),
    ] {
        for value in values {
            assert_eq!(outcome(data_type, value), Ok(()), "{data_type} {value}");
        }
    }
}

#[test]
fn values_that_would_be_altered_are_rejected() {
    use RejectKind::{
        DuplicateField, InvalidValue, MalformedJson, NotRepresentable, NullValue, OutOfRange, TypeMismatch,
    };
    for (data_type, value, kind) in [
        ("UInt8", "256", OutOfRange),
        ("UInt8", "-1", OutOfRange),
        ("UInt8", "1.0", TypeMismatch),
        ("UInt8", "true", TypeMismatch),
        ("UInt8", "null", NullValue),
        ("UInt8", r#""1""#, TypeMismatch),
        ("Int32", r#""1""#, TypeMismatch),
        ("Int8", "-0", OutOfRange),
        ("UInt64", r#""""#, InvalidValue),
        ("UInt64", r#""007""#, InvalidValue),
        ("UInt64", r#""+1""#, InvalidValue),
        ("UInt64", r#"" 1""#, InvalidValue),
        ("UInt64", r#""1.0""#, InvalidValue),
        ("UInt64", "1.0", TypeMismatch),
        ("UInt8", "[1]", TypeMismatch),
        ("Int64", "9223372036854775808", OutOfRange),
        ("UInt64", "18446744073709551616", OutOfRange),
        ("UInt64", r#""18446744073709551616""#, OutOfRange),
        ("UInt128", "-1", OutOfRange),
        ("UInt128", "340282366920938463463374607431768211456", OutOfRange),
        ("Int128", "1.5", TypeMismatch),
        ("Float64", "1e400", OutOfRange),
        ("Decimal(9, 2)", "NaN", OutOfRange),
        ("UInt8", "NaN", TypeMismatch),
        ("Int256", "-Infinity", TypeMismatch),
        ("DateTime", "Infinity", OutOfRange),
        ("JSON", r#"{"a":{"b":Infinity}}"#, NotRepresentable),
        ("Float64", "nan", RejectKind::MalformedJson),
        ("Float64", "9007199254740993", OutOfRange),
        ("Float64", r#""""#, TypeMismatch),
        ("Float64", r#""1.5""#, TypeMismatch),
        ("Float64", "1e-400", OutOfRange),
        ("Float64", "18446744073709551617", OutOfRange),
        ("Float32", "1e39", OutOfRange),
        ("Float32", "1e-50", OutOfRange),
        ("Float32", "16777217", OutOfRange),
        ("Decimal(9, 2)", "1.23456", OutOfRange),
        ("Decimal(9, 2)", "10000000", OutOfRange),
        ("Decimal(9, 2)", r#""""#, InvalidValue),
        ("Decimal(9, 2)", "true", TypeMismatch),
        ("Bool", "1", TypeMismatch),
        ("Bool", r#""true""#, TypeMismatch),
        ("String", "null", NullValue),
        ("String", r#""\ud800""#, MalformedJson),
        ("String", r#"{"a":"\u12"}"#, MalformedJson),
        ("FixedString(2)", r#""a""#, OutOfRange),
        ("FixedString(2)", r#""abc""#, OutOfRange),
        ("Date", r#""1969-12-31""#, OutOfRange),
        ("Date", r#""2149-06-07""#, OutOfRange),
        ("Date", r#""2024-02-30""#, InvalidValue),
        ("Date", r#""2024-06-15T00:00:00Z""#, InvalidValue),
        ("Date", "0", TypeMismatch),
        ("Date32", r#""1899-12-31""#, OutOfRange),
        ("Date32", r#""2300-01-01""#, OutOfRange),
        ("DateTime", r#""1960-01-01T00:00:00Z""#, OutOfRange),
        ("DateTime", r#""2200-01-01T00:00:00Z""#, OutOfRange),
        ("DateTime", r#""2024-06-15T00:00:00.5Z""#, OutOfRange),
        ("DateTime", r#""1970-01-01T00:00:00+01:00""#, OutOfRange),
        ("DateTime", "1700000000123", OutOfRange),
        ("DateTime", "1700000000.5", OutOfRange),
        ("DateTime", "-1", OutOfRange),
        ("DateTime", r#""17e8""#, InvalidValue),
        ("DateTime", r#""1700000000.5""#, OutOfRange),
        ("DateTime('Europe/Zurich')", r#""2024-03-31T02:30:00""#, InvalidValue),
        ("DateTime", r#""yesterday""#, InvalidValue),
        ("DateTime64(3)", r#""2024-06-15T00:00:00.1234Z""#, OutOfRange),
        ("DateTime64(2)", "1700000000123", OutOfRange),
        ("DateTime64(3)", "1700000000123.5", OutOfRange),
        ("DateTime64(9)", r#""2262-04-11T23:47:16.854775808Z""#, OutOfRange),
        ("DateTime64(0)", r#""1899-12-31T23:59:59Z""#, OutOfRange),
        ("DateTime64(0)", r#""2300-01-01T00:00:00Z""#, OutOfRange),
        ("Time", r#""12:00:00.5""#, OutOfRange),
        ("Time64(3)", r#""1000:00:00""#, InvalidValue),
        ("Time64(3)", r#""12:00:00.0001""#, OutOfRange),
        ("UUID", r#""61f0c4045cb311e7907ba6006ad3dba0""#, InvalidValue),
        ("IPv4", r#""1.2.3""#, InvalidValue),
        ("IPv6", r#""1.2.3.4""#, InvalidValue),
        ("Enum8('a' = 1)", r#""b""#, InvalidValue),
        ("Enum8('a' = 1)", "1", TypeMismatch),
        ("Array(UInt8)", "[1,null]", NullValue),
        ("Array(UInt8)", "[1,256]", OutOfRange),
        ("Array(Array(UInt8))", "[null]", NullValue),
        ("Map(String, Array(UInt8))", r#"{"a":null}"#, NullValue),
        ("Array(JSON)", "[null]", NullValue),
        ("Array(UInt8)", r#"{"0":1}"#, TypeMismatch),
        ("Map(String, UInt8)", r#"{"a":1,"a":1}"#, DuplicateField),
        ("Map(UInt8, UInt8)", r#"{"256":1}"#, OutOfRange),
        ("Tuple(a UInt8, b UInt8)", r#"{"a":1}"#, RejectKind::MissingField),
        ("Tuple(a Nullable(UInt8), b UInt8)", "null", NullValue),
        ("Tuple(a UInt8, b UInt8)", r#"{"a":1,"a":1,"b":1}"#, DuplicateField),
        ("Tuple(a UInt8, b UInt8)", "[1]", TypeMismatch),
        ("Tuple(a UInt8, b UInt8)", "[1,2,3]", TypeMismatch),
        ("JSON", r#"{"a":1,"a":2}"#, DuplicateField),
        ("JSON", r#"{"a.b":1}"#, NotRepresentable),
        ("JSON", "[1]", TypeMismatch),
        ("Variant(String, UInt8)", "256", OutOfRange),
        ("Variant(String, UInt8)", "true", TypeMismatch),
        ("Variant(String, UInt8)", "{}", TypeMismatch),
        (
            "Map(UUID, UInt8)",
            r#"{"61f0c404-5cb3-11e7-907b-a6006ad3dba0":1,"61F0C404-5CB3-11E7-907B-A6006AD3DBA0":1}"#,
            DuplicateField,
        ),
    ] {
        assert_eq!(outcome(data_type, value), Err(kind), "{data_type} {value}");
    }
}

#[test]
fn events_that_are_no_row_are_rejected() {
    for (event, kind, column) in [
        (&b""[..], RejectKind::MalformedJson, None),
        (b"{", RejectKind::MalformedJson, None),
        (b"{\"id\":1", RejectKind::MalformedJson, None),
        (b"{\"id\":}", RejectKind::MalformedJson, Some("id")),
        (b"{\"id\":1}x", RejectKind::MalformedJson, None),
        (b"{\"id\":1,}", RejectKind::MalformedJson, None),
        (b"{\"id\":01}", RejectKind::MalformedJson, Some("id")),
        (b"{'id':1}", RejectKind::MalformedJson, None),
        (b"{\"id\":1,\"other\":\"\\u12\"}", RejectKind::MalformedJson, None),
        (b"{\"id\":1,\"other\":\"\xff\"}", RejectKind::MalformedJson, None),
        (b"[]", RejectKind::NotAnObject, None),
        (b"1", RejectKind::NotAnObject, None),
        (b"null", RejectKind::NotAnObject, None),
        (b"{}", RejectKind::MissingField, Some("id")),
        (b"{\"ID\":1}", RejectKind::MissingField, Some("id")),
        (b"{\"id\":1,\"id\":1}", RejectKind::DuplicateField, Some("id")),
        (b"{\"id\":1,\"i\\u0064\":1}", RejectKind::DuplicateField, Some("id")),
    ] {
        let reject = decoder(&[("id", "UInt8")]).decode(event).unwrap_err();
        let text = String::from_utf8_lossy(event);
        assert_eq!(
            (reject.error_type, reject.column.as_deref()),
            (kind, column),
            "{text}: {}",
            reject.message
        );
    }
}

#[test]
fn a_nested_fault_names_its_path() {
    let reject =
        decoder(&[("a", "Tuple(b Tuple(c UInt8))")]).decode(br#"{"a":{"b":{"c":"secret"}}}"#).unwrap_err();
    assert_eq!(reject.column.as_deref(), Some("a"));
    assert_eq!(reject.message, "column `a`, at $.a.b.c: expected UInt8, found \"secret\"");
    assert_eq!(reject.path.as_deref(), Some("$.a.b.c"));
    assert_eq!((reject.wanted.as_deref(), reject.value.as_deref()), (Some("UInt8"), Some("\"secret\"")));
}

/// Place, value, type, and what to do.
#[test]
fn messages_speak_to_people() {
    const FIT: &str = "send a value that fits, or change the column's type";
    const OTHER: &str = "send it in another form, or make the column a String";
    const NULLABLE: &str = "send a value, or make the type Nullable";
    for (data_type, value, message) in [
        ("UInt8", "256", format!("column `x`: UInt8 cannot hold 256 unchanged; {FIT}")),
        ("UInt8", r#""1""#, r#"column `x`: expected UInt8, found "1""#.to_owned()),
        ("UInt8", "1.5", "column `x`: expected UInt8, found 1.5".to_owned()),
        ("UInt64", r#""a""#, r#"column `x`: "a" is not a valid UInt64"#.to_owned()),
        ("UInt8", "null", format!("column `x`: UInt8 does not take null; {NULLABLE}")),
        ("Tuple(a UInt8)", "null", "column `x`: Tuple(a UInt8) does not take null".to_owned()),
        ("UInt128", "-1", format!("column `x`: UInt128 cannot hold -1 unchanged; {FIT}")),
        ("Float64", "9007199254740993", format!("column `x`: Float64 cannot hold 9007199254740993 unchanged; {FIT}")),
        ("Decimal(9, 2)", "1.234", format!("column `x`: Decimal(9, 2) cannot hold 1.234 unchanged; {FIT}")),
        ("Bool", "1", "column `x`: expected Bool, found 1".to_owned()),
        ("Date", r#""2024-02-30""#, r#"column `x`: "2024-02-30" is not a valid Date"#.to_owned()),
        ("Date", "12", "column `x`: expected Date, found 12".to_owned()),
        ("DateTime('UTC')", "{}", "column `x`: expected DateTime('UTC'), found {}".to_owned()),
        ("UUID", r#""\n""#, r#"column `x`: "\n" is not a valid UUID"#.to_owned()),
        (
            "Enum8('a' = 1, 'b' = 2)",
            r#""c""#,
            "column `x`: \"c\" is not a name of Enum8('a' = 1, 'b' = 2); add the name to the enum, or make the column a \
             String"
                .to_owned(),
        ),
        (
            "FixedString(2)",
            r#""abc""#,
            r#"column `x`: expected a string of exactly 2 bytes, found 3 bytes: "abc""#.to_owned(),
        ),
        ("Array(UInt8)", "[1,-1]", format!("column `x`, at $.x[1]: UInt8 cannot hold -1 unchanged; {FIT}")),
        ("Map(UInt8, UInt8)", r#"{"a":1}"#, r#"column `x`, at $.x.a: "a" is not a valid UInt8"#.to_owned()),
        (
            "Map(String, UInt8)",
            r#"{"a":1,"a":2}"#,
            r#"column `x`: a key occurs twice in the map: {"a":1,"a":2}"#.to_owned(),
        ),
        ("Tuple(a UInt8)", "[1,2]", "column `x`: expected a list of 1 elements: [1,2]".to_owned()),
        (
            "Tuple(a UInt8)",
            "{}",
            "column `x`, at $.x.a: the field is missing, and UInt8 has no null; send it, or make the type Nullable"
                .to_owned(),
        ),
        (
            "Tuple(a UInt8)",
            r#"{"a":1,"a":1}"#,
            r#"column `x`, at $.x.a: the field occurs twice: {"a":1,"a":1}"#.to_owned(),
        ),
        ("Variant(String, UInt8)", "256", format!("column `x`: UInt8 cannot hold 256 unchanged; {FIT}")),
        ("Variant(String, UInt8)", "true", "column `x`: expected Variant(String, UInt8), found true".to_owned()),
        ("JSON", "1", "column `x`: expected JSON, found 1".to_owned()),
        (
            "JSON",
            r#"{"a":{"b.c":[1]}}"#,
            format!("column `x`, at $.x.a[\"b.c\"]: JSON would take the dot in the name of the field for a path: [1]; {OTHER}"),
        ),
        (
            "JSON",
            r#"{"a":[1,18446744073709551616]}"#,
            format!("column `x`, at $.x.a[1]: JSON cannot hold an integer beyond 64 bits: 18446744073709551616; {OTHER}"),
        ),
        ("JSON", r#"{"a":-0}"#, format!("column `x`, at $.x.a: JSON would make the integer -0 a 0: -0; {OTHER}")),
        ("JSON", r#"{"a":1e400}"#, format!("column `x`, at $.x.a: JSON cannot hold a number beyond Float64: 1e400; {OTHER}")),
        (
            "JSON",
            r#"{"a":"\ud800"}"#,
            format!("column `x`, at $.x.a: an escape sequence of the string is not a character: \"\\ud800\"; {OTHER}"),
        ),
        (
            "JSON",
            r#"{"a":[1.5,9007199254740993]}"#,
            format!(
                "column `x`, at $.x.a: JSON would round the integers beyond 2^53 in a list with fractions: \
                 [1.5,9007199254740993]; {OTHER}"
            ),
        ),
        (
            "JSON",
            r#"{"a":[[1],null]}"#,
            format!("column `x`, at $.x.a: JSON would make a null beside lists an empty list: [[1],null]; {OTHER}"),
        ),
        (
            "JSON",
            r#"{"a":[{"b":[1.5]},{"b":[9007199254740993]}]}"#,
            format!(
                "column `x`, at $.x.a[1].b: JSON would change this list or another one on its path: [9007199254740993]; \
                 {OTHER}"
            ),
        ),
        (
            "JSON",
            r#"{"a":{"b":1,"b":2}}"#,
            r#"column `x`, at $.x.a: the JSON has a field twice: {"b":1,"b":2}"#.to_owned(),
        ),
        (
            "JSON(a UInt8)",
            r#"{"a":1.5}"#,
            "column `x`, at $.x.a: the path `a` of the JSON has the type UInt8, which would change the value: 1.5".to_owned(),
        ),
    ] {
        let reject = decoder(&[("x", data_type)]).decode(format!(r#"{{"x":{value}}}"#).as_bytes()).unwrap_err();
        assert_eq!(reject.message, message);
    }
    let columns = [
        Column::new("id", "UInt8"),
        Column::new("user id", "Nullable(UInt8)").filled_from("/user/id".parse().unwrap()),
    ];
    let mut decoder = Decoder::new(&columns).unwrap().when_unknown(UnknownFields::Quarantine);
    for (event, message) in [
        (
            &b"{}"[..],
            "column `id`: the field is missing, and UInt8 has no null; send it, or make the type Nullable",
        ),
        (
            br#"{"id":1,"user":{"id":-1}}"#,
            "column `user id`, at $.user.id: UInt8 cannot hold -1 unchanged; send a value that fits, or change the column's \
             type",
        ),
        (br#"{"id":1,"user":5}"#, "at $.user: expected object, found 5"),
        (
            br#"{"id":1,"x y":[7]}"#,
            "at $[\"x y\"]: the table has no column for this field: [7]; add one, or let the source ignore unknown fields",
        ),
        (br#"{"id":1,"id":2}"#, "column `id`: the field occurs twice"),
        (b"[1, 2] ", "the event is not a JSON object: [1, 2]"),
        (b"{\"id\":1,\"\xff\":2}", "invalid UTF-8 at byte 9; send JSON in UTF-8"),
        (br#"{"id":1"#, "invalid JSON: unexpected end of input"),
        (br#"{"id":01}"#, "column `id`: invalid JSON: unexpected character at byte 7"),
        (b"{\"a\":\"\n\"}", "invalid JSON: control character at byte 6"),
        (br#"{"id":1,"\ud800":1}"#, "invalid JSON: an escape sequence that is not a character"),
    ] {
        assert_eq!(decoder.decode(event).unwrap_err().message, message);
    }
    let long = format!(r#"{{"id":"{}"}}"#, "ä".repeat(300));
    let message = decoder.decode(long.as_bytes()).unwrap_err().message;
    assert!(message.len() < 320 && message.ends_with('…'), "{message}");
}

#[test]
fn depth_is_limited_and_no_depth_overflows_the_stack() {
    let nested =
        |levels: usize| format!(r#"{{"id":1,"other":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    let mut decoder = decoder(&[("id", "UInt8")]);
    assert_eq!(decoder.decode(nested(MAX_DEPTH - 1).as_bytes()), Ok(()));
    for levels in [MAX_DEPTH, 1_000_000] {
        let reject = decoder.decode(nested(levels).as_bytes()).unwrap_err();
        assert_eq!(reject.error_type, RejectKind::TooDeep);
    }
    let flat = format!(r#"{{"id":1,"other":[{}[]],"text":"{}"}}"#, "[],".repeat(1000), "[".repeat(1000));
    assert_eq!(decoder.decode(flat.as_bytes()), Ok(()));
}

#[test]
fn lists_of_a_flattened_nested_have_equal_lengths() {
    let mut decoder = decoder(&[("n.a", "Array(UInt8)"), ("n.b", "Array(String)"), ("m.a", "Array(UInt8)")]);
    assert_eq!(decoder.decode(br#"{"n.a":[1],"n.b":["x"]}"#), Ok(()));
    let reject = decoder.decode(br#"{"n.a":[1],"n.b":[]}"#).unwrap_err();
    assert_eq!((reject.error_type, reject.column.as_deref()), (RejectKind::OutOfRange, Some("n.b")));
    assert_eq!(decoder.finish().unwrap().num_rows(), 1);
}

#[test]
fn types_that_cannot_be_filled_are_named() {
    for data_type in
        ["AggregateFunction(sum, UInt64)", "Array(QBit(Float32, 16))", "Variant(UUID)", "Nothing", "Huh"]
    {
        let error = Decoder::new(&[Column::new("x", data_type)]).unwrap_err();
        let context: Vec<_> = error.context().collect();
        assert_eq!(context, [("column", "x"), ("type", data_type)]);
    }
    assert!(Decoder::new(&[]).is_err());
    assert!(Decoder::new(&[Column::new("x", "UInt8"), Column::new("x", "UInt8")]).is_err());
}

#[test]
fn absent_fields_get_zero_values_only_where_that_is_wished_for() {
    let columns = [
        ("a", "UInt8"),
        ("b", "String"),
        ("c", "Enum8('y' = 2, 'x' = -1)"),
        ("d", "Tuple(p UInt8, q Nullable(UInt8))"),
        ("e", "Nullable(UInt8)"),
    ];
    assert_eq!(
        decoder(&columns).decode(b"{}").map_err(|reject| reject.error_type),
        Err(RejectKind::MissingField)
    );
    let mut decoder = decoder(&columns).when_missing(MissingFields::ZeroValue);
    assert_eq!(decoder.decode(b"{}"), Ok(()));
    let batch = decoder.finish().unwrap();
    assert_eq!(batch.column(0).as_primitive::<UInt8Type>().values(), &[0]);
    assert_eq!(batch.column(1).as_binary::<i32>().value(0), b"");
    assert_eq!(batch.column(2).as_primitive::<Int8Type>().values(), &[-1]);
    assert!(batch.column(3).is_valid(0) && batch.column(4).is_null(0));
}

/// A `null` where nothing else is the list's own: but not where there is a default, which the event may have meant.
#[test]
fn null_is_an_empty_list_where_there_is_no_default() {
    for data_type in ["Array(UInt8)", "Map(String, UInt8)", "JSON", "Tuple(a Array(UInt8))"] {
        let columns = [Column::new("x", data_type)];
        let event = if data_type.starts_with("Tuple") { r#"{"x":{"a":null}}"# } else { r#"{"x":null}"# };
        assert_eq!(decoder(&[("x", data_type)]).decode(event.as_bytes()), Ok(()), "{data_type}");
        if !data_type.starts_with("Tuple") {
            let mut defaulted = Decoder::with_defaults(&columns, &["x".to_owned()]).unwrap();
            let reject = defaulted.decode(event.as_bytes()).unwrap_err();
            assert_eq!(reject.error_type, RejectKind::NullValue, "{data_type}");
        }
    }
    assert!(decoder(&[("x", "Tuple(a UInt8)")]).decode(br#"{"x":null}"#).is_err());
}

/// A default that cannot be asked for is not replaced by zero.
#[test]
fn no_policy_replaces_a_default() {
    let columns = [Column::new("x", "Nullable(UInt8)"), Column::new("y", "Array(UInt8)")];
    for name in ["x", "y"] {
        let decoder = Decoder::with_defaults(&columns, &[name.to_owned()]).unwrap();
        let reject = decoder.when_missing(MissingFields::ZeroValue).decode(b"{}").unwrap_err();
        assert_eq!((reject.error_type, reject.column.as_deref()), (RejectKind::MissingField, Some(name)));
    }
}

#[test]
fn a_literal_stands_where_a_field_is_absent_and_nowhere_else() {
    let columns = [
        Column::new("a", "Nullable(UInt8)"),
        Column::new("b", "Array(UInt8)"),
        Column::new("c", "Tuple(p UInt8, q Array(UInt8))"),
        Column::new("d", "Nullable(UInt8)"),
    ];
    let names = ["a", "b", "c", "d"].map(str::to_owned);
    let literals =
        names.clone().into_iter().zip(["5", "[1,2]", r#"{"p":1,"q":[7]}"#, "null"].map(str::to_owned));
    let decoder = Decoder::with_defaults(&columns, &names).unwrap();
    let mut decoder =
        decoder.with_literals(&literals.collect()).unwrap().when_missing(MissingFields::ZeroValue);
    for (event, is_row) in [
        ("{}", true),
        (r#"{"d":256}"#, false),
        (r#"{"a":null,"b":[],"c":[2,[]],"d":1}"#, true),
        (r#"{"c":{"p":2}}"#, true),
        (r#"{"c":{"q":[]}}"#, false),
    ] {
        assert_eq!(decoder.decode(event.as_bytes()).is_ok(), is_row, "{event}");
    }
    let batch = decoder.finish().unwrap();
    let numbers = |at: usize| batch.column(at).as_primitive::<UInt8Type>().iter().collect::<Vec<_>>();
    let lists = |lists: &ArrayRef| {
        let lists = lists.as_list::<i32>().iter();
        lists.map(|list| list.unwrap().as_primitive::<UInt8Type>().values().to_vec()).collect::<Vec<_>>()
    };
    assert_eq!((numbers(0), numbers(3)), (vec![Some(5), None, Some(5)], vec![None, Some(1), None]));
    assert_eq!(lists(batch.column(1)), [vec![1, 2], vec![], vec![1, 2]]);
    let tuple = batch.column(2).as_struct();
    assert_eq!(tuple.column(0).as_primitive::<UInt8Type>().values(), &[1, 2, 2]);
    assert_eq!(lists(tuple.column(1)), [vec![7], vec![], vec![]]);
}

#[test]
fn a_literal_is_refused_where_it_is_no_value_or_nothing_asks_for_it() {
    let columns = [Column::new("x", "Nullable(UInt8)"), Column::new("y", "UInt8")];
    let names = ["x", "y"].map(str::to_owned);
    for (column, value) in [("x", "256"), ("x", "5 5"), ("x", ""), ("y", "5"), ("z", "5")] {
        let decoder = Decoder::with_defaults(&columns, &names).unwrap();
        assert_eq!(decoder.unasked().collect::<Vec<_>>(), ["x"]);
        let literals = [(column.to_owned(), value.to_owned())].into();
        assert!(decoder.with_literals(&literals).is_err(), "{column} {value}");
    }
}

#[test]
fn a_reject_says_where_and_repeats_little_of_the_event() {
    let reject = |event: &str| {
        let columns = [("a b", "Array(Map(String, Tuple(x UInt8)))"), ("id", "UInt8")];
        decoder(&columns).decode(event.as_bytes()).unwrap_err()
    };
    let deep = reject(r#"{"id":1,"a b":[{},{"k":{"x":[1,  2]}}]}"#);
    assert_eq!(deep.path.as_deref(), Some(r#"$["a b"][1].k.x"#));
    assert_eq!((deep.column.as_deref(), deep.wanted.as_deref()), (Some("a b"), Some("UInt8")));
    assert_eq!(deep.value.as_deref(), Some("[1,  2]"));
    let missing = reject("{}");
    assert_eq!((missing.path.as_deref(), missing.value), (Some("$.id"), None));
    let long = reject(&format!(r#"{{"id":"{}é"}}"#, "é".repeat(10_000)));
    let value = long.value.unwrap().into_string();
    assert!(value.len() <= MAX_VALUE_BYTES && value.ends_with("é…"), "{value}");
    let key = format!(r#"{{"a b":[{{"{}":1}}]}}"#, "k".repeat(1 << 20));
    let path = reject(&key).path.unwrap();
    assert!(path.len() <= MAX_PATH_BYTES && path.contains('…'));
}

#[test]
fn a_field_too_many_is_a_reject_where_that_is_the_policy() {
    let decode =
        |policy, event: &str| decoder(&[("id", "UInt8")]).when_unknown(policy).decode(event.as_bytes());
    let unknown = r#"{"a b":[1, 2],"id":1,"c":2}"#;
    assert_eq!(decode(UnknownFields::Ignore, unknown), Ok(()));
    assert_eq!(decode(UnknownFields::AddColumn, unknown), Ok(()));
    let reject = decode(UnknownFields::Quarantine, unknown).unwrap_err();
    assert_eq!((reject.error_type.as_str(), reject.column, reject.wanted), ("unknown_field", None, None));
    assert_eq!((reject.path.as_deref(), reject.value.as_deref()), (Some(r#"$["a b"]"#), Some("[1, 2]")));
    assert_eq!(decode(UnknownFields::Quarantine, r#"{"i\u0064":1}"#), Ok(()));
    for (event, kind) in [
        (r#"{"x":1,"id":256}"#, RejectKind::OutOfRange),
        (r#"{"x":1,"id":1"#, RejectKind::MalformedJson),
        (r#"{"x":1}"#, RejectKind::MissingField),
    ] {
        assert_eq!(decode(UnknownFields::Quarantine, event).unwrap_err().error_type, kind, "{event}");
    }
}

#[test]
fn a_field_that_can_have_no_column_is_a_reject_where_columns_are_added() {
    let decode = |columns: &[(&str, &str)], event: &str| {
        decoder(columns)
            .when_unknown(UnknownFields::AddColumn)
            .decode(event.as_bytes())
            .map_err(|reject| reject.error_type)
    };
    let long = "k".repeat(MAX_COLUMN_NAME_BYTES + 1);
    for name in ["", &long] {
        let event = format!(r#"{{"id":1,"{name}":1}}"#);
        assert_eq!(decode(&[("id", "UInt8")], &event), Err(RejectKind::UnknownField), "{name}");
    }
    assert_eq!(decode(&[("id", "UInt8")], &format!(r#"{{"id":1,"{}":1}}"#, long.get(1..).unwrap())), Ok(()));
    let names: Vec<_> = (0..MAX_COLUMNS).map(|at| format!("c{at}")).collect();
    let full: Vec<_> = names.iter().map(|name| (name.as_str(), "Nullable(UInt8)")).collect();
    assert_eq!(decode(&full[1..], r#"{"c1":1,"x":1}"#), Ok(()));
    assert_eq!(decode(&full, r#"{"c1":1,"x":1}"#), Err(RejectKind::UnknownField));
}

const WIDE: &[(&str, &str)] = &[
    ("id", "UInt64"),
    ("name", "String"),
    ("at", "DateTime64(3)"),
    ("tags", "Array(Nullable(String))"),
    ("props", "Map(String, Array(UInt8))"),
    ("place", "Tuple(x Float64, y Nullable(Decimal(9, 2)))"),
    ("uuid", "Nullable(UUID)"),
    ("doc", "JSON"),
    ("flag", "Nullable(Bool)"),
];

fn good_event(id: u64, name: &str, tags: &[Option<String>], amount: Option<u32>) -> String {
    serde_json::json!({
        "id": id, "name": name, "at": "2024-06-15T12:00:00.123Z", "tags": tags, "props": {"a": [1, 2], "b": []},
        "place": {"x": 1.5, "y": amount.map(|amount| f64::from(amount % 1_000_000) / 4.0)},
        "uuid": null, "doc": {"name": name}, "flag": id.is_multiple_of(2),
    })
    .to_string()
}

proptest! {
    /// Bad events between good ones leave no trace.
    #[test]
    fn rejects_leave_the_rows_as_they_were(
        events in prop::collection::vec(
            (any::<u64>(), "\\PC{0,8}", prop::collection::vec(prop::option::of("\\PC{0,4}"), 0..3), prop::option::of(any::<u32>()), 0_usize..400),
            0..20,
        )
    ) {
        let (mut mixed, mut pure) = (decoder(WIDE), decoder(WIDE));
        for (id, name, tags, amount, cut) in events {
            let event = good_event(id, &name, &tags, amount);
            let cut = event.as_bytes().get(..cut % event.len()).unwrap_or_default();
            prop_assert!(mixed.decode(cut).is_err());
            let spoiled = event.replace(r#""flag":"#, r#""flag":"x","#);
            prop_assert!(mixed.decode(spoiled.as_bytes()).is_err());
            prop_assert_eq!(mixed.decode(event.as_bytes()), Ok(()));
            prop_assert_eq!(pure.decode(event.as_bytes()), Ok(()));
        }
        let (mixed, pure) = (mixed.finish(), pure.finish());
        prop_assert_eq!(mixed.map_err(|error| TestCaseError::fail(error.to_string()))?, pure.map_err(|error| TestCaseError::fail(error.to_string()))?);
    }

    /// The same where a value is tried in several types.
    #[test]
    fn rejects_leave_unions_as_they_were(
        values in prop::collection::vec((0_usize..5, 0_usize..5, any::<bool>()), 0..20)
    ) {
        let columns = [("v", "Variant(Array(Nullable(UInt8)), Bool, String, UInt16)"), ("a", "Array(Dynamic)"), ("id", "UInt8")];
        let (mut mixed, mut pure) = (decoder(&columns), decoder(&columns));
        let fitting = ["[1,null,255]", "true", r#""x""#, "7", "[]"];
        let others = ["[1,2,256]", "65536", "{}", "null", "[1"];
        for (good, bad, is_late) in values {
            let event = format!(r#"{{"v":{0},"a":[{0},1.5,[1,"x"],[1.5,2]],"id":1}}"#, fitting[good]);
            let spoiled = if is_late { event.replace(r#""id":1"#, r#""id":256"#) } else { event.replacen(fitting[good], others[bad], 1) };
            prop_assert!(mixed.decode(spoiled.as_bytes()).is_err());
            prop_assert_eq!(mixed.decode(event.as_bytes()), Ok(()));
            prop_assert_eq!(pure.decode(event.as_bytes()), Ok(()));
        }
        let finish = |decoder: &mut Decoder| decoder.finish().map_err(|error| TestCaseError::fail(error.to_string()));
        let mixed = finish(&mut mixed)?;
        let union = mixed.column(0).as_any().downcast_ref::<UnionArray>().unwrap();
        let kept: usize = (0..4).map(|member| union.child(member).len()).sum();
        prop_assert_eq!(kept, mixed.num_rows(), "what was rejected is kept");
        prop_assert_eq!(mixed, finish(&mut pure)?);
    }

    #[test]
    fn no_bytes_panic(event in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut decoder = decoder(WIDE);
        let taken = decoder.decode(&event).is_ok();
        prop_assert_eq!(decoder.finish().map_or(usize::MAX, |batch| batch.num_rows()), usize::from(taken));
    }

    #[test]
    fn no_json_like_text_panics(
        event in r#"\{("(id|name|at|tags|props|place|uuid|doc|flag|x)":(null|true|-?[0-9.e]{1,12}|"[\\\\u0-9a-f:TZ-]{0,12}"|\[("a"|1|null|,)*\]|\{"a":(1|\[1,2\])\}),?){0,9}\}"#
    ) {
        let mut decoder = decoder(WIDE);
        let taken = decoder.decode(event.as_bytes()).is_ok();
        // Whatever we take as JSON, another parser takes too.
        if taken {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&event).is_ok(), "{}", event);
        }
        prop_assert!(decoder.finish().is_ok());
    }

    #[test]
    fn integers_are_exact(values in prop::collection::vec(any::<u64>(), 1..50)) {
        let mut decoder = decoder(&[("x", "UInt64")]);
        for value in &values {
            prop_assert_eq!(decoder.decode(format!(r#"{{"x":{value}}}"#).as_bytes()), Ok(()));
        }
        let batch = decoder.finish().map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(batch.column(0).as_primitive::<UInt64Type>().values().to_vec(), values);
        prop_assert_eq!(batch.column(0).null_count(), 0);
    }
}

/// The table of values that the real engine is asked about, in `tests/it`.
#[path = "../../../tests/it/cases.rs"]
mod cases;

/// Every kind of type that there is, numbered. A new one does not compile until it is here.
fn number_of(data_type: &DataType) -> usize {
    match data_type {
        DataType::Int { .. } => 0,
        DataType::UInt { .. } => 1,
        DataType::Float { .. } => 2,
        DataType::BFloat16 => 3,
        DataType::Decimal { .. } => 4,
        DataType::Bool => 5,
        DataType::String => 6,
        DataType::FixedString { .. } => 7,
        DataType::Date => 8,
        DataType::Date32 => 9,
        DataType::DateTime { .. } => 10,
        DataType::DateTime64 { .. } => 11,
        DataType::Time => 12,
        DataType::Time64 { .. } => 13,
        DataType::Uuid => 14,
        DataType::Ipv4 => 15,
        DataType::Ipv6 => 16,
        DataType::Enum8(_) => 17,
        DataType::Enum16(_) => 18,
        DataType::LowCardinality(_) => 19,
        DataType::Nullable(_) => 20,
        DataType::Array(_) => 21,
        DataType::Map(..) => 22,
        DataType::Tuple(_) => 23,
        DataType::Nested(_) => 24,
        DataType::Json(_) => 25,
        DataType::Dynamic { .. } => 26,
        DataType::Variant(_) => 27,
        DataType::SimpleAggregateFunction { .. } => 28,
        DataType::Point => 29,
        DataType::Ring => 30,
        DataType::LineString => 31,
        DataType::MultiLineString => 32,
        DataType::Polygon => 33,
        DataType::MultiPolygon => 34,
        DataType::AggregateFunction(_) => 35,
        DataType::Object(_) => 36,
        DataType::Nothing => 37,
        DataType::Other(_) => 38,
    }
}

/// One of each, and each width.
const EVERY: &[&str] = &[
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Int128",
    "Int256",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "UInt128",
    "UInt256",
    "Float32",
    "Float64",
    "BFloat16",
    "Decimal(9, 2)",
    "Decimal(18, 0)",
    "Decimal(38, 38)",
    "Decimal(76, 2)",
    "Bool",
    "String",
    "FixedString(3)",
    "Date",
    "Date32",
    "DateTime",
    "DateTime64(0)",
    "DateTime64(3)",
    "DateTime64(6)",
    "DateTime64(9)",
    "Time",
    "Time64(0)",
    "Time64(1)",
    "Time64(6)",
    "Time64(9)",
    "UUID",
    "IPv4",
    "IPv6",
    "Enum8('a' = 1)",
    "Enum16('a' = 1)",
    "LowCardinality(String)",
    "Nullable(String)",
    "Array(String)",
    "Map(String, String)",
    "Tuple(String)",
    "Nested(a String)",
    "JSON",
    "Dynamic",
    "Variant(String, UInt8)",
    "SimpleAggregateFunction(sum, UInt64)",
    "Point",
    "Ring",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "AggregateFunction(sum, UInt64)",
    "Object('json')",
    "Nothing",
    "QBit(Float32, 16)",
];

/// What is told apart in the table: the kind, and within it what changes the way a value is kept.
fn key(data_type: &DataType) -> (usize, u32) {
    let width = match data_type {
        DataType::Int { bits } | DataType::UInt { bits } | DataType::Float { bits } => u32::from(*bits),
        DataType::Decimal { precision: ..=9, .. } => 32,
        DataType::Decimal { precision: ..=18, .. } => 64,
        DataType::Decimal { precision: ..=38, .. } => 128,
        DataType::Decimal { .. } => 256,
        DataType::DateTime64 { precision, .. } | DataType::Time64 { precision } => {
            u32::from(precision.div_ceil(3))
        }
        _ => 0,
    };
    (number_of(data_type), width)
}

#[test]
fn every_type_that_is_taken_has_its_row_in_the_table() {
    let types: Vec<DataType> = EVERY.iter().map(|text| text.parse().unwrap()).collect();
    let numbers: std::collections::BTreeSet<_> = types.iter().map(number_of).collect();
    assert_eq!(numbers, (0..=number_of(&DataType::Other(String::new()))).collect());
    let rows: Vec<_> = cases::CASES.iter().map(|(text, ..)| key(&text.parse().unwrap())).collect();
    for data_type in &types {
        // ClickHouse makes columns of arrays from a Nested: no column has that type itself.
        let taken = Nodes::new(true).node(data_type).is_some() && !matches!(data_type, DataType::Nested(_));
        assert_eq!(taken, rows.contains(&key(data_type)), "{data_type}");
    }
    for (text, fitting, others) in cases::CASES {
        for (value, _) in *fitting {
            assert_eq!(outcome(text, value), Ok(()), "{text} {value}");
        }
        for value in *others {
            assert!(outcome(text, value).is_err(), "{text} {value}");
        }
    }
}

/// Bytes that somebody made to hurt: whatever they are, the outcome is that of another parser, in bounded memory.
mod hostile {
    use super::*;

    fn decode_one(event: &str) -> Result<RecordBatch, Reject> {
        let mut decoder = decoder(&[("s", "String"), ("n", "Nullable(Float64)"), ("i", "Nullable(Int64)")]);
        decoder.decode(event.as_bytes())?;
        Ok(decoder.finish().unwrap())
    }

    #[test]
    fn huge_numbers() {
        let digits = "9".repeat(1 << 20);
        for number in [digits.clone(), format!("1e{digits}"), format!("-0.{digits}"), format!("1e-{digits}")]
        {
            for column in ["n", "i"] {
                let reject = decode_one(&format!(r#"{{"s":"","{column}":{number}}}"#)).err();
                // A long fraction is a Float64 like any other.
                assert_eq!(reject.is_none(), column == "n" && number.starts_with("-0."), "{column}");
                let size = reject
                    .map_or(0, |reject| reject.value.map_or(0, |value| value.len()) + reject.message.len());
                assert!(size < 1000);
            }
            assert!(decode_one(&format!(r#"{{"s":"","other":{number}}}"#)).is_ok());
            let text = decode_one(&format!(r#"{{"s":{number}}}"#)).unwrap();
            assert_eq!(text.column(0).as_binary::<i32>().value(0), number.as_bytes());
        }
    }

    #[test]
    fn long_names_texts_and_many_fields() {
        let long = "k".repeat(1 << 20);
        assert!(decode_one(&format!(r#"{{"s":"","{long}":1}}"#)).is_ok());
        assert!(decode_one(&format!(r#"{{"s":"{long}\u0000"}}"#)).is_ok());
        let many: String = (0..50_000).map(|at| format!(r#""k{at}":{{}},"#)).collect();
        assert!(decode_one(&format!(r#"{{{many}"s":""}}"#)).is_ok());
        let mut maps = decoder(&[("m", "Map(String, JSON)"), ("j", "JSON")]);
        let event = format!(r#"{{"m":{{{many}"s":{{}}}},"j":{{{many}"s":[]}}}}"#);
        assert_eq!(maps.decode(event.as_bytes()), Ok(()));
        let twice = format!(r#"{{"m":{{{many}"k0":{{}}}},"j":{{}}}}"#);
        assert_eq!(maps.decode(twice.as_bytes()).unwrap_err().error_type, RejectKind::DuplicateField);
        let twice = format!(r#"{{"m":{{}},"j":{{{many}"k\u0030":{{}}}}}}"#);
        assert_eq!(maps.decode(twice.as_bytes()).unwrap_err().error_type, RejectKind::DuplicateField);
    }

    /// A reject takes back what it had filled: nothing piles up.
    #[test]
    fn rejects_leave_nothing_behind() {
        let mut decoder = decoder(&[("s", "String"), ("a", "Array(UInt64)"), ("i", "UInt8")]);
        let numbers = vec!["1"; 1000].join(",");
        let event = format!(r#"{{"s":"{}","a":[{numbers}],"i":256}}"#, "x".repeat(100_000));
        for _ in 0..1000 {
            assert_eq!(decoder.decode(event.as_bytes()).unwrap_err().error_type, RejectKind::OutOfRange);
        }
        let batch = decoder.finish().unwrap();
        assert_eq!(batch.num_rows(), 0);
        assert!(batch.get_array_memory_size() < 1_000_000, "{}", batch.get_array_memory_size());
    }

    proptest! {
        /// What is taken is what another parser sees in the same bytes; what is not, it does not take either, or sees
        /// a value that does not fit.
        #[test]
        fn values_are_those_of_another_parser(
            text in r#"(\\["\\/bfnrtu]|\\u[0-9a-fA-F]{4}|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|[^"\\]|\x00){0,8}"#,
            number in r"-?[0-9]{1,25}(\.[0-9]{0,20})?([eE][+-]?[0-9]{0,4})?",
            space in "[ \t\r\n]{0,2}",
        ) {
            let event = format!(r#"{{{space}"s":{space}"{text}"{space},"n":{number}{space}}}"#);
            let theirs: Option<serde_json::Value> = serde_json::from_str(&event).ok();
            match (decode_one(&event), theirs) {
                (Ok(batch), Some(theirs)) => {
                    prop_assert_eq!(batch.column(0).as_binary::<i32>().value(0), theirs["s"].as_str().unwrap().as_bytes());
                    // Another parser may be off by a bit; the standard library is not.
                    let expected: f64 = number.parse().unwrap();
                    let ours = batch.column(1).as_primitive::<Float64Type>().value(0);
                    prop_assert_eq!(ours.to_bits(), expected.to_bits());
                }
                (Err(reject), Some(_)) => prop_assert_eq!(reject.error_type, RejectKind::OutOfRange, "{}", event),
                (Err(reject), None) => {
                    let kind = reject.error_type;
                    prop_assert!(matches!(kind, RejectKind::MalformedJson | RejectKind::OutOfRange), "{event}: {kind}");
                }
                (Ok(_), None) => prop_assert!(false, "{}", event),
            }
        }

        #[test]
        fn bytes_that_are_no_text_are_refused(mut event in prop::collection::vec(any::<u8>(), 1..40), at in any::<prop::sample::Index>()) {
            let at = at.index(event.len());
            event[at] = 0xff;
            let event = [&br#"{"s":""#[..], &event, br#""}"#].concat();
            let mut decoder = decoder(&[("s", "String")]);
            prop_assert_eq!(decoder.decode(&event).unwrap_err().error_type, RejectKind::MalformedJson);
        }
    }
}

/// A column that is filled from the field to which a pointer leads.
fn filled(name: &str, data_type: &str, field: &str) -> Column {
    Column::new(name, data_type).filled_from(field.parse().unwrap())
}

#[test]
fn columns_are_filled_from_where_they_say() {
    let columns = [
        filled("user_id", "UInt8", "/user/id"),
        Column::new("at", "UInt8"),
        filled("city", "Nullable(String)", "/user/home/city"),
        filled("renamed", "Array(UInt8)", "/list"),
    ];
    let mut decoder = Decoder::new(&columns).unwrap();
    for event in [
        r#"{"user":{"id":1,"home":{"city":"x","zip":1}},"at":2,"list":[3]}"#,
        r#"{"at":5,"user_id":9,"user":{"other":[{}],"id":4}}"#,
        r#"{"list":[],"user":{"home":null,"id":6},"at":7}"#,
    ] {
        decoder.decode(event.as_bytes()).unwrap();
    }
    for (event, kind, column, path) in [
        (r#"{"at":1}"#, RejectKind::MissingField, Some("user_id"), "$.user.id"),
        (r#"{"at":1,"user":[]}"#, RejectKind::TypeMismatch, None, "$.user"),
        (
            r#"{"at":1,"user":{"id":1,"home":{"city":1}}}"#,
            RejectKind::TypeMismatch,
            Some("city"),
            "$.user.home.city",
        ),
        (r#"{"at":1,"user":{"id":1,"id":1}}"#, RejectKind::DuplicateField, Some("user_id"), "$.user.id"),
        (r#"{"at":1,"user":{"id":1},"list":[1,256]}"#, RejectKind::OutOfRange, Some("renamed"), "$.list[1]"),
        (r#"{"user":{"id":1}}"#, RejectKind::MissingField, Some("at"), "$.at"),
    ] {
        match decoder.decode(event.as_bytes()) {
            Ok(()) => assert_eq!(
                (event.contains("\"city\":1"), column),
                (true, Some("city")),
                "a String takes any value"
            ),
            Err(reject) => {
                assert_eq!(
                    (reject.error_type, reject.column.as_deref(), reject.path.as_deref()),
                    (kind, column, Some(path))
                );
            }
        }
    }
    let batch = decoder.finish().unwrap();
    let names: Vec<_> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["user_id", "city", "at", "renamed"]);
    assert_eq!(batch.column(0).as_primitive::<UInt8Type>().values(), &[1, 4, 6, 1]);
    let cities: Vec<_> = batch.column(1).as_binary::<i32>().iter().collect();
    assert_eq!(cities, [Some(&b"x"[..]), None, None, Some(b"1")]);
    // The room is used again.
    decoder.decode(br#"{"user":{"id":1},"at":2}"#).unwrap();
    assert_eq!(decoder.finish().unwrap().num_rows(), 1);
}

#[test]
fn a_field_fills_one_column() {
    for fields in [["/a", "/a"], ["/a/b", "/a"], ["/a", "/a/b"], ["/a/b", "/a/b/c"]] {
        let columns = [filled("x", "UInt8", fields[0]), filled("y", "UInt8", fields[1])];
        let error = Decoder::new(&columns).unwrap_err().to_string();
        assert!(error.contains("{column: y"), "{error}");
    }
}

#[test]
fn a_default_of_the_schema_stands_in_for_an_absent_field() {
    let with = |data_type: &str, default: serde_json::Value| {
        Decoder::new(&[Column::new("id", "UInt8"), Column::new("x", data_type).default_value(default)])
    };
    for (data_type, default) in [
        ("Nullable(UInt8)", serde_json::json!(5)),
        ("Array(UInt8)", serde_json::json!([1])),
        ("Array(UInt8)", serde_json::json!([])),
        ("UInt8", serde_json::json!(5)),
        ("Nullable(UInt8)", serde_json::Value::Null),
    ] {
        let mut decoder = with(data_type, default.clone()).unwrap();
        decoder.decode(br#"{"id":1}"#).unwrap_or_else(|reject| panic!("{data_type} {default}: {reject:?}"));
    }
    for (data_type, default) in [
        ("UInt8", serde_json::json!(256)),
        ("UInt8", serde_json::Value::Null),
        ("Date", serde_json::json!("today")),
    ] {
        let error = with(data_type, default).unwrap_err().to_string();
        assert!(error.contains("{column: x"), "{error}");
    }
}

#[test]
fn fields_within_tuples_are_unknown_too() {
    let columns = [
        Column::new("t", "Tuple(a UInt8, l Array(Tuple(b UInt8)), m Map(String, Tuple(c UInt8)))"),
        filled("u", "UInt8", "/o/u"),
    ];
    let event = |t: &str, o: &str| {
        format!(r#"{{"t":{{"a":1,"l":[{{"b":1{t}}}],"m":{{"k":{{"c":1}}}}}},"o":{{"u":1{o}}}}}"#)
    };
    for (t, o, path) in
        [("", "", None), (r#","z":2"#, "", Some("$.t.l[0].z")), ("", r#","z":2"#, Some("$.o.z"))]
    {
        let mut strict = Decoder::new(&columns).unwrap().when_unknown(UnknownFields::Quarantine);
        let outcome = strict.decode(event(t, o).as_bytes());
        assert_eq!(outcome.err().and_then(|reject| reject.path).as_deref(), path);
        for lenient in [UnknownFields::Ignore, UnknownFields::AddColumn] {
            let mut decoder = Decoder::new(&columns).unwrap().when_unknown(lenient);
            decoder.decode(event(t, o).as_bytes()).unwrap();
        }
    }
}

#[test]
fn a_field_whose_name_is_taken_can_have_a_column_of_another_name() {
    let columns = [filled("id", "UInt8", "/user/id")];
    let mut decoder = Decoder::new(&columns).unwrap().when_unknown(UnknownFields::AddColumn);
    decoder.decode(br#"{"user":{"id":1},"id":1}"#).unwrap();
    decoder.decode(br#"{"user":{"id":1},"_shard":1}"#).unwrap();
}

#[test]
fn a_long_name_is_a_columns_name_too() {
    let name = "n".repeat(1_000);
    let reject = decoder(&[(&name, "UInt8")]).decode(format!(r#"{{"{name}":"x"}}"#).as_bytes()).unwrap_err();
    assert_eq!(reject.column.as_deref(), Some(name.as_str()));
    assert!(reject.path.unwrap().len() < 2 * MAX_VALUE_BYTES);
}
