//! The library against the real engine.

mod delivery;
mod engine;
mod values;
