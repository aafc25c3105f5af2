//! JSON events → columns: what was observed, what was decided and why.
//!
//! [`infer`] reads sampled events and gives each top-level key a ClickHouse type that every sampled value fits without
//! being altered. Where values disagree the type widens, down to `String`, which holds any value as text; inference
//! never fails. The [`ColumnEvidence`] says what each decision rests on. An [`Observation`] does the same in one pass over
//! any number of events, in bounded memory; parts of a sample can be observed apart and merged.

mod columns;
mod decide;
mod distinct;
mod edit;
mod event;
mod evidence;
mod fields;
mod hazard;
mod infer;
mod keys;
mod kind;
mod number;
mod observe;
mod options;
#[cfg(test)]
mod properties;
mod split;
mod suggest;
mod text;
mod widen;

pub use columns::Schema;
pub use edit::SchemaEdit;
pub use evidence::{ColumnEvidence, Confidence};
pub use infer::{Inference, Observation, infer, infer_with, representative};
pub use keys::Proposal;
pub use kind::Kind;
pub use options::{Decimals, InferOptions, Integers, Nullability, ObjectTypes};
pub use suggest::Suggestion;
pub(crate) use widen::{Risk, or_null, risk, widen};
