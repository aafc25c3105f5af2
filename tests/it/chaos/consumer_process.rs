//! A consumer in a process of its own; dropping it kills it, as `kill -9` does.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::consumer_source::STREAM;

pub(super) struct ConsumerProcess {
    child: Child,
    /// How many batches it has told of.
    told: Arc<AtomicUsize>,
}

impl ConsumerProcess {
    pub(super) fn start(environment: &HashMap<String, String>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_helios-consume"))
            .arg(STREAM)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let told = Arc::new(AtomicUsize::new(0));
        let (count, output) = (Arc::clone(&told), child.stdout.take().unwrap());
        thread::spawn(move || {
            for _ in BufReader::new(output).lines().map_while(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { child, told }
    }

    /// How many batches it has told of.
    pub(super) fn told(&self) -> usize {
        self.told.load(Ordering::SeqCst)
    }

    /// The process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for ConsumerProcess {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
