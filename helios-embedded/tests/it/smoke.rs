use helios_embedded::{Engine, Options};
#[tokio::test]
async fn smoke() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(Options::new(dir.path())).unwrap();
    let client = clickhouse::Client::with_http_client(engine.http_client()).with_url("http://embedded");
    assert_eq!(client.query("SELECT 1").fetch_one::<u8>().await.unwrap(), 1);
    client.query("CREATE TABLE t (a UInt64) ENGINE=MergeTree ORDER BY a").execute().await.unwrap();
    let mut i = client.insert_formatted_with("INSERT INTO t FORMAT JSONEachRow");
    i.send("{\"a\":1}\n{\"a\":2}\n\n{\"a\":3}".into()).await.unwrap();
    i.end().await.unwrap();
    assert_eq!(client.query("SELECT sum(a) FROM t").fetch_one::<u64>().await.unwrap(), 6);
    println!("{:?}", client.query("SELECT nosuch FROM t").fetch_one::<u64>().await);
    println!(
        "{:?}",
        client.query("SELECT throwIf(number=3000000) FROM numbers(10000000)").fetch_all::<u8>().await
    );
    println!("{:?}", client.query("SELECT 1; DROP TABLE t").execute().await);
}
