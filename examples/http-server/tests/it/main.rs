//! The server behind a real socket, and as a process.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod engine;
mod engine_process;
mod process;
mod sockets;
