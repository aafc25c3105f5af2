//! The endpoints, a file each.

pub(crate) mod authenticate;
pub(crate) mod create_table;
mod credentials;
pub(crate) mod databases;
pub(crate) mod health;
pub(crate) mod kinesis_sample;
pub(crate) mod logout;
pub(crate) mod openapi;
pub(crate) mod query;
pub(crate) mod sources;
