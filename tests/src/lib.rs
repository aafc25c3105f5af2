//! Fixtures of the end-to-end tests and the demo: the AWS emulator, the delivery function in it, the HTTP server, events.
//!
//! They return errors instead of panicking, since the demo shows them to a person.

mod account;
mod emulator;
pub mod events;
mod function;
mod lab;
mod server;

pub use account::Account;
pub use emulator::{Authorization, Emulator, REGION};
pub use events::{Event, Malformed};
pub use function::{Function, deploy};
pub use lab::{Lab, LabOptions};
pub use server::{Server, ServerOptions, binary};

/// What a fixture returns.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
