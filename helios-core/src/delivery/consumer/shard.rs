//! One shard: read, and delivered to every table of the stream.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aws_sdk_kinesis::Client;
use futures_util::{
    FutureExt as _,
    future::join_all,
    stream::{FuturesUnordered, StreamExt as _},
};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, mpsc, watch};
use uuid::Uuid;

use super::{
    super::{
        batch::Batch,
        batch_report::{BatchReport, Undelivered},
        deliverer::Deliverer,
        ledger::LedgerKey,
        targets::Targets,
    },
    gather::{Gathered, Gatherer},
    options::ConsumeOptions,
    progress::Board,
    start::{Begin, Gate, read_from},
};
use crate::{
    Error, ErrorKind, Result,
    backoff::pause,
    clock::SharedClock,
    sources::Mapping,
    streams::{Position, ShardReader, ShardStart, is_refused_argument},
};

/// A new attempt reads at once: by then the last read must be a fifth of a second ago.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);

/// How often the ledger notes that a shard has nothing new.
const NOTE_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What the tasks of all shards share.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) kinesis: Client,
    pub(super) deliverer: Deliverer,
    pub(super) targets: Targets,
    pub(super) clock: SharedClock,
    pub(super) stream_arn: String,
    /// The sources: the tables that the stream fills, those that are paused among them.
    pub(super) mappings: Vec<Mapping>,
    /// Those of them that are active now.
    pub(super) active: watch::Sender<Active>,
    /// Of each table the shards that it had something of when the consumer began.
    pub(super) known: HashMap<Uuid, HashSet<String>>,
    pub(super) started: Timestamp,
    pub(super) options: ConsumeOptions,
    pub(super) board: Arc<Board>,
    pub(super) places: Arc<Semaphore>,
    pub(super) halt: watch::Sender<bool>,
}

/// The tables whose sources are active.
pub(super) type Active = Arc<HashSet<Uuid>>;

/// How a shard's task, or one attempt of it, has ended.
#[derive(Debug)]
pub(super) enum ShardEnd {
    /// The shard is closed, and every table has all of it.
    Finished,
    /// Every table has all there was, and no more was asked for.
    CaughtUp,
    /// There is no such shard any more.
    Gone(Error),
    /// It does not go on, and will not by itself.
    Stuck(Error),
    /// The consumer ends.
    Halted,
    /// A source was paused, resumed or removed: the next attempt is for those that are active then.
    Changed,
}

/// Why an attempt has ended early.
enum Failure {
    Reading(Error),
    /// Kinesis does not know the number that reading was to begin with.
    Foreign(Error),
    Delivering(Error),
}

/// One shard's task.
#[derive(Debug)]
pub(super) struct ShardTask {
    pub(super) context: Arc<Context>,
    pub(super) shard: String,
    /// The shards it comes from, and those that they come from.
    pub(super) ancestors: Vec<String>,
    /// Whether it was made while the consumer ran: everything in it is new.
    pub(super) is_new: bool,
    /// Tables that did not accept their events.
    aside: watch::Sender<HashSet<Uuid>>,
}

impl ShardEnd {
    /// The worse of two ends, if a shard ended differently for its tables.
    fn or_worse(self, other: Option<Self>) -> Self {
        let rank = |end: &Self| match end {
            Self::Finished => 0,
            Self::Gone(_) => 1,
            Self::CaughtUp => 2,
            Self::Changed => 3,
            Self::Stuck(_) => 4,
            Self::Halted => 5,
        };
        match other {
            Some(other) if rank(&other) > rank(&self) => other,
            _ => self,
        }
    }
}

/// Which tables a shard is read for. A table that does not accept its events is set aside and gets a reader of its own, so
/// that the others do not wait for it. Once it has caught up, it joins them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    /// For all tables that are not set aside.
    Together,
    /// For one table that is set aside.
    Aside(Uuid),
}

impl ShardTask {
    pub(super) fn new(context: Arc<Context>, shard: String, ancestors: Vec<String>, is_new: bool) -> Self {
        Self { context, shard, ancestors, is_new, aside: watch::Sender::default() }
    }

    /// Reads and delivers until the shard ends, for the tables together and for each that is set aside.
    pub(super) async fn run(self) -> ShardEnd {
        self.context.board.begin(&self.shard);
        let until_caught_up = self.context.options.until_caught_up;
        let mut changes = self.aside.subscribe();
        let mut lanes = FuturesUnordered::new();
        let follow = |lane: Lane| self.follow(lane).map(move |end| (lane, end)).boxed();
        lanes.push(follow(Lane::Together));
        let (mut running, mut ended) = (HashSet::new(), None);
        loop {
            tokio::select! {
                biased;
                Ok(()) = changes.changed() => {
                    let aside = changes.borrow_and_update().clone();
                    for table in aside {
                        if running.insert(table) {
                            lanes.push(follow(Lane::Aside(table)));
                        }
                    }
                }
                Some((lane, end)) = lanes.next() => {
                    if let Lane::Aside(table) = lane {
                        running.remove(&table);
                        if !until_caught_up && matches!(end, ShardEnd::CaughtUp) {
                            self.aside.send_modify(|aside| {
                                aside.remove(&table);
                            });
                            continue;
                        }
                    }
                    ended = Some(end.or_worse(ended));
                    if lanes.is_empty() && !changes.has_changed().unwrap_or(false) {
                        break;
                    }
                }
            }
        }
        let end = ended.unwrap_or(ShardEnd::Halted);
        if matches!(end, ShardEnd::Finished) {
            self.context.board.ended(&self.shard);
        }
        end
    }

    /// Reads and delivers until there is no more. After a failure it begins again from the ledger, so that nothing that
    /// was read is held in memory meanwhile.
    async fn follow(&self, lane: Lane) -> ShardEnd {
        let Context { board, clock, options, halt, .. } = &*self.context;
        let mut halted = halt.subscribe();
        let (mut failures, mut is_made_anew) = (0, false);
        loop {
            let mut delivered = 0;
            let error = match self.attempt(lane, is_made_anew, &mut delivered).await {
                Ok(ShardEnd::Changed) => {
                    is_made_anew &= delivered == 0;
                    continue;
                }
                Ok(end) => return end,
                Err(Failure::Reading(error)) if error.kind() == ErrorKind::NotFound => {
                    return ShardEnd::Gone(error);
                }
                // The ledger's numbers are those of a stream of the same name, which was deleted.
                Err(Failure::Foreign(_)) if !is_made_anew => {
                    is_made_anew = true;
                    continue;
                }
                Err(Failure::Reading(error) | Failure::Foreign(error) | Failure::Delivering(error)) => error,
            };
            board.failed(&self.shard, &error);
            tracing::warn!(shard = self.shard, error = %format!("{error:#}"), "Shard delivery failed; retrying.");
            if options.until_caught_up && !error.is_retryable() {
                return ShardEnd::Stuck(error);
            }
            failures += 1;
            if delivered > 0 {
                // From here on the ledger's numbers are this stream's.
                (failures, is_made_anew) = (1, false);
            }
            tokio::select! {
                () = clock.sleep(pause(failures).max(SHORTEST_PAUSE)) => {}
                () = is_true(&mut halted) => return ShardEnd::Halted,
            }
        }
    }

    /// Reading and delivery side by side: while a batch is delivered, the next one is gathered, and no more than that.
    async fn attempt(
        &self,
        lane: Lane,
        is_made_anew: bool,
        delivered: &mut u64,
    ) -> Result<ShardEnd, Failure> {
        let Context { kinesis, clock, stream_arn, places, halt, mappings, active, options, .. } =
            &*self.context;
        let mut changes = active.subscribe();
        let now = Active::clone(&changes.borrow_and_update());
        let mut others = self.aside.subscribe();
        let aside = others.borrow_and_update().clone();
        let is_of_lane = |table: Uuid| match lane {
            Lane::Together => !aside.contains(&table),
            Lane::Aside(own) => table == own,
        };
        let mappings = mappings.iter().filter(|mapping| now.contains(&mapping.table_uuid));
        let mappings: Vec<_> = mappings.filter(|mapping| is_of_lane(mapping.table_uuid)).collect();
        let mut halted = halt.subscribe();
        if mappings.is_empty() {
            if options.until_caught_up || lane != Lane::Together {
                return Ok(ShardEnd::CaughtUp);
            }
            return Ok(tokio::select! {
                () = is_true(&mut halted) => ShardEnd::Halted,
                () = is_changed(&mut changes) => ShardEnd::Changed,
                () = is_changed(&mut others) => ShardEnd::Changed,
            });
        }
        let begins = if is_made_anew {
            vec![Begin::Oldest; mappings.len()]
        } else {
            self.begins(&mappings).await.map_err(Failure::Delivering)?
        };
        let start = read_from(&begins);
        let refused = refusal_of(&start);
        let reader = ShardReader::new(kinesis.clone(), stream_arn, &self.shard, start, Arc::clone(clock));
        let origin = (stream_arn.as_str(), self.shard.as_str());
        let gatherer = Gatherer::new(reader, origin, Arc::clone(clock), Arc::clone(places));
        let (sender, receiver) = mpsc::channel(1);
        let under_way = AtomicUsize::new(0);
        let reading = async {
            tokio::select! {
                biased;
                () = is_true(&mut halted) => Ok(ShardEnd::Halted),
                () = is_changed(&mut changes) => Ok(ShardEnd::Changed),
                () = is_changed(&mut others), if lane == Lane::Together => Ok(ShardEnd::Changed),
                end = self.read(lane, gatherer, sender, (&under_way, &mappings)) => end.map_err(refused),
            }
        };
        let gates = begins.into_iter().map(Gate::new).collect();
        let delivering = async {
            let delivered = self.deliver(receiver, (&mappings, gates), (delivered, &under_way)).await;
            delivered.map_err(Failure::Delivering)
        };
        let (end, ()) = tokio::try_join!(reading, delivering)?;
        Ok(if *halt.borrow() { ShardEnd::Halted } else { end })
    }

    /// Where each table begins, in the order of the mappings.
    async fn begins(&self, mappings: &[&Mapping]) -> Result<Vec<Begin>> {
        let Context { deliverer, options, known, started, stream_arn, .. } = &*self.context;
        let mut begins = Vec::with_capacity(mappings.len());
        for mapping in mappings {
            let key = LedgerKey {
                stream_arn: stream_arn.clone(),
                shard: self.shard.clone(),
                table: mapping.table_uuid,
            };
            let entry = deliverer.ledger().read(&key).await?;
            let continues = self.is_new
                || known
                    .get(&mapping.table_uuid)
                    .is_some_and(|shards| self.ancestors.iter().any(|ancestor| shards.contains(ancestor)));
            begins.push(match Begin::of(&entry) {
                Some(begin) => begin,
                None if continues => Begin::Oldest,
                None => Begin::new(options.position.unwrap_or(mapping.start_position), *started),
            });
        }
        Ok(begins)
    }

    async fn read(
        &self,
        lane: Lane,
        mut gatherer: Gatherer,
        sender: mpsc::Sender<Gathered>,
        (under_way, mappings): (&AtomicUsize, &[&Mapping]),
    ) -> Result<ShardEnd> {
        let ends_at_tip = self.context.options.until_caught_up || lane != Lane::Together;
        let mut noted = None;
        loop {
            // Nothing is read ahead of a batch that waits.
            let Ok(place) = sender.reserve().await else { return Ok(ShardEnd::Halted) };
            let gathered = gatherer.next().await?;
            let (caught_up, ended) = (gathered.caught_up, gathered.ended);
            // The last page of a closed shard still has an iterator: only the page after it shows that the shard has ended.
            let is_tip = caught_up && gathered.batch.records.is_empty();
            if is_tip && under_way.load(Ordering::SeqCst) == 0 {
                self.note_tip(mappings, &mut noted).await;
            }
            if !gathered.batch.records.is_empty() {
                under_way.fetch_add(1, Ordering::SeqCst);
                place.send(gathered);
            }
            if ended {
                return Ok(ShardEnd::Finished);
            }
            if is_tip && ends_at_tip {
                return Ok(ShardEnd::CaughtUp);
            }
        }
    }

    /// Notes in the ledger, once an hour, that everything in the shard was delivered. Delivery continues if that fails.
    async fn note_tip(&self, mappings: &[&Mapping], noted: &mut Option<Timestamp>) {
        let Context { deliverer, clock, stream_arn, .. } = &*self.context;
        let now = clock.now();
        if noted.is_some_and(|noted| now.duration_since(noted) < NOTE_EVERY) {
            return;
        }
        *noted = Some(now);
        for mapping in mappings {
            let key = LedgerKey {
                stream_arn: stream_arn.clone(),
                shard: self.shard.clone(),
                table: mapping.table_uuid,
            };
            if let Err(error) = deliverer.note_caught_up(&key).await {
                tracing::warn!(shard = self.shard, %error, "Failed to note in the ledger that a shard is caught up.");
            }
        }
    }

    async fn deliver(
        &self,
        mut batches: mpsc::Receiver<Gathered>,
        (mappings, mut gates): (&[&Mapping], Vec<Gate>),
        (delivered, under_way): (&mut u64, &AtomicUsize),
    ) -> Result<()> {
        let Context { board, halt, .. } = &*self.context;
        while let Some(gathered) = batches.recv().await {
            if *halt.borrow() {
                return Ok(());
            }
            let batch = &gathered.batch;
            let deliveries = mappings.iter().zip(&mut gates).map(|(mapping, gate)| {
                let batch = gate.pass(batch);
                async move { self.deliver_to(mapping, &batch).await }
            });
            // If delivery fails for one table, the others still get the batch and do not wait for that one.
            let ended = join_all(deliveries).await;
            let failed: Vec<_> = mappings.iter().zip(&ended).filter(|(_, ended)| ended.is_err()).collect();
            if !failed.is_empty() && failed.len() < mappings.len() {
                for (mapping, ended) in failed {
                    if let Err(error) = ended {
                        let error = format!("{error:#}");
                        tracing::warn!(
                            shard = self.shard,
                            error,
                            "Table did not accept the batch; delivering to it separately."
                        );
                    }
                    self.aside.send_modify(|aside| {
                        aside.insert(mapping.table_uuid);
                    });
                }
                *delivered += 1;
                return Ok(());
            }
            ended.into_iter().collect::<Result<Vec<()>>>()?;
            *delivered += 1;
            under_way.fetch_sub(1, Ordering::SeqCst);
            if let Some(last) = batch.records.last() {
                let records = u64::try_from(batch.records.len()).unwrap_or(u64::MAX);
                board.advance(&self.shard, records, last.sequence_number.clone());
            }
        }
        Ok(())
    }

    async fn deliver_to(&self, mapping: &Mapping, batch: &Batch) -> Result<()> {
        let Context { deliverer, targets, board, .. } = &*self.context;
        if batch.records.is_empty() {
            return Ok(());
        }
        let about = |error: Error| error.with("table", mapping.table.plain());
        let target = targets.of(mapping).await.map_err(about)?;
        match deliverer.deliver(&target, batch, None).await {
            Ok(report) => {
                board.count(&self.shard, &report, true);
                trace(mapping, batch, &report);
                Ok(())
            }
            Err(Undelivered { error, report, .. }) => {
                targets.forget(mapping);
                board.count(&self.shard, &report, false);
                Err(about(error))
            }
        }
    }
}

/// What it means that reading from here fails.
fn refusal_of(start: &ShardStart) -> fn(Error) -> Failure {
    match start {
        ShardStart::At(_) | ShardStart::After(_) => |error| {
            if is_refused_argument(&error) { Failure::Foreign(error) } else { Failure::Reading(error) }
        },
        // Kinesis' clock is behind ours: to it the time is still to come.
        ShardStart::Position(Position::At(_)) => |error| {
            let is_retryable = error.is_retryable() || is_refused_argument(&error);
            Failure::Reading(error.retryable(is_retryable))
        },
        ShardStart::Position(Position::Oldest | Position::Now) => Failure::Reading,
    }
}

fn trace(mapping: &Mapping, batch: &Batch, report: &BatchReport) {
    tracing::debug!(
        table = %mapping.table.plain(),
        shard = %batch.shard,
        received = report.received,
        delivered = report.delivered,
        quarantined = report.quarantined,
        duplicates = report.duplicates_skipped,
        "Batch delivered."
    );
}

/// Waits until the watched value changes; without end, if its sender is gone.
async fn is_changed<T>(changes: &mut watch::Receiver<T>) {
    if changes.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until a flag is set; for ever, if whoever could set it is gone.
pub(super) async fn is_true(flag: &mut watch::Receiver<bool>) {
    if flag.wait_for(|is_set| *is_set).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// How long the deliveries under way may take to come to their end, when the consumer stops.
pub(super) const GRACE: Duration = Duration::from_millis(600);
