//! The events of a schedule, and a stream that keeps them.

use futures_util::future::{BoxFuture, FutureExt as _, ready};
use jiff::Timestamp;

use super::{
    super::{
        batch::{Batch, Record},
        history::History,
        ledger::{LedgerKey, OpenRange},
    },
    chance::Chance,
};
use crate::{
    Result,
    streams::{ShardStart, compare_sequence_numbers},
};

pub(super) const STREAM: &str = "arn:aws:kinesis:eu-west-1:111122223333:stream/model";

/// What sort of events a schedule has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mix {
    /// Out of a hundred, so many are bad.
    pub(super) bad: u64,
    /// Out of a hundred, so many are refused by ClickHouse.
    pub(super) refused: u64,
    /// Whether some fit only one of the two schemas.
    pub(super) schemas: bool,
}

/// Ids of events that ClickHouse refuses are odd multiples of this.
pub(super) const REFUSED_FROM: u64 = 1_000_000;

/// Shards with their records.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) shards: Vec<Vec<Record>>,
    /// Of each shard those that it was split from or merged of.
    pub(super) parents: Vec<Vec<usize>>,
    /// The ids of all events.
    pub(super) produced: Vec<u64>,
}

impl Stream {
    pub(super) fn produce(chance: &mut Chance, mix: Mix, most: usize) -> Self {
        let mut stream = Self { shards: Vec::new(), parents: Vec::new(), produced: Vec::new() };
        for _ in 0..=chance.below(4) {
            // Around a power of ten, where the order of texts is another than that of numbers.
            let mut number = 95_u64;
            let records = (0..1 + chance.below(most)).map(|_| {
                number += 1 + chance.next() % 3;
                let data = stream.event(chance, mix);
                Record {
                    sequence_number: number.to_string(),
                    data: data.into_bytes().into(),
                    approximate_arrival: None,
                }
            });
            let records = records.collect();
            let older = stream.shards.len();
            stream.shards.push(records);
            let parents = (0..chance.below(3)).filter(|_| older > 0).map(|_| chance.below(older));
            stream.parents.push(parents.collect());
        }
        stream
    }

    fn event(&mut self, chance: &mut Chance, mix: Mix) -> String {
        let mut id = u64::try_from(self.produced.len()).unwrap();
        if chance.percent(mix.refused) {
            id += REFUSED_FROM;
        }
        self.produced.push(id);
        let either = if mix.schemas { chance.below(3) } else { 0 };
        // Fields that neither schema has: of another type now and then, or such that no column can have.
        let extra = ["", "", "", r#","n":1"#, r#","n":"x""#, r#","o":[1]"#, r#","_shard":1"#]
            [if mix.schemas { chance.below(7) } else { 0 }];
        match either {
            _ if chance.percent(mix.bad) => format!(r#"{{"id":{id},"v":"x","w":1}}"#),
            1 => format!(r#"{{"id":{id},"v":1{extra}}}"#),
            2 => format!(r#"{{"id":{id},"v":300,"w":1{extra}}}"#),
            _ => format!(r#"{{"id":{id},"v":1,"w":1{extra}}}"#),
        }
    }

    pub(super) fn batch(&self, shard: usize, from: usize, to: usize) -> Batch {
        Batch::new(STREAM, shard.to_string(), self.shards[shard][from..to].to_vec())
    }
}

impl History for Stream {
    fn read<'a>(
        &'a self,
        key: &'a LedgerKey,
        range: &'a OpenRange,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>> {
        let records = &self.shards[key.shard.parse::<usize>().unwrap()];
        let within = |record: &&Record| {
            compare_sequence_numbers(&record.sequence_number, &range.first.sequence_number).is_ge()
                && compare_sequence_numbers(&record.sequence_number, &range.last.sequence_number).is_le()
        };
        ready(Ok(Some(records.iter().filter(within).cloned().collect()))).boxed()
    }
    fn from<'a>(
        &'a self,
        key: &'a LedgerKey,
        start: &'a ShardStart,
        limit: usize,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>> {
        let records = &self.shards[key.shard.parse::<usize>().unwrap()];
        let from = records.iter().filter(|record| is_from(start, record));
        ready(Ok(Some(from.take(limit).cloned().collect()))).boxed()
    }
}

/// Whether a record comes where a reader starts, or later. In a model time begins with the first record.
pub(super) fn is_from(start: &ShardStart, record: &Record) -> bool {
    match start {
        ShardStart::Position(_) => true,
        ShardStart::At(number) => compare_sequence_numbers(&record.sequence_number, number).is_ge(),
        ShardStart::After(number) => compare_sequence_numbers(&record.sequence_number, number).is_gt(),
    }
}

/// A stream whose records cannot be read, and what is seen when it is looked at.
#[derive(Debug)]
pub(super) struct Unreadable(pub(super) fn() -> Result<Vec<Record>>);

impl History for Unreadable {
    fn read<'a>(
        &'a self,
        _: &'a LedgerKey,
        _: &'a OpenRange,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>> {
        ready(Ok(None)).boxed()
    }

    fn from<'a>(
        &'a self,
        _: &'a LedgerKey,
        _: &'a ShardStart,
        _: usize,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Vec<Record>>>> {
        ready((self.0)().map(Some)).boxed()
    }
}
