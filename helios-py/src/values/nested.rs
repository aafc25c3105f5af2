//! Values made of others.

use arrow_array::{AnyDictionaryArray, Array, ListArray, MapArray, StructArray, UnionArray};
use arrow_buffer::ArrowNativeType as _;
use arrow_schema::{DataType as ArrowType, Fields};
use helios_core::warehouse::types::{DataType, TupleField};
use pyo3::{
    prelude::*,
    types::{PyDict, PyList, PyString, PyTuple},
};

use super::column::{Values, column};

/// Values that are kept once, however often they occur.
pub(super) fn dictionary<'py>(
    py: Python<'py>,
    array: &dyn AnyDictionaryArray,
    data_type: Option<&DataType>,
) -> Values<'py> {
    let values = column(py, array.values(), data_type)?;
    let null = py.None().into_bound(py);
    let keys = array.normalized_keys().into_iter().enumerate();
    let value = |(row, key): (usize, usize)| if array.is_null(row) { None } else { values.get(key) };
    Ok(keys.map(|entry| value(entry).unwrap_or(&null).clone()).collect())
}

/// `Array` and `Nested`, as lists.
pub(super) fn lists<'py>(py: Python<'py>, array: &ListArray, data_type: Option<&DataType>) -> Values<'py> {
    let nested;
    let element = match data_type {
        Some(DataType::Array(element)) => Some(&**element),
        Some(DataType::Nested(fields)) => {
            nested = DataType::Tuple(fields.clone());
            Some(&nested)
        }
        _ => None,
    };
    let (start, length) = extent(array.value_offsets());
    let mut values = column(py, &array.values().slice(start, length), element)?.into_iter();
    (0..array.len())
        .map(|row| {
            let elements: Vec<_> = values.by_ref().take(array.value_length(row).as_usize()).collect();
            if array.is_null(row) {
                return Ok(py.None().into_bound(py));
            }
            Ok(PyList::new(py, elements)?.into_any())
        })
        .collect()
}

/// Where the values of all rows begin, and how many they are.
fn extent(offsets: &[i32]) -> (usize, usize) {
    match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => (first.as_usize(), (last - first).as_usize()),
        _ => (0, 0),
    }
}

/// `Map`, as dicts.
pub(super) fn maps<'py>(py: Python<'py>, array: &MapArray, data_type: Option<&DataType>) -> Values<'py> {
    let (key, value) = match data_type {
        Some(DataType::Map(key, value)) => (Some(&**key), Some(&**value)),
        _ => (None, None),
    };
    let (start, length) = extent(array.value_offsets());
    let keys = column(py, &array.keys().slice(start, length), key)?;
    let mut entries = keys.into_iter().zip(column(py, &array.values().slice(start, length), value)?);
    (0..array.len())
        .map(|row| {
            let map = PyDict::new(py);
            for (key, value) in entries.by_ref().take(array.value_length(row).as_usize()) {
                map.set_item(hashable(key)?, value)?;
            }
            Ok(if array.is_null(row) { py.None().into_bound(py) } else { map.into_any() })
        })
        .collect()
}

/// A key that is a list, as a tuple.
fn hashable(key: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let Ok(list) = key.cast::<PyList>() else { return Ok(key) };
    let elements = list.iter().map(hashable).collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(list.py(), elements)?.into_any())
}

/// `Tuple`, as dicts if the elements have names, else as tuples.
pub(super) fn tuples<'py>(py: Python<'py>, array: &StructArray, data_type: Option<&DataType>) -> Values<'py> {
    let elements: &[TupleField] = match data_type {
        Some(DataType::Tuple(elements)) => elements,
        _ => &[],
    };
    let mut columns = Vec::with_capacity(array.num_columns());
    for (index, values) in array.columns().iter().enumerate() {
        let element = elements.get(index).map(|element| &element.data_type);
        columns.push(column(py, values, element)?.into_iter());
    }
    let names = has_names(array.fields(), elements).then(|| {
        let names = array.fields().iter().map(|field| PyString::intern(py, field.name()));
        names.collect::<Vec<_>>()
    });
    (0..array.len())
        .map(|row| {
            let elements: Vec<_> = columns.iter_mut().filter_map(Iterator::next).collect();
            if array.is_null(row) {
                return Ok(py.None().into_bound(py));
            }
            let Some(names) = &names else { return Ok(PyTuple::new(py, elements)?.into_any()) };
            let tuple = PyDict::new(py);
            for (name, element) in names.iter().zip(elements) {
                tuple.set_item(name, element)?;
            }
            Ok(tuple.into_any())
        })
        .collect()
}

/// ClickHouse calls the elements of a tuple without names `1`, `2` and so on.
fn has_names(fields: &Fields, elements: &[TupleField]) -> bool {
    match elements.first() {
        Some(element) => element.name.is_some(),
        None => (1..).zip(fields).any(|(number, field): (usize, _)| *field.name() != number.to_string()),
    }
}

/// `Variant`: the value of whichever type it is.
pub(super) fn variants<'py>(
    py: Python<'py>,
    array: &UnionArray,
    data_type: Option<&DataType>,
) -> Values<'py> {
    let types: &[DataType] = match data_type {
        Some(DataType::Variant(types)) => types,
        _ => &[],
    };
    let ArrowType::Union(fields, _) = array.data_type() else { return Ok(Vec::new()) };
    let mut children = Vec::with_capacity(fields.len());
    for (id, field) in fields.iter() {
        let data_type = types.iter().find(|data_type| data_type.to_string() == *field.name());
        children.push((id, column(py, array.child(id), data_type)?));
    }
    let null = py.None().into_bound(py);
    let value = |row| {
        let (_, child) = children.iter().find(|(id, _)| *id == array.type_id(row))?;
        child.get(array.value_offset(row))
    };
    Ok((0..array.len()).map(|row| value(row).unwrap_or(&null).clone()).collect())
}
