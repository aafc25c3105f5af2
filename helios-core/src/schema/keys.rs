//! What to propose as the table's sorting key and partitions.

use jiff::tz::Offset;

use super::evidence::Seen;
use crate::Column;

/// Names that say which sort of event it is; the likeliest first.
const CATEGORY_NAMES: [&str; 6] = ["event_type", "eventtype", "event", "type", "event_name", "eventname"];

/// Months that the sample may span, so that one insert stays well below ClickHouse's limit of 100 partitions.
const MONTHS: i32 = 60;

/// A column that may be in a key, and what it could serve as.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    seen: &'a Seen,
    data_type: &'a str,
}

/// The columns that every event has. ClickHouse refuses keys of any others, which are `Nullable`.
pub(super) fn candidates<'a>(seen: &'a [Seen], columns: &'a [Column], events: u64) -> Vec<Candidate<'a>> {
    seen.iter()
        .zip(columns)
        .filter(|(seen, _)| seen.always(events))
        .map(|(seen, column)| Candidate { seen, data_type: &column.data_type })
        .collect()
}

/// The sort of event first, then the time or, without one, an identifier; empty if there is nothing of these.
pub(super) fn order_by(candidates: &[Candidate<'_>]) -> Vec<String> {
    let rest = time(candidates).or_else(|| identifier(candidates));
    category(candidates).into_iter().chain(rest).map(|candidate| candidate.seen.name.clone()).collect()
}

/// The month of the first time, if there is one and the sample spans few enough months.
pub(super) fn partition_by(candidates: &[Candidate<'_>]) -> Option<String> {
    let candidate = time(candidates)?;
    let (first, last) = candidate.seen.observed.span?;
    let month = |instant| {
        let date = Offset::UTC.to_datetime(instant).date();
        i32::from(date.year()) * 12 + i32::from(date.month())
    };
    let name = &candidate.seen.name;
    // Quoting with escapes is the warehouse's business; a name that needs them gets no proposal.
    let plain = !name.contains(['`', '\\']);
    (plain && month(last) - month(first) <= MONTHS).then(|| format!("toYYYYMM(`{name}`)"))
}

fn category<'a>(candidates: &'a [Candidate<'a>]) -> Option<&'a Candidate<'a>> {
    // One category only would sort nothing.
    let categories = || {
        let several =
            |candidate: &&Candidate<'_>| candidate.seen.categories().is_some_and(|distinct| distinct > 1);
        candidates
            .iter()
            .filter(|candidate| candidate.data_type.starts_with("LowCardinality"))
            .filter(several)
    };
    let named = |name: &str| categories().find(|candidate| candidate.seen.name.eq_ignore_ascii_case(name));
    let fewest = || categories().min_by_key(|candidate| candidate.seen.categories());
    CATEGORY_NAMES.iter().find_map(|name| named(name)).or_else(fewest)
}

fn time<'a>(candidates: &'a [Candidate<'a>]) -> Option<&'a Candidate<'a>> {
    ["DateTime64", "Date32"]
        .iter()
        .find_map(|name| candidates.iter().find(|candidate| candidate.data_type.starts_with(name)))
}

fn identifier<'a>(candidates: &'a [Candidate<'a>]) -> Option<&'a Candidate<'a>> {
    let sortable =
        |candidate: &&Candidate<'_>| matches!(candidate.data_type, "UUID" | "UInt64" | "Int64" | "String");
    let named = |candidate: &&Candidate<'_>| {
        let name = &candidate.seen.name;
        ["id", "uuid"].iter().any(|id| name.eq_ignore_ascii_case(id))
            || ["_id", "_uuid", "Id", "ID"].iter().any(|end| name.ends_with(end))
    };
    let uuid = || candidates.iter().find(|candidate| candidate.data_type == "UUID");
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
        (inference.order_by, inference.partition_by)
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
            (r#"{"a`b":"2026-01-31"}"#, None),
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
        assert_eq!((inference.order_by, inference.partition_by), (vec![], None));
    }
}
