//! Delivery: records into rows.

pub(crate) mod consumer;
pub(crate) mod decode;
pub(crate) mod function;
pub(crate) mod insert;
pub(crate) mod memory;
pub(crate) mod proof;
pub(crate) mod side;
