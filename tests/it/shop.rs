//! What the tests share: one engine for the process, a database and an account for each test.

use std::sync::OnceLock;

use helios_core::{
    Column, Credentials, HeliosClient,
    warehouse::{Ident, QueryOptions},
};
use helios_tests::{Account, Authorization, Emulator, REGION};
use uuid::Uuid;

/// A client of the process's one engine, and of the emulator as nobody in particular.
///
/// A new one each time: pooled connections belong to the runtime of the test that opened them.
pub(crate) fn client() -> HeliosClient {
    static DATA: OnceLock<tempfile::TempDir> = OnceLock::new();
    let data = DATA.get_or_init(|| tempfile::tempdir().unwrap());
    HeliosClient::builder()
        .data_path(data.path())
        .region(REGION)
        .endpoint_url(Emulator::shared(Authorization::Off).endpoint())
        .credentials(Credentials::keys("000000000000", "any"))
        .build()
        .unwrap()
}

/// That client as the root user of an account.
pub(crate) fn client_of(account: &Account) -> HeliosClient {
    client().with_credentials(Credentials::keys(account.id(), account.secret()))
}

/// An account of its own.
pub(crate) fn account() -> Account {
    Emulator::shared(Authorization::Off).account()
}

/// A database of its own.
pub(crate) async fn database() -> String {
    let name = format!("test_{}", Uuid::new_v4().simple());
    client().warehouse().create_database(&Ident::new(&name).unwrap()).await.unwrap();
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
