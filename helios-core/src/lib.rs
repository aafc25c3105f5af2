//! Helios.
