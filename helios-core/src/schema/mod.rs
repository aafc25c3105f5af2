//! JSON events → columns: what was observed, what was decided and why.
//!
//! [`infer`] reads sampled events and gives each top-level key a ClickHouse type that every sampled value fits without
//! being altered. Where values disagree the type widens, down to `String`, which holds any value as text; inference
//! never fails. The [`ColumnEvidence`] says what each decision rests on.

mod decide;
mod evidence;
mod infer;
mod json;
mod keys;
mod kind;
mod number;
mod object;
mod observe;
#[cfg(test)]
mod properties;
mod text;
mod value;

pub use evidence::ColumnEvidence;
pub use infer::{Inference, infer};
pub use kind::Kind;
