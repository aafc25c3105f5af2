//! Dates, times and durations.
//!
//! Python counts microseconds: what is finer is cut off.

use arrow_array::{
    Array, PrimitiveArray,
    cast::AsArray as _,
    types::{
        ArrowPrimitiveType, Date32Type, DurationMicrosecondType, DurationMillisecondType,
        DurationNanosecondType, DurationSecondType, TimestampMicrosecondType, TimestampMillisecondType,
        TimestampNanosecondType, TimestampSecondType,
    },
};
use arrow_schema::TimeUnit;
use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyDate, PyDelta, PyType},
};

use super::{column::Values, scalar::map};

/// The ordinal of 1970-01-01, 0001-01-01 being 1.
const EPOCH_ORDINAL: i32 = 719_163;
const SECONDS_A_DAY: i64 = 86_400;
const UTC: &str = "UTC";

pub(super) fn dates<'py>(py: Python<'py>, array: &PrimitiveArray<Date32Type>) -> Values<'py> {
    let date = py.get_type::<PyDate>();
    map(py, array, |days| date.call_method1("fromordinal", (i64::from(days) + i64::from(EPOCH_ORDINAL),)))
}

pub(super) fn timestamps<'py>(
    py: Python<'py>,
    array: &dyn Array,
    unit: TimeUnit,
    zone: Option<&str>,
) -> Values<'py> {
    let epoch = epoch(py)?;
    let zone = match zone {
        None | Some(UTC) => None,
        Some(name) => Some(zone_info(py, name)?),
    };
    let convert = |delta: Bound<'py, PyDelta>| {
        let time = epoch.add(delta)?;
        match &zone {
            Some(zone) => time.call_method1("astimezone", (zone,)),
            None => Ok(time),
        }
    };
    match unit {
        TimeUnit::Second => deltas(py, array.as_primitive::<TimestampSecondType>(), unit, convert),
        TimeUnit::Millisecond => deltas(py, array.as_primitive::<TimestampMillisecondType>(), unit, convert),
        TimeUnit::Microsecond => deltas(py, array.as_primitive::<TimestampMicrosecondType>(), unit, convert),
        TimeUnit::Nanosecond => deltas(py, array.as_primitive::<TimestampNanosecondType>(), unit, convert),
    }
}

pub(super) fn durations<'py>(py: Python<'py>, array: &dyn Array, unit: TimeUnit) -> Values<'py> {
    let convert = |delta: Bound<'py, PyDelta>| Ok(delta.into_any());
    match unit {
        TimeUnit::Second => deltas(py, array.as_primitive::<DurationSecondType>(), unit, convert),
        TimeUnit::Millisecond => deltas(py, array.as_primitive::<DurationMillisecondType>(), unit, convert),
        TimeUnit::Microsecond => deltas(py, array.as_primitive::<DurationMicrosecondType>(), unit, convert),
        TimeUnit::Nanosecond => deltas(py, array.as_primitive::<DurationNanosecondType>(), unit, convert),
    }
}

/// Counts of `unit` as `timedelta`s, handed to `convert`.
fn deltas<'py, T: ArrowPrimitiveType<Native = i64>>(
    py: Python<'py>,
    array: &PrimitiveArray<T>,
    unit: TimeUnit,
    convert: impl Fn(Bound<'py, PyDelta>) -> PyResult<Bound<'py, PyAny>>,
) -> Values<'py> {
    let a_second: i64 = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    map(py, array, |count| {
        let (seconds, rest) = (count.div_euclid(a_second), count.rem_euclid(a_second));
        let microseconds = i128::from(rest) * 1_000_000 / i128::from(a_second);
        let days = i32::try_from(seconds.div_euclid(SECONDS_A_DAY))?;
        let seconds = i32::try_from(seconds.rem_euclid(SECONDS_A_DAY))?;
        convert(PyDelta::new(py, days, seconds, i32::try_from(microseconds)?, false)?)
    })
}

/// The epoch, in UTC.
fn epoch(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static EPOCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let epoch = EPOCH.get_or_try_init(py, || {
        let datetime = py.import("datetime")?.getattr("datetime")?;
        datetime.call1((1970, 1, 1, 0, 0, 0, 0, zone_info(py, UTC)?)).map(Bound::unbind)
    })?;
    Ok(epoch.bind(py).clone())
}

/// Python keeps the zones it has made.
fn zone_info<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static ZONE_INFO: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    ZONE_INFO.import(py, "zoneinfo", "ZoneInfo")?.call1((name,))
}
