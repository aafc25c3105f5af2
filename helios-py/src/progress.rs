//! Functions of the caller's that are told how far an operation is.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use helios_core::{Error, ErrorKind, Result};
use pyo3::prelude::*;
use serde::Serialize;
use tokio::task::block_in_place;

use crate::exit;

/// The function, if there is one, and what it raises.
pub(crate) fn watch(call: Option<Py<PyAny>>) -> (Option<OnProgress>, Raised) {
    let raised = Raised::default();
    (call.map(|call| OnProgress { call, raised: raised.clone() }), raised)
}

/// A function that gets the JSON of how far an operation is. If it returns `False` the operation ends, if it raises that
/// is raised.
pub(crate) struct OnProgress {
    call: Py<PyAny>,
    raised: Raised,
}

impl OnProgress {
    /// Whether to go on.
    pub(crate) fn ask(&mut self, so_far: &impl Serialize) -> bool {
        // Helios may be called in turn, and that waits. An interpreter that ends wants nobody to go on.
        let asked = block_in_place(|| {
            exit::attach(|py| {
                let progress = serde_json::to_string(so_far).unwrap_or_default();
                let said = self.call.bind(py).call1((progress,))?;
                Ok(said.extract::<bool>().unwrap_or(true))
            })
        });
        asked.unwrap_or(Ok(false)).unwrap_or_else(|error| {
            self.raised.put(error);
            false
        })
    }
}

/// What the function has raised. It is called by whoever waits for the operation, so nothing has to wait for this.
#[derive(Clone, Default)]
pub(crate) struct Raised(Arc<Mutex<Option<PyErr>>>);

impl Raised {
    fn put(&self, error: PyErr) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn take(&self) -> Option<PyErr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The answer, or as soon as it is raised what the function raises, as the cause of an error.
    pub(crate) async fn or<T>(&self, answer: impl IntoFuture<Output = Result<T>> + Send) -> Result<T> {
        let mut answer = pin!(answer.into_future());
        poll_fn(|cx| {
            let polled = answer.as_mut().poll(cx);
            match self.take() {
                Some(error) => {
                    let message = "the function that is told of the progress has raised";
                    Poll::Ready(Err(Error::new(ErrorKind::Cancelled, message).caused_by(error)))
                }
                None => polled,
            }
        })
        .await
    }
}
