//! Dates, times, and IPv4 addresses: texts that become a number.

use std::{fmt::Debug, net::Ipv4Addr, sync::Arc};

use arrow_array::{
    ArrayRef, ArrowPrimitiveType, PrimitiveArray,
    types::{
        Date32Type, Int32Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
        Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType, UInt16Type, UInt32Type,
    },
};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::{
    fault::{Fault, RejectKind},
    iso::{Instant, clock_time, date},
    scalar::Scalar,
};

/// What a text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// `Date`: `2024-06-15`.
    Date,
    /// `Date32`.
    Date32,
    /// `DateTime`: ISO 8601; without an offset UTC. Also whole seconds since 1970 as a number.
    DateTime,
    /// `DateTime64` with so many digits. No plain number: it would have no unit.
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

impl Meaning {
    fn name(self) -> String {
        match self {
            Self::Date => "Date".to_owned(),
            Self::Date32 => "Date32".to_owned(),
            Self::DateTime => "DateTime".to_owned(),
            Self::DateTime64(precision) => format!("DateTime64({precision})"),
            Self::Time => "Time".to_owned(),
            Self::Time64(precision) => format!("Time64({precision})"),
            Self::Ipv4 => "IPv4".to_owned(),
        }
    }

    /// The number a text becomes, in the unit it travels in.
    fn read(self, text: &str) -> Result<i64, Fault> {
        let invalid = || Fault::invalid(&self.name());
        let within = |number: i64, least: i64, greatest: i64| {
            if (least..=greatest).contains(&number) { Ok(number) } else { Err(Fault::range(&self.name())) }
        };
        match self {
            Self::Date => within(date(text).ok_or_else(invalid)?, 0, LAST_DATE),
            Self::Date32 => within(date(text).ok_or_else(invalid)?, FIRST_DATE32, LAST_DATE32),
            Self::DateTime => {
                let instant = Instant::parse(text).ok_or_else(invalid)?;
                if instant.nanoseconds != 0 {
                    return Err(Fault::range(&self.name()));
                }
                within(instant.seconds, 0, LAST_DATETIME)
            }
            Self::DateTime64(precision) => {
                let instant = Instant::parse(text).ok_or_else(invalid)?;
                within(instant.seconds, FIRST_DATE32 * DAY, (LAST_DATE32 + 1) * DAY - 1)?;
                self.ticks(instant.seconds, instant.nanoseconds, precision)
            }
            Self::Time => {
                let (seconds, nanoseconds) = clock_time(text).ok_or_else(invalid)?;
                if nanoseconds != 0 {
                    return Err(Fault::range(&self.name()));
                }
                within(seconds, -LAST_TIME, LAST_TIME)
            }
            Self::Time64(precision) => {
                let (seconds, nanoseconds) = clock_time(text).ok_or_else(invalid)?;
                // The end of the range itself has no fraction in the engine's own text either.
                let last = if nanoseconds == 0 { LAST_TIME } else { LAST_TIME - 1 };
                within(seconds, -LAST_TIME, last)?;
                self.ticks(seconds, nanoseconds, precision)
            }
            Self::Ipv4 => {
                let address: Ipv4Addr = text.parse().map_err(|_| invalid())?;
                Ok(i64::from(address.to_bits()))
            }
        }
    }

    /// Seconds and nanoseconds in the unit that carries `precision` digits, if no digit is lost.
    fn ticks(self, seconds: i64, nanoseconds: i64, precision: u8) -> Result<i64, Fault> {
        let finest = 10_i64.pow(u32::from(9 - precision.min(9)));
        if nanoseconds % finest != 0 {
            return Err(Fault::range(&self.name()));
        }
        let per_second = 10_i64.pow(unit_digits(precision));
        let fraction = nanoseconds / (1_000_000_000 / per_second);
        seconds
            .checked_mul(per_second)
            .and_then(|ticks| ticks.checked_add(fraction))
            .ok_or_else(|| Fault::range(&self.name()))
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

/// The values of one such column.
pub(super) fn scalar(meaning: Meaning) -> Box<dyn Scalar> {
    fn numbers<P>(meaning: Meaning) -> Box<dyn Scalar>
    where
        P: ArrowPrimitiveType + Debug,
        P::Native: TryFrom<i64>,
    {
        Box::new(Numbers::<P> { meaning, values: Vec::new() })
    }
    match meaning {
        Meaning::Date => numbers::<UInt16Type>(meaning),
        Meaning::Date32 => numbers::<Date32Type>(meaning),
        Meaning::DateTime | Meaning::Ipv4 => numbers::<UInt32Type>(meaning),
        Meaning::DateTime64(precision) => match unit_digits(precision) {
            0 => numbers::<TimestampSecondType>(meaning),
            3 => numbers::<TimestampMillisecondType>(meaning),
            6 => numbers::<TimestampMicrosecondType>(meaning),
            _ => numbers::<TimestampNanosecondType>(meaning),
        },
        Meaning::Time => numbers::<Int32Type>(meaning),
        Meaning::Time64(precision) => match unit_digits(precision) {
            0 => numbers::<Time32SecondType>(meaning),
            3 => numbers::<Time32MillisecondType>(meaning),
            6 => numbers::<Time64MicrosecondType>(meaning),
            _ => numbers::<Time64NanosecondType>(meaning),
        },
    }
}

#[derive(Debug)]
struct Numbers<P: ArrowPrimitiveType> {
    meaning: Meaning,
    values: Vec<P::Native>,
}

impl<P> Numbers<P>
where
    P: ArrowPrimitiveType,
    P::Native: TryFrom<i64>,
{
    fn push(&mut self, number: i64) -> Result<(), Fault> {
        // A Time64 of three digits travels in 32 bits and ends at 596 hours.
        let number = P::Native::try_from(number).map_err(|_| Fault::range(&self.meaning.name()))?;
        self.values.push(number);
        Ok(())
    }
}

impl<P> Scalar for Numbers<P>
where
    P: ArrowPrimitiveType + Debug,
    P::Native: TryFrom<i64>,
{
    fn text(&mut self, text: &str) -> Result<(), Fault> {
        let number = self.meaning.read(text)?;
        self.push(number)
    }

    fn unsigned(&mut self, value: u64) -> Result<(), Fault> {
        match self.meaning {
            Meaning::DateTime => {
                let seconds = i64::try_from(value).unwrap_or(i64::MAX);
                if seconds > LAST_DATETIME {
                    return Err(Fault::range(&self.meaning.name()));
                }
                self.push(seconds)
            }
            Meaning::DateTime64(_) => Err(Fault::new(
                RejectKind::TypeMismatch,
                "a number, which says nothing of its unit, where an ISO 8601 text was expected",
            )),
            _ => Err(Fault::mismatch("a number", &self.meaning.name())),
        }
    }

    fn placeholder(&mut self) {
        self.values.push(P::Native::default());
    }

    fn name(&self) -> String {
        self.meaning.name()
    }

    fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
    }

    fn arrow_type(&self) -> ArrowType {
        P::DATA_TYPE
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let values = std::mem::take(&mut self.values).into();
        Ok(Arc::new(PrimitiveArray::<P>::try_new(values, nulls)?))
    }
}
