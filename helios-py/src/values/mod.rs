//! Arrow's values as Python's.

mod column;
mod nested;
mod scalar;
mod time;

pub(crate) use column::column;
