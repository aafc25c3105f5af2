//! What to propose as the table's sorting key and partitions.

use jiff::{Timestamp, tz::Offset};
use serde::Serialize;

use super::{
    evidence::{FEW_NAMES, Seen},
    fields::Field,
};
use crate::warehouse::{Ident, types::DataType};

/// Names that say which sort of event it is; the likeliest first.
const CATEGORY_NAMES: [&str; 6] = ["event_type", "eventtype", "event", "type", "event_name", "eventname"];

/// Months that the sample may span, so that one insert stays well below ClickHouse's limit of 100 partitions.
const MONTHS: i32 = 60;

/// Keys of a table, and why these.
///
/// On the wire: `{"orderBy": ["event_type", "at"], "partitionBy": "toYYYYMM(`at`)", "timeColumn": "at", "why": ["…"]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Proposal {
    /// The sorting key: columns that are never null; empty for none.
    pub order_by: Vec<String>,
    /// The partition expression.
    pub partition_by: Option<String>,
    /// The column with the time of an event.
    pub time_column: Option<String>,
    /// A reason for each of these, in sentences.
    pub why: Vec<String>,
}

impl Proposal {
    /// Whether a column is in one of the keys.
    pub(super) fn names(&self, column: &str) -> bool {
        self.time_column.as_deref() == Some(column) || self.order_by.iter().any(|name| name == column)
    }
}

/// A column that may be in a key, and what it could serve as.
#[derive(Debug)]
struct Candidate<'a> {
    name: &'a str,
    seen: &'a Seen,
    data_type: &'a DataType,
}

/// The sort of event first, then the time or, without one, an identifier; partitions by the month of the time. Only columns
/// that every event has: ClickHouse refuses keys of any others, which are `Nullable`.
pub(super) fn propose(columns: &[Field<Seen>], types: &[(DataType, String)], events: u64) -> Proposal {
    let candidates: Vec<_> = columns
        .iter()
        .zip(types)
        .filter(|(column, _)| column.seen.always(events) && !is_version(&column.name, &column.seen))
        .map(|(column, (data_type, _))| Candidate { name: &column.name, seen: &column.seen, data_type })
        .collect();
    let mut proposal = Proposal::default();
    if let Some(category) = category(&candidates) {
        proposal.take(category, "is in every event and says which sort it is: rows of a sort lie together");
    }
    match time(&candidates) {
        Some(time) => {
            proposal.take(
                time,
                "is the first time that every event has: queries of a time span read little else",
            );
            proposal.time_column = Some(time.name.to_owned());
            proposal.partition(time);
        }
        None => match identifier(&candidates) {
            Some(identifier) => {
                proposal.take(identifier, "names what an event is about, and no time is in every event");
            }
            None if proposal.order_by.is_empty() && !columns.is_empty() => {
                proposal
                    .why
                    .push("No column that every event has is a time, a name or an identifier.".to_owned());
            }
            None => {}
        },
    }
    proposal
}

/// Whether it says which version of something an event is of, also if that looks like a date: few values, which say nothing of
/// the event itself.
fn is_version(name: &str, seen: &Seen) -> bool {
    name.to_ascii_lowercase().contains("version") && seen.distinct() <= FEW_NAMES as u64
}

impl Proposal {
    fn take(&mut self, candidate: &Candidate<'_>, why: &str) {
        self.order_by.push(candidate.name.to_owned());
        self.why.push(format!("`{}` {why}.", candidate.name));
    }

    /// The month of the time, if the sample spans few enough of them.
    fn partition(&mut self, time: &Candidate<'_>) {
        let Some((first, last)) = time.seen.observed.span else { return };
        let month = |seconds| {
            let date = Timestamp::from_second(seconds).map(|instant| Offset::UTC.to_datetime(instant).date());
            date.map_or(0, |date| i32::from(date.year()) * 12 + i32::from(date.month()))
        };
        let months = month(last.0) - month(first.0) + 1;
        let Ok(name) = Ident::new(time.name) else { return };
        if months > MONTHS + 1 {
            self.why.push(format!(
                "No partitions: the sample spans {months} months, which are too many for one insert."
            ));
        } else {
            self.partition_by = Some(format!("toYYYYMM({name})"));
            self.why.push("Partitions of a month, so that old ones can be dropped whole.".to_owned());
        }
    }
}

fn category<'a>(candidates: &'a [Candidate<'a>]) -> Option<&'a Candidate<'a>> {
    // One category only would sort nothing.
    let categories = || {
        let several =
            |candidate: &&Candidate<'_>| candidate.seen.categories().is_some_and(|distinct| distinct > 1);
        candidates
            .iter()
            .filter(|candidate| matches!(candidate.data_type, DataType::LowCardinality(_)))
            .filter(several)
    };
    let named = |name: &str| categories().find(|candidate| candidate.name.eq_ignore_ascii_case(name));
    let fewest = || categories().min_by_key(|candidate| candidate.seen.categories());
    CATEGORY_NAMES.iter().find_map(|name| named(name)).or_else(fewest)
}

fn time<'a>(candidates: &'a [Candidate<'a>]) -> Option<&'a Candidate<'a>> {
    let of = |is: fn(&DataType) -> bool| candidates.iter().find(|candidate| is(candidate.data_type));
    of(|data_type| matches!(data_type, DataType::DateTime64 { .. } | DataType::DateTime { .. }))
        .or_else(|| of(|data_type| matches!(data_type, DataType::Date32 | DataType::Date)))
}

fn identifier<'a>(candidates: &'a [Candidate<'a>]) -> Option<&'a Candidate<'a>> {
    let sortable = |candidate: &&Candidate<'_>| {
        matches!(
            candidate.data_type,
            DataType::Uuid | DataType::UInt { .. } | DataType::Int { .. } | DataType::String
        )
    };
    let named = |candidate: &&Candidate<'_>| {
        let name = candidate.name;
        ["id", "uuid"].iter().any(|id| name.eq_ignore_ascii_case(id))
            || ["_id", "_uuid", "Id", "ID"].iter().any(|end| name.ends_with(end))
    };
    let uuid = || candidates.iter().find(|candidate| *candidate.data_type == DataType::Uuid);
    candidates.iter().filter(sortable).find(named).or_else(uuid)
}

#[cfg(test)]
mod tests {
    use crate::schema::infer;

    /// The keys over 60 events; `{i}` in the event is its number, `{m}` that number modulo 3.
    fn keys(event: &str) -> (Vec<String>, Option<String>) {
        let number = |i: usize| event.replace("{i}", &i.to_string()).replace("{m}", &(i % 3).to_string());
        let events: Vec<_> = (10..70).map(number).collect();
        let inference = infer(events.iter().map(String::as_bytes));
        assert_eq!(inference.events, 60);
        (inference.proposal.order_by, inference.proposal.partition_by)
    }

    #[test]
    fn the_sorting_key_is_category_then_time_or_identifier() {
        const TIME: &str = "2026-01-31T00:00:00.0{i}Z";
        for (event, expected) in [
            (
                format!(r#"{{"user_id":{{i}},"at":"{TIME}","page":"p{{m}}","type":"t{{m}}"}}"#),
                &["type", "at"][..],
            ),
            (format!(r#"{{"at":"{TIME}","page":"p{{m}}"}}"#), &["page", "at"]),
            (format!(r#"{{"at":"{TIME}","type":"always"}}"#), &["at"]),
            (format!(r#"{{"day":"2026-01-31","at":"{TIME}"}}"#), &["at"]),
            (r#"{"day":"2026-01-31","id":{i}}"#.into(), &["day"]),
            (r#"{"n":{i},"user_id":{i},"type":"t{m}"}"#.into(), &["type", "user_id"]),
            (r#"{"sessionId":"s{i}"}"#.into(), &["sessionId"]),
            (r#"{"key":"0190b7c5-8a3e-7c21-9d4f-2b6f0e1a9c{i}"}"#.into(), &["key"]),
            (
                r#"{"api_version":"2024-06-20","created":"2026-01-31","type":"t{m}"}"#.into(),
                &["type", "created"],
            ),
            (r#"{"api_version":"2024-06-1{m}","schemaVersion":"v{m}"}"#.into(), &[]),
            (r#"{"version_id":{i}}"#.into(), &["version_id"]),
            (r#"{"id":{i}.5,"n":{i},"s":"{i}x","o":{},"a":[{i}]}"#.into(), &[]),
        ] {
            assert_eq!(keys(&event).0, expected, "{event}");
        }
    }

    #[test]
    fn the_partition_is_the_month_of_the_time() {
        for (event, expected) in [
            (r#"{"at":"2026-01-31T00:00:0{m}Z"}"#, Some("toYYYYMM(`at`)")),
            (r#"{"day":"202{m}-01-31"}"#, Some("toYYYYMM(`day`)")),
            (r#"{"of day":"2026-01-31"}"#, Some("toYYYYMM(`of day`)")),
            (r#"{"a`b":"2026-01-31"}"#, Some(r"toYYYYMM(`a\`b`)")),
            // 60 years are 720 partitions.
            (r#"{"day":"19{i}-01-31"}"#, None),
            (r#"{"id":{i}}"#, None),
        ] {
            assert_eq!(keys(event).1.as_deref(), expected, "{event}");
        }
    }

    #[test]
    fn a_column_that_is_missing_once_is_in_no_key() {
        let events = [r#"{"at":"2026-01-31T00:00:00Z","id":1}"#, r#"{"at":null,"id":1}"#, r#"{"id":null}"#];
        let inference = infer(events.map(str::as_bytes));
        assert_eq!((inference.proposal.order_by, inference.proposal.partition_by), (vec![], None));
    }
}
