//! Replays the rejects of a table: those that fit it now become rows:
//! `cargo run -p helios-core --features embedded --example replay -- shop.clicks`.

use helios_core::{
    Error, ErrorKind, HeliosClient,
    delivery::quarantine::{RejectSelection, ReplayRejects},
};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> helios_core::Result<()> {
    let table = std::env::args().nth(1).ok_or_else(|| Error::new(ErrorKind::InvalidInput, "name a table"))?;
    let (database, table) = table.split_once('.').unwrap_or(("default", &table));

    let client = HeliosClient::from_env()?;
    let rejects = RejectSelection::new(table).database(database);
    let report = client.quarantine_replay(&ReplayRejects::new(rejects)).await?;
    println!("{}", report.message);
    for group in report.remaining {
        println!("{} × {} at {:?}", group.events, group.error_type, group.path);
    }
    Ok(())
}
