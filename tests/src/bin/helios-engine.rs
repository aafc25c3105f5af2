//! The embedded engine on a port, in this process: what is preloaded into it meets the engine itself.

use std::error::Error;

use helios_embedded::{Credentials, Engine, Options};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let given = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let engine = Engine::open(Options::new(given("HELIOS_DATA_PATH")?))?;
    let credentials = Credentials::new(given("HELIOS_ENGINE_USER")?, given("HELIOS_ENGINE_PASSWORD")?);
    let listener = engine.listen(given("HELIOS_ENGINE_LISTEN")?.parse()?, Some(credentials)).await?;
    // As the server says it.
    #[expect(clippy::print_stdout, reason = "the test waits for it")]
    {
        println!("Helios is serving on http://{}", listener.local_addr());
    }
    std::future::pending::<()>().await;
    Ok(())
}
