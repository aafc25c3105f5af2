//! `/api/query` beside the engine's own HTTP interface: the same engine, the same process, the same client.

use std::{future::Future, sync::Arc, time::Duration};

use helios_tests::Result;
use tokio::task::JoinHandle;

use super::service::{Service, TABLE, fill};
use crate::{
    measure::{ROUNDS, median, timed_async},
    results::Row,
};

const ONE_ROW: &str = "SELECT 1 AS one";
const ALL_ROWS: &str = "SELECT * FROM bench.readings";
const QUERIES_A_ROUND: usize = 200;
const ROWS: u64 = 100_000;
/// A row of JSON has at least so many bytes: an answer with fewer is not whole.
const LEAST_BYTES: usize = 50 * 100_000;
const CLIENTS: usize = 64;
const QUERIES_A_CLIENT: usize = 20;

pub(crate) async fn rows() -> Result<Vec<Row>> {
    let service = Arc::new(Service::embedded().await?);
    for statement in ["CREATE DATABASE bench", TABLE, &fill(ROWS)] {
        service.engine(statement).await?;
    }
    Ok(vec![one_row(&service).await?, many_rows(&service).await?, many_clients(&service).await?])
}

/// How long one small query takes.
async fn one_row(service: &Service) -> Result<Row> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (mut our, mut their) = (Vec::new(), Vec::new());
        for _ in 0..QUERIES_A_ROUND {
            our.push(time(service.ours(ONE_ROW)).await?);
            their.push(time(service.engine(ONE_ROW)).await?);
        }
        // The first round warms up.
        if round > 0 {
            ours.extend(our);
            theirs.extend(their);
        }
    }
    let told = (milliseconds(&ours), milliseconds(&theirs));
    let ratio = median(&ours) / median(&theirs);
    Ok(Row::within("/api/query, 1 row, beside the engine's HTTP", told, ratio, 1.15))
}

/// How long a large result takes, to its last byte.
async fn many_rows(service: &Service) -> Result<Row> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (our, their) =
            (time(whole(service.ours(ALL_ROWS))).await?, time(whole(service.engine(ALL_ROWS))).await?);
        if round > 0 {
            ours.push(our);
            theirs.push(their);
        }
    }
    let told = (milliseconds(&ours), milliseconds(&theirs));
    let ratio = median(&ours) / median(&theirs);
    Ok(Row::within("/api/query, 100 k rows × 5, beside the engine's JSONEachRow", told, ratio, 1.25))
}

/// How many small queries a second many clients get answered at a time.
async fn many_clients(service: &Arc<Service>) -> Result<Row> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let our = time(at_once(service, |service| async move { service.ours(ONE_ROW).await })).await?;
        let their = time(at_once(service, |service| async move { service.engine(ONE_ROW).await })).await?;
        if round > 0 {
            ours.push(our);
            theirs.push(their);
        }
    }
    let told = (rate(&ours), rate(&theirs));
    let ratio = median(&theirs) / median(&ours);
    Ok(Row::times("/api/query, 64 clients, 1 row, beside the engine's HTTP", told, ratio, 0.85))
}

async fn at_once<F>(
    service: &Arc<Service>,
    query: impl Fn(Arc<Service>) -> F + Clone + Send + 'static,
) -> Result<()>
where
    F: Future<Output = Result<usize>> + Send,
{
    let start = |_| -> JoinHandle<Result<()>> {
        let (service, query) = (Arc::clone(service), query.clone());
        tokio::spawn(async move {
            for _ in 0..QUERIES_A_CLIENT {
                query(Arc::clone(&service)).await?;
            }
            Ok(())
        })
    };
    for client in (0..CLIENTS).map(start).collect::<Vec<_>>() {
        client.await??;
    }
    Ok(())
}

async fn whole(query: impl Future<Output = Result<usize>>) -> Result<()> {
    match query.await? {
        bytes if bytes < LEAST_BYTES => Err(format!("only {bytes} bytes of the result came").into()),
        _ => Ok(()),
    }
}

async fn time<T>(work: impl Future<Output = Result<T>>) -> Result<Duration> {
    let (done, time) = timed_async(work).await;
    done.map(|_| time)
}

fn milliseconds(times: &[Duration]) -> String {
    format!("{:.2} ms", median(times) * 1e3)
}

#[expect(clippy::cast_precision_loss, reason = "a count of queries")]
fn rate(times: &[Duration]) -> String {
    format!("{:.0} queries/s", (CLIENTS * QUERIES_A_CLIENT) as f64 / median(times))
}
