//! From ClickHouse's own Arrow to real types, column by column.

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    Array as _, ArrayRef, ListArray, MapArray, StructArray, UnionArray, cast::AsArray as _, new_empty_array,
};
use arrow_schema::{ArrowError, DataType as ArrowType, Field, FieldRef, UnionFields};

use super::{TYPE_KEY, scalar, transport::transported};
use crate::{
    Error, Result,
    warehouse::{
        WideIntegers,
        types::{DataType, TupleField},
    },
};

/// What is done to a column.
#[derive(Debug)]
pub(super) struct Conversion {
    data_type: DataType,
    wide_integers: WideIntegers,
}

impl Conversion {
    /// For a column of this ClickHouse type, or, if that was not told, of the one that ClickHouse's Arrow stands for.
    pub(super) fn new(
        transport: &ArrowType,
        told: Option<&str>,
        wide_integers: WideIntegers,
    ) -> Result<Self> {
        let data_type = match told {
            Some(text) => text.parse()?,
            None => transported(transport),
        };
        Ok(Self { data_type, wide_integers })
    }

    /// The ClickHouse type, in full.
    pub(super) fn clickhouse_type(&self) -> String {
        self.data_type.to_string()
    }

    /// What becomes of the column's type.
    pub(super) fn data_type(&self, transport: &Field) -> Result<ArrowType> {
        Ok(self.apply(&new_empty_array(transport.data_type()))?.data_type().clone())
    }

    /// Converts a piece of the column.
    pub(super) fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        convert(array, &self.data_type, self.wide_integers).map_err(|error| {
            Error::unexpected("ClickHouse answered Arrow that does not fit its own type")
                .with("type", self.clickhouse_type())
                .with("arrow", array.data_type().to_string())
                .caused_by(error)
        })
    }
}

type Converted = Result<ArrayRef, ArrowError>;

/// Each type has one transport; another one, as a later server may choose, is passed on as it is.
fn convert(array: &ArrayRef, data_type: &DataType, wide: WideIntegers) -> Converted {
    match (data_type, array.data_type()) {
        (DataType::Nullable(inner) | DataType::SimpleAggregateFunction { data_type: inner, .. }, _) => {
            convert(array, inner, wide)
        }
        (DataType::LowCardinality(inner), ArrowType::Dictionary(..)) => {
            let dictionary = array.as_any_dictionary();
            Ok(dictionary.with_values(convert(dictionary.values(), inner, wide)?))
        }
        (DataType::LowCardinality(inner), _) => convert(array, inner, wide),
        (DataType::Array(element), ArrowType::List(field)) => {
            let values = convert(array.as_list::<i32>().values(), element, wide)?;
            list(array.as_list(), typed(field, &values, Some(element)), values)
        }
        (DataType::Nested(fields), ArrowType::List(field)) => {
            let values = array.as_list::<i32>().values();
            let values = match values.data_type() {
                ArrowType::Struct(_) => tuple(values.as_struct(), fields, wide)?,
                _ => Arc::clone(values),
            };
            list(array.as_list(), typed(field, &values, None), values)
        }
        (DataType::Map(key, value), ArrowType::Map(field, _)) => {
            map(array.as_map(), field, [key, value], wide)
        }
        (DataType::Tuple(fields), ArrowType::Struct(_)) => tuple(array.as_struct(), fields, wide),
        (DataType::Variant(types), ArrowType::Union(..)) => union(array.as_union(), types, wide),
        _ => scalar::convert(array, data_type, wide),
    }
}

fn list(array: &ListArray, field: FieldRef, values: ArrayRef) -> Converted {
    let list = ListArray::try_new(field, array.offsets().clone(), values, array.nulls().cloned())?;
    Ok(Arc::new(list))
}

fn tuple(array: &StructArray, elements: &[TupleField], wide: WideIntegers) -> Converted {
    Ok(Arc::new(structure(array, elements.iter().map(|element| &element.data_type), wide)?))
}

/// The same struct, of columns of these types.
fn structure<'a>(
    array: &StructArray,
    types: impl Iterator<Item = &'a DataType>,
    wide: WideIntegers,
) -> Result<StructArray, ArrowError> {
    let mut fields = Vec::with_capacity(array.num_columns());
    let mut columns = Vec::with_capacity(array.num_columns());
    for ((field, column), data_type) in array.fields().iter().zip(array.columns()).zip(types) {
        let column = convert(column, data_type, wide)?;
        fields.push(typed(field, &column, Some(data_type)));
        columns.push(column);
    }
    StructArray::try_new_with_length(fields.into(), columns, array.nulls().cloned(), array.len())
}

fn map(array: &MapArray, field: &FieldRef, types: [&DataType; 2], wide: WideIntegers) -> Converted {
    let entries = structure(array.entries(), types.into_iter(), wide)?;
    let field = Arc::new(field.as_ref().clone().with_data_type(entries.data_type().clone()));
    let map = MapArray::try_new(field, array.offsets().clone(), entries, array.nulls().cloned(), false)?;
    Ok(Arc::new(map))
}

/// A union's children are the variant's types in their order, and then its null.
fn union(array: &UnionArray, types: &[DataType], wide: WideIntegers) -> Converted {
    let ArrowType::Union(fields, _) = array.data_type() else {
        return Err(ArrowError::CastError("not a union".to_owned()));
    };
    let mut children = Vec::with_capacity(fields.len());
    let mut child_fields = Vec::with_capacity(fields.len());
    for (index, (id, field)) in fields.iter().enumerate() {
        let data_type = types.get(index);
        let child = match data_type {
            Some(data_type) => convert(array.child(id), data_type, wide)?,
            None => Arc::clone(array.child(id)),
        };
        child_fields.push((id, typed(field, &child, data_type)));
        children.push(child);
    }
    let fields: UnionFields = child_fields.into_iter().collect();
    let ids = array.type_ids().clone();
    Ok(Arc::new(UnionArray::try_new(fields, ids, array.offsets().cloned(), children)?))
}

/// The field, with the type that its column has become, and ClickHouse's. What it says of the transport is no longer so.
fn typed(field: &FieldRef, column: &ArrayRef, data_type: Option<&DataType>) -> FieldRef {
    let field = Field::new(field.name(), column.data_type().clone(), field.is_nullable());
    let metadata = data_type.map(|data_type| (TYPE_KEY.to_owned(), data_type.to_string()));
    Arc::new(field.with_metadata(HashMap::from_iter(metadata)))
}
