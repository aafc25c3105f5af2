#![doc = include_str!("../README.md")]

mod access;
mod api;
mod connection;
mod connector;
mod data_path;
mod default_database;
mod engine;
mod error;
mod exit;
mod library;
mod listener;
mod options;
mod service;
mod wire;
mod work;

pub use self::{
    access::Credentials,
    connector::{Connector, InProcess},
    engine::Engine,
    error::Error,
    library::{ENGINE_VERSION, LIBRARY_VARIABLE, setup_location},
    listener::Listener,
    options::Options,
};
