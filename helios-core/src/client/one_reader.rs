//! Tests that samples, inference, checks and delivery find the same events in the same records.

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    CheckSchema,
    check::{check_events, check_sampled},
    sample::conclude,
};
use crate::{
    Column,
    delivery::part_for_tests,
    schema::InferOptions,
    streams::{ShardRecord, framings, sample_for_tests},
};

/// Records of one framing, as a shard has them.
fn records(payloads: &[Vec<u8>]) -> Vec<ShardRecord> {
    let record = |(number, payload): (u64, &Vec<u8>)| {
        ShardRecord::for_tests(number, Timestamp::UNIX_EPOCH, payload.clone())
    };
    (1..).zip(payloads).map(record).collect()
}

#[test]
fn samples_checks_and_delivery_find_the_same_events() {
    let columns = [Column::new("id", "UInt64")];
    for framing in framings() {
        let name = framing.name;
        let records = records(&framing.records);
        let sample = sample_for_tests(records.clone());
        let delivered = part_for_tests(&columns, records).unwrap();

        let place = |number: &str, place| (number.to_owned(), place);
        let sampled: Vec<(_, Bytes)> = sample
            .events
            .iter()
            .map(|event| (place(&event.sequence_number, event.sub_sequence), event.data.clone()))
            .collect();
        assert_eq!(sampled, delivered.events, "{name}: a sample and delivery have other events");
        assert_eq!(sample.unreadable, delivered.unreadable, "{name}: unreadable");

        let concluded = conclude(&sample, &InferOptions::default());
        let found = (concluded.events_read, concluded.events_read - concluded.unreadable);
        assert_eq!(found, (delivered.received, delivered.rows), "{name}: inference and delivery");
        let ids = if delivered.rows > 0 { &columns[..] } else { &[] };
        let names: Vec<_> = concluded.inferred_schema.iter().map(|column| &column.name).collect();
        assert_eq!(names, ids.iter().map(|column| &column.name).collect::<Vec<_>>(), "{name}: inferred");

        let spec = CheckSchema::default().schema(columns.to_vec());
        assert_eq!(
            check_events(&spec, &concluded.events).unwrap().fitting,
            delivered.rows,
            "{name}: a check"
        );
        let check = check_sampled(&spec, &sample.into()).unwrap();
        let found = (check.events, check.fitting, check.rejected, check.rejects.len() as u64);
        let rejected = delivered.received - delivered.rows;
        assert_eq!(
            found,
            (delivered.received, delivered.rows, rejected, rejected),
            "{name}: a check and delivery"
        );
        let unreadable = check.rejects.iter().filter(|reject| reject.error_type == "unreadable_record");
        assert_eq!(unreadable.count(), delivered.unreadable, "{name}: unreadable in a check");

        assert_eq!((delivered.rows, delivered.received), (framing.rows, framing.events), "{name}");
    }
}
