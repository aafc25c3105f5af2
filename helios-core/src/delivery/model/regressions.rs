//! What the model once found.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    super::{
        batch_report::{BatchReport, Undelivered},
        sink::Sink,
        sweep::sweep_idle,
    },
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
    assert!(refused.error.message().contains("an earlier insert of it may still arrive"), "{refused}");

    bench.table.state().schema = 1;
    while gates[0].step(&mut late).await.is_none() {}
    assert!(!bench.table.state().rows.is_empty(), "it has arrived");
    bench.clock.pass(Duration::from_secs(400));
    bench.deliver(&batch, FOR_EVER).await.unwrap().unwrap();
    assert_eq!(bench.check(), None);
}

/// Two workers have sent the rows of one range. Those of the second are committed; then another table gets the name, and takes
/// what the first has sent, as it does not know the token. The two have to be told apart to be taken back.
#[tokio::test]
async fn a_copy_in_another_table_is_taken_back_without_what_is_committed() {
    let bench = Bench::new(ModelTable::new(false).with_batch(), stream(0));
    let chance = Arc::new(Mutex::new(Chance::new(0)));
    let gates = [Gate::new(&chance, &Arc::default(), None), Gate::new(&chance, &Arc::default(), None)];
    let workers = [bench.worker(&gates[0]), bench.worker(&gates[1])];
    let (batch, deadline) = (bench.batch(0), bench.clock.now() + Duration::from_secs(300));
    let target = bench.table.target();
    let [mut late, mut other] =
        [0, 1].map(|at| -> Delivery<'_> { Box::pin(workers[at].deliver(&target, &batch, deadline)) });
    // Ledger read, ledger written: two steps each. The next effect is the insert of the rows.
    for _ in 0..5 {
        assert!(gates[0].step(&mut late).await.is_none());
    }
    while gates[1].step(&mut other).await.is_none() {}
    let committed = bench.entry().await.committed;
    assert!(committed.is_some());

    bench.table.state().is_exchanged = true;
    while gates[0].step(&mut late).await.is_none() {}
    assert!(!bench.table.state().strayed.is_empty(), "it has arrived");
    bench.table.state().is_exchanged = false;
    swept(&bench).await;
    assert_eq!((bench.check(), bench.table.state().strayed.len()), (None, 0));
}

/// The same with one worker that has got no answer, and has sent the rows again.
#[tokio::test]
async fn a_copy_of_an_insert_without_an_answer_is_taken_back() {
    let (bench, faults) = (Bench::new(ModelTable::new(false).with_batch(), stream(0)), Arc::default());
    // With this seed, the insert that fails is under way.
    let gate = Gate::new(&Arc::new(Mutex::new(Chance::new(1))), &faults, None);
    let worker = bench.worker(&gate);
    let (batch, deadline) = (bench.batch(0), bench.clock.now() + Duration::from_secs(300));
    let target = bench.table.target();
    let mut delivery: Delivery<'_> = Box::pin(worker.deliver(&target, &batch, deadline));
    for _ in 0..5 {
        assert!(gate.step(&mut delivery).await.is_none());
    }
    *faults.lock().unwrap() = 200;
    assert!(gate.step(&mut delivery).await.is_none());
    *faults.lock().unwrap() = 0;
    while gate.step(&mut delivery).await.is_none() {}
    assert_eq!(bench.check(), None);
    bench.table.state().is_exchanged = true;
    assert!(gate.late.arrive(0, bench.clock.now()).await);
    assert!(!bench.table.state().strayed.is_empty(), "it has arrived");
    bench.table.state().is_exchanged = false;
    swept(&bench).await;
    assert_eq!((bench.check(), bench.table.state().strayed.len()), (None, 0));
}

/// Sweeps the shard once no more can arrive.
async fn swept(bench: &Bench) {
    bench.clock.pass(Duration::from_secs(1000));
    let (key, sink) = (bench.key(), Arc::clone(&bench.table) as Arc<dyn Sink>);
    let entry = bench.ledger.read(&key).await.unwrap();
    sweep_idle((&*sink, &bench.ledger), &key, entry, bench.clock.now()).await.unwrap();
}
