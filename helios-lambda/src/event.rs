//! From Lambda's event to batches: the records of each shard, in order.

use aws_lambda_events::encodings::Base64Data;
use helios_core::{
    Error, ErrorKind, Result,
    delivery::{Batch, Record},
};
use jiff::{SignedDuration, Timestamp, Unit};
use serde::Deserialize;

use crate::sequence::SequenceNumber;

/// Lambda's event, as far as delivery needs it. Not that of `aws_lambda_events` (1.2), which reads the arrival
/// `1545084650.9` as nine milliseconds after the second, and refuses an event with a digit too many there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KinesisEvent {
    records: Vec<KinesisEventRecord>,
}

#[derive(Debug, Deserialize)]
struct KinesisEventRecord {
    #[serde(rename = "eventSourceARN")]
    event_source_arn: Option<String>,
    #[serde(rename = "eventID")]
    event_id: Option<String>,
    kinesis: KinesisRecord,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KinesisRecord {
    sequence_number: String,
    data: Base64Data,
    /// In seconds.
    approximate_arrival_timestamp: f64,
}

/// Parts an event into batches. Lambda sends one shard at a time; this does not rely on it.
///
/// # Errors
///
/// `InvalidInput` if a record does not say its stream, shard or sequence number.
pub(crate) fn batches(event: KinesisEvent) -> Result<Vec<Batch>> {
    let mut batches: Vec<(Batch, Vec<(SequenceNumber, Record)>)> = Vec::new();
    for record in event.records {
        let (stream_arn, shard) = origin(&record)?;
        let (number, record) = numbered(record)?;
        let same = |(batch, _): &&mut (Batch, Vec<_>)| batch.stream_arn == stream_arn && batch.shard == shard;
        match batches.iter_mut().find(same) {
            Some((_, records)) => records.push((number, record)),
            None => batches.push((Batch::new(stream_arn, shard, Vec::new()), vec![(number, record)])),
        }
    }
    let sorted = batches.into_iter().map(|(batch, mut records)| {
        records.sort_by(|(left, _), (right, _)| left.cmp(right));
        Batch { records: records.into_iter().map(|(_, record)| record).collect(), ..batch }
    });
    Ok(sorted.collect())
}

/// The stream's ARN and the shard's id.
fn origin(record: &KinesisEventRecord) -> Result<(String, String)> {
    let lacks = |what: &str| Error::new(ErrorKind::InvalidInput, format!("a record does not say its {what}"));
    let stream = record.event_source_arn.as_deref().filter(|arn| !arn.is_empty());
    // "shardId-000000000006:49590338271490256608559692538361571095921575989136588898"
    let shard = record.event_id.as_deref().and_then(|id| id.split_once(':')).map(|(shard, _)| shard);
    Ok((
        stream.ok_or_else(|| lacks("stream (eventSourceARN)"))?.to_owned(),
        shard.filter(|shard| !shard.is_empty()).ok_or_else(|| lacks("shard (eventID)"))?.to_owned(),
    ))
}

fn numbered(record: KinesisEventRecord) -> Result<(SequenceNumber, Record)> {
    let kinesis = record.kinesis;
    let number = SequenceNumber::new(kinesis.sequence_number)?;
    let record = Record {
        sequence_number: number.text().to_owned(),
        data: kinesis.data.0.into(),
        approximate_arrival: arrival(kinesis.approximate_arrival_timestamp),
    };
    Ok((number, record))
}

/// A time as Kinesis means it, to the millisecond: a number of seconds has more digits than it says.
fn arrival(seconds: f64) -> Option<Timestamp> {
    let since_1970 = SignedDuration::try_from_secs_f64(seconds).ok()?;
    Timestamp::from_duration(since_1970).ok()?.round(Unit::Millisecond).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    pub(crate) fn record(shard: &str, number: &str) -> Value {
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0", "partitionKey": "1", "sequenceNumber": number,
                "data": "SGVsbG8=", "approximateArrivalTimestamp": 1545084650.987
            },
            "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventName": "aws:kinesis:record",
            "eventID": format!("{shard}:{number}"), "awsRegion": "us-east-2",
            "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"
        })
    }

    fn parse(records: &[Value]) -> Result<Vec<Batch>> {
        batches(serde_json::from_value(json!({ "Records": records })).unwrap())
    }

    #[test]
    fn records_are_parted_by_shard_and_ordered_as_integers() {
        let parsed = parse(&[record("s-1", "10"), record("s-2", "5"), record("s-1", "9")]).unwrap();
        let numbers: Vec<(&str, Vec<&str>)> = parsed
            .iter()
            .map(|batch| {
                let numbers = batch.records.iter().map(|record| record.sequence_number.as_str());
                (batch.shard.as_str(), numbers.collect())
            })
            .collect();
        assert_eq!(numbers, [("s-1", vec!["9", "10"]), ("s-2", vec!["5"])]);
        let first = &parsed[0].records[0];
        assert_eq!(first.data, "Hello".as_bytes());
        assert_eq!(first.approximate_arrival.unwrap().as_millisecond(), 1_545_084_650_987);
        assert_eq!(parsed[0].stream_arn, "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream");
    }

    /// Lambda writes a number of seconds, to the millisecond, without zeros at its end.
    #[test]
    fn an_arrival_is_a_time_to_the_millisecond() {
        for (seconds, milliseconds) in [
            ("1545084650.987", 1_545_084_650_987),
            ("1545084650.355", 1_545_084_650_355),
            ("1545084650.9", 1_545_084_650_900),
            ("1545084650.05", 1_545_084_650_050),
            ("1545084650", 1_545_084_650_000),
            ("1.545084650987E9", 1_545_084_650_987),
            ("1545084650.355000019", 1_545_084_650_355),
        ] {
            let mut record = record("s-1", "1");
            record["kinesis"]["approximateArrivalTimestamp"] = serde_json::from_str(seconds).unwrap();
            let arrival = parse(&[record]).unwrap()[0].records[0].approximate_arrival.unwrap();
            assert_eq!(arrival, Timestamp::from_millisecond(milliseconds).unwrap(), "{seconds}");
        }
    }

    #[test]
    fn no_records_are_no_batches() {
        assert_eq!(parse(&[]).unwrap(), []);
    }

    #[test]
    fn a_record_without_its_place_is_an_error() {
        for (field, value) in [
            ("/eventSourceARN", json!("")),
            ("/eventSourceARN", json!(null)),
            ("/eventID", json!(null)),
            ("/eventID", json!("no-colon")),
            ("/eventID", json!(":1")),
            ("/kinesis/sequenceNumber", json!("")),
            ("/kinesis/sequenceNumber", json!("x")),
        ] {
            let mut record = record("s-1", "1");
            *record.pointer_mut(field).unwrap() = value;
            assert_eq!(parse(&[record]).unwrap_err().kind(), ErrorKind::InvalidInput, "{field}");
        }
    }

    #[test]
    fn what_is_no_event_does_not_parse() {
        for event in [json!({}), json!({"Records": [{}]}), json!([])] {
            assert!(serde_json::from_value::<KinesisEvent>(event).is_err());
        }
    }
}
