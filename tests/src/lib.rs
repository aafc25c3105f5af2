//! What the end-to-end tests and the demo stand on: an AWS emulator, the delivery function in it, the HTTP server, events.
//!
//! Everything returns errors rather than panic, as the demo is no test.

#![forbid(unsafe_code)]

mod account;
mod clock;
mod emulator;
mod events;
mod forward;
mod function;
mod gate;
mod iam;
mod kinesis_double;
mod lab;
mod random;
mod runtime;
mod server;

pub use account::{Account, stream_names};
pub use clock::{FastClock, LaterClock, SteppingClock};
pub use emulator::Emulator;
pub use events::{GeneratedEvent, Malformed, generate};
pub use function::{Function, deploy};
pub use gate::{AwsRefusal, Fate, Gate, Script};
pub use iam::AccessKey;
pub use kinesis_double::{DoubleRecord, KinesisDouble, KinesisFaults, ShardRead, sequence_number};
pub use lab::{Lab, LabOptions, free_port};
pub use random::Random;
pub use runtime::{Answer, FunctionError, Runtime};
pub use server::{Server, ServerOptions, binary};

/// A result with any error.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
