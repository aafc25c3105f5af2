//! What a time without an offset means.

use jiff::{
    civil,
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};

use crate::iso8601::{Instant, Moment};

/// The zone of a column.
#[derive(Debug)]
pub(super) enum Zone {
    Utc,
    Other(TimeZone),
    /// One that this version does not know.
    Unknown,
}

impl Zone {
    /// A column without a zone of its own is read in UTC, whatever the server's zone is.
    pub(super) fn named(name: Option<&str>) -> Self {
        match name {
            None | Some("UTC" | "Etc/UTC" | "GMT" | "Etc/GMT") => Self::Utc,
            // The database that is compiled in, not that of the machine: the same event has the same fate everywhere.
            Some(name) => TimeZoneDatabase::bundled().get(name).map_or(Self::Unknown, Self::Other),
        }
    }

    /// The instant of a moment; `None` if it has no offset and there is no such time in this zone, or two of them, as
    /// when the clocks are changed.
    #[inline]
    pub(super) fn instant(&self, moment: Moment) -> Option<Instant> {
        let Moment { seconds, nanoseconds, offset } = moment;
        let offset = match (offset, self) {
            (Some(offset), _) => offset,
            (None, Self::Utc) => 0,
            (None, Self::Other(zone)) => offset_in(zone, seconds)?,
            (None, Self::Unknown) => return None,
        };
        Some(Instant { seconds: seconds - offset, nanoseconds })
    }
}

/// The offset at a local time, in seconds since 1970 by the local clock.
fn offset_in(zone: &TimeZone, seconds: i64) -> Option<i64> {
    let epoch = civil::date(1970, 1, 1).at(0, 0, 0, 0);
    let local = epoch.checked_add(jiff::SignedDuration::from_secs(seconds)).ok()?;
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => Some(i64::from(offset.seconds())),
        AmbiguousOffset::Gap { .. } | AmbiguousOffset::Fold { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso8601::LastDay;

    fn seconds(zone: Option<&str>, text: &str) -> Option<i64> {
        Zone::named(zone)
            .instant(Moment::parse(text, &mut LastDay::default())?)
            .map(|instant| instant.seconds)
    }

    #[test]
    fn a_time_without_an_offset_is_of_the_columns_zone() {
        let noon = Some(1_718_452_800);
        assert_eq!(seconds(None, "2024-06-15T12:00:00"), noon);
        assert_eq!(seconds(Some("UTC"), "2024-06-15T12:00:00"), noon);
        assert_eq!(seconds(Some("Europe/Zurich"), "2024-06-15T14:00:00"), noon);
        assert_eq!(seconds(Some("Asia/Tokyo"), "2024-06-15T21:00:00"), noon);
        assert_eq!(seconds(Some("Asia/Tokyo"), "2024-06-15T12:00:00Z"), noon);
    }

    #[test]
    fn a_time_that_is_not_one_instant_is_none() {
        // The clocks are put forward at two, and back at three.
        assert_eq!(seconds(Some("Europe/Zurich"), "2024-03-31T02:30:00"), None);
        assert_eq!(seconds(Some("Europe/Zurich"), "2024-10-27T02:30:00"), None);
        assert!(seconds(Some("Europe/Zurich"), "2024-10-27T02:30:00+01:00").is_some());
        assert_eq!(seconds(Some("Nowhere/Atlantis"), "2024-06-15T12:00:00"), None);
        assert!(seconds(Some("Nowhere/Atlantis"), "2024-06-15T12:00:00Z").is_some());
    }
}
