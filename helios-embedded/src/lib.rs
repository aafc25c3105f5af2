#![doc = include_str!("../README.md")]

mod access;
mod api;
mod attempts;
mod connector;
mod control;
mod data_path;
mod default_database;
mod driver;
mod engine;
mod error;
mod exit;
mod insert_way;
mod libchdb;
mod library;
mod listener;
mod options;
#[cfg(feature = "process")]
pub mod process;
mod service;
mod sigpipe;
mod stuck;
mod wire;
mod work;

pub use self::{
    access::Credentials,
    connector::{Connector, InProcess},
    driver::{Analysis, Class, Counts, Driver, DriverConnection, DriverInsert, Output},
    engine::{Engine, stop_before_exit},
    error::Error,
    libchdb::libchdb,
    library::{ENGINE_VERSION, LIBRARY_VARIABLE, setup_location},
    listener::Listener,
    options::Options,
    stuck::{StopReason, Stuck},
};

/// Everything public can be shared between threads.
const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Engine>();
    is_shared::<Connector>();
    is_shared::<Listener>();
    is_shared::<Options>();
    is_shared::<Credentials>();
    is_shared::<Error>();
    is_shared::<Stuck>();
};
