//! Which shards are read, and when: by their lineage.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Semaphore, watch},
    task::{Id, JoinError, JoinSet},
};

use super::{
    super::{backoff::pause, deliverer::Deliverer, targets::Targets},
    handle::Consumer,
    options::ConsumeOptions,
    progress::{Board, OnProgress},
    report::{ConsumeEnd, ConsumeReport},
    shard::{Context, GRACE, ShardEnd, ShardTask, is_true},
};
use crate::{
    Error, ErrorKind, Result,
    clock::SharedClock,
    sources::MappingTable,
    streams::{self, AwsSession, Position, Shard, list_shards, readable},
};

/// How many batches may be in memory, gathered or being delivered, of all shards together.
const PLACES: usize = 32;
/// How often the shards are listed where nothing asks for it.
const LIST_INTERVAL: Duration = Duration::from_secs(60);
/// What a task that was told to end is given to do so.
const LAST_MOMENT: Duration = Duration::from_millis(200);

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
    let mappings = mappings.of_stream(&stream.arn).await?;
    if mappings.is_empty() {
        let message = "the stream has no active source, so there is no table to deliver to: create one";
        return Err(Error::new(ErrorKind::NotFound, message).with("stream", stream.name));
    }
    let mut known = HashMap::new();
    for mapping in &mappings {
        let entries = deliverer.ledger().of_source(&stream.arn, mapping.table_uuid).await?;
        let shards = entries.into_iter().filter(|(_, entry)| entry.committed.is_some());
        known.insert(mapping.table_uuid, shards.map(|(shard, _)| shard).collect());
    }
    let shards = list_shards(session, &stream.arn).await?;
    let board = Arc::new(Board::new(on_progress));
    let context = Arc::new(Context {
        kinesis: session.kinesis().await?,
        targets: Targets::new(deliverer.warehouse().clone(), Arc::clone(&clock)),
        deliverer,
        clock,
        stream_arn: stream.arn,
        mappings,
        known,
        started,
        options,
        board: Arc::clone(&board),
        places: Arc::new(Semaphore::new(PLACES)),
        halt: watch::Sender::new(false),
    });
    let coordinator = Coordinator {
        session: session.clone(),
        stream_name: stream.name,
        context,
        shards,
        lists: 1,
        begun: HashSet::new(),
        finished: HashSet::new(),
        tasks: JoinSet::new(),
        names: HashMap::new(),
        stuck: None,
    };
    let stop = watch::Sender::new(false);
    let task = tokio::spawn(coordinator.run(stop.subscribe()));
    Ok(Consumer::new(task, board, stop))
}

/// Follows the shards of a stream.
#[derive(Debug)]
struct Coordinator {
    session: AwsSession,
    stream_name: String,
    context: Arc<Context>,
    /// The shards as they were listed last.
    shards: Vec<Shard>,
    /// How often they were.
    lists: u64,
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
                    if self.note(ended) {
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
            let task = ShardTask {
                context: Arc::clone(&self.context),
                ancestors: ancestors(&self.shards, &shard),
                is_new: self.lists > 1 && self.is_child(&shard),
                shard: shard.clone(),
            };
            let id = self.tasks.spawn(task.run()).id();
            self.names.insert(id, shard);
        }
    }

    /// Whether the shard was made from one that this consumer has finished.
    fn is_child(&self, shard: &str) -> bool {
        let found = self.shards.iter().find(|one| one.id == shard);
        found.is_some_and(|shard| shard.parents.iter().any(|parent| self.finished.contains(parent)))
    }

    /// Takes note of how a shard's task has ended. `true` if there may be new shards.
    fn note(&mut self, ended: Result<(Id, ShardEnd), JoinError>) -> bool {
        let (id, end) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                let message = "the delivery of a shard panicked; what it said is in the log before this";
                let id = error.id();
                (id, ShardEnd::Stuck(Error::new(ErrorKind::Unexpected, message).caused_by(error)))
            }
        };
        let shard = self.names.remove(&id).unwrap_or_default();
        match end {
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
            ShardEnd::CaughtUp | ShardEnd::Halted => false,
        }
    }

    async fn list(&mut self) -> Result<()> {
        let mut attempts = 0;
        loop {
            match list_shards(&self.session, &self.context.stream_arn).await {
                Ok(shards) => {
                    self.finished.retain(|id| shards.iter().any(|shard| shard.id == *id));
                    self.shards = shards;
                    self.lists += 1;
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

/// The shards that this one comes from, as far as they are named.
fn ancestors(shards: &[Shard], shard: &str) -> Vec<String> {
    let parents = |id: &str| shards.iter().find(|one| one.id == id).map_or(&[][..], |one| &one.parents);
    let mut found: Vec<String> = parents(shard).to_vec();
    let mut next = 0;
    while let Some(id) = found.get(next).cloned() {
        next += 1;
        for parent in parents(&id) {
            if !found.contains(parent) {
                found.push(parent.clone());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_are_found_to_the_oldest_that_is_named() {
        let shard = |id: &str, parents: &[&str]| Shard {
            id: id.to_owned(),
            parents: parents.iter().map(ToString::to_string).collect(),
            closed: false,
        };
        let shards =
            [shard("1", &["trimmed"]), shard("2", &["1"]), shard("3", &["1"]), shard("4", &["2", "3"])];
        assert_eq!(ancestors(&shards, "4"), ["2", "3", "1", "trimmed"]);
        assert_eq!(ancestors(&shards, "1"), ["trimmed"]);
        assert_eq!(ancestors(&shards, "5"), [""; 0]);
    }
}
