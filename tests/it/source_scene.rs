//! An account, a stream, a database, and the ways to them: where sources are made and changed.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use aws_sdk_lambda::types::EventSourceMappingConfiguration;
use helios_core::{CreateTable, Credentials, HeliosClient, HeliosClientBuilder, sources::SourceState};
use helios_embedded::Listener;
use helios_tests::{Account, Function, Gate, LaterClock, Script, deploy};

use crate::shop::{account, client, client_of, columns, database};

pub(crate) const SCHEMA: &[(&str, &str)] = &[("id", "UInt64"), ("at", "DateTime64(3, 'UTC')")];
pub(crate) const STREAM: &str = "clicks";
pub(crate) const FUNCTION: &str = "helios-delivery";
/// Longer than a claim is good for.
const LATER: Duration = Duration::from_secs(120);

/// Deploys a delivery function that is never invoked.
pub(crate) async fn stand_in(account: &Account) {
    let function = Function {
        name: FUNCTION,
        bootstrap: Path::new("/bin/true"),
        environment: HashMap::new(),
        timeout_seconds: 60,
    };
    deploy(account, function).await.unwrap();
}

/// An account with a stream, an event in it and a function that is never invoked, and a database.
pub(crate) struct Scene {
    pub(crate) account: Account,
    pub(crate) database: String,
    _clickhouse: Listener,
    clickhouse: SocketAddr,
}

impl Scene {
    pub(crate) async fn set() -> Self {
        let account = account().await;
        account.create_stream(STREAM, 1).await.unwrap();
        account.put_events(STREAM, [("k", r#"{"id":1}"#)]).await.unwrap();
        stand_in(&account).await;
        let engine = client();
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = engine.warehouse().engine().unwrap().listen(anywhere, None).await.unwrap();
        let clickhouse = listener.local_addr();
        Self { account, database: database().await, _clickhouse: listener, clickhouse }
    }

    /// A client that goes straight to the engine and to AWS.
    pub(crate) fn client(&self) -> HeliosClient {
        client_of(&self.account)
    }

    /// The same, after claims have run out.
    pub(crate) fn later(&self) -> HeliosClient {
        let builder = self.builder(self.account.endpoint(), &self.clickhouse());
        builder.clock(Arc::new(LaterClock(LATER))).build().unwrap()
    }

    /// Where ClickHouse is.
    pub(crate) fn clickhouse(&self) -> String {
        format!("http://{}", self.clickhouse)
    }

    pub(crate) fn builder(&self, aws: &str, clickhouse: &str) -> HeliosClientBuilder {
        HeliosClient::builder()
            .clickhouse_url(clickhouse)
            .region(self.account.region())
            .endpoint_url(aws)
            .credentials(Credentials::keys(self.account.id(), self.account.secret_key()))
    }

    pub(crate) async fn gates(&self, script: &Arc<Script>) -> (Gate, Gate) {
        let aws = Gate::to(self.account.endpoint(), script).await.unwrap();
        let clickhouse = Gate::to(&self.clickhouse(), script).await.unwrap();
        (aws, clickhouse)
    }

    pub(crate) fn spec(&self) -> CreateTable {
        CreateTable::new(STREAM, "t", columns(SCHEMA)).database(&self.database)
    }

    pub(crate) async fn triggers(&self) -> Vec<EventSourceMappingConfiguration> {
        let list = self.account.lambda().list_event_source_mappings().send().await.unwrap();
        list.event_source_mappings.unwrap_or_default()
    }

    /// The items of the mapping table: how many are mappings, and how many claims.
    pub(crate) async fn items(&self) -> (usize, usize) {
        let scan = self.account.dynamodb().scan().table_name("helios-sources").send().await;
        let items = scan.map(|scan| scan.items.unwrap_or_default()).unwrap_or_default();
        let claims = items.iter().filter(|item| item["stream_id"].as_s().unwrap().starts_with("claim "));
        let claims = claims.count();
        (items.len() - claims, claims)
    }

    pub(crate) async fn tables(&self) -> Vec<String> {
        self.client().databases().await.unwrap().remove(&self.database).unwrap_or_default()
    }

    /// All of a source, or nothing. `true` for all.
    pub(crate) async fn all_or_nothing(&self, when: &str) -> bool {
        let (tables, (mappings, _), triggers) =
            (self.tables().await, self.items().await, self.triggers().await);
        let sources = self.client().sources().await.unwrap();
        if mappings == 0 {
            assert!(tables.is_empty() && triggers.is_empty(), "{when}: {tables:?} {triggers:?}");
            return false;
        }
        assert_eq!((mappings, tables.len(), triggers.len()), (1, 1, 1), "{when}: {sources:?}");
        assert_eq!(sources[0].state, SourceState::Active, "{when}: {sources:?}");
        assert_eq!(triggers[0].state.as_deref(), Some("Enabled"), "{when}");
        true
    }
}
