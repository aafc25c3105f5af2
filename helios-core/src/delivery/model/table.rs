//! A ClickHouse in memory, as far as delivery can tell: one table and its quarantine.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard},
};

use arrow_array::{Array as _, RecordBatch, cast::AsArray as _, types::UInt64Type};
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use uuid::Uuid;

use super::{
    super::{
        ledger::{LedgerKey, OpenRange},
        partitions::Partitions,
        place::Identity,
        policy::Policy,
        provenance::{self, Provenance},
        quarantine,
        schema::TableSchema,
        sink::{Block, Sink},
        target::Target,
        window::Window,
    },
    stream::REFUSED_FROM,
};
use crate::{Column, Error, ErrorCode, ErrorKind, Result, streams::Position, warehouse::TableName};

/// Two schemas of the table: of each, some events fit that do not fit the other.
const SCHEMAS: [&[(&str, &str)]; 2] =
    [&[("id", "UInt64"), ("v", "UInt8")], &[("id", "UInt64"), ("v", "UInt16"), ("w", "UInt8")]];

#[derive(Debug)]
pub(super) struct ModelTable {
    pub(super) has_provenance: bool,
    pub(super) window: Window,
    pub(super) policy: Policy,
    begins: Option<Position>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Which of the two schemas it has.
    pub(super) schema: usize,
    /// The columns it has got from events.
    pub(super) added: Vec<Column>,
    /// The ids of its rows, and where they came from.
    pub(super) rows: Vec<(u64, Option<(String, Identity)>)>,
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
        Self { has_provenance, window, policy: Policy::default(), begins: None, state: Mutex::default() }
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
            uuid: Uuid::from_u128(1),
            provenance: Provenance::take(&mut columns),
            schema: TableSchema { columns, ..TableSchema::default() },
            window: self.window,
            views: Vec::new(),
            definition: format!("{} {:?}", state.schema, state.added),
            blocks: state.blocks,
            partitions: Partitions::default(),
            begins: self.begins,
        }
        .with_policy(self.policy)
    }

    fn take(&self, block: Block<'_>) -> Result<()> {
        let mut state = self.state();
        let rows = block.rows;
        let is_quarantine = block.table.database().as_str() == quarantine::DATABASE;
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
        if !is_quarantine && ids.iter().any(|id| *id >= REFUSED_FROM) {
            return refuse(469);
        }
        let token = (block.table.plain(), block.token.to_owned());
        let inserted = format!("{ids:?}");
        if let Some(before) = state.tokens.get(&token) {
            if *before != inserted {
                state.misused.push(block.token.to_owned());
            }
            return Ok(());
        }
        state.tokens.insert(token, inserted);
        if is_quarantine {
            let places = places(rows, ["shard", "sequence_number", "sub_sequence"]);
            state.quarantine.extend(ids.into_iter().zip(places));
            return Ok(());
        }
        state.blocks += 1;
        if self.has_provenance {
            let names = [provenance::SHARD, provenance::SEQUENCE, provenance::SUB_SEQUENCE];
            let places = places(rows, names).into_iter().map(Some);
            state.rows.extend(ids.into_iter().zip(places));
        } else {
            state.rows.extend(ids.into_iter().map(|id| (id, None)));
        }
        Ok(())
    }
}

impl State {
    /// The columns from events that a schema has not itself.
    fn added_to(&self, schema: usize) -> impl Iterator<Item = Column> {
        let is_new = move |column: &&Column| SCHEMAS[schema].iter().all(|(name, _)| *name != column.name);
        self.added.iter().filter(is_new).cloned()
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
    fn describe<'a>(&'a self, _: &'a TableName, _: Uuid) -> BoxFuture<'a, Result<Target>> {
        ready(Ok(self.target())).boxed()
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
            let places = state.rows.iter().filter_map(|(_, place)| place.as_ref());
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
