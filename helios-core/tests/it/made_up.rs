//! Events of a shape that chance makes: with every form of a value that inference tells apart, and keys of all sorts.

use helios_core::schema::InferOptions;

use crate::chance::Chance;

/// What the values at one place are.
enum Shape {
    Scalar(Form),
    /// A list of at most so many.
    List(Box<Self>, usize),
    /// Each with how many of 100 objects have it.
    Object(Vec<(String, usize, Self)>),
    /// An object whose keys are data.
    Keyed(fn(&mut Chance) -> String, Box<Self>),
    /// One of these, the first mostly.
    Mixed(Vec<Self>),
    /// Null in so many of 100.
    Nullable(Box<Self>, usize),
    Empty(String),
}

/// A scalar as JSON text.
type Form = fn(&mut Chance) -> String;

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn of(all: &[&str], chance: &mut Chance) -> String {
    (*chance.of(all)).to_owned()
}

/// A time since 1970, from 2020 to 2030, in parts of a second.
fn epoch(parts: i128, chance: &mut Chance) -> String {
    chance.from(1_577_836_800 * parts, 1_893_456_000 * parts).to_string()
}

fn time(chance: &mut Chance, digits: usize) -> String {
    let nanoseconds = chance.from(-2_200_000_000, 9_000_000_000) * 1_000_000_000;
    let time = jiff::Timestamp::from_nanosecond(nanoseconds).unwrap().to_string();
    let time = time.trim_end_matches('Z');
    if digits == 0 { time.to_owned() } else { format!("{time}.{}", chance.text("0123456789", digits)) }
}

const FORMS: &[Form] = &[
    |chance| of(&["true", "false"], chance),
    |chance| chance.from(0, 300).to_string(),
    |chance| chance.from(-70_000, 70_000).to_string(),
    |chance| of(&["0", "1"], chance),
    |chance| of(&["9007199254740991", "9007199254740992", "9007199254740993", "0"], chance),
    |chance| of(&["18446744073709551615", "9223372036854775808", "0", "7"], chance),
    |chance| of(&["-9223372036854775808", "9223372036854775807", "-1"], chance),
    |chance| {
        of(
            &["18446744073709551616", "-9223372036854775809", "340282366920938463463374607431768211455"],
            chance,
        )
    },
    |chance| {
        of(&["1157920892373161954235709850086879078532699846656405640394575840079131296399360", "1"], chance)
    },
    |chance| of(&["2147483647", "2147483648", "-2147483648", "4294967295", "4294967296", "65536"], chance),
    |chance| format!("{}.{}", chance.from(-999, 999), chance.text("0123456789", 2)),
    |chance| format!("{:?}", f64::from_bits(chance.next() >> 2)),
    |chance| format!("{}.{}", chance.from(0, 9), chance.text("0123456789", 25)),
    |chance| of(&["1e2", "1E-3", "2.50e+1", "-0.0", "1e22", "123e-400"], chance),
    |chance| of(&["-0", "0", "1"], chance),
    |chance| of(&["1.0", "2", "3.00", "4"], chance),
    |chance| of(&["1e308", "1.7976931348623157e308", "5e-324", "1e309"], chance),
    |chance| of(&["0.1", "9007199254740993", "2"], chance),
    |chance| epoch(1, chance),
    |chance| epoch(1_000, chance),
    |chance| epoch(1_000_000, chance),
    |chance| epoch(1_000_000_000, chance),
    |chance| format!("{}.{}", epoch(1, chance), chance.text("0123456789", 3)),
    |chance| of(&["\"view\"", "\"click\"", "\"buy\""], chance),
    |chance| format!("\"{}\"", chance.text("abc äöü€𝄞👋日本", 6)),
    |chance| {
        of(
            &[r#""\u00e4\ud83d\udc4b""#, r#""\/\b\f\n\r\t\"\\""#, r#""\u0000\u001f\u007f""#, r#""'`--{}""#],
            chance,
        )
    },
    |chance| of(&["\"\"", "\" \"", "\"x\""], chance),
    |chance| format!("\"{}\"", chance.from(0, 99_999)),
    |chance| format!("\"{}.{}\"", chance.from(0, 999), chance.text("0123456789", 2)),
    |chance| format!("\"0{}\"", chance.digits(4)),
    |chance| of(&["\"1e5\"", "\"+1\"", "\"-\"", "\"NaN\"", "\"Infinity\"", "\"0x1f\"", "\"1_000\""], chance),
    |chance| of(&["\"true\"", "\"false\"", "\"null\"", "\"None\"", "\"[]\"", "\"{}\""], chance),
    |chance| quoted(&chance.uuid()),
    |chance| quoted(&chance.uuid().to_uppercase()),
    |chance| quoted(&of(&["00000000-0000-0000-0000-000000000000", ""], chance)),
    |chance| quoted(&chance.ipv4()),
    |chance| of(&["\"::1\"", "\"2001:db8::8a2e:370:7334\"", "\"::ffff:10.0.0.1\"", "\"fe80::\""], chance),
    |chance| of(&["\"10.0.0.1\"", "\"2001:db8::1\"", "\"010.0.0.1\""], chance),
    |chance| quoted(time(chance, 0).split_once('T').unwrap().0),
    |chance| of(&["\"1970-01-01\"", "\"1900-01-01\"", "\"2299-12-31\"", "\"2149-06-06\""], chance),
    |chance| {
        of(&["\"2024-02-30\"", "\"20240101\"", "\"2024-1-1\"", "\"2024-01-01\"", "\"0000-00-00\""], chance)
    },
    |chance| format!("\"{}Z\"", time(chance, 0)),
    |chance| format!("\"{}Z\"", time(chance, 3)),
    |chance| format!("\"{}+05:30\"", time(chance, 6).replace('T', " ")),
    |chance| format!("\"{}-0800\"", time(chance, 9)),
    |chance| {
        let digits = chance.below(8);
        format!("\"{}Z\"", time(chance, digits))
    },
    |chance| quoted(&time(chance, 0)),
    |chance| quoted(&time(chance, 3).replace('T', " ")),
    |chance| of(&["\"Sun, 01 Mar 2026 10:00:00 +0000\"", "\"Mon, 02 Mar 2026 10:00:00 GMT\""], chance),
    |chance| {
        of(&["\"10:00:00\"", "\"24:00\"", "\"2026-W09\"", "\"P1DT2H\"", "\"2026-03\"", "\"2026\""], chance)
    },
    |chance| of(&["\"2026-03-01T10:15Z\"", "\"2026-03-01T24:00:00Z\"", "\"2016-12-31T23:59:60Z\""], chance),
    |chance| quoted(&format!("{{\"a\": [{}, null]}}", chance.below(9))),
    |chance| quoted(&chance.text("ABCabc019+/", 40)),
    |chance| quoted(&chance.text("lorem ipsum dolor\n", 2_000)),
    |chance| quoted(&chance.hex(32)),
    |chance| of(&["\"€ 1,50\"", "\"1.234,56\"", "\"12 %\""], chance),
];

const KEYS: &[&str] = &[
    "id", "userId", "user_id", "name", "value", "ts", "type", "tags", "at", "Amount", "amount", "é", "日本",
    "a", "b", "c", "x", "y", "n", "status", "meta", "items", "geo", "lat", "lon", "count", "key", "values",
    "keys", "null", "size0", "data",
];

const ODD_KEYS: &[&str] = &[
    "a.b",
    "a.b.c",
    "x.",
    ".y",
    "a b",
    "",
    " ",
    "@timestamp",
    "$type",
    "_id",
    "__v",
    "a/b",
    "a~b",
    "a-b",
    "`",
    "'",
    "\"",
    "\\",
    "\n",
    "\0",
    "👋",
    "select",
    "true",
    "1",
    "0x",
    "a:b",
    "a[0]",
    "a,b",
    "(",
    "{}",
    "_row_exists",
    "_part",
    "_table",
    "_shard",
    "tags.size0",
    "data.null",
    "items.keys",
    "1st",
    "İ",
    "ß",
    "ÅÅ",
    "A",
    "B",
    "ID",
    "constructor",
    "__proto__",
];

const DATA_KEYS: &[fn(&mut Chance) -> String] = &[
    |chance| format!("user-{}", chance.below(200)),
    |chance| chance.uuid(),
    |chance| chance.digits(6),
    |chance| format!("host-{}.example.com", chance.below(90)),
    |chance| format!("{}\"\n", chance.text("äß", 5)),
];

fn key(chance: &mut Chance) -> String {
    match chance.below(20) {
        0..16 => of(KEYS, chance),
        16..19 => of(ODD_KEYS, chance),
        _ => chance.text("long ", 300),
    }
}

impl Shape {
    fn any(chance: &mut Chance, depth: usize) -> Self {
        let shape = match chance.below(if depth == 0 { 12 } else { 20 }) {
            0..11 => Self::Scalar(*chance.of(FORMS)),
            11 => Self::Empty(of(&["{}", "[]", "null"], chance)),
            12..15 => Self::List(Box::new(Self::any(chance, depth - 1)), 1 + chance.below(4)),
            15..19 => Self::object(chance, depth - 1, 5),
            _ => Self::Keyed(*chance.of(DATA_KEYS), Box::new(Self::any(chance, depth - 1))),
        };
        let shape = match chance.below(12) {
            0 => Self::Mixed(vec![shape, Self::any(chance, depth.saturating_sub(1))]),
            1 => {
                let others = (0..2).map(|_| Self::any(chance, depth.saturating_sub(1)));
                Self::Mixed(std::iter::once(shape).chain(others.collect::<Vec<_>>()).collect())
            }
            _ => shape,
        };
        if chance.percent(20) { Self::Nullable(Box::new(shape), *chance.of(&[2, 20, 80])) } else { shape }
    }

    fn object(chance: &mut Chance, depth: usize, most: usize) -> Self {
        let mut fields: Vec<(String, usize, Self)> = Vec::new();
        for _ in 0..=chance.below(most) {
            let key = key(chance);
            if fields.iter().all(|(known, ..)| *known != key) {
                let often = *chance.of(&[100, 100, 100, 100, 90, 30, 3]);
                fields.push((key, often, Self::any(chance, depth)));
            }
        }
        Self::Object(fields)
    }

    fn write(&self, chance: &mut Chance) -> String {
        match self {
            Self::Scalar(form) => form(chance),
            Self::List(element, most) => {
                let elements: Vec<_> = (0..chance.below(most + 1)).map(|_| element.write(chance)).collect();
                format!("[{}]", elements.join(*chance.of(&[",", ",", " , "])))
            }
            Self::Object(fields) => {
                let mut members = Vec::new();
                for (key, often, shape) in fields {
                    if chance.percent(*often) {
                        members.push(format!("{}:{}", quoted(key), shape.write(chance)));
                    }
                }
                if chance.percent(10) {
                    members.reverse();
                }
                format!("{{{}}}", members.join(","))
            }
            Self::Keyed(key, value) => {
                let mut members: Vec<(String, String)> = Vec::new();
                for _ in 0..chance.below(4) {
                    let key = key(chance);
                    if members.iter().all(|(known, _)| *known != key) {
                        members.push((key, value.write(chance)));
                    }
                }
                let members: Vec<_> =
                    members.iter().map(|(key, value)| format!("{}: {value}", quoted(key))).collect();
                format!("{{{}}}", members.join(", "))
            }
            Self::Mixed(shapes) => {
                if chance.percent(70) { &shapes[0] } else { chance.of(shapes) }.write(chance)
            }
            Self::Nullable(shape, percent) => {
                if chance.percent(*percent) {
                    "null".to_owned()
                } else {
                    shape.write(chance)
                }
            }
            Self::Empty(json) => json.clone(),
        }
    }
}

/// 20 to 100 events of one shape.
pub(crate) fn events(chance: &mut Chance) -> Vec<String> {
    let shape = Shape::object(chance, 3, 12);
    (0..chance.from(20, 100)).map(|_| shape.write(chance)).collect()
}

/// Those of most users, or others.
pub(crate) fn options(chance: &mut Chance) -> InferOptions {
    let json = chance.of(&[
        "{}",
        "{}",
        "{}",
        r#"{"integers": "narrow", "decimals": "decimal"}"#,
        r#"{"objects": "flatten"}"#,
        r#"{"objects": "json"}"#,
    ]);
    serde_json::from_str(json).unwrap()
}
