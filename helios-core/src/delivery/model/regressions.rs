//! What the model once found.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    super::batch_report::{BatchReport, Undelivered},
    bench::{Bench, FOR_EVER, stream},
    chance::Chance,
    gate::Gate,
    table::ModelTable,
};
use crate::clock::Clock as _;

type Delivery<'a> = Pin<Box<dyn Future<Output = Result<BatchReport, Undelivered>> + 'a>>;

/// A worker waits before its insert. Meanwhile another is refused, because the table has lost a column, and opens the same
/// events under the new schema, with a new token. Then the column is back, and the insert of the first arrives: its rows
/// were there twice.
#[tokio::test]
async fn a_range_is_not_opened_anew_while_an_insert_of_it_may_arrive() {
    let bench = Bench::new(ModelTable::new(true), stream(0));
    let chance = Arc::new(Mutex::new(Chance::new(0)));
    let gates = [Gate::new(&chance, &Arc::default(), None), Gate::new(&chance, &Arc::default(), None)];
    let workers = [bench.worker(&gates[0]), bench.worker(&gates[1])];
    let (batch, deadline) = (bench.batch(0), bench.clock.now() + Duration::from_secs(300));
    bench.table.state().schema = 1;
    let target = bench.table.target();
    let [mut late, mut other] =
        [0, 1].map(|at| -> Delivery<'_> { Box::pin(workers[at].deliver(&target, &batch, deadline)) });

    // Ledger read, ledger written: two steps each. The next effect is the insert of the rows.
    for _ in 0..5 {
        assert!(gates[0].step(&mut late).await.is_none());
    }
    assert!(bench.entry().await.open.is_some());
    // Besides, the other looks at the table.
    for _ in 0..7 {
        assert!(gates[1].step(&mut other).await.is_none());
    }
    bench.table.state().schema = 0;
    let refused = loop {
        if let Some(answer) = gates[1].step(&mut other).await {
            break answer.unwrap_err();
        }
    };
    assert!(refused.error.is_retryable(), "{refused}");
    assert!(refused.error.message().contains("another worker may still be inserting"), "{refused}");

    bench.table.state().schema = 1;
    while gates[0].step(&mut late).await.is_none() {}
    assert!(!bench.table.state().rows.is_empty(), "it has arrived");
    bench.clock.pass(Duration::from_secs(400));
    bench.deliver(&batch, FOR_EVER).await.unwrap().unwrap();
    assert_eq!(bench.check(), None);
}
