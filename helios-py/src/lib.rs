//! `helios._helios`: what the Python package `helios` calls.

use pyo3::pymodule;

#[pymodule]
mod _helios {}
