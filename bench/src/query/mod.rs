//! Queries: the library and its HTTP server beside the engine's own answers.

pub(crate) mod arrow;
pub(crate) mod c_abi;
pub(crate) mod http;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod python;
mod service;
