//! In which form a client wants a result.

use axum::http::{HeaderMap, header};
use helios_core::ResultFormat;

use crate::refusal::Refusal;

/// The form that the header `Accept` prefers: the highest weight, among equals the one that it names more exactly, then the
/// first of [`ResultFormat::ALL`]. JSON if there is no such header.
///
/// # Errors
///
/// If it names none that there is.
pub(crate) fn format(headers: &HeaderMap) -> Result<ResultFormat, Refusal> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<&str> =
        values.flat_map(|value| value.split(',')).map(str::trim).filter(|range| !range.is_empty()).collect();
    if ranges.is_empty() && !headers.contains_key(header::ACCEPT) {
        return Ok(ResultFormat::Json);
    }
    let ranges: Vec<Range<'_>> = ranges.into_iter().filter_map(Range::read).collect();
    let mut best = None;
    for format in ResultFormat::ALL {
        // The most exact range that names it has its weight: `text/csv;q=0, */*` is anything but CSV.
        let named = ranges.iter().filter_map(|range| Some((range.exactness(format)?, range.weight))).max();
        if let Some((exactness, weight)) = named
            && weight > 0
            && best.is_none_or(|(_, found)| (weight, exactness) > found)
        {
            best = Some((format, (weight, exactness)));
        }
    }
    best.map(|(format, _)| format).ok_or(Refusal::NoSuchFormat)
}

/// One of the kinds that a client takes.
struct Range<'a> {
    kind: &'a str,
    /// Thousandths.
    weight: u16,
}

impl<'a> Range<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let kind = parts.next().filter(|kind| kind.contains('/'))?;
        let mut weight = 1000;
        for part in parts {
            if let Some(("q" | "Q", value)) = part.split_once('=') {
                weight = thousandths(value)?;
            }
        }
        Some(Self { kind, weight })
    }

    /// How exactly it names this form, if it does.
    fn exactness(&self, format: ResultFormat) -> Option<u8> {
        let own = format.media_type().split(';').next().unwrap_or_default();
        let (group, _) = own.split_once('/')?;
        match self.kind.split_once('/')? {
            ("*", "*") => Some(0),
            (asked, "*") => asked.eq_ignore_ascii_case(group).then_some(1),
            _ => self.kind.eq_ignore_ascii_case(own).then_some(2),
        }
    }
}

/// A weight as RFC 9110 has it: 0 to 1, with three digits at most.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match whole {
        "0" => format!("{fraction:0<3}").parse().ok(),
        "1" if fraction.bytes().all(|byte| byte == b'0') => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepted(values: &[&'static str]) -> Option<ResultFormat> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT, HeaderValue::from_static(value));
        }
        format(&headers).ok()
    }

    #[test]
    fn the_heaviest_then_the_most_exact_then_the_first() {
        use ResultFormat::{Arrow, Csv, Json, NdJson, Parquet};
        for (values, expected) in [
            (&[][..], Some(Json)),
            (&["*/*"], Some(Json)),
            (&["application/json"], Some(Json)),
            (&["text/csv"], Some(Csv)),
            (&["TEXT/CSV; charset=utf-8"], Some(Csv)),
            (&["text/*"], Some(Csv)),
            (&["application/x-ndjson"], Some(NdJson)),
            (&["application/vnd.apache.arrow.stream"], Some(Arrow)),
            (&["application/vnd.apache.parquet"], Some(Parquet)),
            (&["text/csv, */*"], Some(Csv)),
            (&["text/csv;q=0.5, */*;q=0.1"], Some(Csv)),
            (&["text/csv;q=0.1, */*;q=0.5"], Some(Json)),
            (&["text/csv, application/json"], Some(Json)),
            (&["application/json;q=0.9, text/csv"], Some(Csv)),
            (&["application/json;q=0.9", "text/csv"], Some(Csv)),
            (&["application/json;q=0, */*"], Some(NdJson)),
            (&["text/html,application/xhtml+xml,*/*;q=0.8"], Some(Json)),
            (&["text/html"], None),
            (&["application/json;q=0"], None),
            (&["application/json;q=0.000"], None),
            (&["nonsense"], None),
            (&["application/json;q=2"], None),
            (&[""], None),
        ] {
            assert_eq!(accepted(values), expected, "{values:?}");
        }
    }
}
