//! Delivers a stream from this process, until Ctrl-C: `cargo run --example consume STREAM [--until-caught-up]`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use helios_core::{Error, ErrorKind, HeliosClient};
use tokio::signal;

#[tokio::main]
async fn main() -> helios_core::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let stream = arguments.next().ok_or_else(|| Error::new(ErrorKind::InvalidInput, "name a stream"))?;
    let client = HeliosClient::from_env()?;
    let mut consume = client.consume(stream).on_progress(|so_far| println!("{} events", so_far.received));
    if arguments.next().as_deref() == Some("--until-caught-up") {
        consume = consume.until_caught_up();
    }
    let consumer = consume.start().await?;
    let stopper = consumer.stopper();
    tokio::spawn(async move {
        if signal::ctrl_c().await.is_ok() {
            stopper.stop();
        }
    });
    let report = consumer.finished().await?;
    println!("{} events delivered, {} in quarantine", report.delivered, report.quarantined);
    Ok(())
}
