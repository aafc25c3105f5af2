//! Which shards are read, and when: by their lineage.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Semaphore, watch},
    task::{Id, JoinError, JoinSet},
};

use super::{
    super::{
        deliverer::Deliverer,
        ledger::{LedgerKey, Listed, fold_former},
        ownership,
        targets::Targets,
    },
    handle::Consumer,
    options::ConsumeOptions,
    progress::{Board, OnProgress},
    report::{ConsumeEnd, ConsumeReport},
    shard::{Active, Context, GRACE, ShardEnd, ShardTask, is_true},
};
use crate::{
    Error, ErrorKind, Result,
    backoff::pause,
    clock::SharedClock,
    sources::{Mapping, MappingState, MappingTable},
    streams::{self, AwsSession, Position, Shard, ancestors, list_shards, readable},
};

/// How many batches may be in memory, gathered or being delivered, of all shards together.
const PLACES: usize = 32;
/// How often it is looked whether a source was paused, resumed or removed.
const MAPPING_INTERVAL: Duration = Duration::from_secs(3);
/// How often the shards are listed where nothing asks for it.
const LIST_INTERVAL: Duration = Duration::from_secs(60);
/// What a task that was told to end is given to do so.
const LAST_MOMENT: Duration = Duration::from_millis(200);
/// A consumer stops within a second.
const _: () = assert!(GRACE.as_millis() + LAST_MOMENT.as_millis() < 1000);

/// Starts a consumer of all active sources of a stream.
pub(crate) async fn start_consumer(
    session: &AwsSession,
    mappings: &MappingTable,
    deliverer: Deliverer,
    clock: SharedClock,
    options: ConsumeOptions,
    on_progress: Option<OnProgress>,
) -> Result<Consumer> {
    options.validate()?;
    let started = clock.now();
    if let Some(Position::At(time)) = options.position
        && time > started
    {
        let message = "the position lies in the future";
        return Err(Error::invalid_input(message).with("position", time.to_string()));
    }
    let stream = streams::describe(session, &options.stream_name).await?;
    ownership::check_stream(deliverer.warehouse(), &stream.arn)?;
    let table = mappings;
    let mut mappings = table.of_stream_in_any_state(&stream.arn).await?;
    mappings.retain(|mapping| matches!(mapping.state, MappingState::Active | MappingState::Paused));
    let active = active_of(&mappings);
    if active.is_empty() {
        let message = "the stream has no active source, so there is no table to deliver to: create one";
        return Err(Error::new(ErrorKind::NotFound, message).with("stream", stream.name));
    }
    // Before anything is swept: rows would be deleted by what the ledger says.
    let identities: Vec<_> = mappings.iter().map(|mapping| mapping.table_uuid).collect();
    ownership::require_own_identities(deliverer.warehouse(), &identities).await?;
    let shards = list_shards(session, &stream.arn).await?;
    let listed = Listed { shards: &shards, retention: stream.retention(), now: started };
    let mut known = HashMap::new();
    for mapping in &mappings {
        let entries = deliverer.ledger().of_source(&stream.arn, mapping.table_uuid).await?;
        let of_source = (stream.arn.as_str(), mapping.table_uuid);
        let entries = fold_former(deliverer.ledger(), of_source, entries, listed).await;
        let mut shards = HashSet::new();
        for (shard, entry) in entries {
            if entry.committed.is_some() {
                shards.insert(shard.clone());
            }
            let key = LedgerKey { stream_arn: stream.arn.clone(), shard, table: mapping.table_uuid };
            // The shard may be closed, so that no batch will sweep it.
            if let Err(error) = deliverer.sweep(&key, entry).await {
                tracing::warn!(shard = key.shard, %error, "Rows of a replaced batch could not be deleted.");
            }
        }
        known.insert(mapping.table_uuid, shards);
    }
    let board = Arc::new(Board::new(on_progress));
    let context = Arc::new(Context {
        kinesis: session.kinesis().await?,
        targets: Targets::new(deliverer.warehouse().clone(), Arc::clone(&clock)),
        deliverer,
        clock,
        stream_arn: stream.arn,
        mappings,
        active: watch::Sender::new(active),
        known,
        started,
        options,
        board: Arc::clone(&board),
        places: Arc::new(Semaphore::new(PLACES)),
        halt: watch::Sender::new(false),
    });
    let changes = follow_changes(table.clone(), Arc::clone(&context));
    let coordinator = Coordinator {
        session: session.clone(),
        stream_name: stream.name,
        context,
        first_shards: shards.iter().map(|shard| shard.id.clone()).collect(),
        shards,
        begun: HashSet::new(),
        finished: HashSet::new(),
        tasks: JoinSet::new(),
        names: HashMap::new(),
        stuck: None,
    };
    let stop = watch::Sender::new(false);
    let run = coordinator.run(stop.subscribe());
    let task = tokio::spawn(async move {
        tokio::select! {
            end = run => end,
            never = changes => match never {},
        }
    });
    Ok(Consumer::new(task, board, stop))
}

/// The tables of those sources that are active.
fn active_of<'a>(mappings: impl IntoIterator<Item = &'a Mapping>) -> Active {
    let active = mappings.into_iter().filter(|mapping| mapping.state == MappingState::Active);
    Arc::new(active.map(|mapping| mapping.table_uuid).collect())
}

/// Looks which sources are active. Those that were created meanwhile are for the next consumer.
async fn follow_changes(table: MappingTable, context: Arc<Context>) -> Infallible {
    loop {
        context.clock.sleep(MAPPING_INTERVAL).await;
        context.deliverer.sweep_known().await;
        match table.of_stream(&context.stream_arn).await {
            Ok(mappings) => {
                let known =
                    |mapping: &Mapping| context.mappings.iter().any(|known| known.id() == mapping.id());
                let now = active_of(mappings.iter().filter(|mapping| known(mapping)));
                context.active.send_if_modified(|active| {
                    let is_other = *active != now;
                    *active = now;
                    is_other
                });
            }
            // Until it is known that a source was paused, it is not.
            Err(error) => {
                tracing::warn!(%error, "The mappings of the stream could not be read; trying again.");
            }
        }
    }
}

/// Follows the shards of a stream.
#[derive(Debug)]
struct Coordinator {
    session: AwsSession,
    stream_name: String,
    context: Arc<Context>,
    /// The shards as they were listed last.
    shards: Vec<Shard>,
    /// Those that there were when the consumer began.
    first_shards: HashSet<String>,
    /// The shards that have, or had, a task.
    begun: HashSet<String>,
    /// The shards that are delivered to their end.
    finished: HashSet<String>,
    tasks: JoinSet<ShardEnd>,
    names: HashMap<Id, String>,
    /// The first shard that does not go on for good.
    stuck: Option<Error>,
}

impl Coordinator {
    async fn run(mut self, mut stop: watch::Receiver<bool>) -> Result<ConsumeReport> {
        let context = Arc::clone(&self.context);
        let time_limit = async {
            match context.options.time_limit {
                Some(limit) => context.clock.sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let end = tokio::select! {
            biased;
            () = is_true(&mut stop) => Ok(ConsumeEnd::Stopped),
            () = time_limit => Ok(ConsumeEnd::TimeLimit),
            end = self.follow() => end.map(|()| ConsumeEnd::CaughtUp),
        };
        self.halt().await;
        let took = context.clock.now().duration_since(context.started);
        let stream = (self.stream_name, context.stream_arn.clone());
        Ok(ConsumeReport::new(stream, end?, took.as_secs_f64(), context.board.progress()))
    }

    /// Reads every shard once those are finished that it comes from. Ends when all are caught up, if that was asked for.
    async fn follow(&mut self) -> Result<()> {
        loop {
            self.begin_readable();
            if self.tasks.is_empty() && self.context.options.until_caught_up {
                return self.stuck.take().map_or(Ok(()), Err);
            }
            let clock = Arc::clone(&self.context.clock);
            tokio::select! {
                Some(ended) = self.tasks.join_next_with_id() => {
                    if self.note(ended)? {
                        self.list().await?;
                    }
                }
                () = clock.sleep(LIST_INTERVAL) => self.list().await?,
            }
        }
    }

    fn begin_readable(&mut self) {
        let readable: Vec<String> =
            readable(&self.shards, &self.finished).into_iter().map(|shard| shard.id.clone()).collect();
        for shard in readable {
            if !self.begun.insert(shard.clone()) {
                continue;
            }
            let ancestors = ancestors(&self.shards, &shard);
            let is_new = !self.first_shards.contains(&shard);
            let task = ShardTask::new(Arc::clone(&self.context), shard.clone(), ancestors, is_new);
            let id = self.tasks.spawn(task.run()).id();
            self.names.insert(id, shard);
        }
    }

    /// Takes note of how a shard's task has ended. `true` if there may be new shards.
    ///
    /// # Errors
    ///
    /// A defect: a task that panicked would leave its shard, and those made from it, to nobody.
    fn note(&mut self, ended: Result<(Id, ShardEnd), JoinError>) -> Result<bool> {
        let (id, end) = ended.map_err(|error| {
            let message = "the delivery of a shard panicked; what it said is in the log before this";
            let shard = self.names.remove(&error.id()).unwrap_or_default();
            Error::new(ErrorKind::Unexpected, message).with("shard", shard).caused_by(error)
        })?;
        let shard = self.names.remove(&id).unwrap_or_default();
        Ok(match end {
            ShardEnd::Finished => {
                self.finished.insert(shard);
                true
            }
            ShardEnd::Gone(error) => {
                tracing::info!(shard, %error, "A shard is gone: all its events are too old.");
                self.finished.insert(shard);
                true
            }
            ShardEnd::Stuck(error) => {
                tracing::error!(shard, error = %format!("{error:#}"), "A shard is not delivered any further.");
                self.context.board.failed(&shard, &error);
                self.stuck.get_or_insert(error.with("shard", shard));
                false
            }
            ShardEnd::CaughtUp | ShardEnd::Halted | ShardEnd::Changed => false,
        })
    }

    async fn list(&mut self) -> Result<()> {
        let mut attempts = 0;
        loop {
            match list_shards(&self.session, &self.context.stream_arn).await {
                Ok(shards) => {
                    self.finished.retain(|id| shards.iter().any(|shard| shard.id == *id));
                    self.shards = shards;
                    return Ok(());
                }
                Err(error) if error.is_retryable() => {
                    attempts += 1;
                    tracing::warn!(attempts, %error, "The shards could not be listed; trying again.");
                    self.context.clock.sleep(pause(attempts)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends all tasks: those that deliver get a moment to come to the end of their batch.
    async fn halt(&mut self) {
        self.context.halt.send_replace(true);
        let tasks = &mut self.tasks;
        let all = async { while tasks.join_next().await.is_some() {} };
        tokio::select! {
            () = all => {}
            () = self.context.clock.sleep(GRACE) => {}
        }
        self.tasks.abort_all();
        let tasks = &mut self.tasks;
        let all = async { while tasks.join_next().await.is_some() {} };
        tokio::select! {
            () = all => {}
            () = self.context.clock.sleep(LAST_MOMENT) => {}
        }
    }
}
