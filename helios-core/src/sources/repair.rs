//! Finishing or undoing what was interrupted, and mending what was changed by hand.

use futures_util::FutureExt as _;
use serde::Serialize;
use uuid::Uuid;

use super::{
    Delivery, Mapping, MappingState, Sources,
    claim::Claim,
    create::{Request, check_found, ordered},
    list::TABLE_GONE,
    mapping::Removal,
    saga::Saga,
};
use crate::{Error, ErrorKind, Result, streams};

/// What was repaired, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Repair {
    /// What was done, in order.
    pub done: Vec<RepairStep>,
    /// What is left for a person.
    pub left: Vec<RepairStep>,
}

/// One thing that was repaired, or was not.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RepairStep {
    /// The source's id, if it has one.
    pub id: Option<Uuid>,
    /// The table, `database.table`.
    pub table: String,
    /// What was done, or what is wrong and what to do.
    pub what: String,
}

impl Repair {
    fn step(mapping: &Mapping, what: impl Into<String>) -> RepairStep {
        RepairStep { id: Some(mapping.id()), table: mapping.table.plain(), what: what.into() }
    }

    fn did(&mut self, mapping: &Mapping, what: impl Into<String>) {
        self.done.push(Self::step(mapping, what));
    }

    fn leave(&mut self, mapping: &Mapping, what: impl Into<String>) {
        self.left.push(Self::step(mapping, what));
    }
}

impl Sources {
    /// Finishes the creates and removals that were interrupted, or undoes a create that cannot be finished; makes triggers
    /// again that were deleted by hand, starts those that should run, and follows tables that were renamed.
    ///
    /// What somebody is at, or was less than a minute ago, it leaves alone. It never drops a table that Helios has not made,
    /// or that has rows.
    ///
    /// # Errors
    ///
    /// What keeps the mappings from being read. What keeps a source from being repaired is in `left`.
    pub async fn repair(&self) -> Result<Repair> {
        let mut repair = Repair::default();
        let found = self.mappings.everything().await?;
        let now = self.clock.now();
        for left in found.claims.iter().filter(|claim| claim.is_abandoned(now)) {
            if found.mappings.iter().any(|mapping| mapping.table == left.table) {
                continue;
            }
            let claim = Claim::new(left.table.clone(), "repair".to_owned(), now);
            // Unless it was extended, or taken over, since it was read.
            if self.mappings.take_over(left, &claim).await? {
                self.mappings.release(&claim).await?;
                let what = "a create was interrupted before it made anything: its claim is given up";
                repair.done.push(RepairStep { id: None, table: claim.table.plain(), what: what.to_owned() });
            }
        }
        for mapping in &found.mappings {
            let held = found.claims.iter().find(|claim| claim.table == mapping.table);
            if held.is_some_and(|claim| !claim.is_abandoned(self.clock.now())) {
                repair.leave(
                    mapping,
                    "somebody is at it, or was less than a minute ago: try again in a minute",
                );
                continue;
            }
            if let Err(error) = self.repair_one(mapping, held, &mut repair).boxed().await {
                repair.leave(mapping, error.text());
            }
        }
        for item in &found.unreadable {
            let what = format!(
                "the item of the stream {} in the mapping table cannot be read ({}): delete it, and create the source again",
                item.stream_arn,
                item.why.text()
            );
            repair.left.push(RepairStep { id: None, table: item.table_name.clone(), what });
        }
        Ok(repair)
    }

    async fn repair_one(&self, mapping: &Mapping, held: Option<&Claim>, repair: &mut Repair) -> Result<()> {
        match mapping.state {
            MappingState::Pending | MappingState::Removing => {
                let held = self.hold(mapping.clone(), "repair").await?;
                let conclude = async { self.conclude(&held.mapping().await?).await };
                repair.did(mapping, held.work(conclude.boxed()).await?);
            }
            MappingState::Active | MappingState::Paused => {
                if held.is_some() {
                    let held = self.hold(mapping.clone(), "repair").await?;
                    let align = async {
                        if held.mapping().await?.delivery == Delivery::Function {
                            self.replace_trigger(&mapping.stream_arn).await?;
                            self.align(&mapping.stream_arn).await?;
                        }
                        Ok(())
                    };
                    held.work(align.boxed()).await?;
                    repair.did(mapping, "a change of it was interrupted, and is finished");
                }
                self.mend(mapping, repair).await?;
            }
        }
        Ok(())
    }

    /// Comes to the end of a create or a removal that was interrupted. Returns what was done.
    pub(super) async fn conclude(&self, mapping: &Mapping) -> Result<&'static str> {
        match (mapping.state, mapping.removal) {
            (MappingState::Pending, _) => {
                if self.finish(mapping).await? {
                    return Ok("its create was interrupted, and is finished");
                }
                self.undo(mapping.clone()).await?;
                Ok("its create was interrupted and could not be finished: what it had made is undone")
            }
            (_, removal) => {
                self.dismantle(mapping).await?;
                Ok(match removal {
                    Some(Removal::Undo) => "its create has failed: what it had made is undone",
                    _ => "its removal was interrupted, and is finished",
                })
            }
        }
    }

    /// Finishes a create. `false` if it cannot be finished: then nothing of it is left.
    async fn finish(&self, mapping: &Mapping) -> Result<bool> {
        let Some(spec) = mapping.spec() else { return Ok(false) };
        let prepared = async {
            let stream = streams::describe(&self.session, &mapping.stream_arn).await?;
            if mapping.delivery == Delivery::Function {
                self.triggers.check_function().await?;
            }
            let request = Request::new(&spec, stream)?;
            let found = self.warehouse.describe_table(&mapping.table).await?;
            // The table that it had made itself is no table that was there.
            let found = found.filter(|found| !(mapping.made.table && found.uuid == mapping.table_uuid));
            check_found(&request, found.as_ref())?;
            let order = ordered(mapping.clone(), found.as_ref());
            if order.table_uuid != mapping.table_uuid {
                let message = "another table has taken its place";
                return Err(Error::new(ErrorKind::Conflict, message));
            }
            Ok((request, order))
        };
        let (request, order) = match prepared.await {
            Ok(prepared) => prepared,
            Err(error) if error.is_retryable() => return Err(error),
            Err(_) => return Ok(false),
        };
        Saga::new(self, &request, order).run().boxed().await.map(|_| true)
    }

    /// Mends what was changed by hand.
    async fn mend(&self, mapping: &Mapping, repair: &mut Repair) -> Result<()> {
        let by_uuid = self.warehouse.tables_of(&[mapping.table_uuid]).await?;
        match by_uuid.into_iter().next() {
            None => repair.leave(mapping, TABLE_GONE),
            Some((_, table)) if table == mapping.table => {}
            Some((_, table)) => {
                let held = self.hold(mapping.clone(), "rename").await?;
                let rename = async {
                    let mapping = held.mapping().await?;
                    self.mappings.write(&Mapping { table: table.clone(), ..mapping }).await
                };
                held.work(rename).await?;
                repair.did(
                    mapping,
                    format!("its table was renamed to {}: it is filled under that name", table.plain()),
                );
            }
        }
        if mapping.delivery != Delivery::Function {
            return Ok(());
        }
        let stream = &mapping.stream_arn;
        if self.replace_trigger(stream).await? {
            self.align(stream).await?;
            repair.did(mapping, "the trigger of its stream was deleted, and is made again");
            return Ok(());
        }
        let trigger = self.triggers.find(stream).await?;
        if mapping.state == MappingState::Active && trigger.is_some_and(|trigger| !trigger.is_enabled()) {
            self.align(stream).await?;
            repair.did(mapping, "the trigger of its stream was stopped, and runs again");
        }
        Ok(())
    }

    /// Comes to the end of what was interrupted at a table, for whoever has the claim on it now; it may have been taken over
    /// from somebody.
    pub(super) async fn finish_interrupted(
        &self,
        claim: &Claim,
        from: Option<&Claim>,
        request: &Request,
    ) -> Result<()> {
        let mut left = self.mappings.all().await?;
        left.retain(|mapping| mapping.table == claim.table);
        for mapping in left {
            match mapping.state {
                MappingState::Pending | MappingState::Removing => {
                    let mapping = Mapping { operation_id: claim.operation_id, ..mapping };
                    self.mappings.write(&mapping).await?;
                    if mapping.state == MappingState::Removing || request.is_of(&mapping) {
                        self.conclude(&mapping).await?;
                    } else {
                        self.undo(mapping).await?;
                    }
                }
                // It may have been interrupted before its trigger was started.
                MappingState::Active | MappingState::Paused
                    if mapping.delivery == Delivery::Function
                        && from.is_some_and(|from| from.operation_id == mapping.operation_id) =>
                {
                    self.align(&mapping.stream_arn).await?;
                }
                MappingState::Active | MappingState::Paused => {}
            }
        }
        Ok(())
    }
}
