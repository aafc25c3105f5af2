//! What Arrow's C interface cannot carry.

use arrow_schema::Schema;

use crate::{Error, ErrorKind, Result};

/// Checks that a schema can be handed on through Arrow's C interface, where names are C strings. One that is none would be
/// found out where no error can be returned.
///
/// # Errors
///
/// [`ErrorKind::InvalidQuery`] if a column's name holds a NUL, naming the column.
pub fn check_c_names(schema: &Schema) -> Result<()> {
    match schema.flattened_fields().into_iter().find(|field| field.name().contains('\0')) {
        None => Ok(()),
        Some(field) => {
            let message = "a column's name holds a NUL, which Arrow's C interface cannot carry; give it another with AS";
            Err(Error::new(ErrorKind::InvalidQuery, message).at("query").with("column", field.name()))
        }
    }
}
