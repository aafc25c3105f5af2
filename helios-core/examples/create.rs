//! Makes a table of what a stream sends, and lets the stream fill it:
//! `cargo run -p helios-core --features embedded --example create -- clicks shop.clicks`.
//!
//! Settings come from the environment: `HELIOS_CLICKHOUSE_URL`, `HELIOS_DELIVERY_FUNCTION`, and for AWS what its SDK reads.

use std::{env, error::Error};

use helios_core::{CreateTable, HeliosClient};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "showing it is what this is for")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (Some(stream), Some(table)) = (env::args().nth(1), env::args().nth(2)) else {
        return Err("which stream, and into which table? Give a stream and `database.table`".into());
    };
    let (database, table) = table.split_once('.').unwrap_or(("default", &table));

    let client = HeliosClient::from_env()?;
    let sample = client.kinesis_sample(&stream).await?;
    let spec = CreateTable::new(stream, table, sample.inferred_schema).database(database).create_database();
    let created = client.create_table(&spec).await?;
    println!("{}\n\n{}", created.create_table_query, created.message);
    Ok(())
}
