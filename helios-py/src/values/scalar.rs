//! Single values.

use arrow_array::{
    Array, ArrayAccessor, PrimitiveArray, StringArray,
    cast::AsArray as _,
    iterator::ArrayIter,
    types::{Decimal256Type, DecimalType},
};
use helios_core::warehouse::types::DataType;
use pyo3::{
    IntoPyObject, IntoPyObjectExt as _,
    prelude::*,
    sync::PyOnceLock,
    types::{IntoPyDict as _, PyBytes, PyInt, PyType},
};

use super::column::Values;

/// Values that Python has by itself.
pub(super) fn each<'py, A>(py: Python<'py>, array: A) -> Values<'py>
where
    A: ArrayAccessor,
    A::Item: IntoPyObject<'py>,
{
    map(py, array, |value| value.into_bound_py_any(py))
}

/// Values made by `convert`, and `None` for nulls.
pub(super) fn map<'py, A: ArrayAccessor>(
    py: Python<'py>,
    array: A,
    convert: impl Fn(A::Item) -> PyResult<Bound<'py, PyAny>>,
) -> Values<'py> {
    let null = || Ok(py.None().into_bound(py));
    ArrayIter::new(array).map(|value| value.map_or_else(null, &convert)).collect()
}

pub(super) fn decimals<'py, T: DecimalType>(py: Python<'py>, array: &PrimitiveArray<T>) -> Values<'py> {
    static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let decimal = DECIMAL.import(py, "decimal", "Decimal")?;
    let null = || Ok(py.None().into_bound(py));
    (0..array.len())
        .map(
            |index| {
                if array.is_null(index) { null() } else { decimal.call1((array.value_as_string(index),)) }
            },
        )
        .collect()
}

/// Integers of more than 64 bits that are held as decimals, or as their bytes.
pub(super) fn integers<'py>(py: Python<'py>, array: &dyn Array, signed: bool) -> Values<'py> {
    let int = py.get_type::<PyInt>();
    if let Some(decimals) = array.as_primitive_opt::<Decimal256Type>() {
        return map(py, decimals, |value| int.call1((value.to_string(),)));
    }
    let sign = [("signed", signed)].into_py_dict(py)?;
    map(py, array.as_fixed_size_binary(), |bytes| {
        int.call_method("from_bytes", (PyBytes::new(py, bytes), "little"), Some(&sign))
    })
}

/// Texts, and what is held as one: integers of more than 64 bits, JSON.
pub(super) fn texts<'py>(py: Python<'py>, array: &StringArray, data_type: Option<&DataType>) -> Values<'py> {
    static VALUE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    match data_type {
        Some(DataType::Int { .. } | DataType::UInt { .. }) => {
            let int = py.get_type::<PyInt>();
            map(py, array, |text| int.call1((text,)))
        }
        Some(DataType::Json(_) | DataType::Object(_) | DataType::Dynamic { .. }) => {
            let value = VALUE.import(py, "helios._json", "value")?;
            map(py, array, |text| value.call1((text,)))
        }
        _ => each(py, array),
    }
}
