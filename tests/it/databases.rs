//! The databases there are.

use crate::shop::{client, database};

#[tokio::test]
async fn lists_tables_sorted_and_empty_databases() {
    let (full, empty) = (database().await, database().await);
    let warehouse = client().warehouse().clone();
    for table in ["users", "events", "`weird name`"] {
        warehouse
            .execute(&format!("CREATE TABLE {full}.{table} (a UInt8) ENGINE = MergeTree ORDER BY a"))
            .await
            .unwrap();
    }
    let databases = client().databases().await.unwrap();
    assert_eq!(databases[&full], ["events", "users", "weird name"]);
    assert!(databases[&empty].is_empty());
    assert!(databases.contains_key("default"));
    assert!(databases["system"].contains(&"tables".to_owned()));
}
