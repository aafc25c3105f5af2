//! From ClickHouse's own Arrow to real types, column by column.

use std::sync::Arc;

use arrow_array::{
    Array as _, ArrayRef, ListArray, MapArray, StructArray, UnionArray, cast::AsArray as _, new_empty_array,
};
use arrow_schema::{ArrowError, DataType as ArrowType, Field, FieldRef, Fields, UnionFields};

use super::{scalar, transport::transported};
use crate::{
    Error, Result,
    warehouse::types::{DataType, TupleField},
};

/// What is done to a column.
#[derive(Debug)]
pub(super) struct Conversion {
    data_type: DataType,
}

impl Conversion {
    /// For a column of this ClickHouse type, or, if that was not told, of the one that ClickHouse's Arrow stands for.
    pub(super) fn new(transport: &ArrowType, told: Option<&str>) -> Result<Self> {
        let data_type = match told {
            Some(text) => text.parse()?,
            None => transported(transport),
        };
        Ok(Self { data_type })
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
        convert(array, &self.data_type).map_err(|error| {
            Error::unexpected("ClickHouse answered Arrow that does not fit its own type")
                .with("type", self.clickhouse_type())
                .with("arrow", array.data_type().to_string())
                .caused_by(error)
        })
    }
}

type Converted = Result<ArrayRef, ArrowError>;

/// Each type has one transport; another one, as a later server may choose, is passed on as it is.
fn convert(array: &ArrayRef, data_type: &DataType) -> Converted {
    match (data_type, array.data_type()) {
        (DataType::Nullable(inner) | DataType::SimpleAggregateFunction { data_type: inner, .. }, _) => {
            convert(array, inner)
        }
        (DataType::LowCardinality(inner), ArrowType::Dictionary(..)) => {
            let dictionary = array.as_any_dictionary();
            Ok(dictionary.with_values(convert(dictionary.values(), inner)?))
        }
        (DataType::LowCardinality(inner), _) => convert(array, inner),
        (DataType::Array(element), ArrowType::List(field)) => {
            list(array.as_list(), field, |values| convert(values, element))
        }
        (DataType::Nested(fields), ArrowType::List(field)) => {
            list(array.as_list(), field, |values| match values.data_type() {
                ArrowType::Struct(_) => tuple(values.as_struct(), fields),
                _ => Ok(Arc::clone(values)),
            })
        }
        (DataType::Map(key, value), ArrowType::Map(field, _)) => map(array.as_map(), field, key, value),
        (DataType::Tuple(fields), ArrowType::Struct(_)) => tuple(array.as_struct(), fields),
        (DataType::Variant(types), ArrowType::Union(..)) => union(array.as_union(), types),
        _ => scalar::convert(array, data_type),
    }
}

fn list(array: &ListArray, field: &FieldRef, values: impl FnOnce(&ArrayRef) -> Converted) -> Converted {
    let values = values(array.values())?;
    let field = retyped(field, &values);
    let list = ListArray::try_new(field, array.offsets().clone(), values, array.nulls().cloned())?;
    Ok(Arc::new(list))
}

fn tuple(array: &StructArray, elements: &[TupleField]) -> Converted {
    let columns = array.columns().iter().zip(elements);
    let columns: Vec<ArrayRef> =
        columns.map(|(column, element)| convert(column, &element.data_type)).collect::<Result<_, _>>()?;
    Ok(Arc::new(structure(array, columns)?))
}

/// The same struct, of other columns.
fn structure(array: &StructArray, columns: Vec<ArrayRef>) -> Result<StructArray, ArrowError> {
    let fields: Fields =
        array.fields().iter().zip(&columns).map(|(field, column)| retyped(field, column)).collect();
    StructArray::try_new_with_length(fields, columns, array.nulls().cloned(), array.len())
}

fn map(array: &MapArray, field: &FieldRef, key: &DataType, value: &DataType) -> Converted {
    let columns = vec![convert(array.keys(), key)?, convert(array.values(), value)?];
    let entries = structure(array.entries(), columns)?;
    let field = Arc::new(field.as_ref().clone().with_data_type(entries.data_type().clone()));
    let map = MapArray::try_new(field, array.offsets().clone(), entries, array.nulls().cloned(), false)?;
    Ok(Arc::new(map))
}

/// A union's children are the variant's types in their order, and then its null.
fn union(array: &UnionArray, types: &[DataType]) -> Converted {
    let ArrowType::Union(fields, _) = array.data_type() else {
        return Err(ArrowError::CastError("not a union".to_owned()));
    };
    let mut children = Vec::with_capacity(fields.len());
    for (index, (id, _)) in fields.iter().enumerate() {
        children.push(match types.get(index) {
            Some(data_type) => convert(array.child(id), data_type)?,
            None => Arc::clone(array.child(id)),
        });
    }
    let fields: UnionFields =
        fields.iter().zip(&children).map(|((id, field), child)| (id, retyped(field, child))).collect();
    let ids = array.type_ids().clone();
    Ok(Arc::new(UnionArray::try_new(fields, ids, array.offsets().cloned(), children)?))
}

/// The field, with the type that its column has become. What it says of the transport is no longer so.
fn retyped(field: &FieldRef, column: &ArrayRef) -> FieldRef {
    Arc::new(Field::new(field.name(), column.data_type().clone(), field.is_nullable()))
}
