//! The endpoints, a file each, or a file for those of one noun.

pub(crate) mod authenticate;
pub(crate) mod consume;
pub(crate) mod create_table;
mod credentials;
pub(crate) mod databases;
pub(crate) mod delivery;
pub(crate) mod doctor;
pub(crate) mod engine;
pub(crate) mod health;
pub(crate) mod kinesis_sample;
pub(crate) mod logout;
pub(crate) mod openapi;
mod operation;
pub(crate) mod quarantine;
pub(crate) mod query;
pub(crate) mod running_query;
pub(crate) mod schema;
pub(crate) mod sources;
pub(crate) mod streams;
