//! An engine in a process of its own, which can be killed, also at the moment at which it puts a part in its place.

use std::{
    collections::HashMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
};

use helios_core::HeliosClient;
use helios_tests::{KinesisDouble, Server, ServerOptions, free_port};
use tokio::{task::spawn_blocking, time::timeout};
use uuid::Uuid;

use super::ROUND;
use crate::{
    consumer_source::{ClickHouse, wait_for},
    delivery_source::USER,
};

/// What goes wrong when a table's next part is put in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartFault {
    /// The engine is killed when it has written the token down, and before the part is in place.
    KilledBefore,
    /// The engine is killed when the part is in place, and before it has answered.
    KilledAfter,
    /// The token is written down, and then the disk is full.
    DiskFull,
    /// The engine is killed before the part without the deleted rows is in place.
    KilledDeleting,
    /// The engine is killed when that part is in place.
    KilledDeleted,
}

impl PartFault {
    /// As in `part_faults.c`.
    fn name(self) -> &'static str {
        match self {
            Self::KilledBefore => "killed-before",
            Self::KilledAfter => "killed-after",
            Self::DiskFull => "disk-full",
            Self::KilledDeleting => "killed-deleting",
            Self::KilledDeleted => "killed-deleted",
        }
    }
}

/// The engine, on the same data and the same port each time it is started.
pub(super) struct EngineProcess {
    options: ServerOptions,
    server: Option<Server>,
    clickhouse: ClickHouse,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl EngineProcess {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let library = compile(folder.path());
        let (data, faults) = (folder.path().join("data"), folder.path().join("faults"));
        fs::create_dir(&faults).unwrap();
        let (address, clickhouse) =
            (SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().unwrap())), ClickHouse::new());
        let options = ServerOptions::new(&data)
            .program("helios-engine")
            .set("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .set("AWS_REGION", "eu-west-1")
            .set("HELIOS_ENGINE_LISTEN", address.to_string())
            .set("HELIOS_ENGINE_USER", USER)
            .set("HELIOS_ENGINE_PASSWORD", clickhouse.password())
            .set("LD_PRELOAD", library.to_string_lossy())
            .set("HELIOS_PART_FAULTS", faults.to_string_lossy())
            .set("RUST_LOG", "error");
        let mut engine = Self { options, server: None, clickhouse, address, folder };
        engine.restart().await;
        engine
    }

    /// Kills it, unless it is dead, and starts it again.
    pub(super) async fn restart(&mut self) {
        drop(self.server.take());
        let options = self.options.clone();
        self.server = Some(spawn_blocking(move || Server::start(&options)).await.unwrap().unwrap());
    }

    /// Kills it.
    pub(super) fn kill(&mut self) {
        drop(self.server.take());
    }

    pub(super) fn is_up(&self) -> bool {
        self.server.is_some()
    }

    /// From now on, until the next insert into a table.
    pub(super) fn arm(&self, fault: PartFault, table: Uuid) {
        fs::write(self.fault_file(fault, table), "").unwrap();
    }

    /// Waits until a fault was met, and the engine is dead if it is to be.
    pub(super) async fn struck(&mut self, fault: PartFault, table: Uuid) {
        let file = self.fault_file(fault, table);
        timeout(ROUND, wait_for(|| !file.exists())).await.unwrap();
        if fault != PartFault::DiskFull {
            let ended = timeout(ROUND, self.server.as_mut().unwrap().ended()).await.unwrap();
            assert!(!ended.unwrap().success());
            self.server = None;
        }
    }

    fn fault_file(&self, fault: PartFault, table: Uuid) -> PathBuf {
        self.folder.path().join(format!("faults/{}-{table}", fault.name()))
    }

    /// Whether the part whose token the table has written down last is in place.
    pub(super) fn last_part_is_in_place(&self, table: Uuid) -> bool {
        let name = table.to_string();
        let table = self.folder.path().join("data/store").join(name.get(..3).unwrap()).join(&name);
        let logs = fs::read_dir(table.join("deduplication_logs")).unwrap();
        let newest = logs
            .map(|log| log.unwrap().path())
            .max_by_key(|log| fs::metadata(log).unwrap().modified().unwrap());
        let log = fs::read_to_string(newest.unwrap()).unwrap();
        let part = log.lines().last().unwrap().split_whitespace().nth(1).unwrap();
        table.join(part).is_dir()
    }

    /// The settings of another process that delivers a double's stream into it.
    pub(super) fn environment(&self, double: &KinesisDouble) -> HashMap<String, String> {
        self.clickhouse.environment(double, self.address)
    }

    /// A client of it in this process.
    pub(super) fn client(&self, double: &KinesisDouble) -> HeliosClient {
        self.clickhouse.client(double, self.address)
    }
}

/// Makes the library that is preloaded into the engine's process.
fn compile(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("part_faults.c"), folder.join("part_faults.so"));
    fs::write(&source, include_str!("part_faults.c")).unwrap();
    let compiler = Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status();
    assert!(compiler.unwrap().success());
    library
}
