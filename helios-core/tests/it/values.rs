//! No value is changed: every type at its ends, into the engine and back.

use helios_core::delivery::BatchReport;

use crate::{
    cases::CASES,
    engine::{Fixture, batch},
};

#[tokio::test]
async fn every_value_comes_back_as_it_was_sent_or_goes_to_quarantine() {
    let mut wrong = Vec::new();
    for (data_type, fitting, others) in CASES {
        let fixture = Fixture::new(&format!("i UInt32, x {data_type}")).await;
        let values = fitting.iter().map(|(value, _)| value).chain(others.iter());
        let events = values.enumerate().map(|(at, value)| format!(r#"{{"i":{at},"x":{value}}}"#));
        let report = match fixture.deliver(&batch(0, events)).await {
            Ok(report) => report,
            Err(error) => {
                wrong.push(format!("{data_type}: {error}"));
                continue;
            }
        };
        let BatchReport { delivered, quarantined, .. } = report;
        if (delivered, quarantined) != (fitting.len() as u64, others.len() as u64) {
            let reasons = fixture.rows("SELECT raw_data, error_message FROM {q}").await;
            wrong.push(format!("{data_type}: {delivered} delivered, {quarantined} quarantined: {reasons:?}"));
        }
        let rows = fixture.rows("SELECT i, ifNull(toString(x), 'NULL') AS text FROM {t} ORDER BY i").await;
        for row in rows {
            let at = usize::try_from(row["i"].as_u64().unwrap()).unwrap();
            match fitting.get(at) {
                Some((_, expected)) if row["text"] == *expected => {}
                Some((sent, _)) => wrong.push(format!("{data_type}: {sent} came back as {}", row["text"])),
                None => wrong.push(format!("{data_type}: {} came in", others[at - fitting.len()])),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
