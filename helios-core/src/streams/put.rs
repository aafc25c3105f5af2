//! Events, put into a stream.

use std::{mem, ops::RangeInclusive};

use aws_sdk_kinesis::{
    Client, operation::put_records::PutRecordsOutput, primitives::Blob, types::PutRecordsRequestEntry,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::{
    describe::StreamRef,
    error::{from_sdk, of_code},
    session::AwsSession,
};
use crate::{Error, ErrorKind, FieldPath, Result, backoff::pause, clock::SharedClock};

/// What Kinesis takes in one call. An event that is larger than a call may be goes alone, and Kinesis has the word on it.
const CALL_EVENTS: usize = 500;
const CALL_BYTES: usize = 4 * 1024 * 1024;
/// After so many calls in a row of which a stream takes no event it is given up: half a minute.
const FRUITLESS_CALLS: u32 = 10;
const MAX_KEY_CHARACTERS: usize = 256;

/// Events to put into a stream: `{"streamName": "clicks", "events": [{…}, …], "partitionKey": "/user/id"}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct PutEvents {
    /// The stream, by name or ARN.
    pub stream_name: String,
    /// The events, each a JSON object.
    pub events: Vec<Box<RawValue>>,
    /// The field of each event that is its partition key, a string or a number, as a JSON Pointer. Events with the same key go
    /// to the same shard, in order unless the stream is busy and refuses some. Default: a random key for each event.
    #[serde(default)]
    pub partition_key: Option<FieldPath>,
    /// The number that errors give the first event, for who puts many events part by part. Default: 0.
    #[serde(default)]
    pub first_event: usize,
}

impl PutEvents {
    /// These events, with random partition keys.
    pub fn new(stream: impl Into<String>, events: Vec<Box<RawValue>>) -> Self {
        Self { stream_name: stream.into(), events, partition_key: None, first_event: 0 }
    }

    /// Sets the field that is the partition key.
    #[must_use]
    pub fn partition_key(mut self, field: FieldPath) -> Self {
        self.partition_key = Some(field);
        self
    }
}

/// What was put into a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EventsPut {
    /// The stream, as it was named.
    pub stream_name: String,
    /// How many events.
    pub events: usize,
    /// Their bytes.
    pub bytes: usize,
    /// How often an event had to be put again because the stream was busy. More shards help.
    pub throttled: usize,
}

/// Puts events into a stream. Nothing is put unless each of them can be; what a busy stream does not take is put again.
///
/// # Errors
///
/// `InvalidInput` for what is no event, or has no key, naming it; `NotFound`; `PermissionDenied` (needs `kinesis:PutRecords`);
/// `LimitExceeded` if the stream goes on being busy; whatever else AWS says. Where some events are in the stream already, the
/// context `not_put` says which are not, counted from 0: `"17, 33-35"`. After a timeout these may be there nevertheless.
pub async fn put_events(session: &AwsSession, put: &PutEvents, clock: &SharedClock) -> Result<EventsPut> {
    let stream = StreamRef::parse(&put.stream_name)?;
    let key = put.partition_key.as_ref();
    let records = put.events.iter().enumerate().map(|(at, event)| {
        record(event.get(), key).map_err(|error| error.with("event", (put.first_event + at).to_string()))
    });
    let mut records: Vec<_> = records.collect::<Result<_>>()?;
    let bytes = put.events.iter().map(|event| event.get().len()).sum();
    let mut answer =
        EventsPut { stream_name: put.stream_name.clone(), events: records.len(), bytes, throttled: 0 };
    let client = session.kinesis().await?;
    let mut begun = 0;
    while !records.is_empty() {
        let rest = records.split_off(fitting(&records));
        let call = mem::replace(&mut records, rest);
        let next = begun + call.len();
        match put_call(&client, stream, call, clock).await {
            Ok(throttled) => answer.throttled += throttled,
            Err((error, left)) => {
                let not_put: Vec<_> = left.iter().map(|at| begun + at).chain(next..answer.events).collect();
                // It goes without saying where nothing was put.
                let is_partial = put.first_event > 0 || not_put.len() < answer.events;
                return Err(if is_partial {
                    error.with("not_put", ranges(&not_put, put.first_event))
                } else {
                    error
                });
            }
        }
        begun = next;
    }
    Ok(answer)
}

/// How many of the next records one call takes; at least one.
fn fitting(records: &[PutRecordsRequestEntry]) -> usize {
    let sizes = records.iter().scan(0, |size, record| {
        *size += record.data.as_ref().len() + record.partition_key.as_deref().map_or(0, str::len);
        Some(*size)
    });
    sizes.take(CALL_EVENTS).take_while(|size| *size <= CALL_BYTES).count().max(1)
}

/// Puts the records of one call, as often as it takes, and returns how many came back. What is left has its places within the
/// call.
async fn put_call(
    client: &Client,
    stream: StreamRef<'_>,
    call: Vec<PutRecordsRequestEntry>,
    clock: &SharedClock,
) -> Result<usize, (Error, Vec<usize>)> {
    let mut left: Vec<_> = call.into_iter().enumerate().collect();
    let (mut throttled, mut fruitless) = (0, 0);
    loop {
        let places = |left: &[(usize, _)]| left.iter().map(|(at, _)| *at).collect();
        let answer = send(client, stream, &left).await.map_err(|error| (error, places(&left)))?;
        let (after, refused) = refused(&answer, left);
        if after.is_empty() {
            return Ok(throttled);
        }
        throttled += after.len();
        fruitless = if after.len() < answer.records.len() { 0 } else { fruitless + 1 };
        if fruitless == FRUITLESS_CALLS {
            return Err((busy(refused.as_deref()), places(&after)));
        }
        left = after;
        clock.sleep(pause(fruitless.max(1))).await;
    }
}

async fn send(
    client: &Client,
    stream: StreamRef<'_>,
    records: &[(usize, PutRecordsRequestEntry)],
) -> Result<PutRecordsOutput> {
    let request = client.put_records();
    let request = match stream {
        StreamRef::Name(name) => request.stream_name(name),
        StreamRef::Arn(arn) => request.stream_arn(arn),
    };
    let records = records.iter().map(|(_, record)| record.clone()).collect();
    let answer = request.set_records(Some(records)).send().await.map_err(from_sdk)?;
    Ok(answer)
}

/// The records that were refused, and AWS' word for the first refusal.
fn refused(
    answer: &PutRecordsOutput,
    records: Vec<(usize, PutRecordsRequestEntry)>,
) -> (Vec<(usize, PutRecordsRequestEntry)>, Option<String>) {
    let code = answer.records.iter().find_map(|one| one.error_code.clone());
    // What Kinesis does not mention was not put, either.
    let mut outcomes = answer.records.iter();
    let left =
        records.into_iter().filter(|_| outcomes.next().is_none_or(|one| one.sequence_number.is_none()));
    (left.collect(), code)
}

fn busy(code: Option<&str>) -> Error {
    let message =
        "the stream does not take the events; put those that are left again later, or give it more shards";
    let kind = code.map_or(ErrorKind::Unavailable, |code| of_code(code).unwrap_or(ErrorKind::Unavailable));
    let error = Error::new(kind, message).retryable(true);
    code.map(|code| crate::ErrorCode::Aws(code.to_owned())).into_iter().fold(error, Error::with_code)
}

fn record(event: &str, key: Option<&FieldPath>) -> Result<PutRecordsRequestEntry> {
    if !event.starts_with('{') {
        return Err(Error::invalid_input("an event is a JSON object, and this is none"));
    }
    let key = match key {
        None => Uuid::new_v4().simple().to_string(),
        Some(field) => key_of(event, field).map_err(|error| error.with("field", field.to_string()))?,
    };
    let record = PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(event));
    record.build().map_err(|cause| Error::unexpected("a record cannot be made").caused_by(cause))
}

fn key_of(event: &str, field: &FieldPath) -> Result<String> {
    let event: Value = serde_json::from_str(event)
        .map_err(|cause| Error::invalid_input("the event is not JSON").caused_by(cause))?;
    let value = field.keys().iter().try_fold(&event, |value, key| value.as_object()?.get(key));
    let key = match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => {
            let message =
                "the event's partition key has to be a string or a number in this field, and is none";
            return Err(Error::invalid_input(message));
        }
    };
    if (1..=MAX_KEY_CHARACTERS).contains(&key.chars().count()) {
        return Ok(key);
    }
    Err(Error::invalid_input("the event's partition key has to have 1 to 256 characters, and has not"))
}

/// Numbers that grow, counted from `first`, as text: `17, 33-35`.
fn ranges(numbers: &[usize], first: usize) -> String {
    let mut ranges: Vec<RangeInclusive<usize>> = Vec::new();
    for number in numbers.iter().map(|number| first + number) {
        match ranges.last_mut() {
            Some(last) if *last.end() + 1 == number => *last = *last.start()..=number,
            _ => ranges.push(number..=number),
        }
    }
    let texts = ranges.into_iter().map(|range| match range.into_inner() {
        (one, other) if one == other => one.to_string(),
        (first, last) => format!("{first}-{last}"),
    });
    texts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_size(bytes: usize) -> PutRecordsRequestEntry {
        PutRecordsRequestEntry::builder()
            .partition_key("k")
            .data(Blob::new(vec![b' '; bytes]))
            .build()
            .unwrap()
    }

    #[test]
    fn a_call_takes_what_kinesis_takes() {
        assert_eq!(fitting(&vec![of_size(1); 501]), CALL_EVENTS);
        assert_eq!(fitting(&vec![of_size(CALL_BYTES / 3); 5]), 2);
        assert_eq!(fitting(&[of_size(2 * CALL_BYTES), of_size(1)]), 1);
    }

    #[test]
    fn what_was_not_put_is_told_in_ranges() {
        assert_eq!(ranges(&[17], 0), "17");
        assert_eq!(ranges(&[0, 1, 2, 17, 33, 34], 1000), "1000-1002, 1017, 1033-1034");
    }

    #[test]
    fn a_key_is_a_text_or_a_number() {
        let key = |event: &str| key_of(event, &"/a/b".parse().unwrap());
        assert_eq!(key(r#"{"a":{"b":"x"}}"#).unwrap(), "x");
        assert_eq!(key(r#"{"a":{"b":18446744073709551615}}"#).unwrap(), "18446744073709551615");
        let long = format!(r#"{{"a":{{"b":"{}"}}}}"#, "é".repeat(257));
        for event in
            ["{}", r#"{"a":1}"#, r#"{"a":{"b":null}}"#, r#"{"a":{"b":""}}"#, r#"{"a":{"b":[1]}}"#, &long]
        {
            assert_eq!(key(event).unwrap_err().kind(), ErrorKind::InvalidInput, "{event}");
        }
    }
}
