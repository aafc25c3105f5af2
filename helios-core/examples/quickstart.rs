//! SQL in your process, and a look into a stream: `cargo run --features embedded --example quickstart [STREAM]`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use helios_core::HeliosClient;

#[tokio::main]
async fn main() -> helios_core::Result<()> {
    // An engine of its own in `helios-data`, unless HELIOS_CLICKHOUSE_URL names a server.
    let client = HeliosClient::from_env()?;
    let result =
        client.query("SELECT version() AS version, {who:String} AS hello").param("who", "world").await?;
    println!("{}", result.data[0]);

    // With a stream's name, what the AWS credentials of this shell let it see.
    if let Some(stream) = std::env::args().nth(1) {
        let sample = client.kinesis_sample(stream).await?;
        println!("{} events read", sample.events_read);
        for column in sample.inferred_schema {
            println!("{} {}", column.name, column.data_type);
        }
    }
    Ok(())
}
