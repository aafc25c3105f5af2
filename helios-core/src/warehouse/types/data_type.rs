//! A data type, taken apart.

/// A ClickHouse data type.
///
/// ```
/// use helios_core::warehouse::types::DataType;
///
/// let parsed: DataType = "Array( Nullable(INT) )".parse()?;
/// assert_eq!(parsed, DataType::Array(Box::new(DataType::Nullable(Box::new(DataType::Int { bits: 32 })))));
/// assert_eq!(parsed.to_string(), "Array(Nullable(Int32))");
/// # Ok::<(), helios_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataType {
    /// `Int8` to `Int256`.
    Int {
        /// 8, 16, 32, 64, 128 or 256.
        bits: u16,
    },
    /// `UInt8` to `UInt256`.
    UInt {
        /// 8, 16, 32, 64, 128 or 256.
        bits: u16,
    },
    /// `Float32` and `Float64`.
    Float {
        /// 32 or 64.
        bits: u16,
    },
    /// `BFloat16`: the upper half of a `Float32`.
    BFloat16,
    /// `Decimal(precision, scale)`.
    Decimal {
        /// Digits in all, 1 to 76.
        precision: u8,
        /// Digits after the point, at most `precision`.
        scale: u8,
    },
    /// `Bool`.
    Bool,
    /// `String`: bytes of any length.
    String,
    /// `FixedString(length)`: exactly so many bytes.
    FixedString {
        /// In bytes, at least 1.
        length: u32,
    },
    /// `Date`: 1970-01-01 to 2149-06-06.
    Date,
    /// `Date32`: 1900-01-01 to 2299-12-31.
    Date32,
    /// `DateTime`: whole seconds, 1970-01-01 to 2106-02-07.
    DateTime {
        /// The time zone it is shown in.
        timezone: Option<String>,
    },
    /// `DateTime64(precision)`.
    DateTime64 {
        /// Digits of a second, 0 to 9.
        precision: u8,
        /// The time zone it is shown in.
        timezone: Option<String>,
    },
    /// `Time`: whole seconds, -999:59:59 to 999:59:59.
    Time,
    /// `Time64(precision)`.
    Time64 {
        /// Digits of a second, 0 to 9.
        precision: u8,
    },
    /// `UUID`.
    Uuid,
    /// `IPv4`.
    Ipv4,
    /// `IPv6`.
    Ipv6,
    /// `Enum8`, in order of value.
    Enum8(Vec<EnumValue>),
    /// `Enum16`, in order of value.
    Enum16(Vec<EnumValue>),
    /// `LowCardinality(inner)`.
    LowCardinality(Box<Self>),
    /// `Nullable(inner)`.
    Nullable(Box<Self>),
    /// `Array(element)`.
    Array(Box<Self>),
    /// `Map(key, value)`.
    Map(Box<Self>, Box<Self>),
    /// `Tuple(…)`: its elements have names, all of them or none.
    Tuple(Vec<TupleField>),
    /// `Nested(…)`: arrays of equal length.
    Nested(Vec<TupleField>),
    /// `JSON`, with its arguments as they were written.
    Json(Option<String>),
    /// `Dynamic`.
    Dynamic {
        /// How many types are kept apart.
        max_types: Option<u8>,
    },
    /// `Variant(…)`, in order of the types' text.
    Variant(Vec<Self>),
    /// The former `Object('json')`, with its arguments as they were written.
    Object(String),
    /// `AggregateFunction(…)`, with its arguments as they were written.
    AggregateFunction(String),
    /// `SimpleAggregateFunction(function, type)`.
    SimpleAggregateFunction {
        /// The function as it was written.
        function: String,
        /// What is stored.
        data_type: Box<Self>,
    },
    /// `Point`: a pair of `Float64`.
    Point,
    /// `Ring`: points.
    Ring,
    /// `LineString`: points.
    LineString,
    /// `MultiLineString`: line strings.
    MultiLineString,
    /// `Polygon`: rings.
    Polygon,
    /// `MultiPolygon`: polygons.
    MultiPolygon,
    /// `Nothing`: no value.
    Nothing,
    /// A type this version does not know, as it was written.
    Other(String),
}

/// One name of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EnumValue {
    /// The name.
    pub name: String,
    /// The number it stands for.
    pub value: i16,
}

/// One element of a tuple.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TupleField {
    /// The name, if the tuple has names.
    pub name: Option<String>,
    /// The type.
    pub data_type: DataType,
}

impl DataType {
    /// Whether a value may be null.
    #[must_use]
    pub fn is_nullable(&self) -> bool {
        match self {
            Self::Nullable(_) | Self::Nothing | Self::Dynamic { .. } | Self::Variant(_) => true,
            Self::LowCardinality(inner) => inner.is_nullable(),
            Self::SimpleAggregateFunction { data_type, .. } => data_type.is_nullable(),
            _ => false,
        }
    }

    /// Whether this type, or a type within it, is such a one. Not looked into are the types of a `Variant`.
    pub(crate) fn has(&self, is: &dyn Fn(&Self) -> bool) -> bool {
        is(self)
            || match self {
                Self::Nullable(inner)
                | Self::Array(inner)
                | Self::SimpleAggregateFunction { data_type: inner, .. } => inner.has(is),
                Self::Map(_, value) => value.has(is),
                Self::Tuple(fields) | Self::Nested(fields) => {
                    fields.iter().any(|field| field.data_type.has(is))
                }
                _ => false,
            }
    }
}
