//! Text → data type.

use std::{collections::HashSet, str::FromStr};

use super::{
    alias::canonical,
    data_type::{DataType, EnumValue, TupleField},
    lexer::{Kind, Token, malformed, tokens},
};
use crate::error::{Error, Result};

/// How deep types may be nested.
pub const MAX_DEPTH: usize = 32;

impl FromStr for DataType {
    type Err = Error;

    /// Reads a type as ClickHouse, or a person, writes it.
    ///
    /// Aliases (`INT`, `varchar(10)`) become the types they stand for. A type this version does not know is kept
    /// as [`DataType::Other`] if its quotes and parentheses balance: whether it exists is ClickHouse's to say.
    ///
    /// # Errors
    /// `InvalidInput`, naming the position: not a type, unbalanced, arguments that the type cannot have, or deeper
    /// than [`MAX_DEPTH`].
    fn from_str(text: &str) -> Result<Self> {
        let tokens = tokens(text)?;
        let mut parser = Parser { text, tokens: &tokens, next: 0, depth: 0 };
        let parsed = parser.data_type()?;
        match parser.peek() {
            None => Ok(parsed),
            Some(token) => Err(malformed("unexpected text after the type", token.start)),
        }
    }
}

/// The paths of a `JSON` that have a type of their own, from its arguments as they are written: `a.b UInt8, SKIP c`.
///
/// # Errors
/// `InvalidInput`, naming the position.
pub(crate) fn typed_paths(arguments: &str) -> Result<Vec<(String, DataType)>> {
    let tokens = tokens(arguments)?;
    let mut parser = Parser { text: arguments, tokens: &tokens, next: 0, depth: 0 };
    let mut paths = Vec::new();
    while parser.peek().is_some() {
        let is_skipped = parser.peek().is_some_and(|token| token.kind == Kind::Word("SKIP"));
        let start = parser.next;
        let mut path = parser.name()?;
        if is_skipped || parser.take('=') {
            // What to leave out, or a limit.
            while parser.peek().is_some_and(|token| token.kind != Kind::Sign(',')) {
                parser.next += 1;
            }
        } else {
            while parser.take('.') {
                path.push('.');
                path.push_str(&parser.name()?);
            }
            paths.push((path, parser.data_type()?));
        }
        if !parser.take(',') && parser.peek().is_some() || parser.next == start {
            return Err(malformed("expected a comma", parser.position()));
        }
    }
    Ok(paths)
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token<'a>],
    next: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn data_type(&mut self) -> Result<DataType> {
        let start = self.position();
        if self.depth == MAX_DEPTH {
            return Err(malformed(&format!("more than {MAX_DEPTH} levels"), start));
        }
        self.depth += 1;
        let parsed = self.named(start);
        self.depth -= 1;
        parsed
    }

    fn named(&mut self, start: usize) -> Result<DataType> {
        let first = self.word("a type")?;
        let name = self.longest_alias(first).unwrap_or(first);
        Ok(match name {
            "Int8" | "Int16" | "Int32" | "Int64" | "Int128" | "Int256" => {
                self.display_width()?;
                DataType::Int { bits: bits(name, "Int") }
            }
            "UInt8" | "UInt16" | "UInt32" | "UInt64" | "UInt128" | "UInt256" => {
                self.display_width()?;
                DataType::UInt { bits: bits(name, "UInt") }
            }
            "Float32" | "Float64" => {
                self.display_width()?;
                DataType::Float { bits: bits(name, "Float") }
            }
            "BFloat16" => DataType::BFloat16,
            "Decimal" => self.decimal()?,
            "Decimal32" => self.decimal_of(9)?,
            "Decimal64" => self.decimal_of(18)?,
            "Decimal128" => self.decimal_of(38)?,
            "Decimal256" => self.decimal_of(76)?,
            "Bool" => DataType::Bool,
            "String" => {
                self.display_width()?;
                DataType::String
            }
            "FixedString" => {
                self.expect('(')?;
                let length = self.number(1, i64::from(u32::MAX))?;
                self.expect(')')?;
                DataType::FixedString { length }
            }
            "Date" => DataType::Date,
            "Date32" => DataType::Date32,
            "DateTime" | "DateTime32" => self.date_time()?,
            "DateTime64" => self.date_time_64()?,
            "Time" => DataType::Time,
            "Time64" => DataType::Time64 { precision: self.optional_number(0, 9)?.unwrap_or(3) },
            "UUID" => DataType::Uuid,
            "IPv4" => DataType::Ipv4,
            "IPv6" => DataType::Ipv6,
            "Enum8" => DataType::Enum8(self.enumeration(i64::from(i8::MIN), i64::from(i8::MAX))?),
            "Enum16" => DataType::Enum16(self.enumeration(i64::from(i16::MIN), i64::from(i16::MAX))?),
            "Enum" => {
                let values = self.enumeration(i64::from(i16::MIN), i64::from(i16::MAX))?;
                let short = values.iter().all(|one| i8::try_from(one.value).is_ok());
                if short { DataType::Enum8(values) } else { DataType::Enum16(values) }
            }
            "LowCardinality" => DataType::LowCardinality(self.inner()?),
            "Nullable" => DataType::Nullable(self.inner()?),
            "Array" => DataType::Array(self.inner()?),
            "Map" => {
                self.expect('(')?;
                let key = self.data_type()?;
                self.expect(',')?;
                let value = self.data_type()?;
                self.expect(')')?;
                DataType::Map(Box::new(key), Box::new(value))
            }
            "Tuple" => DataType::Tuple(self.tuple()?),
            "Nested" => DataType::Nested(self.nested()?),
            "JSON" => DataType::Json(self.optional_arguments()?),
            "Dynamic" => self.dynamic()?,
            "Variant" => {
                let mut types = self.list(Self::data_type)?;
                types.sort_by_key(ToString::to_string);
                DataType::Variant(types)
            }
            "Object" => DataType::Object(self.arguments()?),
            "AggregateFunction" => DataType::AggregateFunction(self.arguments()?),
            "SimpleAggregateFunction" => self.simple_aggregate()?,
            "Point" => DataType::Point,
            "Ring" => DataType::Ring,
            "LineString" => DataType::LineString,
            "MultiLineString" => DataType::MultiLineString,
            "Polygon" => DataType::Polygon,
            "MultiPolygon" => DataType::MultiPolygon,
            "Nothing" => DataType::Nothing,
            _ => {
                self.optional_arguments()?;
                DataType::Other(self.text.get(start..self.end()).unwrap_or_default().to_owned())
            }
        })
    }

    /// The proper name for the longest run of words, from `first` on, that ClickHouse has as an alias.
    fn longest_alias(&mut self, first: &str) -> Option<&'static str> {
        let mut words = first.to_owned();
        let mut found = canonical(&words);
        let mut next = self.next;
        while let Some(Kind::Word(word)) = self.tokens.get(next).map(|token| &token.kind) {
            words.push(' ');
            words.push_str(word);
            next += 1;
            if let Some(name) = canonical(&words) {
                found = Some(name);
                self.next = next;
            }
        }
        found
    }

    /// MySQL's `INT(11)` and `VARCHAR(255)`: a number that means nothing.
    fn display_width(&mut self) -> Result<()> {
        self.optional_number::<i64>(0, i64::from(u32::MAX)).map(drop)
    }

    fn decimal(&mut self) -> Result<DataType> {
        if !self.take('(') {
            return Ok(DataType::Decimal { precision: 10, scale: 0 });
        }
        let precision: u8 = self.number(1, 76)?;
        let scale = if self.take(',') { self.number(0, i64::from(precision))? } else { 0 };
        self.expect(')')?;
        Ok(DataType::Decimal { precision, scale })
    }

    fn decimal_of(&mut self, precision: u8) -> Result<DataType> {
        self.expect('(')?;
        let scale = self.number(0, i64::from(precision))?;
        self.expect(')')?;
        Ok(DataType::Decimal { precision, scale })
    }

    /// `DateTime`, `DateTime('UTC')`, and `DateTime(3)`, which is a `DateTime64`.
    fn date_time(&mut self) -> Result<DataType> {
        if let Some(Kind::Number(_)) = self.tokens.get(self.next + 1).map(|token| &token.kind) {
            return self.date_time_64();
        }
        if !self.take('(') {
            return Ok(DataType::DateTime { timezone: None });
        }
        let timezone = Some(self.literal()?);
        self.expect(')')?;
        Ok(DataType::DateTime { timezone })
    }

    fn date_time_64(&mut self) -> Result<DataType> {
        if !self.take('(') {
            return Ok(DataType::DateTime64 { precision: 3, timezone: None });
        }
        let precision = self.number(0, 9)?;
        let timezone = if self.take(',') { Some(self.literal()?) } else { None };
        self.expect(')')?;
        Ok(DataType::DateTime64 { precision, timezone })
    }

    /// Names with or without numbers; one without follows the one before it, the first is 1.
    fn enumeration(&mut self, least: i64, greatest: i64) -> Result<Vec<EnumValue>> {
        let mut last = 0;
        let mut names = HashSet::new();
        let mut numbers = HashSet::new();
        let mut values = self.list(|parser| {
            let start = parser.position();
            let name = parser.literal()?;
            let number = if parser.take('=') { parser.number(least, greatest)? } else { last + 1 };
            if number > greatest || !names.insert(name.clone()) || !numbers.insert(number) {
                return Err(malformed("a name or number that is there already or out of range", start));
            }
            last = number;
            let value = i16::try_from(number).map_err(|_| malformed("number out of range", start))?;
            Ok(EnumValue { name, value })
        })?;
        values.sort_by_key(|one| one.value);
        Ok(values)
    }

    fn tuple(&mut self) -> Result<Vec<TupleField>> {
        let start = self.position();
        if self.take('(') {
            if self.take(')') {
                return Ok(Vec::new());
            }
            self.next -= 1;
        }
        let fields = self.list(|parser| {
            let name = if parser.starts_named_field() { Some(parser.name()?) } else { None };
            Ok(TupleField { name, data_type: parser.data_type()? })
        })?;
        check_names(&fields, start)?;
        if fields.iter().any(|field| field.name.is_some()) && fields.iter().any(|field| field.name.is_none())
        {
            return Err(malformed("a tuple's elements have names, all of them or none", start));
        }
        Ok(fields)
    }

    fn nested(&mut self) -> Result<Vec<TupleField>> {
        let start = self.position();
        let fields = self.list(|parser| {
            let name = Some(parser.name()?);
            Ok(TupleField { name, data_type: parser.data_type()? })
        })?;
        check_names(&fields, start)?;
        Ok(fields)
    }

    /// Whether a name and a type follow, and not a type of two words.
    fn starts_named_field(&self) -> bool {
        let kind = |ahead: usize| self.tokens.get(self.next + ahead).map(|token| &token.kind);
        match (kind(0), kind(1)) {
            (Some(Kind::Name(_)), _) => true,
            (Some(Kind::Word(first)), Some(Kind::Word(second))) => {
                canonical(&format!("{first} {second}")).is_none()
            }
            _ => false,
        }
    }

    fn dynamic(&mut self) -> Result<DataType> {
        if !self.take('(') {
            return Ok(DataType::Dynamic { max_types: None });
        }
        let start = self.position();
        if self.word("max_types")? != "max_types" {
            return Err(malformed("expected max_types", start));
        }
        self.expect('=')?;
        let max_types = Some(self.number(0, 254)?);
        self.expect(')')?;
        Ok(DataType::Dynamic { max_types })
    }

    fn simple_aggregate(&mut self) -> Result<DataType> {
        self.expect('(')?;
        let start = self.position();
        self.word("a function")?;
        self.optional_arguments()?;
        let function = self.text.get(start..self.end()).unwrap_or_default().to_owned();
        self.expect(',')?;
        let data_type = Box::new(self.data_type()?);
        self.expect(')')?;
        Ok(DataType::SimpleAggregateFunction { function, data_type })
    }

    fn inner(&mut self) -> Result<Box<DataType>> {
        self.expect('(')?;
        let inner = self.data_type()?;
        self.expect(')')?;
        Ok(Box::new(inner))
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect('(')?;
        let mut items = vec![item(self)?];
        while self.take(',') {
            items.push(item(self)?);
        }
        self.expect(')')?;
        Ok(items)
    }

    /// What stands in the parentheses that must follow, as it is written.
    fn arguments(&mut self) -> Result<String> {
        let start = self.position();
        self.optional_arguments()?.ok_or_else(|| malformed("expected (", start))
    }

    fn optional_arguments(&mut self) -> Result<Option<String>> {
        let start = self.position();
        if !self.take('(') {
            return Ok(None);
        }
        let (inside, mut open) = (self.end(), 1_usize);
        while open > 0 {
            let Some(token) = self.peek() else { return Err(malformed("unclosed parenthesis", start)) };
            match token.kind {
                Kind::Sign('(') => open += 1,
                Kind::Sign(')') => open -= 1,
                _ => {}
            }
            if self.depth + open > MAX_DEPTH {
                return Err(malformed(&format!("more than {MAX_DEPTH} levels"), token.start));
            }
            self.next += 1;
        }
        let arguments = self.text.get(inside..self.end() - 1).unwrap_or_default().trim();
        if arguments.is_empty() {
            return Err(malformed("empty parentheses", start));
        }
        Ok(Some(arguments.to_owned()))
    }

    fn optional_number<T: TryFrom<i64>>(&mut self, least: i64, greatest: i64) -> Result<Option<T>> {
        if !self.take('(') {
            return Ok(None);
        }
        let number = self.number(least, greatest)?;
        self.expect(')')?;
        Ok(Some(number))
    }

    fn number<T: TryFrom<i64>>(&mut self, least: i64, greatest: i64) -> Result<T> {
        let start = self.position();
        let number = match self.peek().map(|token| &token.kind) {
            Some(Kind::Number(digits)) => digits.parse::<i64>().ok(),
            _ => None,
        };
        let number = number.filter(|number| (least..=greatest).contains(number));
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => {
                self.next += 1;
                Ok(number)
            }
            None => Err(malformed(&format!("expected a number from {least} to {greatest}"), start)),
        }
    }

    fn literal(&mut self) -> Result<String> {
        let start = self.position();
        match self.peek().map(|token| &token.kind) {
            Some(Kind::Text(text)) => {
                self.next += 1;
                Ok(text.clone())
            }
            _ => Err(malformed("expected a text in single quotes", start)),
        }
    }

    fn name(&mut self) -> Result<String> {
        let start = self.position();
        let name = match self.peek().map(|token| &token.kind) {
            Some(Kind::Word(word)) => (*word).to_owned(),
            Some(Kind::Name(name)) => name.clone(),
            _ => return Err(malformed("expected a name", start)),
        };
        self.next += 1;
        Ok(name)
    }

    fn word(&mut self, what: &str) -> Result<&'a str> {
        let start = self.position();
        match self.peek().map(|token| &token.kind) {
            Some(Kind::Word(word)) => {
                self.next += 1;
                Ok(word)
            }
            _ => Err(malformed(&format!("expected {what}"), start)),
        }
    }

    fn expect(&mut self, sign: char) -> Result<()> {
        if self.take(sign) { Ok(()) } else { Err(malformed(&format!("expected {sign}"), self.position())) }
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.peek().is_some_and(|token| token.kind == Kind::Sign(sign));
        self.next += usize::from(found);
        found
    }

    fn peek(&self) -> Option<&'a Token<'a>> {
        self.tokens.get(self.next)
    }

    /// Where the next token starts.
    fn position(&self) -> usize {
        self.peek().map_or(self.text.len(), |token| token.start)
    }

    /// Where the last token ended.
    fn end(&self) -> usize {
        self.next.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |token| token.end)
    }
}

fn bits(name: &str, family: &str) -> u16 {
    name.strip_prefix(family).and_then(|bits| bits.parse().ok()).unwrap_or_default()
}

fn check_names(fields: &[TupleField], position: usize) -> Result<()> {
    let mut names = HashSet::new();
    for name in fields.iter().filter_map(|field| field.name.as_deref()) {
        if !names.insert(name) {
            return Err(malformed(&format!("the name {name:?} twice"), position));
        }
    }
    Ok(())
}
