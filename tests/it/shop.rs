//! What the tests share: one engine for the process, a database and an account for each test.

use std::{path::Path, sync::OnceLock};

use helios_core::{
    Column, Credentials, HeliosClient,
    warehouse::{Ident, QueryOptions},
};
use helios_tests::{Account, Emulator};
use uuid::Uuid;

/// A client of the process's one engine, without AWS.
///
/// A new one each time: pooled connections belong to the runtime of the test that opened them.
pub(crate) fn client() -> HeliosClient {
    static ENGINE: OnceLock<(HeliosClient, tempfile::TempDir)> = OnceLock::new();
    let open = |path: &Path| HeliosClient::builder().data_path(path).build().unwrap();
    let (_, data) = ENGINE.get_or_init(|| {
        let data = tempfile::tempdir().unwrap();
        (open(data.path()), data)
    });
    open(data.path())
}

/// A client of that engine, and of AWS as the root user of an account.
pub(crate) fn client_of(account: &Account) -> HeliosClient {
    client_with(account, Credentials::keys(account.id(), account.secret_key()))
}

/// A client of that engine, and of AWS as somebody in an account.
pub(crate) fn client_with(account: &Account, credentials: Credentials) -> HeliosClient {
    HeliosClient::builder()
        .data_path(client().warehouse().engine().unwrap().path())
        .region(account.region())
        .endpoint_url(account.endpoint())
        .credentials(credentials)
        .build()
        .unwrap()
}

/// An account of its own.
pub(crate) async fn account() -> Account {
    Emulator::shared(false).await.unwrap().account()
}

/// A database of its own.
pub(crate) async fn database() -> String {
    let name = format!("test_{}", Uuid::new_v4().simple());
    client().warehouse().create_database(&Ident::new(&name).unwrap(), None).await.unwrap();
    name
}

pub(crate) fn columns(columns: &[(&str, &str)]) -> Vec<Column> {
    columns.iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect()
}

/// The rows of a query as JSON text.
pub(crate) async fn rows(sql: &str) -> Vec<String> {
    let result = client().query_with(sql, &QueryOptions::default()).await.unwrap();
    result.data.iter().map(|row| row.get().to_owned()).collect()
}
