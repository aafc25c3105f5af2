//! A ClickHouse in memory, as far as delivery can tell: one table and its quarantine.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard},
};

use arrow_array::{
    Array as _, RecordBatch,
    cast::AsArray as _,
    types::{UInt16Type, UInt64Type},
};
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use uuid::Uuid;

use super::{
    super::{
        batch_column::BatchNumber,
        ledger::{LedgerKey, OpenRange, RowsByBatch},
        partitions::Partitions,
        place::Identity,
        policy::Policy,
        provenance::{self, Provenance},
        quarantine,
        schema::TableSchema,
        sink::{Block, Having, Look, Search, Sink, Whereabouts},
        target::{Target, replaced},
        trial::{Computed, TrialKind},
        window::Window,
    },
    chance::Chance,
    gate::tell,
    stream::REFUSED_FROM,
};
use crate::{Column, Error, ErrorCode, ErrorKind, Result, streams::Position, warehouse::TableName};

/// Schemas of the table: of each, some events fit that do not fit another. The first and the last have the same columns: the
/// first accepts rows that were made for the last, and bends them.
const SCHEMAS: [&[(&str, &str)]; 3] = [
    &[("id", "UInt64"), ("v", "UInt8")],
    &[("id", "UInt64"), ("v", "UInt16"), ("w", "UInt8")],
    &[("id", "UInt64"), ("v", "UInt16")],
];

/// The identity of the table that delivery is meant for.
const OWN: Uuid = Uuid::from_u128(1);
/// The identity of another, which may be put in its place.
const STRANGER: Uuid = Uuid::from_u128(2);

/// The error numbers with which ClickHouse refuses a row: it may be any.
const REFUSALS: [u32; 6] = [469, 6, 32, 376, 4711, 135];
/// The error number if an expression of the table fails for every row.
const BROKEN: u32 = 36;

#[derive(Debug)]
pub(super) struct ModelTable {
    pub(super) has_provenance: bool,
    pub(super) window: Window,
    pub(super) policy: Policy,
    /// Whether its rows can be counted by their batch.
    pub(super) has_batch: bool,
    /// The percentage of inserts that leave their token behind but not their rows, as when ClickHouse is killed.
    poisoned: Option<(u64, Mutex<Chance>)>,
    begins: Option<Position>,
    state: Mutex<State>,
}

/// A row: the id of its event, where it came from, and its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: u64,
    place: Option<(String, Identity)>,
    batch: BatchNumber,
    /// Whether one of its values differs from what was sent.
    pub(super) is_bent: bool,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Which of the two schemas it has.
    pub(super) schema: usize,
    /// The columns it has got from events.
    pub(super) added: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// Rows in the table that was put in its place.
    pub(super) strayed: Vec<Row>,
    /// Whether another table is in its place.
    pub(super) is_exchanged: bool,
    /// How often its schema was changed.
    pub(super) changes: u64,
    /// Whether an expression of it fails for every row.
    pub(super) is_broken: bool,
    /// The ids of events in quarantine, and where they came from.
    pub(super) quarantine: Vec<(u64, (String, Identity))>,
    /// Which rows were inserted under a token.
    tokens: HashMap<(String, String), String>,
    blocks: u64,
    /// Tokens that came again with other rows.
    pub(super) misused: Vec<String>,
}

impl ModelTable {
    pub(super) fn new(has_provenance: bool) -> Self {
        let window = Window { blocks: 10_000, seconds: None };
        Self {
            has_provenance,
            window,
            policy: Policy::default(),
            has_batch: false,
            poisoned: None,
            begins: None,
            state: Mutex::default(),
        }
    }

    pub(super) fn with_batch(self) -> Self {
        Self { has_batch: true, ..self }
    }

    /// Makes this percentage of inserts leave only their token behind.
    pub(super) fn poisoned(self, percent: u64, seed: u64) -> Self {
        Self { poisoned: Some((percent, Mutex::new(Chance::new(seed)))), ..self }
    }

    pub(super) fn with_window(self, window: Window) -> Self {
        Self { window, ..self }
    }

    pub(super) fn beginning_at(self, position: Position) -> Self {
        Self { begins: Some(position), ..self }
    }

    pub(super) fn with_policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Somebody else inserts so many blocks.
    pub(super) fn pass_blocks(&self, blocks: u64) {
        let mut state = self.state();
        state.blocks += blocks;
        let window = usize::try_from(self.window.blocks).unwrap();
        if usize::try_from(blocks).unwrap() >= window {
            state.tokens.clear();
        }
    }

    /// Makes the table forget all tokens, as after a long time.
    pub(super) fn forget_tokens(&self) {
        self.state().tokens.clear();
    }

    pub(super) fn target(&self) -> Target {
        let state = self.state();
        let mut columns: Vec<_> =
            SCHEMAS[state.schema].iter().map(|(name, data_type)| Column::new(*name, *data_type)).collect();
        columns.extend(state.added_to(state.schema));
        if self.has_provenance {
            let of_rows = [
                (provenance::SHARD, "String"),
                (provenance::SEQUENCE, "String"),
                (provenance::SUB_SEQUENCE, "UInt64"),
            ];
            columns.extend(of_rows.map(|(name, data_type)| Column::new(name, data_type)));
        }
        Target {
            table: TableName::new("d", "t").unwrap(),
            uuid: OWN,
            has_batch: self.has_batch,
            keeps_rows: true,
            combines_rows: false,
            provenance: Provenance::take(&mut columns),
            schema: TableSchema { columns, ..TableSchema::default() },
            other_columns: Vec::new(),
            window: self.window,
            views: Vec::new(),
            definition: state.definition(),
            modified: state.changes + 1,
            blocks: state.blocks,
            partitions: Partitions::default(),
            begins: self.begins,
        }
        .with_policy(self.policy)
    }

    fn take(&self, block: Block<'_>) -> Result<()> {
        let mut state = self.state();
        let rows = block.rows;
        let is_trial = block.table.table().as_str().starts_with("trial");
        let is_quarantine = !is_trial && block.table.database().as_str() == quarantine::DATABASE;
        let refuse = |code| {
            let error = Error::new(ErrorKind::InvalidQuery, "refused");
            Err(error.with_code(ErrorCode::ClickHouse { code, name: None }))
        };
        let known = SCHEMAS[state.schema];
        let is_unknown = |name: &str| {
            let of_schema = known.iter().map(|(known, _)| *known);
            let mut columns = of_schema.chain(state.added.iter().map(|column| column.name.as_str()));
            !name.starts_with('_') && columns.all(|known| known != name)
        };
        if !is_quarantine && rows.schema().fields().iter().any(|field| is_unknown(field.name())) {
            return refuse(16);
        }
        let ids = if is_quarantine { raw_ids(rows) } else { u64s(rows, "id") };
        if !is_quarantine {
            if state.is_broken && !state.is_exchanged {
                return refuse(BROKEN);
            }
            if let Some(refused) = ids.iter().find(|id| **id >= REFUSED_FROM) {
                return refuse(REFUSALS[usize::try_from(refused % 6).unwrap()]);
            }
        }
        if is_trial {
            return Ok(());
        }
        let place = format!("{} {}", block.table.plain(), state.is_exchanged && !is_quarantine);
        let token = (place, block.token.to_owned());
        let inserted = format!("{ids:?}");
        if let Some(before) = state.tokens.get(&token) {
            if *before != inserted {
                state.misused.push(block.token.to_owned());
            }
            return Ok(());
        }
        state.tokens.insert(token, inserted);
        if let Some((percent, chance)) = &self.poisoned
            && chance.lock().unwrap().percent(*percent)
        {
            return Err(Error::new(ErrorKind::Unavailable, "the server was killed").retryable(true));
        }
        if is_quarantine {
            let places = places(rows, ["shard", "sequence_number", "sub_sequence"]);
            tell(|| format!("quarantined under {}, ids {ids:?}", block.token));
            state.quarantine.extend(ids.into_iter().zip(places));
            return Ok(());
        }
        state.blocks += 1;
        let places: Vec<_> = if self.has_provenance {
            let names = [provenance::SHARD, provenance::SEQUENCE, provenance::SUB_SEQUENCE];
            places(rows, names).into_iter().map(Some).collect()
        } else {
            vec![None; ids.len()]
        };
        let sent = values(rows);
        let is_narrow = known.contains(&("v", "UInt8"));
        let new = ids.into_iter().zip(places).zip(sent).map(|((id, place), sent)| Row {
            id,
            place,
            batch: block.batch,
            is_bent: is_narrow && sent > u64::from(u8::MAX),
        });
        let new: Vec<_> = new.collect();
        tell(|| {
            let ids: Vec<_> = new.iter().map(|row| row.id).collect();
            format!("inserted batch {}, schema {}, ids {ids:?}", block.batch, state.schema)
        });
        if state.is_exchanged {
            state.strayed.extend(new);
        } else {
            state.rows.extend(new);
        }
        Ok(())
    }

    /// The rows of the table that has this name now.
    fn rows_of<'s>(&self, state: &'s mut State, table: &TableName) -> &'s mut Vec<Row> {
        let is_other = table.table().as_str() == "aside";
        if state.is_exchanged == is_other { &mut state.rows } else { &mut state.strayed }
    }
}

impl State {
    fn definition(&self) -> String {
        format!("{} {:?} {}", self.schema, self.added, self.is_broken)
    }

    /// The columns from events that a schema does not have itself.
    fn added_to(&self, schema: usize) -> impl Iterator<Item = Column> {
        let is_new = move |column: &&Column| SCHEMAS[schema].iter().all(|(name, _)| *name != column.name);
        self.added.iter().filter(is_new).cloned()
    }
}

/// The values of the column `v`.
fn values(rows: &RecordBatch) -> Vec<u64> {
    let Some(column) = rows.column_by_name("v") else { return vec![0; rows.num_rows()] };
    match column.as_primitive_opt::<UInt16Type>() {
        Some(wide) => wide.values().iter().map(|value| u64::from(*value)).collect(),
        None => vec![0; rows.num_rows()],
    }
}

fn u64s(rows: &RecordBatch, name: &str) -> Vec<u64> {
    rows.column_by_name(name).unwrap().as_primitive::<UInt64Type>().values().to_vec()
}

fn texts(rows: &RecordBatch, name: &str) -> Vec<String> {
    let texts = rows.column_by_name(name).unwrap().as_string::<i32>();
    (0..texts.len()).map(|at| texts.value(at).to_owned()).collect()
}

/// The ids in events' bytes.
fn raw_ids(rows: &RecordBatch) -> Vec<u64> {
    let raw = rows.column_by_name("raw_data").unwrap().as_binary::<i32>();
    let ids = raw.iter().map(|raw| {
        let text = std::str::from_utf8(raw.unwrap()).unwrap();
        let rest = text.strip_prefix(r#"{"id":"#).unwrap();
        rest.split(',').next().unwrap().parse().unwrap()
    });
    ids.collect()
}

fn places(rows: &RecordBatch, [shard, sequence, sub]: [&str; 3]) -> Vec<(String, Identity)> {
    let numbers = texts(rows, sequence).into_iter().zip(u64s(rows, sub));
    let identities =
        numbers.map(|(sequence_number, sub_sequence)| Identity { sequence_number, sub_sequence });
    texts(rows, shard).into_iter().zip(identities).collect()
}

impl Sink for ModelTable {
    fn describe<'a>(&'a self, _: &'a TableName, uuid: Uuid) -> BoxFuture<'a, Result<Target>> {
        async move {
            tell(|| format!("described, exchanged: {}", self.state().is_exchanged));
            if self.state().is_exchanged {
                return Err(replaced(STRANGER, uuid));
            }
            Ok(self.target())
        }
        .boxed()
    }

    fn look<'a>(
        &'a self,
        (table, asked): (&'a TableName, Uuid),
        batches: &'a [BatchNumber],
    ) -> BoxFuture<'a, Result<Option<Look>>> {
        async move {
            let state = self.state();
            tell(|| {
                format!("looked for batches {batches:?}: schema {}, changes {}", state.schema, state.changes)
            });
            let is_other = table.table().as_str() == "aside";
            if is_other && !state.is_exchanged {
                return Ok(None);
            }
            let uuid = if state.is_exchanged == is_other { OWN } else { STRANGER };
            let definition = if uuid == OWN { state.definition() } else { "another".to_owned() };
            let rows = if asked == OWN { state.rows.iter() } else { state.strayed.iter() };
            let counts = batches
                .iter()
                .map(|batch| rows.clone().filter(|row| row.batch == *batch).count().try_into().unwrap());
            let rows = self.has_batch.then(|| RowsByBatch::new(batches, counts.collect()));
            Ok(Some(Look { uuid, definition, modified: state.changes + 1, rows }))
        }
        .boxed()
    }

    fn take_back<'a>(&'a self, having: &'a Having, batch: BatchNumber) -> BoxFuture<'a, Result<()>> {
        async move {
            tell(|| format!("took back batch {batch}"));
            let mut state = self.state();
            self.rows_of(&mut state, &having.table).retain(|row| row.batch != batch);
            Ok(())
        }
        .boxed()
    }

    fn tables_with<'a>(&'a self, _: Uuid, batches: &'a [BatchNumber]) -> BoxFuture<'a, Result<Search>> {
        async move {
            let mut state = self.state();
            tell(|| format!("looked for batches {batches:?} everywhere"));
            let names = ["t", "aside"].map(|name| TableName::new("d", name).unwrap());
            let having = names.into_iter().map(|table| {
                let is_own = state.is_exchanged == (table.table().as_str() == "aside");
                let rows = self.rows_of(&mut state, &table).iter();
                let rows = rows.filter(|row| batches.contains(&row.batch)).count();
                let uuid = if is_own { OWN } else { STRANGER };
                Having { table, uuid, rows: u64::try_from(rows).unwrap() }
            });
            let having = having.filter(|having| having.rows > 0).collect();
            Ok(Search { having, has_seen_own: true })
        }
        .boxed()
    }

    fn whereabouts<'a>(&'a self, _: Uuid, _: &'a TableName) -> BoxFuture<'a, Result<Whereabouts>> {
        async move {
            let name = if self.state().is_exchanged { "aside" } else { "t" };
            Ok(Whereabouts::Named(TableName::new("d", name).unwrap()))
        }
        .boxed()
    }

    fn make_trial<'a>(&'a self, _: &'a TableName, _: TrialKind) -> BoxFuture<'a, Result<TableName>> {
        ready(TableName::new(quarantine::DATABASE, "trial")).boxed()
    }

    fn try_own_row<'a>(
        &'a self,
        _: &'a TableName,
        _: &'a TableName,
        _: &'a [String],
    ) -> BoxFuture<'a, Result<bool>> {
        async move { Ok(!self.state().is_broken) }.boxed()
    }

    fn computed_columns<'a>(&'a self, _: &'a TableName) -> BoxFuture<'a, Result<Vec<Computed>>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn remove_expression<'a>(&'a self, _: &'a TableName, _: &'a Computed) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }

    fn drop_trial<'a>(&'a self, _: &'a TableName) -> BoxFuture<'a, ()> {
        ready(()).boxed()
    }

    fn add_columns<'a>(&'a self, _: &'a TableName, columns: &'a [Column]) -> BoxFuture<'a, Result<()>> {
        async move {
            let mut state = self.state();
            for column in columns {
                if state.added.iter().all(|known| known.name != column.name) {
                    state.added.push(column.clone());
                }
            }
            Ok(())
        }
        .boxed()
    }

    /// It happens when it is waited for, not before.
    fn insert<'a>(&'a self, block: Block<'a>) -> BoxFuture<'a, Result<()>> {
        async move { self.take(block) }.boxed()
    }

    fn ensure_quarantine<'a>(&'a self, _: &'a TableName) -> BoxFuture<'a, Result<()>> {
        ready(Ok(())).boxed()
    }

    fn count_rows<'a>(
        &'a self,
        _: &'a TableName,
        key: &'a LedgerKey,
        range: &'a OpenRange,
    ) -> BoxFuture<'a, Result<u64>> {
        let count = async move {
            let state = self.state();
            let places = state.rows.iter().filter_map(|row| row.place.as_ref());
            let within = places.filter(|(shard, place)| {
                *shard == key.shard && (&range.first..=&range.last).contains(&place)
            });
            Ok(within.count().try_into().unwrap())
        };
        count.boxed()
    }

    fn quarantined<'a>(
        &'a self,
        _: &'a TableName,
        key: &'a LedgerKey,
        range: &'a OpenRange,
    ) -> BoxFuture<'a, Result<BTreeSet<Identity>>> {
        let find = async move {
            let state = self.state();
            let places = state.quarantine.iter().map(|(_, place)| place);
            let within = places.filter(|(shard, place)| {
                *shard == key.shard && (&range.first..=&range.last).contains(&place)
            });
            Ok(within.map(|(_, place)| place.clone()).collect())
        };
        find.boxed()
    }
}
