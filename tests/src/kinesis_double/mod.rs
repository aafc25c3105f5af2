//! Kinesis as it is where the emulator is not: closed shards and their children, expired iterators, throttling, empty
//! pages, records that come twice, records that are too old.
//!
//! Everything that is not Kinesis goes on to the emulator, so that one endpoint serves a whole client.

mod faults;
mod server;
mod shard;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use helios_core::{
    clock::{Clock as _, SystemClock},
    streams::{AwsSession, AwsSettings, Credentials},
};
use jiff::Timestamp;
use tokio::task::JoinHandle;

pub use faults::KinesisFaults;
pub use shard::{DoubleRecord, sequence_number};
use stream::Stream;

use crate::{Account, Result};

/// A stream, and the HTTP server that tells of it. Dropping it ends the server.
#[derive(Debug)]
pub struct KinesisDouble {
    endpoint: String,
    account: Account,
    stream: Arc<Mutex<Stream>>,
    server: JoinHandle<()>,
}

/// One call of GetRecords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardRead {
    /// The shard.
    pub shard: String,
    /// When it came.
    pub at: Timestamp,
    /// Whether it was refused as one too many: more than five in a second.
    pub throttled: bool,
}

impl KinesisDouble {
    /// A stream of so many shards, in an account of the emulator.
    ///
    /// # Errors
    ///
    /// If no port can be had.
    pub async fn start(account: &Account, name: &str, shards: usize) -> Result<Self> {
        let arn = format!("arn:aws:kinesis:{}:{}:stream/{name}", account.region(), account.id());
        let stream = Arc::new(Mutex::new(Stream::new(name, arn, shards, SystemClock.now())));
        let (endpoint, server) = server::serve(Arc::clone(&stream), account.endpoint()).await?;
        Ok(Self { endpoint, account: account.clone(), stream, server })
    }

    /// The address, for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The stream's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        self.lock().arn.clone()
    }

    /// The account that it is in.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// A session of Helios whose Kinesis is this.
    #[must_use]
    pub fn session(&self) -> AwsSession {
        AwsSession::new(AwsSettings {
            region: Some(self.account.region().to_owned()),
            endpoint_url: Some(self.endpoint.clone()),
            credentials: Credentials::keys(self.account.id(), self.account.secret_key()),
        })
    }

    /// Puts an event into the open shard that its key belongs to, and returns the shard.
    pub fn put(&self, key: u64, data: impl Into<Vec<u8>>) -> String {
        self.lock().put(key, data.into(), SystemClock.now())
    }

    /// Puts an event that arrived at this time.
    pub fn put_at(&self, key: u64, data: impl Into<Vec<u8>>, arrival: Timestamp) -> String {
        self.lock().put(key, data.into(), arrival)
    }

    /// Closes a shard and makes two of it.
    ///
    /// # Errors
    ///
    /// If it is not open.
    pub fn split(&self, shard: &str) -> Result<[String; 2]> {
        self.lock().split(shard)
    }

    /// Closes two shards and makes one of them.
    ///
    /// # Errors
    ///
    /// If they are not open, or are no neighbours.
    pub fn merge(&self, one: &str, other: &str) -> Result<String> {
        self.lock().merge(one, other)
    }

    /// Lets the oldest records of a shard expire, but for so many.
    pub fn expire(&self, shard: &str, but: usize) {
        self.lock().with(shard, |shard| shard.expire(but));
    }

    /// Lets the oldest records of a shard expire, but for so many, when it has been read once more.
    pub fn expire_after_read(&self, shard: &str, but: usize) {
        self.lock().expire_next = Some((shard.to_owned(), but));
    }

    /// Forgets a shard, as Kinesis does with a closed one when all its records have expired.
    pub fn forget(&self, shard: &str) {
        self.lock().shards.retain(|one| one.id != shard);
    }

    /// Deletes the stream, and makes another of the same name, with one shard.
    pub fn make_anew(&self) {
        self.lock().make_anew();
    }

    /// The ids of all shards, or of those that are open.
    #[must_use]
    pub fn shards(&self, only_open: bool) -> Vec<String> {
        let stream = self.lock();
        let shards = stream.shards.iter().filter(|shard| !only_open || shard.ending.is_none());
        shards.map(|shard| shard.id.clone()).collect()
    }

    /// The records of a shard that have not expired.
    #[must_use]
    pub fn records(&self, shard: &str) -> Vec<DoubleRecord> {
        self.lock().find(shard).map_or_else(Vec::new, |shard| shard.kept().to_vec())
    }

    /// From now on, what goes wrong.
    pub fn set_faults(&self, faults: KinesisFaults) {
        self.lock().faults = faults;
    }

    /// How many shards a page of ListShards has at most.
    pub fn set_list_page(&self, shards: usize) {
        self.lock().list_page = shards;
    }

    /// Every call of GetRecords so far.
    #[must_use]
    pub fn reads(&self) -> Vec<ShardRead> {
        self.lock().reads.clone()
    }

    /// Every operation that was asked for so far.
    #[must_use]
    pub fn operations(&self) -> Vec<String> {
        self.lock().operations.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Stream> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for KinesisDouble {
    fn drop(&mut self) {
        self.server.abort();
    }
}
