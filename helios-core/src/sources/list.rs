//! The sources there are.

use std::collections::{BTreeSet, HashMap};

use futures_util::stream::{self, StreamExt as _};
use uuid::Uuid;

use super::{
    Delivery, DeliverySummary, Mapping, MappingState, Source, SourceState, Sources, Trigger, claim::Claim,
    mapping_table::Unreadable,
};
use crate::{
    Error, ErrorKind, Result,
    delivery::{
        is_made_anew,
        ledger::{Entry, Ledger as _},
    },
    streams::{self, StreamDescription},
    warehouse::TableName,
};

/// What is wrong with a source whose table nobody sees.
pub(super) const TABLE_GONE: &str = "its table was dropped or detached: `ATTACH TABLE` brings back a detached one; \
                                     otherwise `remove` the source, then create it again";

/// How many sources are looked at side by side.
const SOURCES_AT_ONCE: usize = 8;

/// What is seen beside the mappings, or why it is not.
struct Seen {
    tables: Result<HashMap<Uuid, TableName>>,
    triggers: Result<HashMap<String, Trigger>>,
    streams: HashMap<String, Result<StreamDescription>>,
}

impl Sources {
    /// Every source of the account and region, in the order of creation, as it stands.
    ///
    /// What is wrong with one is among its `problems`, and keeps none from being listed: a table that was dropped or renamed
    /// by hand, a trigger that was deleted, a mapping that cannot be read, a part that does not answer.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`](crate::ErrorKind::Unauthenticated), [`PermissionDenied`](crate::ErrorKind::PermissionDenied),
    /// [`Unavailable`](crate::ErrorKind::Unavailable): what keeps the mappings from being read.
    pub async fn list(&self) -> Result<Vec<Source>> {
        let found = self.mappings.everything().await?;
        let mut sources = self.look(found.mappings, &found.claims).await;
        sources.extend(found.unreadable.iter().map(unreadable));
        Ok(sources)
    }

    /// One source as it stands.
    pub(super) async fn show(&self, mapping: Mapping) -> Result<Source> {
        let shown = self.look(vec![mapping], &[]).await.pop();
        shown.ok_or_else(|| Error::unexpected("a source was not to be seen"))
    }

    async fn look(&self, mappings: Vec<Mapping>, claims: &[Claim]) -> Vec<Source> {
        if mappings.is_empty() {
            return Vec::new();
        }
        let identities: Vec<_> = mappings.iter().map(|mapping| mapping.table_uuid).collect();
        let triggers = async {
            if mappings.iter().all(|mapping| mapping.delivery == Delivery::Consumer) {
                return Ok(HashMap::new());
            }
            self.triggers.list(None).await
        };
        let tables = async { Ok(self.warehouse.tables_of(&identities).await?.into_iter().collect()) };
        let arns: BTreeSet<_> = mappings.iter().map(|mapping| mapping.stream_arn.clone()).collect();
        let streams = stream::iter(arns)
            .map(|arn| async move {
                let described = streams::describe(&self.session, &arn).await;
                (arn, described)
            })
            .buffer_unordered(SOURCES_AT_ONCE)
            .collect::<HashMap<_, _>>();
        let (tables, triggers, streams) = futures_util::future::join3(tables, triggers, streams).await;
        let seen = Seen { tables, triggers, streams };
        let seen = &seen;
        stream::iter(mappings)
            .map(|mapping| async move {
                let entries = self.entries(&mapping).await;
                let held = claims.iter().find(|claim| claim.table == mapping.table);
                let is_held = held.is_some_and(|claim| !claim.is_abandoned(self.clock.now()));
                shown(mapping, seen, entries, is_held)
            })
            .buffered(SOURCES_AT_ONCE)
            .collect()
            .await
    }

    /// The ledger's entries of a source, by shard.
    pub(super) async fn entries(&self, mapping: &Mapping) -> Result<Vec<(String, Entry)>> {
        self.ledger.of_source(&mapping.stream_arn, mapping.table_uuid).await
    }
}

fn shown(mapping: Mapping, seen: &Seen, entries: Result<Vec<(String, Entry)>>, is_held: bool) -> Source {
    let mut look = Look { mapping: &mapping, is_orphaned: false, is_failing: false, problems: Vec::new() };
    look.at_table(&seen.tables);
    look.at_stream(seen.streams.get(&mapping.stream_arn));
    let trigger = look.at_trigger(&seen.triggers);
    let delivered = look.at_entries(entries);
    let state = look.state(is_held);
    let problems = look.problems;
    Source {
        id: Some(mapping.id()),
        stream_type: "kinesis".to_owned(),
        table_name: mapping.table.table().as_str().to_owned(),
        created_on: mapping.created_on.strftime("%m-%d-%Y").to_string(),
        database_name: mapping.table.database().as_str().to_owned(),
        stream_name: mapping.stream_name,
        stream_arn: mapping.stream_arn,
        table_uuid: Some(mapping.table_uuid),
        state,
        delivery: mapping.delivery,
        created_by: mapping.created_by,
        trigger,
        delivered,
        problems,
    }
}

/// A look at one source.
struct Look<'a> {
    mapping: &'a Mapping,
    is_orphaned: bool,
    is_failing: bool,
    problems: Vec<String>,
}

impl Look<'_> {
    /// Whether it is meant to be there as a whole.
    fn is_whole(&self) -> bool {
        matches!(self.mapping.state, MappingState::Active | MappingState::Paused)
    }

    fn unseen(&mut self, what: &str, error: &Error) {
        self.problems.push(format!("{what} could not be looked at: {}", error.text()));
    }

    fn at_table(&mut self, tables: &Result<HashMap<Uuid, TableName>>) {
        let tables = match tables {
            Ok(tables) => tables,
            Err(error) => return self.unseen("the table", error),
        };
        match tables.get(&self.mapping.table_uuid) {
            _ if !self.is_whole() => {}
            None => {
                self.is_orphaned = true;
                self.problems.push(TABLE_GONE.to_owned());
            }
            Some(table) if *table != self.mapping.table => {
                self.is_orphaned = true;
                let problem = "its table was renamed to";
                self.problems.push(format!(
                    "{problem} {}: `repair` lets the source follow, or rename it back",
                    table.plain()
                ));
            }
            Some(_) => {}
        }
    }

    fn at_stream(&mut self, stream: Option<&Result<StreamDescription>>) {
        match stream {
            Some(Ok(stream)) if is_made_anew(stream.created_at, self.mapping) => {
                self.is_orphaned |= self.is_whole();
                let problem = "its stream was deleted and created again under the same name: `remove` the source but keep its \
                               table, then create it again";
                self.problems.push(problem.to_owned());
            }
            Some(Err(error)) if error.kind() == ErrorKind::NotFound => {
                self.is_orphaned |= self.is_whole();
                self.problems.push("its stream was deleted: `remove` the source".to_owned());
            }
            Some(Err(error)) => self.unseen("the stream", error),
            Some(Ok(_)) | None => {}
        }
    }

    fn at_trigger(&mut self, triggers: &Result<HashMap<String, Trigger>>) -> Option<Trigger> {
        if self.mapping.delivery == Delivery::Consumer {
            return None;
        }
        let trigger = match triggers {
            Ok(triggers) => triggers.get(&self.mapping.stream_arn).cloned(),
            Err(error) => {
                self.unseen("the trigger", error);
                return None;
            }
        };
        let Some(found) = trigger.as_ref().filter(|trigger| trigger.state != "Deleting") else {
            if self.is_whole() {
                self.is_orphaned = true;
                self.problems
                    .push("the trigger of its stream was deleted: `repair` makes it again".to_owned());
            }
            return trigger;
        };
        if let Err(error) = found.check() {
            self.is_failing = true;
            self.problems.push(error.text().into_owned());
        }
        self.problems.extend(found.warning());
        if self.mapping.state == MappingState::Active {
            if matches!(&*found.state, "Disabled" | "Disabling") {
                self.is_failing = true;
                let problem = "the trigger of its stream is stopped: `resume` the source, or `repair` it";
                self.problems.push(problem.to_owned());
            }
            if let Some(result) = found.last_result.as_deref().filter(|result| is_failure(result)) {
                self.is_failing = true;
                self.problems
                    .push(format!("the delivery function failed last time: {result}; its log says why"));
            }
        }
        trigger
    }

    fn at_entries(&mut self, entries: Result<Vec<(String, Entry)>>) -> Option<DeliverySummary> {
        match entries {
            Ok(entries) => {
                let summary = DeliverySummary::of(&entries);
                let trouble =
                    entries.iter().filter_map(|(_, entry)| entry.trouble.as_ref()?.message.as_ref());
                let messages: BTreeSet<_> = trouble.cloned().collect();
                self.problems.extend(messages);
                if summary.troubled_shards > 0 {
                    self.is_failing = true;
                    let problem =
                        "shards have events that do not get into the table: `delivery_report` says why";
                    self.problems.push(format!("{} {problem}", summary.troubled_shards));
                }
                Some(summary)
            }
            Err(error) => {
                self.unseen("the ledger", &error);
                None
            }
        }
    }

    fn state(&mut self, is_held: bool) -> SourceState {
        let interrupted = |what: &str| format!("{what} was interrupted: `repair` comes to its end");
        match self.mapping.state {
            MappingState::Pending => {
                if !is_held {
                    self.problems.push(interrupted("its create"));
                }
                SourceState::Pending
            }
            MappingState::Removing => {
                if !is_held {
                    self.problems.push(interrupted("its removal, or the undoing of its create,"));
                }
                SourceState::Removing
            }
            _ if self.is_orphaned => SourceState::Orphaned,
            MappingState::Paused => SourceState::Paused,
            MappingState::Active if self.is_failing => SourceState::Failing,
            MappingState::Active => SourceState::Active,
        }
    }
}

/// What Lambda says of a batch that failed.
fn is_failure(result: &str) -> bool {
    result.starts_with("PROBLEM") || result.starts_with("FAILED")
}

fn unreadable(item: &Unreadable) -> Source {
    let problem = format!(
        "its item in the mapping table cannot be read: {}. Delete the item ({}), and create the source again",
        item.why.text(),
        item.table_id
    );
    Source {
        id: None,
        stream_name: item.stream_arn.rsplit('/').next().unwrap_or_default().to_owned(),
        stream_type: "kinesis".to_owned(),
        table_name: item.table_name.clone(),
        created_on: String::new(),
        database_name: String::new(),
        stream_arn: item.stream_arn.clone(),
        table_uuid: item.table_id.parse().ok(),
        state: SourceState::Orphaned,
        delivery: Delivery::default(),
        created_by: None,
        trigger: None,
        delivered: None,
        problems: vec![problem],
    }
}
