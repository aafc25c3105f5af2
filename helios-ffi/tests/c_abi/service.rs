//! What programs use that other processes have: ClickHouse, behind HTTP, and an AWS account.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::OnceLock,
};

use helios_core::HeliosClient;
use helios_embedded::Listener;
use helios_tests::Emulator;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The one of this process: the engine, and the emulator.
struct Service {
    runtime: Runtime,
    listener: Listener,
    emulator: Emulator,
    client: HeliosClient,
    _data: TempDir,
}

fn service() -> &'static Service {
    static SERVICE: OnceLock<Service> = OnceLock::new();
    SERVICE.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let data = TempDir::new().unwrap();
        let (client, listener, emulator) = runtime.block_on(async {
            let client = HeliosClient::builder().data_path(data.path()).build().unwrap();
            let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let listener = client.warehouse().engine().unwrap().listen(anywhere, None).await.unwrap();
            (client, listener, Emulator::start(false).await.unwrap())
        });
        Service { runtime, listener, emulator, client, _data: data }
    })
}

/// The settings, as environment variables, of a program's client. Each has an account of its own, with a stream `clicks` of
/// two events, and a database of its own.
pub(crate) fn environment() -> Vec<(&'static str, String)> {
    let service = service();
    let account = service.emulator.account();
    let database = format!("account_{}", account.id());
    service.runtime.block_on(async {
        account.create_stream("clicks", 1).await.unwrap();
        let events = ["/", "/docs"].map(|page| ("key", format!("{{\"page\": \"{page}\"}}")));
        account.put_events("clicks", events).await.unwrap();
        let create = format!("CREATE DATABASE {database}");
        service.client.warehouse().execute(&create).await.unwrap();
    });
    vec![
        ("HELIOS_CLICKHOUSE_URL", format!("http://{}", service.listener.local_addr())),
        ("HELIOS_CLICKHOUSE_DATABASE", database),
        ("HELIOS_AWS_REGION", account.region().to_owned()),
        ("HELIOS_AWS_ENDPOINT_URL", service.emulator.endpoint().to_owned()),
        ("HELIOS_AWS_ACCESS_KEY_ID", account.id().to_owned()),
        ("HELIOS_AWS_SECRET_ACCESS_KEY", account.secret_key().to_owned()),
    ]
}
