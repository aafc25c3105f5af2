//! The in-process consumer beside the trigger, both over the emulator, from stream to table.

use std::time::{Duration, Instant};

use helios_core::{CreateTable, HeliosClient, sources::Delivery, streams::Position};
use helios_tests::{Lab, LabOptions, Result};

use super::function::client;
use crate::{events::Kind, measure::median, results::Row};

const EVENTS: usize = 20_000;
const SHARDS: i32 = 4;
const ROUNDS: usize = 5;
const POLL: Duration = Duration::from_millis(20);
/// This long without the last event means that it will not come.
const PATIENCE: Duration = Duration::from_secs(120);

/// Events a second from a full stream: creating the source until the last event is in the table.
#[expect(clippy::cast_precision_loss, reason = "a count of events")]
pub(crate) async fn rows() -> Result<Vec<Row>> {
    let lab = Lab::start(LabOptions::default()).await?;
    let client = client(&lab)?;
    let events: Vec<_> = (0..EVENTS).map(|id| (format!("key-{id}"), Kind::Flat.event(id))).collect();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for (delivery, times) in [(Delivery::Consumer, &mut ours), (Delivery::Function, &mut theirs)] {
            let name =
                format!("{}_{round}", if delivery == Delivery::Consumer { "consumer" } else { "trigger" });
            lab.account().create_stream(&name, SHARDS).await?;
            for chunk in events.chunks(2_500) {
                lab.account()
                    .put_events(&name, chunk.iter().map(|(key, data)| (key, data.as_bytes())))
                    .await?;
            }
            times.push(fill(&client, &name, delivery).await?);
        }
    }
    let rate = |times: &[Duration]| format!("{:.0} events/s", EVENTS as f64 / median(times));
    let told = (rate(&ours), rate(&theirs));
    let ratio = median(&theirs) / median(&ours);
    Ok(vec![Row::times("in-process consumer beside the trigger, over the emulator", told, ratio, 5.0)])
}

async fn fill(client: &HeliosClient, name: &str, delivery: Delivery) -> Result<Duration> {
    let spec = CreateTable::new(name, name, Kind::Flat.schema());
    let spec = spec.start_position(Position::Oldest).delivery(delivery);
    let start = Instant::now();
    client.create_table(&spec).await?;
    if delivery == Delivery::Consumer {
        client.consume(name).until_caught_up().await?;
    }
    loop {
        let result = client.query(format!("SELECT toString(count()) AS rows FROM {name}")).await?;
        let rows = result.data.first().map(ToString::to_string).unwrap_or_default();
        if rows.contains(&format!("\"{EVENTS}\"")) {
            return Ok(start.elapsed());
        }
        if start.elapsed() > PATIENCE {
            return Err(format!("{rows} of {EVENTS} events came, and no more").into());
        }
        tokio::time::sleep(POLL).await;
    }
}
