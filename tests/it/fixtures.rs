//! The fixtures themselves.

use helios_core::streams;
use helios_tests::Emulator;

#[tokio::test]
async fn a_dropped_emulator_is_gone_with_its_files() {
    let emulator = Emulator::start(false).await.unwrap();
    let endpoint = emulator.endpoint().to_owned();
    emulator.account().create_stream("clicks", 1).await.unwrap();
    assert!(emulator.log().contains("Running on"));
    drop(emulator);
    assert!(reqwest::get(endpoint).await.unwrap_err().is_connect());
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let emulator = Emulator::shared(false).await.unwrap();
    let (a, b) = (emulator.account(), emulator.account());
    a.create_stream("clicks", 1).await.unwrap();
    assert_eq!(streams::list(&a.session()).await.unwrap(), ["clicks"]);
    assert_eq!(streams::list(&b.session()).await.unwrap(), Vec::<String>::new());
}
