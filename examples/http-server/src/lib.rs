//! Helios over HTTP: every operation of [`helios_core::HeliosClient`] as a JSON endpoint.
//!
//! [`app()`] makes the router from an [`AppState`], [`serve`](serve::serve) puts it behind a socket, [`run()`] does both
//! with the settings of a [`ServerConfig`]. See the README beside this crate for the endpoints.

#![forbid(unsafe_code)]

mod accept;
mod access;
mod app;
mod audit;
mod browser;
mod caller;
pub mod config;
mod engine_process;
mod error;
mod extract;
mod framing;
mod handlers;
mod lingering;
mod logging;
mod login_limit;
mod open_files;
mod openapi;
mod queries;
mod reader;
mod readiness;
mod refusal;
mod role;
mod run;
mod self_check;
pub mod serve;
mod session;
mod state;
mod tokens;
mod under_way;

pub use app::app;
pub use config::ServerConfig;
pub use engine_process::{EngineProcessArgs, engine};
pub use error::ErrorBody;
pub use reader::{ReaderArgs, reader};
pub use run::run;
pub use state::AppState;
