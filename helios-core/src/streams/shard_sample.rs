//! The part of a sample that comes from one shard.

use std::{borrow::Cow, collections::VecDeque, sync::atomic::Ordering::Relaxed, time::Duration};

use aws_sdk_kinesis::Client;
use bytes::Bytes;
use jiff::Timestamp;

use super::{
    position::Position,
    reader::{Page, ShardReader, ShardStart},
    record::events_of,
    sample::{
        DefectiveRecord, Found, MAX_DEFECT_BYTES, MAX_DEFECTS, MAX_SAMPLE_BYTES, SampleOptions, SampledEvent,
    },
    sequence::compare_sequence_numbers,
};
use crate::{Result, clock::SharedClock};

/// How far back recent history is looked for, nearest first; last comes the oldest event there is.
const RECENT: [Duration; 3] =
    [Duration::from_secs(5 * 60), Duration::from_secs(60 * 60), Duration::from_secs(24 * 60 * 60)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// There may be more of what was asked for.
    Reading,
    /// Only what is still to arrive is left.
    Waiting,
    /// There will be no more.
    Ended,
}

/// What is known of one shard.
pub(super) struct ShardSample {
    pub(super) id: String,
    pub(super) phase: Phase,
    reader: ShardReader,
    /// Behind the last record there was: for what is still to arrive.
    tip: Option<ShardReader>,
    /// Where to look next, when the reader's window has no more.
    older: VecDeque<ShardReader>,
    /// The first record of the newer windows: an older one ends before it.
    newer: Option<String>,
    first: Option<String>,
    waits: bool,
    /// What arrived then, or later, is not wanted.
    until: Option<Timestamp>,
    /// So many events are all that is wanted, even if other shards have none.
    most: usize,
    pub(super) events: Vec<SampledEvent>,
    pub(super) unreadable: usize,
    /// The first of these.
    pub(super) defects: Vec<DefectiveRecord>,
}

impl ShardSample {
    pub(super) fn open(
        client: &Client,
        stream_arn: &str,
        id: &str,
        options: &SampleOptions,
        now: Timestamp,
        clock: &SharedClock,
    ) -> Self {
        let reader = |position| {
            let start = ShardStart::Position(position);
            ShardReader::new(client.clone(), stream_arn, id, start, SharedClock::clone(clock))
        };
        let SampleOptions { position, until, max_events, .. } = *options;
        let mut older = VecDeque::new();
        if position.is_none() {
            let end = until.unwrap_or(now);
            let windows = RECENT.iter().filter_map(|back| end.checked_sub(*back).ok()).map(Position::At);
            older.extend(windows.chain([Position::Oldest]).map(reader));
        }
        Self {
            id: id.to_owned(),
            phase: if position == Some(Position::Now) { Phase::Waiting } else { Phase::Reading },
            reader: position
                .map(reader)
                .or_else(|| older.pop_front())
                .unwrap_or_else(|| reader(Position::Oldest)),
            tip: None,
            older,
            newer: None,
            first: None,
            waits: until.is_none() && !matches!(position, Some(Position::Oldest | Position::At(_))),
            until,
            most: max_events,
            events: Vec::new(),
            unreadable: 0,
            defects: Vec::new(),
        }
    }

    /// Reads one page, and takes about `quota` events of it.
    pub(super) async fn read(&mut self, quota: usize, found: &Found) -> Result<()> {
        let page = self.reader.next_page(quota).await?;
        self.take(page, quota, found);
        Ok(())
    }

    /// Takes about `quota` events of a page.
    pub(super) fn take(&mut self, page: Page, quota: usize, found: &Found) {
        let wanted = self.events.len() + quota;
        let mut window_ended = page.caught_up;
        let mut records = page.records.into_iter().peekable();
        while let Some(record) = records.next() {
            let number = record.sequence_number;
            if self.newer.as_ref().is_some_and(|newer| compare_sequence_numbers(&number, newer).is_ge()) {
                window_ended = true;
                break;
            }
            self.first.get_or_insert_with(|| number.clone());
            if self.until.is_some_and(|until| record.arrived_at >= until) {
                window_ended = true;
                break;
            }
            let event = |sub_sequence, data| SampledEvent {
                shard: self.id.clone(),
                sequence_number: number.clone(),
                sub_sequence,
                arrived_at: record.arrived_at,
                data,
            };
            for (sub_sequence, part) in events_of(&record.data) {
                match part {
                    Ok(data) => {
                        found.bytes.fetch_add(data.len(), Relaxed);
                        found.events.fetch_add(1, Relaxed);
                        let data = match data {
                            Cow::Borrowed(record) => record.clone(),
                            // A copy: what it is a part of may have unpacked to much more.
                            Cow::Owned(part) => Bytes::copy_from_slice(&part),
                        };
                        self.events.push(event(sub_sequence, data));
                    }
                    Err(unreadable) => {
                        self.unreadable += 1;
                        found.unreadable.fetch_add(1, Relaxed);
                        if self.defects.len() < MAX_DEFECTS {
                            // A copy: the page that it is a part of may be large.
                            let data = unreadable.data.get(..MAX_DEFECT_BYTES).unwrap_or(&unreadable.data);
                            let record = event(sub_sequence, Bytes::copy_from_slice(data));
                            self.defects.push(DefectiveRecord { record, defect: unreadable.defect });
                        }
                    }
                }
                // One record may hold millions of events.
                if found.bytes.load(Relaxed) >= MAX_SAMPLE_BYTES || self.events.len() >= self.most {
                    return;
                }
            }
            if self.events.len() >= wanted && records.peek().is_some() {
                // An aggregated record may hold the whole quota: the rest of the page is for another round.
                self.reader.seek_after(&number);
                return;
            }
        }
        if page.ended && self.phase == Phase::Waiting {
            self.phase = Phase::Ended;
        } else if window_ended && self.phase == Phase::Reading {
            self.end_window(page.caught_up, page.ended);
        }
    }

    fn end_window(&mut self, caught_up: bool, shard_ended: bool) {
        if let Some(first) = self.first.take() {
            self.newer = Some(first);
        }
        if caught_up {
            self.tip = (!shard_ended).then(|| self.reader.clone());
        }
        if let Some(mut reader) = self.older.pop_front() {
            reader.keep_pace_with(&self.reader);
            self.reader = reader;
        } else {
            self.phase = Phase::Ended;
            if self.waits
                && let Some(mut tip) = self.tip.take()
            {
                self.phase = Phase::Waiting;
                tip.keep_pace_with(&self.reader);
                self.reader = tip;
                self.newer = None;
            }
        }
    }
}
