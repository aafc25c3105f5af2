//! Events of a range that ClickHouse refuses, as the ledger keeps them.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Events of one range that ClickHouse refuses for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RefusedEvents {
    /// ClickHouse's error number.
    pub code: u32,
    /// The reason, for a person. It repeats no values.
    pub reason: String,
    /// The column that could not be computed, if it is one column's fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Which events: their places in the range, counted from 0.
    pub events: Offsets,
    /// Whether they are in quarantine already, from a range that this one was cut from or has replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled: bool,
}

/// Ascending numbers. They are written as the gaps between them, because the size of a DynamoDB item is limited: `3,,,7` is
/// 3, 4, 5, 12.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets(pub Vec<u32>);

impl Serialize for Offsets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut last = 0;
        let gaps = self.0.iter().map(|offset| {
            let gap = offset - std::mem::replace(&mut last, *offset);
            // The most frequent gap takes no space.
            if gap == 1 { String::new() } else { gap.to_string() }
        });
        serializer.serialize_str(&gaps.collect::<Vec<_>>().join(","))
    }
}

impl<'de> Deserialize<'de> for Offsets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut last = 0_u32;
        let offsets = text.split(',').map(|gap| {
            let gap = if gap.is_empty() { Some(1) } else { gap.parse().ok() };
            last = gap.and_then(|gap| last.checked_add(gap))?;
            Some(last)
        });
        offsets.collect::<Option<_>>().map(Self).ok_or_else(|| D::Error::custom("not a list of offsets"))
    }
}

impl RefusedEvents {
    /// The same for a range that begins `events` events later; earlier ones are dropped.
    fn behind(&self, events: u32) -> Self {
        let offsets = self.events.0.iter().filter_map(|offset| offset.checked_sub(events));
        Self { events: Offsets(offsets.collect()), settled: true, ..self.clone() }
    }

    /// The same for a range that has only the first `events` events.
    fn within(&self, events: u32) -> Self {
        let offsets = self.events.0.iter().copied().filter(|offset| *offset < events);
        Self { events: Offsets(offsets.collect()), settled: true, ..self.clone() }
    }
}

/// What is refused after the first `events` events, all of it in quarantine by now.
pub(in super::super) fn refused_behind(refused: &[RefusedEvents], events: u64) -> Vec<RefusedEvents> {
    let events = u32::try_from(events).unwrap_or(u32::MAX);
    let all = refused.iter().map(|refused| refused.behind(events));
    all.filter(|refused| !refused.events.0.is_empty()).collect()
}

/// What is refused of the first `events` events, all of it in quarantine by now.
pub(in super::super) fn refused_within(refused: &[RefusedEvents], events: usize) -> Vec<RefusedEvents> {
    let events = u32::try_from(events).unwrap_or(u32::MAX);
    let all = refused.iter().map(|refused| refused.within(events));
    all.filter(|refused| !refused.events.0.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(offsets: &[u32]) -> RefusedEvents {
        RefusedEvents { code: 469, events: Offsets(offsets.to_vec()), ..RefusedEvents::default() }
    }

    #[test]
    fn gaps_are_written() {
        let written = serde_json::to_string(&Offsets(vec![3, 4, 5, 12])).unwrap();
        assert_eq!(written, r#""3,,,7""#);
        assert!(serde_json::from_str::<Offsets>(r#""3,x""#).is_err());
        assert!(serde_json::from_str::<Offsets>(r#""3,4294967295""#).is_err());
    }

    #[test]
    fn a_range_that_is_cut_keeps_what_is_refused_of_each_part() {
        let all = [refused(&[0, 4, 5, 9]), refused(&[7])];
        let offsets = |refused: Vec<RefusedEvents>| -> Vec<Vec<u32>> {
            assert!(refused.iter().all(|refused| refused.settled));
            refused.into_iter().map(|refused| refused.events.0).collect()
        };
        assert_eq!(offsets(refused_within(&all, 5)), [vec![0, 4]]);
        assert_eq!(offsets(refused_behind(&all, 5)), [vec![0, 4], vec![2]]);
    }

    proptest! {
        #[test]
        fn offsets_come_back(offsets in prop::collection::btree_set(any::<u32>(), 1..50)) {
            let offsets = Offsets(offsets.into_iter().collect());
            let text = serde_json::to_string(&offsets).unwrap();
            prop_assert_eq!(serde_json::from_str::<Offsets>(&text).unwrap(), offsets);
        }
    }
}
