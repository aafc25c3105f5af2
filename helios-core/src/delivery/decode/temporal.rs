//! Dates, times, and IPv4 addresses: texts that become a number.

use std::{cmp::Ordering, fmt::Debug, net::Ipv4Addr, sync::Arc};

use arrow_array::{
    ArrayRef, ArrowPrimitiveType, PrimitiveArray,
    types::{
        Date32Type, Int32Type, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
        UInt16Type, UInt32Type,
    },
};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::{
    epoch::{Unit, epoch},
    fault::{Checked, Fault, RejectKind},
    scalar::{Scalar, compare, take},
    zone::Zone,
};
use crate::{
    TimeUnit,
    iso8601::{Instant, LastDay, Moment, clock_time, date},
    json::Number,
};

/// What a text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// `Date`: `2024-06-15`.
    Date,
    /// `Date32`.
    Date32,
    /// `DateTime`: ISO 8601, or the time since 1970 as a number.
    DateTime,
    /// `DateTime64` with so many digits.
    DateTime64(u8),
    /// `Time`: `-12:34:56`, to 999 hours.
    Time,
    /// `Time64` with so many digits.
    Time64(u8),
    /// `IPv4`: four numbers.
    Ipv4,
}

/// 2149-06-06, 1900-01-01 and 2299-12-31 in days, 2106-02-07 06:28:15 in seconds: what the types reach.
const LAST_DATE: i64 = 65_535;
const FIRST_DATE32: i64 = -25_567;
const LAST_DATE32: i64 = 120_529;
const LAST_DATETIME: i64 = 4_294_967_295;
const DAY: i64 = 86_400;
const LAST_TIME: i64 = 999 * 3600 + 59 * 60 + 59;

/// How a column of one meaning reads what it takes.
#[derive(Debug)]
struct Reader {
    name: String,
    meaning: Meaning,
    /// The zone of the column, if it is known: that of a time without an offset.
    zone: Zone,
    unit: Unit,
    last_day: LastDay,
}

impl Reader {
    /// The number a text becomes, in the unit it travels in.
    #[inline]
    fn text(&mut self, text: &str) -> Checked<i64> {
        match self.meaning {
            Meaning::Date => self.within(self.parsed(date(text))?, 0, LAST_DATE),
            Meaning::Date32 => self.within(self.parsed(date(text))?, FIRST_DATE32, LAST_DATE32),
            Meaning::DateTime | Meaning::DateTime64(_) => {
                let Some(moment) = Moment::parse(text, &mut self.last_day) else { return self.short(text) };
                self.instant(self.zone.instant(moment).ok_or_else(|| self.unclear())?)
            }
            Meaning::Time => {
                let (seconds, nanoseconds) = self.parsed(clock_time(text))?;
                self.whole(nanoseconds)?;
                self.within(seconds, -LAST_TIME, LAST_TIME)
            }
            Meaning::Time64(precision) => {
                let (seconds, nanoseconds) = self.parsed(clock_time(text))?;
                // The end of the range itself has no fraction in the engine's own text either.
                let last = if nanoseconds == 0 { LAST_TIME } else { LAST_TIME - 1 };
                self.within(seconds, -LAST_TIME, last)?;
                self.ticks(seconds, nanoseconds, precision, time_digits(precision))
            }
            Meaning::Ipv4 => {
                let address: Ipv4Addr = self.parsed(text.parse().ok())?;
                Ok(i64::from(address.to_bits()))
            }
        }
    }

    /// A time without seconds, a date, or the time since 1970 as a text.
    #[cold]
    fn short(&self, text: &str) -> Checked<i64> {
        if let Some(moment) = Moment::parse_short(text) {
            return self.instant(self.zone.instant(moment).ok_or_else(|| self.unclear())?);
        }
        let number = self.parsed(Number::parse(text).filter(|_| !text.contains(['e', 'E'])))?;
        self.number(&number)
    }

    fn number(&self, number: &Number<'_>) -> Checked<i64> {
        match self.meaning {
            Meaning::DateTime | Meaning::DateTime64(_) => {
                self.instant(epoch(number, self.unit).ok_or_else(|| Fault::range(&self.name))?)
            }
            _ => Err(Fault::mismatch("a number", &self.name)),
        }
    }

    #[inline]
    fn instant(&self, Instant { seconds, nanoseconds }: Instant) -> Checked<i64> {
        let Meaning::DateTime64(precision) = self.meaning else {
            self.whole(nanoseconds)?;
            return self.within(seconds, 0, LAST_DATETIME);
        };
        self.within(seconds, FIRST_DATE32 * DAY, (LAST_DATE32 + 1) * DAY - 1)?;
        self.ticks(seconds, nanoseconds, precision, unit_digits(precision))
    }

    #[inline]
    fn parsed<T>(&self, value: Option<T>) -> Checked<T> {
        value.ok_or_else(|| Fault::invalid(&self.name))
    }

    #[inline]
    fn within(&self, number: i64, least: i64, greatest: i64) -> Checked<i64> {
        if (least..=greatest).contains(&number) { Ok(number) } else { Err(Fault::range(&self.name)) }
    }

    #[inline]
    fn whole(&self, nanoseconds: i64) -> Checked {
        if nanoseconds == 0 { Ok(()) } else { Err(Fault::range(&self.name)) }
    }

    #[cold]
    fn unclear(&self) -> Box<Fault> {
        let message =
            format!("a time without an offset that is not one instant in the zone of {}", self.name);
        Fault::new(RejectKind::InvalidValue, message)
    }

    /// Seconds and nanoseconds in the unit that carries `precision` digits, if no digit is lost.
    #[inline]
    fn ticks(&self, seconds: i64, nanoseconds: i64, precision: u8, unit: u32) -> Checked<i64> {
        let finest = 10_i64.pow(u32::from(9 - precision.min(9)));
        if nanoseconds % finest != 0 {
            return Err(Fault::range(&self.name));
        }
        let per_second = 10_i64.pow(unit);
        let fraction = nanoseconds / (1_000_000_000 / per_second);
        seconds
            .checked_mul(per_second)
            .and_then(|ticks| ticks.checked_add(fraction))
            .ok_or_else(|| Fault::range(&self.name))
    }
}

/// Arrow has seconds, milli-, micro- and nanoseconds: the digits of the first that has as many as wanted.
fn unit_digits(precision: u8) -> u32 {
    match precision {
        0 => 0,
        1..=3 => 3,
        4..=6 => 6,
        _ => 9,
    }
}

/// The same for the time of a day, of which Arrow's milliseconds have 32 bits: they would end at 596 hours.
fn time_digits(precision: u8) -> u32 {
    match unit_digits(precision) {
        3 => 6,
        digits => digits,
    }
}

/// The values of one such column.
pub(super) fn scalar(
    name: String,
    meaning: Meaning,
    zone: Option<&str>,
    unit: Option<TimeUnit>,
) -> Box<dyn Scalar> {
    fn numbers<P>(reader: Reader) -> Box<dyn Scalar>
    where
        P: ArrowPrimitiveType + Debug,
        P::Native: TryFrom<i64>,
    {
        Box::new(Numbers::<P> { reader, values: Vec::new() })
    }
    let of_type = match meaning {
        Meaning::DateTime64(precision) => TimeUnit::of_digits(precision),
        _ => TimeUnit::Seconds,
    };
    let unit = unit.map_or(Unit::OfType(of_type), Unit::Said);
    let reader = Reader { name, meaning, zone: Zone::named(zone), unit, last_day: LastDay::default() };
    match meaning {
        Meaning::Date => numbers::<UInt16Type>(reader),
        Meaning::Date32 => numbers::<Date32Type>(reader),
        Meaning::DateTime | Meaning::Ipv4 => numbers::<UInt32Type>(reader),
        Meaning::DateTime64(precision) => match unit_digits(precision) {
            0 => numbers::<TimestampSecondType>(reader),
            3 => numbers::<TimestampMillisecondType>(reader),
            6 => numbers::<TimestampMicrosecondType>(reader),
            _ => numbers::<TimestampNanosecondType>(reader),
        },
        Meaning::Time => numbers::<Int32Type>(reader),
        Meaning::Time64(precision) => match time_digits(precision) {
            0 => numbers::<Time32SecondType>(reader),
            6 => numbers::<Time64MicrosecondType>(reader),
            _ => numbers::<Time64NanosecondType>(reader),
        },
    }
}

#[derive(Debug)]
struct Numbers<P: ArrowPrimitiveType> {
    reader: Reader,
    values: Vec<P::Native>,
}

impl<P> Numbers<P>
where
    P: ArrowPrimitiveType,
    P::Native: TryFrom<i64>,
{
    #[inline]
    fn push(&mut self, number: i64) -> Checked {
        let number = P::Native::try_from(number).map_err(|_| Fault::range(&self.reader.name))?;
        self.values.push(number);
        Ok(())
    }
}

impl<P> Scalar for Numbers<P>
where
    P: ArrowPrimitiveType + Debug,
    P::Native: TryFrom<i64>,
{
    fn text(&mut self, text: &str) -> Checked {
        let number = self.reader.text(text)?;
        self.push(number)
    }

    fn number(&mut self, number: &Number<'_>) -> Checked {
        let number = self.reader.number(number)?;
        self.push(number)
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        compare(&self.values, left, right)
    }

    fn placeholder(&mut self) {
        self.values.push(P::Native::default());
    }

    fn name(&self) -> &str {
        &self.reader.name
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn arrow_type(&self) -> ArrowType {
        P::DATA_TYPE
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        Ok(Arc::new(PrimitiveArray::<P>::try_new(take(&mut self.values).into(), nulls)?))
    }
}
