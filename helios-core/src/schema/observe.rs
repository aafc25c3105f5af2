//! What was observed of the values of one column, or of one place further inside.

use super::{
    event::{Token, has_duplicates},
    fields::{Fields, First},
    hazard::{Hazard, MAX_DEPTH, Scalars, worse},
    kind::Kind,
    number::Needs,
    text::{self, Form, Instant},
};
use crate::{
    iso8601::LastDay,
    json::{self, Text},
};

/// An object with more different keys than this has data in the place of names.
pub(super) const MAX_KEYS: usize = 256;

/// What values have in common. Every part is a count, a minimum or a maximum, so the order of the values is no matter.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    pub(super) null: u64,
    counts: [u64; Kind::ALL.len()],
    pub(super) numbers: Numbers,
    /// The numbers in quotes.
    pub(super) quoted: Digits,
    /// The most digits of a fraction of a second.
    pub(super) fraction_digits: u8,
    /// The first and the last instant of all dates and timestamps.
    pub(super) span: Option<(Instant, Instant)>,
    last_day: LastDay,
    /// The elements of all arrays together.
    pub(super) elements: Option<Box<Self>>,
    /// The objects.
    pub(super) objects: Option<Box<Objects>>,
    /// Why a `JSON` would not keep one of the objects.
    pub(super) hazard: Option<Hazard>,
}

/// What the numbers need.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    /// The most bits of an integer from 0 up.
    pub(super) bits: u16,
    /// The most bits of a negative integer, without the sign; 0 if there is none.
    pub(super) negative_bits: u16,
    /// An integer is no 64-bit float.
    pub(super) inexact_integer: bool,
    /// The text of a float is not what a 64-bit float would say.
    pub(super) inexact_float: bool,
    /// The least and the greatest integer, of those to 64 bits.
    pub(super) integers: Option<(i128, i128)>,
    /// The least and the greatest float.
    pub(super) floats: Option<(f64, f64)>,
    /// Of those with a point or an exponent.
    pub(super) digits: Digits,
}

/// How many digits decimal numbers have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digits {
    /// Before the point, at most.
    pub(super) whole: u32,
    /// Behind it, at most.
    pub(super) fraction: u32,
    /// One is no plain decimal number: it has an exponent or too many digits to count, or it is -0.
    pub(super) odd: bool,
}

/// Objects, by their keys.
#[derive(Clone, Debug)]
pub(super) enum Objects {
    /// Few enough keys to be names.
    Named(Fields<Observed>),
    /// So many that they are data: the values together.
    Keyed(Box<Observed>),
    /// Too deep inside, or beside too much else, to be looked into.
    Unseen,
}

/// How far objects are looked into, and how much was found there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Objects within so many others.
    pub(super) depth: usize,
    /// The places in all of them.
    pub(super) places: usize,
}

/// Where what is under a name belongs.
struct Found<'o> {
    /// None if nothing is noted of it.
    node: Option<&'o mut Observed>,
    /// Where the next name may be expected.
    next: usize,
    /// Whether the object had this name before.
    is_again: bool,
    has_dot: bool,
}

/// A value's place in its event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The event, and the token.
    pub(super) first: First,
    /// Within so many objects and lists.
    pub(super) depth: usize,
    /// Within so many objects.
    pub(super) objects: usize,
}

/// What a value means for the object around it.
#[derive(Clone, Copy, Debug, Default)]
struct Inside {
    hazard: Option<Hazard>,
    scalars: Scalars,
}

impl Observed {
    /// Adds the value at `place`; says where the next begins.
    #[inline]
    pub(super) fn add(&mut self, tokens: &[Token<'_>], place: Place, room: &mut Room) -> usize {
        walk(Some(self), tokens, place, room).0
    }

    #[inline]
    fn count(&mut self, kind: Kind) {
        if let Some(count) = self.counts.get_mut(kind as usize) {
            *count += 1;
        }
    }

    /// How many values there were, nulls left out.
    pub(super) fn present(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many there were of each kind.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (Kind, u64)> {
        Kind::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0)
    }

    pub(super) fn of_kind(&self, kind: Kind) -> u64 {
        self.counts.get(kind as usize).copied().unwrap_or_default()
    }

    #[inline]
    fn text(&mut self, text: Text<'_>) -> Kind {
        if text.is_escaped() { self.meant(&text.decoded().unwrap_or_default()) } else { self.meant(text.raw) }
    }

    fn meant(&mut self, text: &str) -> Kind {
        match text::form(text, &mut self.last_day) {
            Form::Empty => Kind::EmptyString,
            Form::Numeric => {
                self.quoted.add_quoted(text);
                Kind::NumericString
            }
            Form::Uuid => Kind::Uuid,
            Form::Ipv4 => Kind::Ipv4,
            Form::Ipv6 => Kind::Ipv6,
            Form::Date(start) => {
                self.widen(start, start);
                Kind::Date
            }
            Form::Timestamp(instant, digits) => {
                self.widen(instant, instant);
                self.fraction_digits = self.fraction_digits.max(digits);
                Kind::Timestamp
            }
            Form::LocalTimestamp(digits) => {
                self.fraction_digits = self.fraction_digits.max(digits);
                Kind::LocalTimestamp
            }
            Form::MailTimestamp => Kind::MailTimestamp,
            Form::Other => Kind::String,
        }
    }

    fn widen(&mut self, first: Instant, last: Instant) {
        self.span = Some(match self.span {
            Some((least, greatest)) => (least.min(first), greatest.max(last)),
            None => (first, last),
        });
    }

    /// Adds what was observed of other values.
    pub(super) fn merge(&mut self, other: Self) {
        self.null += other.null;
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.numbers.merge(&other.numbers);
        self.quoted.merge(other.quoted);
        self.fraction_digits = self.fraction_digits.max(other.fraction_digits);
        if let Some((first, last)) = other.span {
            self.widen(first, last);
        }
        match (&mut self.elements, other.elements) {
            (Some(elements), Some(more)) => elements.merge(*more),
            (none @ None, some) => *none = some,
            (Some(_), None) => {}
        }
        match (&mut self.objects, other.objects) {
            (Some(objects), Some(more)) => objects.merge(*more),
            (none @ None, some) => *none = some,
            (Some(_), None) => {}
        }
        self.hazard = worse(self.hazard, other.hazard);
    }

    /// How many places there are in this one's objects and lists.
    pub(super) fn places(&self) -> usize {
        let elements = self.elements.as_ref().map_or(0, |elements| 1 + elements.places());
        elements + self.objects.as_ref().map_or(0, |objects| objects.places())
    }

    /// Forgets what is within more than so many objects.
    pub(super) fn forget_beyond(&mut self, depth: usize) {
        if let Some(elements) = &mut self.elements {
            elements.forget_beyond(depth);
        }
        if let Some(objects) = &mut self.objects {
            match (objects.as_mut(), depth.checked_sub(1)) {
                (objects, None) => *objects = Objects::Unseen,
                (Objects::Named(fields), Some(left)) => {
                    fields.iter_mut().for_each(|field| field.seen.forget_beyond(left));
                }
                (Objects::Keyed(values), Some(left)) => values.forget_beyond(left),
                (Objects::Unseen, Some(_)) => {}
            }
        }
    }
}

/// Passes over the value at `place`, and notes what it is where that is wanted; says where the next begins.
fn walk(node: Option<&mut Observed>, tokens: &[Token<'_>], place: Place, room: &mut Room) -> (usize, Inside) {
    let at = place.first.1;
    let token = tokens.get(at);
    match token {
        Some(Token::List { end, .. }) => (*end, walk_list(node, tokens, (place, *end), room)),
        Some(Token::Object { end, .. }) => {
            let hazard = walk_object(node, tokens, (place, *end), room);
            (*end, Inside { hazard, scalars: Scalars::default() })
        }
        _ => (at + 1, walk_scalar(node, token)),
    }
}

#[inline]
fn walk_scalar(node: Option<&mut Observed>, token: Option<&Token<'_>>) -> Inside {
    let mut inside = Inside::default();
    match (token, node) {
        (Some(Token::Bool(_)), node) => {
            inside.scalars.boolean = true;
            if let Some(node) = node {
                node.count(Kind::Bool);
            }
        }
        (Some(Token::Number(number)), Some(node)) => {
            let (kind, needs) = node.numbers.add(number);
            node.count(kind);
            inside.number(number, needs);
        }
        (Some(Token::Number(number)), None) => inside.number(number, Needs::of(number)),
        (Some(Token::Text(text)), node) => {
            inside.scalars.not_boolean = true;
            if let Some(node) = node {
                let kind = node.text(*text);
                node.count(kind);
            }
        }
        (_, Some(node)) => node.null += 1,
        (_, None) => {}
    }
    inside
}

fn walk_list(
    mut node: Option<&mut Observed>,
    tokens: &[Token<'_>],
    (place, end): (Place, usize),
    room: &mut Room,
) -> Inside {
    let mut inside = Inside::default();
    if place.depth > MAX_DEPTH {
        inside.hazard = Some(Hazard::TooDeep);
    }
    if let Some(node) = &mut node {
        node.count(Kind::Array);
        if node.elements.is_none() && end > place.first.1 + 1 {
            room.places += 1;
            node.elements = Some(Box::default());
        }
    }
    let mut elements = node.and_then(|node| node.elements.as_deref_mut());
    let mut at = place.first.1 + 1;
    let (mut nulls, mut lists, mut others) = (false, false, false);
    while at < end {
        match tokens.get(at) {
            Some(Token::Null) => nulls = true,
            Some(Token::List { .. }) => lists = true,
            _ => others = true,
        }
        let within = Place { first: (place.first.0, at), depth: place.depth + 1, objects: place.objects };
        let (next, element) = walk(elements.as_deref_mut(), tokens, within, room);
        inside.hazard = worse(inside.hazard, element.hazard);
        inside.scalars.join(element.scalars);
        at = next;
    }
    if nulls && lists && !others {
        inside.hazard = worse(inside.hazard, Some(Hazard::NullBesideLists));
    }
    inside
}

fn walk_object(
    mut node: Option<&mut Observed>,
    tokens: &[Token<'_>],
    (place, end): (Place, usize),
    room: &mut Room,
) -> Option<Hazard> {
    let mut hazard = None;
    if place.depth > MAX_DEPTH {
        hazard = worse(hazard, Some(Hazard::TooDeep));
    }
    let mut unseen = Objects::Unseen;
    let known = match &mut node {
        Some(node) => {
            node.count(Kind::Object);
            let fresh =
                if place.objects < room.depth { Objects::Named(Fields::default()) } else { Objects::Unseen };
            node.objects.get_or_insert_with(|| Box::new(fresh)).as_mut()
        }
        None => &mut unseen,
    };
    if let Objects::Named(fields) = known {
        fields.begin();
    }
    let (mut at, mut expected) = (place.first.1 + 1, 0);
    while at < end {
        let Some(Token::Name { name, known: place_of_name }) = tokens.get(at) else { break };
        let within =
            Place { first: (place.first.0, at + 1), depth: place.depth + 1, objects: place.objects + 1 };
        let field = known.field((*name, *place_of_name), expected, within.first, room);
        expected = field.next;
        if field.is_again {
            hazard = Some(Hazard::DuplicateKey);
        }
        if field.has_dot {
            hazard = worse(hazard, Some(Hazard::DottedKey));
        }
        let (next, value) = walk(field.node, tokens, within, room);
        hazard = worse(hazard, worse(value.hazard, value.scalars.hazard()));
        at = next;
    }
    // Also of an object whose names turned out to be data while it was read.
    if !matches!(known, Objects::Named(_)) && has_duplicates(tokens, place.first.1) {
        hazard = Some(Hazard::DuplicateKey);
    }
    if let Some(node) = node {
        node.hazard = worse(node.hazard, hazard);
    }
    hazard
}

#[inline]
fn has_dot(name: Text<'_>) -> bool {
    if name.is_escaped() {
        name.decoded().is_ok_and(|name| name.contains('.'))
    } else {
        memchr::memchr(b'.', name.raw.as_bytes()).is_some()
    }
}

impl Inside {
    fn number(&mut self, number: &json::Number<'_>, needs: Needs) {
        self.scalars.not_boolean = true;
        match needs {
            Needs::Integer { negative, bits, exact_as_float } => {
                if bits > if negative { 63 } else { 64 } {
                    self.hazard = Some(Hazard::WideInteger);
                }
                self.scalars.inexact_integer |= !exact_as_float;
            }
            Needs::Float { exact } => {
                if number.integral {
                    self.hazard = Some(Hazard::NegativeZero);
                } else if !number.is_finite() {
                    self.hazard = Some(Hazard::NotFinite);
                } else if !exact {
                    self.hazard = Some(Hazard::LossyFloat);
                }
                self.scalars.float = true;
            }
        }
    }
}

impl Objects {
    /// Where what is under a name belongs.
    fn field(
        &mut self,
        (name, place): (Text<'_>, Option<usize>),
        expected: usize,
        first: First,
        room: &mut Room,
    ) -> Found<'_> {
        let found = match self {
            Self::Named(fields) => place.or_else(|| fields.find_written(name, expected)),
            _ => None,
        };
        if let (Self::Named(fields), None) = (&*self, found)
            && fields.len() == MAX_KEYS
        {
            self.collapse();
        }
        match self {
            Self::Named(fields) => {
                let at = found.unwrap_or_else(|| {
                    room.places += 1;
                    fields.insert(&name.decoded().unwrap_or_default(), first)
                });
                let is_again = fields.is_again(at);
                let mut found = Found { node: None, next: at + 1, is_again, has_dot: false };
                if let Some(field) = fields.get_mut(at) {
                    // Events come in their order, but a name may have been seen further behind.
                    field.first = field.first.min(first);
                    found.has_dot = field.has_dot;
                    found.node = Some(&mut field.seen);
                }
                found
            }
            Self::Keyed(values) => {
                Found { node: Some(values), next: 0, is_again: false, has_dot: has_dot(name) }
            }
            Self::Unseen => Found { node: None, next: 0, is_again: false, has_dot: has_dot(name) },
        }
    }

    /// Takes the names for data.
    fn collapse(&mut self) {
        if let Self::Named(fields) = self {
            let mut together = Box::<Observed>::default();
            for field in std::mem::take(fields).into_sorted() {
                together.merge(field.seen);
            }
            *self = Self::Keyed(together);
        }
    }

    fn merge(&mut self, mut other: Self) {
        if matches!(self, Self::Unseen) || matches!(other, Self::Unseen) {
            *self = Self::Unseen;
            return;
        }
        if matches!(self, Self::Keyed(_)) || matches!(other, Self::Keyed(_)) {
            self.collapse();
            other.collapse();
        }
        match (&mut *self, other) {
            (Self::Named(fields), Self::Named(more)) => fields.merge(more, Observed::merge),
            (Self::Keyed(values), Self::Keyed(more)) => values.merge(*more),
            _ => {}
        }
        if let Self::Named(fields) = self
            && fields.len() > MAX_KEYS
        {
            self.collapse();
        }
    }

    fn places(&self) -> usize {
        match self {
            Self::Named(fields) => fields.iter().map(|field| 1 + field.seen.places()).sum(),
            Self::Keyed(values) => 1 + values.places(),
            Self::Unseen => 0,
        }
    }
}

impl Numbers {
    #[inline]
    fn add(&mut self, number: &json::Number<'_>) -> (Kind, Needs) {
        let needs = Needs::of(number);
        match needs {
            Needs::Integer { negative, bits, exact_as_float } => {
                let most = if negative { &mut self.negative_bits } else { &mut self.bits };
                *most = bits.max(*most);
                self.inexact_integer |= !exact_as_float;
                if let Some(magnitude) = number.magnitude() {
                    let value = if negative { -i128::from(magnitude) } else { i128::from(magnitude) };
                    let (least, greatest) = self.integers.get_or_insert((value, value));
                    (*least, *greatest) = (value.min(*least), value.max(*greatest));
                }
                (Kind::Integer, needs)
            }
            Needs::Float { exact } => {
                self.inexact_float |= !exact;
                if let Some(value) = number.to_f64() {
                    self.floats = both_floats(self.floats, Some((value, value)));
                }
                self.digits.add(number);
                (Kind::Float, needs)
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.bits = self.bits.max(other.bits);
        self.negative_bits = self.negative_bits.max(other.negative_bits);
        self.inexact_integer |= other.inexact_integer;
        self.inexact_float |= other.inexact_float;
        self.digits.merge(other.digits);
        let both = self.integers.into_iter().chain(other.integers);
        self.integers = both.reduce(|one, more| (one.0.min(more.0), one.1.max(more.1)));
        self.floats = both_floats(self.floats, other.floats);
    }
}

/// The least and the greatest of two spans. -0 is less than 0, so that their order is no matter.
fn both_floats(one: Option<(f64, f64)>, other: Option<(f64, f64)>) -> Option<(f64, f64)> {
    let least = |one: f64, other: f64| if other.total_cmp(&one).is_lt() { other } else { one };
    let greatest = |one: f64, other: f64| if other.total_cmp(&one).is_gt() { other } else { one };
    one.into_iter().chain(other).reduce(|one, more| (least(one.0, more.0), greatest(one.1, more.1)))
}

impl Digits {
    #[inline]
    fn add(&mut self, number: &json::Number<'_>) {
        let Some((digits, exponent @ ..=0)) = number.scientific() else {
            self.odd = true;
            return;
        };
        let is_minus_zero = number.negative && digits == 0;
        self.odd |= is_minus_zero || number.text.bytes().any(|byte| matches!(byte, b'e' | b'E'));
        let fraction = exponent.unsigned_abs();
        let all = digits.checked_ilog10().map_or(1, |power| power + 1);
        self.whole = self.whole.max(all.saturating_sub(fraction));
        self.fraction = self.fraction.max(fraction);
    }

    fn add_quoted(&mut self, text: &str) {
        match json::Number::parse(text) {
            Some(number) => self.add(&number),
            None => self.odd = true,
        }
    }

    fn merge(&mut self, other: Self) {
        self.whole = self.whole.max(other.whole);
        self.fraction = self.fraction.max(other.fraction);
        self.odd |= other.odd;
    }
}
