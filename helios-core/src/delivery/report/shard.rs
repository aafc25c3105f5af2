//! What a report says of one shard.

use jiff::{SignedDuration, Timestamp};

use super::{
    super::ledger::{Entry, OpenRange, TroubleKind},
    look::Seen,
    shape::{DeliveryTrouble, GapReport, ShardReport, ShardState},
};

/// After this time without an attempt an open range counts as abandoned: Lambda and consumers retry within seconds.
const ABANDONED: SignedDuration = SignedDuration::from_mins(10);

/// What is known of a shard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) shard: &'a str,
    pub(super) entry: &'a Entry,
    /// Whether the stream lists it no more, or lists it as closed.
    pub(super) is_closed: bool,
    pub(super) seen: Seen,
    pub(super) now: Timestamp,
    /// How long the stream keeps events, in seconds, where it is known.
    pub(super) retention: Option<f64>,
}

impl Facts<'_> {
    pub(super) fn report(self) -> ShardReport {
        let Self { entry, seen, now, .. } = self;
        let counters = &entry.counters;
        let age = seen.arrival.map(|arrival| now.duration_since(arrival).as_secs_f64().max(0.0));
        let lag = if seen.caught_up { Some(0.0) } else { age };
        ShardReport {
            shard: self.shard.to_owned(),
            state: self.state(),
            received: counters.received,
            inserted: counters.inserted,
            quarantined: counters.quarantined,
            duplicates: counters.duplicates,
            abandoned: counters.abandoned,
            from: counters.first.as_ref().map(ToString::to_string),
            to: entry.committed.as_ref().map(ToString::to_string),
            last_event_time: counters.last_event_time,
            lag_seconds: lag,
            expires_in_seconds: age.zip(self.retention).map(|(age, retention)| (retention - age).max(0.0)),
            open_range: entry.open.as_ref().map(range),
            trouble: entry.trouble.as_ref().map(|trouble| DeliveryTrouble {
                kind: trouble.kind.into(),
                server_code: trouble.server_code,
                since: trouble.since,
            }),
            gaps: entry
                .gaps
                .iter()
                .map(|gap| GapReport {
                    after: gap.after.to_string(),
                    before: gap.before.to_string(),
                    since: gap.since,
                })
                .collect(),
        }
    }

    fn state(self) -> ShardState {
        let Self { entry, seen, now, is_closed, .. } = self;
        match (&entry.trouble, &entry.open) {
            (Some(trouble), _) if trouble.kind == TroubleKind::Uncertain => ShardState::Uncertain,
            (Some(_), _) => ShardState::Failing,
            (None, Some(open)) if open.held_until > now => ShardState::Delivering,
            // The worker that opened it has ended before it was done; the next attempt finishes it.
            (None, Some(_)) => ShardState::Waiting,
            (None, None) if seen.caught_up && is_closed => ShardState::Finished,
            (None, None) if seen.caught_up => ShardState::CaughtUp,
            (None, None) => ShardState::Waiting,
        }
    }

    /// Whether a reader has reached the end of the shard so recently that nothing that arrived since can have expired.
    fn was_caught_up(&self) -> bool {
        let age = self.entry.caught_up_at.map(|seen| self.now.duration_since(seen).as_secs_f64());
        age.zip(self.retention).is_some_and(|(age, retention)| age < retention)
    }

    /// Whether an open range has been without a worker for so long that a retry is overdue.
    fn is_abandoned(&self, open: &OpenRange) -> bool {
        let limit = open.held_until.saturating_add(ABANDONED).unwrap_or(Timestamp::MAX);
        self.entry.trouble.is_none() && self.now > limit && !self.seen.is_open_gone
    }

    /// What is wrong with it, for a person.
    pub(super) fn errors(self) -> Vec<String> {
        let Self { shard, entry, seen, .. } = self;
        let counters = &entry.counters;
        let mut errors: Vec<String> = entry
            .gaps
            .iter()
            .map(|gap| {
                format!(
                    "shard {shard}: the events after {} and before {} expired before they were delivered: they are lost",
                    gap.after, gap.before
                )
            })
            .collect();
        let accounted = counters.inserted + counters.quarantined + counters.duplicates + counters.abandoned;
        if counters.received != accounted {
            errors.push(format!(
                "shard {shard}: {} events were received, and {accounted} are accounted for",
                counters.received
            ));
        }
        if let Some(trouble) = entry.trouble.as_ref().filter(|trouble| trouble.kind == TroubleKind::Failing) {
            let code = trouble.server_code.map_or_else(String::new, |code| format!(" (its error {code})"));
            let more = trouble.message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
            errors.push(format!(
                "shard {shard}: ClickHouse has not taken its events since {}{code}{more}",
                trouble.since
            ));
        }
        if let Some(open) = entry.open.as_ref().filter(|open| self.is_abandoned(open)) {
            errors.push(format!(
                "shard {shard}: delivery of the events {} began at {}, and no worker has finished it since {}: check \
                 that the consumer or the delivery function is running",
                range(open),
                open.opened_at,
                open.held_until
            ));
        }
        let report = self.report();
        let half = report.lag_seconds.zip(self.retention).filter(|(lag, retention)| *lag > retention / 2.0);
        if let Some((lag, retention)) = half {
            errors.push(format!(
                "shard {shard}: events have waited for {lag:.0} s, and the stream keeps them for {retention:.0} s: check \
                 that the consumer or the delivery function is running"
            ));
        }
        if let Some(doubt) = &entry.doubt {
            errors.push(format!(
                "shard {shard}: the events after {} and before {}, if there were any, expired before they were delivered; \
                 found at {}",
                doubt.after, doubt.before, doubt.since
            ));
        }
        if seen.is_unjoined && !self.was_caught_up() {
            errors.push(format!(
                "shard {shard}: the last delivered event has left the stream, and no process has read the shard since: later \
                 events may have expired unseen"
            ));
        }
        let is_uncertain =
            entry.trouble.as_ref().is_some_and(|trouble| trouble.kind == TroubleKind::Uncertain);
        if is_uncertain {
            let range = entry.open.as_ref().map_or_else(String::new, range);
            errors.push(format!(
                "shard {shard}: whether the events {range} are in the table is UNCERTAIN: look into the table, then settle \
                 the range"
            ));
        } else if let Some(open) = entry.open.as_ref().filter(|_| seen.is_open_gone) {
            errors.push(format!(
                "shard {shard}: the stream does not have the events {} any more, which somebody had begun to insert: look \
                 into the table, then settle the range",
                range(open)
            ));
        }
        errors
    }

    /// What puts its events at risk, for a person.
    pub(super) fn warnings(self) -> Vec<String> {
        let shard = self.shard;
        let mut warnings = Vec::new();
        let report = self.report();
        let soon = report.expires_in_seconds.zip(self.retention).filter(|(left, all)| *left < all / 10.0);
        if let Some((left, _)) = soon {
            warnings.push(format!("shard {shard}: undelivered events expire in {left:.0} seconds"));
        }
        warnings
    }
}

fn range(open: &OpenRange) -> String {
    format!("{}-{}", open.first, open.last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{
        Identity,
        ledger::{Counters, Gap, Trouble},
    };

    fn place(number: u64) -> Identity {
        Identity { sequence_number: number.to_string(), sub_sequence: 1 }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(10_000).unwrap()
    }

    fn facts(entry: &Entry, seen: Seen) -> Facts<'_> {
        Facts { shard: "s", entry, is_closed: false, seen, now: now(), retention: Some(1000.0) }
    }

    const CAUGHT_UP: Seen = Seen { arrival: None, caught_up: true, is_unjoined: false, is_open_gone: false };

    fn behind(seconds: i64) -> Seen {
        Seen { arrival: Some(Timestamp::from_second(10_000 - seconds).unwrap()), ..Seen::default() }
    }

    #[test]
    fn each_state_has_its_reason() {
        let open = |held_until: i64| {
            let held_until = Timestamp::from_second(held_until).unwrap();
            Entry { open: Some(OpenRange { held_until, ..OpenRange::for_test() }), ..Entry::default() }
        };
        let troubled = |kind| Entry {
            trouble: Some(Trouble { kind, server_code: Some(60), since: now(), message: None }),
            ..open(20_000)
        };
        for (entry, seen, is_closed, state) in [
            (Entry::default(), CAUGHT_UP, false, ShardState::CaughtUp),
            (Entry::default(), CAUGHT_UP, true, ShardState::Finished),
            (Entry::default(), behind(5), true, ShardState::Waiting),
            (Entry::default(), Seen::default(), false, ShardState::Waiting),
            (open(10_001), behind(5), false, ShardState::Delivering),
            (open(10_000), behind(5), false, ShardState::Waiting),
            (troubled(TroubleKind::Failing), behind(5), false, ShardState::Failing),
            (troubled(TroubleKind::Uncertain), behind(5), false, ShardState::Uncertain),
        ] {
            let facts = Facts { is_closed, ..facts(&entry, seen) };
            assert_eq!(facts.report().state, state, "{entry:?} {seen:?}");
        }
    }

    #[test]
    fn lag_and_expiry_are_those_of_the_oldest_undelivered_event() {
        let entry = Entry::default();
        let of = |seen| {
            let report = facts(&entry, seen).report();
            (report.lag_seconds, report.expires_in_seconds)
        };
        assert_eq!(of(behind(300)), (Some(300.0), Some(700.0)));
        assert_eq!(of(behind(-5)), (Some(0.0), Some(1000.0)), "a clock that is behind");
        assert_eq!(of(CAUGHT_UP), (Some(0.0), None));
        assert_eq!(of(Seen::default()), (None, None));
        assert_eq!(facts(&entry, behind(300)).warnings(), [""; 0]);
        assert_eq!(facts(&entry, behind(500)).errors(), [""; 0]);
        assert!(facts(&entry, behind(501)).errors()[0].contains("waited for 501 s"));
        assert!(facts(&entry, behind(950)).warnings()[0].contains("expire in 50 seconds"));
    }

    #[test]
    fn a_shard_that_has_stopped_is_wrong() {
        let message = Some("EXCHANGE TABLES a AND b".to_owned());
        let trouble =
            Some(Trouble { kind: TroubleKind::Failing, server_code: Some(60), since: now(), message });
        let entry = Entry { trouble, ..Entry::default() };
        let errors = facts(&entry, behind(5)).errors();
        assert!(errors[0].contains("its error 60") && errors[0].contains("EXCHANGE TABLES"), "{errors:?}");
        let held = |held_until: i64| {
            let held_until = Timestamp::from_second(held_until).unwrap();
            Entry { open: Some(OpenRange { held_until, ..OpenRange::for_test() }), ..Entry::default() }
        };
        assert_eq!(facts(&held(9_400), behind(5)).errors(), [""; 0]);
        assert!(facts(&held(9_399), behind(5)).errors()[0].contains("no worker has finished it"));
    }

    #[test]
    fn what_is_wrong_names_shard_and_range() {
        let counters =
            Counters { received: 10, inserted: 4, quarantined: 3, duplicates: 2, ..Counters::default() };
        let balanced = Counters { abandoned: 1, ..counters.clone() };
        let entry = Entry { counters: balanced, ..Entry::default() };
        assert_eq!(facts(&entry, CAUGHT_UP).errors(), [""; 0]);
        let entry = Entry {
            counters,
            open: Some(OpenRange {
                first: place(7),
                last: place(9),
                held_until: now(),
                ..OpenRange::for_test()
            }),
            trouble: Some(Trouble {
                kind: TroubleKind::Uncertain,
                server_code: None,
                since: now(),
                message: None,
            }),
            gaps: vec![Gap { after: place(3), before: place(5), since: now() }],
            ..Entry::default()
        };
        let errors = facts(&entry, behind(5)).errors();
        assert_eq!(errors.len(), 3);
        assert!(errors[0].contains("shard s: the events after 3.1 and before 5.1"), "{errors:?}");
        assert!(errors[1].contains("10 events were received, and 9 are"), "{errors:?}");
        assert!(errors[2].contains("7.1-9.1") && errors[2].contains("UNCERTAIN"), "{errors:?}");
        let entry = Entry { trouble: None, ..entry };
        let errors = facts(&entry, Seen { is_open_gone: true, ..behind(5) }).errors();
        assert!(errors.len() == 3 && errors[2].contains("the events 7.1-9.1 any more"), "{errors:?}");
    }
}
