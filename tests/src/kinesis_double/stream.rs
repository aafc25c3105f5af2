//! The stream: its shards and their lineage, and what Kinesis answers.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    ShardRead,
    faults::{Fault, KinesisFaults},
    shard::{DoubleRecord, Shard, parse, sequence_number},
};
use crate::Result;

/// How many reads of a shard Kinesis answers in a second.
const READS_A_SECOND: usize = 5;
const KEYS: u64 = 1 << 32;

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) shards: Vec<Shard>,
    pub(super) faults: KinesisFaults,
    pub(super) list_page: usize,
    pub(super) reads: Vec<ShardRead>,
    pub(super) operations: Vec<String>,
    /// A shard whose records expire when it has been read, but for so many.
    pub(super) expire_next: Option<(String, usize)>,
    created: Timestamp,
    /// The number of the next record, or shard.
    next: u64,
    made: usize,
}

/// What Kinesis answers.
#[derive(Debug)]
pub(super) enum Answer {
    Ok(Value),
    Refusal(&'static str),
    /// None at all.
    Never,
}

impl Stream {
    pub(super) fn new(name: &str, arn: String, shards: usize, created: Timestamp) -> Self {
        let mut stream = Self {
            name: name.to_owned(),
            arn,
            shards: Vec::new(),
            faults: KinesisFaults::default(),
            list_page: 1000,
            reads: Vec::new(),
            operations: Vec::new(),
            expire_next: None,
            created,
            next: 1,
            made: 0,
        };
        let count = u64::try_from(shards.max(1)).unwrap_or(1);
        for at in 0..count {
            stream.make(Vec::new(), (KEYS * at / count, KEYS * (at + 1) / count));
        }
        stream
    }

    pub(super) fn find(&self, shard: &str) -> Option<&Shard> {
        self.shards.iter().find(|one| one.id == shard)
    }

    pub(super) fn with(&mut self, shard: &str, change: impl FnOnce(&mut Shard)) {
        if let Some(found) = self.shards.iter_mut().find(|one| one.id == shard) {
            change(found);
        }
    }

    fn make(&mut self, parents: Vec<String>, keys: (u64, u64)) -> String {
        let id = format!("shardId-{:012}", self.made);
        self.made += 1;
        self.next += 1;
        self.shards.push(Shard::new(id.clone(), parents, keys, self.next));
        id
    }

    /// Other shards of the same names, with numbers of a later time.
    pub(super) fn make_anew(&mut self) {
        // By enough that truncation to a second does not matter.
        self.created = self.created.saturating_add(Duration::from_secs(3600)).unwrap_or(self.created);
        self.shards.clear();
        self.made = 0;
        self.next += 1_000_000;
        self.make(Vec::new(), (0, KEYS));
    }

    pub(super) fn put(&mut self, key: u64, data: Vec<u8>, arrival: Timestamp) -> String {
        let hash = key.wrapping_mul(2_654_435_761) % KEYS;
        // Numbers have holes, as those of Kinesis.
        self.next += 1 + key % 3;
        let number = self.next;
        let takes =
            |shard: &&mut Shard| shard.ending.is_none() && (shard.keys.0..shard.keys.1).contains(&hash);
        let Some(shard) = self.shards.iter_mut().find(takes) else { return String::new() };
        shard.records.push(DoubleRecord { number, data, arrival });
        shard.id.clone()
    }

    fn close(&mut self, shard: &str) -> Result<(u64, u64)> {
        self.next += 1;
        let next = self.next;
        let open = self.shards.iter_mut().find(|one| one.id == shard && one.ending.is_none());
        let open = open.ok_or("only an open shard can be split or merged")?;
        open.ending = Some(next);
        Ok(open.keys)
    }

    pub(super) fn split(&mut self, shard: &str) -> Result<[String; 2]> {
        let (from, to) = self.close(shard)?;
        let middle = from + (to - from) / 2;
        let parents = || vec![shard.to_owned()];
        Ok([self.make(parents(), (from, middle)), self.make(parents(), (middle, to))])
    }

    pub(super) fn merge(&mut self, one: &str, other: &str) -> Result<String> {
        let (low, high) = (self.close(one)?, self.close(other)?);
        if low.1 != high.0 {
            return Err("only neighbours can be merged, the lower one first".into());
        }
        Ok(self.make(vec![one.to_owned(), other.to_owned()], (low.0, high.1)))
    }

    pub(super) fn answer(&mut self, operation: &str, request: &Value, now: Timestamp) -> Answer {
        self.operations.push(operation.to_owned());
        match operation {
            "DescribeStreamSummary" if self.is_meant(request) => Answer::Ok(self.describe()),
            "ListStreams" => Answer::Ok(json!({"StreamNames": [self.name], "HasMoreStreams": false})),
            "ListShards" => self.list(request),
            "GetShardIterator" if self.is_meant(request) => self.iterator(request, now),
            "GetRecords" => self.read(request, now),
            "DescribeStreamSummary" | "GetShardIterator" => Answer::Refusal("ResourceNotFoundException"),
            _ => Answer::Refusal("UnknownOperationException"),
        }
    }

    fn is_meant(&self, request: &Value) -> bool {
        request["StreamARN"] == self.arn || request["StreamName"] == self.name
    }

    fn describe(&self) -> Value {
        let open = self.shards.iter().filter(|shard| shard.ending.is_none()).count();
        json!({"StreamDescriptionSummary": {
            "StreamName": self.name, "StreamARN": self.arn, "StreamStatus": "ACTIVE", "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": self.created.as_second(), "EnhancedMonitoring": [], "OpenShardCount": open,
        }})
    }

    fn list(&self, request: &Value) -> Answer {
        let first = match request["NextToken"].as_str() {
            // Kinesis takes a token or a stream, not both.
            Some(_) if !request["StreamARN"].is_null() => return Answer::Refusal("InvalidArgumentException"),
            Some(token) => token.parse().unwrap_or(usize::MAX),
            None if self.is_meant(request) => 0,
            None => return Answer::Refusal("ResourceNotFoundException"),
        };
        let asked = request["MaxResults"].as_u64().and_then(|most| usize::try_from(most).ok());
        let end = (first + asked.unwrap_or(1000).min(self.list_page)).min(self.shards.len());
        let Some(page) = self.shards.get(first..end) else {
            return Answer::Refusal("ExpiredNextTokenException");
        };
        let shards: Vec<Value> = page
            .iter()
            .map(|shard| {
                json!({
                    "ShardId": shard.id,
                    "ParentShardId": shard.parents.first(),
                    "AdjacentParentShardId": shard.parents.get(1),
                    "HashKeyRange": {
                        "StartingHashKey": shard.keys.0.to_string(), "EndingHashKey": (shard.keys.1 - 1).to_string(),
                    },
                    "SequenceNumberRange": {
                        "StartingSequenceNumber": sequence_number(shard.starting),
                        "EndingSequenceNumber": shard.ending.map(sequence_number),
                    },
                })
            })
            .collect();
        let token = (end < self.shards.len()).then(|| end.to_string());
        Answer::Ok(json!({"Shards": shards, "NextToken": token}))
    }

    fn iterator(&self, request: &Value, now: Timestamp) -> Answer {
        let Some(shard) = request["ShardId"].as_str().and_then(|id| self.find(id)) else {
            return Answer::Refusal("ResourceNotFoundException");
        };
        let starting = request["StartingSequenceNumber"]
            .as_str()
            .map(|number| parse(number).filter(|number| *number >= shard.starting));
        let next = self.next + 1;
        let number = match (request["ShardIteratorType"].as_str().unwrap_or_default(), starting) {
            ("TRIM_HORIZON", _) => 0,
            ("LATEST", _) => next,
            ("AT_SEQUENCE_NUMBER", Some(Some(number))) => number,
            ("AFTER_SEQUENCE_NUMBER", Some(Some(number))) => number + 1,
            ("AT_TIMESTAMP", _) => match time(&request["Timestamp"]) {
                Some(time) if time <= now => shard.at_time(time, next),
                _ => return Answer::Refusal("InvalidArgumentException"),
            },
            _ => return Answer::Refusal("InvalidArgumentException"),
        };
        Answer::Ok(json!({"ShardIterator": format!("{}|{number}", shard.id)}))
    }

    fn read(&mut self, request: &Value, now: Timestamp) -> Answer {
        let iterator = request["ShardIterator"].as_str().and_then(|iterator| iterator.split_once('|'));
        let Some((id, Ok(number))) = iterator.map(|(id, number)| (id.to_owned(), number.parse::<u64>()))
        else {
            return Answer::Refusal("InvalidArgumentException");
        };
        let second_ago = now.saturating_sub(Duration::from_secs(1)).unwrap_or(now);
        let recent = self.reads.iter().rev().take_while(|read| read.at > second_ago);
        let recent = recent.filter(|read| read.shard == id && !read.throttled).count();
        let throttled = recent >= READS_A_SECOND;
        self.reads.push(ShardRead { shard: id.clone(), at: now, throttled });
        let fault = self.faults.next();
        match fault {
            _ if throttled => return Answer::Refusal("ProvisionedThroughputExceededException"),
            Some(Fault::Throttled) => return Answer::Refusal("ProvisionedThroughputExceededException"),
            Some(Fault::Expired) => return Answer::Refusal("ExpiredIteratorException"),
            Some(Fault::Failed) => return Answer::Refusal("InternalFailure"),
            Some(Fault::Gone) => return Answer::Refusal("ResourceNotFoundException"),
            Some(Fault::Hung) => return Answer::Never,
            Some(Fault::Empty | Fault::Blank | Fault::Repeated) | None => {}
        }
        let asked = request["Limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(10_000);
        let limit = if self.faults.page > 0 { asked.min(self.faults.page) } else { asked };
        let Some(shard) = self.find(&id) else { return Answer::Refusal("ResourceNotFoundException") };
        let from = if fault == Some(Fault::Repeated) { shard.before(number, 2) } else { number };
        let shows_none = matches!(fault, Some(Fault::Empty | Fault::Blank));
        let page = if shows_none { &[] } else { shard.from(from, limit) };
        let next = page.last().map_or(number, |last| last.number + 1).max(number);
        let left = shard.from(next, 1).first();
        let told = left.filter(|_| fault != Some(Fault::Blank));
        let behind = told.map_or(0, |left| now.duration_since(left.arrival).as_millis().max(1));
        // A closed shard has no more iterators when its last record was given.
        let is_over = shard.ending.is_some() && left.is_none();
        let children = || {
            let born = self.shards.iter().filter(|one| one.parents.contains(&id));
            born.map(|child| {
                json!({"ShardId": child.id, "ParentShards": child.parents, "HashKeyRange": {
                    "StartingHashKey": "0", "EndingHashKey": "1",
                }})
            })
            .collect::<Vec<_>>()
        };
        let answer = Answer::Ok(json!({
            "Records": page.iter().map(written).collect::<Vec<_>>(),
            "NextShardIterator": (!is_over).then(|| format!("{id}|{next}")),
            "MillisBehindLatest": i64::try_from(behind).unwrap_or(i64::MAX),
            "ChildShards": is_over.then(children),
        }));
        if let Some((_, but)) = self.expire_next.take_if(|(shard, _)| *shard == id) {
            self.with(&id, |shard| shard.expire(but));
        }
        answer
    }
}

fn written(record: &DoubleRecord) -> Value {
    json!({
        "SequenceNumber": record.sequence_number(),
        "PartitionKey": "key",
        "ApproximateArrivalTimestamp": seconds(record.arrival),
        "Data": BASE64_STANDARD.encode(&record.data),
    })
}

fn seconds(time: Timestamp) -> f64 {
    std::time::Duration::from_millis(time.as_millisecond().unsigned_abs()).as_secs_f64()
}

/// A time as the SDK writes it: seconds, with a fraction.
fn time(value: &Value) -> Option<Timestamp> {
    let seconds = Duration::try_from_secs_f64(value.as_f64()?).ok()?;
    Timestamp::from_millisecond(i64::try_from(seconds.as_millis()).ok()?).ok()
}
