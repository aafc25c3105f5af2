//! What became of a stream since its table was made: later events, and the table's columns.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::Serialize;

use super::check::{SampleReject, Sampled};
use crate::{
    Column, Error, FieldPath, Result,
    column_names::can_be_element,
    delivery::{
        NewColumn, Reject, RejectKind, TableSchema, Target, UnknownFields, nested_parts, new_columns_within,
    },
    json,
    schema::{InferOptions, Observation, Risk, infer_with, or_null, risk, widen},
    warehouse::{
        Alteration, Ident, TableDescription, Warehouse, from_clickhouse,
        types::{DataType, TupleField},
    },
};

/// How later events differ from the table that they go to, and what would mend it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SchemaDrift {
    /// The stream's ARN; `null` if the events were given.
    #[serde(rename = "streamARN")]
    pub stream_arn: Option<String>,
    /// The table's database.
    pub database_name: String,
    /// The table.
    pub table_name: String,
    /// How many events were looked at.
    pub events: u64,
    /// How many of them are rows of the table as it is.
    pub fitting: u64,
    /// How many are rejected.
    pub rejected: u64,
    /// The first 100 of these.
    pub rejects: Vec<SampleReject>,
    /// Fields that the table has no column for: what they hold is lost, unless the source's policy says otherwise.
    pub new_fields: Vec<NewField>,
    /// Columns that do not hold what some events have for them.
    pub changed: Vec<ChangedColumn>,
    /// Columns for which no event has a value.
    pub unsent: Vec<String>,
    /// The statement that mends what can be mended; `null` if there is nothing of it.
    pub alter: Option<String>,
}

/// A field that the table has no column for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NewField {
    /// Where it is in an event, as a JSON Pointer: `"/user/plan"`.
    pub field: FieldPath,
    /// The column that it would have.
    pub column: Column,
    /// How many events have a value for it.
    pub events: u64,
    /// Why the type.
    pub why: String,
    /// Some of its values, as JSON.
    pub examples: Vec<String>,
}

/// A column that does not hold what some events have for it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChangedColumn {
    /// Its name.
    pub column: String,
    /// Its type.
    #[serde(rename = "type")]
    pub data_type: String,
    /// How many events it does not hold the value of, or not the whole.
    pub events: u64,
    /// What is wrong with the first of them: the word, as in the quarantine.
    pub error_type: String,
    /// The same, for a person.
    pub message: String,
    /// Where in the event that is.
    pub path: Option<String>,
    /// The type that would hold what is stored and all of the events; `null` if there is none that ClickHouse can convert
    /// it to without change.
    pub proposed: Option<String>,
    /// Why that type, or why none.
    pub why: String,
}

/// Compares later events with a table.
///
/// # Errors
///
/// What keeps ClickHouse from saying what is stored.
pub(crate) async fn drift(
    warehouse: &Warehouse,
    target: Target,
    description: &TableDescription,
    sampled: Sampled,
    options: InferOptions,
) -> Result<SchemaDrift> {
    let (schema, others) = (target.schema.clone(), target.other_columns.clone());
    let looking = move || {
        let looking = Looking::new(schema, others, sampled, options);
        looking.look().map(|found| (looking, found))
    };
    // Not on the thread that others' requests wait for.
    let (looking, mut found) = tokio::task::spawn_blocking(looking)
        .await
        .map_err(|error| Error::unexpected("the events could not be looked through").caused_by(error))??;
    // Nothing is stored of an `EPHEMERAL` column, and nothing can be read.
    let is_stored = |column: &String| {
        !description.expressions.contains_key(column) || description.defaults.contains(column)
    };
    for changed in &mut found.changed {
        if description.keys.contains(&changed.column) {
            changed.proposed = None;
            "the column is part of a key of the table, of which ClickHouse changes no types"
                .clone_into(&mut changed.why);
        } else if let Some(risk) = changed.risk
            && is_stored(&changed.column)
            && is_run(warehouse, &target, &changed.column, risk).await?
        {
            let text = to_text(changed);
            changed.proposed = text;
            changed.why = format!("the table has {}, so text", what_is_lost(risk));
        }
    }
    let added: Vec<_> = found.new_fields.iter().map(|field| field.column.clone()).collect();
    let proposed = found
        .changed
        .iter()
        .filter_map(|changed| Some(Column::new(&changed.column, changed.proposed.as_ref()?)));
    let alteration = Alteration::new(target.table.clone(), &added, &proposed.collect::<Vec<_>>())?;
    Ok(SchemaDrift {
        stream_arn: None,
        database_name: target.table.database().as_str().to_owned(),
        table_name: target.table.table().as_str().to_owned(),
        events: looking.sampled.count(),
        fitting: looking.sampled.count() - found.rejected,
        rejected: found.rejected,
        rejects: found.rejects,
        new_fields: found.new_fields,
        changed: found.changed.into_iter().map(Changed::into_shown).collect(),
        unsent: found.unsent,
        alter: (!alteration.is_empty()).then(|| alteration.to_string()),
    })
}

/// The types that hold all that a column has and differ least from its own: with room for null, and of times with more digits.
fn near(old: &DataType) -> Vec<(DataType, String)> {
    let bare = match old {
        DataType::Nullable(inner) => inner,
        other => other,
    };
    let (digits, zone) = match bare {
        DataType::DateTime { timezone } => (0, timezone.clone()),
        DataType::DateTime64 { precision, timezone } => (*precision, timezone.clone()),
        _ => (u8::MAX, None),
    };
    let finer = [3, 6, 9].into_iter().filter(|more| *more > digits).map(|precision| {
        let data_type = DataType::DateTime64 { precision, timezone: zone.clone() };
        (data_type, format!("the times need {precision} digits of a second"))
    });
    let null = |data_type: &DataType, why: &str| {
        (or_null(data_type), format!("{why}; not every event has a value for it"))
    };
    let same = (!old.is_nullable()).then(|| (or_null(old), "not every event has a value for it".to_owned()));
    let finer = finer.flat_map(|(data_type, why)| {
        let plain = (!old.is_nullable()).then(|| (data_type.clone(), why.clone()));
        plain.into_iter().chain([null(&data_type, &why)])
    });
    same.into_iter().chain(finer).collect()
}

/// A type without its null, if the old one has none, and with it: where a `DEFAULT` stands in for an absent field, no null does.
fn with_and_without_null(old: &DataType) -> impl Fn((DataType, String)) -> Vec<(DataType, String)> {
    let had_null = old.is_nullable();
    move |(wide, why)| match &wide {
        DataType::Nullable(inner) if !had_null => vec![((**inner).clone(), why.clone()), (wide, why)],
        _ => vec![(wide, why)],
    }
}

/// Whether a stored value runs a risk.
async fn is_run(warehouse: &Warehouse, target: &Target, column: &str, risk: Risk) -> Result<bool> {
    let column = Ident::new(column)?;
    let condition = match risk {
        Risk::Rounding => format!("abs(toInt256(assumeNotNull({column}))) > 9007199254740992"),
        Risk::Range => format!("toYear(assumeNotNull({column})) > 2261"),
    };
    let sql = format!("SELECT count() FROM (SELECT 1 FROM {} WHERE {condition} LIMIT 1)", target.table);
    let found: u64 = warehouse.client().query_raw(&sql).fetch_one().await.map_err(from_clickhouse)?;
    Ok(found > 0)
}

fn is_nested(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Array(_) | DataType::Map(..) | DataType::Tuple(_))
}

fn what_is_lost(risk: Risk) -> &'static str {
    match risk {
        Risk::Rounding => "integers that a 64-bit float would round",
        Risk::Range => "times beyond the year 2261, which do not go to the nanosecond",
    }
}

/// A text for what a column holds.
fn to_text(changed: &Changed) -> Option<String> {
    let wide = widen(&changed.data_type.parse().ok()?, &"String".parse().ok()?)?;
    let is_null = changed.proposed.as_ref()?.starts_with("Nullable(");
    Some(if is_null && !wide.is_nullable() { format!("Nullable({wide})") } else { wide.to_string() })
}

/// Events, beside the columns they should fill.
struct Looking {
    schema: TableSchema,
    /// Names of columns beyond the schema.
    others: Vec<String>,
    sampled: Sampled,
    /// Those that could be rows of some table.
    readable: Vec<Bytes>,
    options: InferOptions,
}

struct Found {
    rejected: u64,
    rejects: Vec<SampleReject>,
    new_fields: Vec<NewField>,
    changed: Vec<Changed>,
    unsent: Vec<String>,
}

/// A column that some events do not fit.
struct Changed {
    column: String,
    data_type: String,
    events: u64,
    first: Reject,
    proposed: Option<String>,
    why: String,
    /// What may become of stored values on the way to the proposed type.
    risk: Option<Risk>,
}

impl Changed {
    fn into_shown(self) -> ChangedColumn {
        ChangedColumn {
            column: self.column,
            data_type: self.data_type,
            events: self.events,
            error_type: self.first.error_type.to_string(),
            message: self.first.message,
            path: self.first.path.map(Into::into),
            proposed: self.proposed,
            why: self.why,
        }
    }
}

impl Looking {
    fn new(schema: TableSchema, others: Vec<String>, sampled: Sampled, options: InferOptions) -> Self {
        let mut observation = Observation::default();
        let readable = sampled.events.iter().filter(|event| observation.add(event)).cloned().collect();
        Self { schema, others, sampled, readable, options }
    }

    fn look(&self) -> Result<Found> {
        let mut decoder = self.schema.decoder()?;
        let (rejected, rejects) = self.sampled.rejects(&mut decoder);
        let mut found = Found {
            rejected,
            rejects,
            new_fields: self.new_fields()?,
            changed: Vec::new(),
            unsent: Vec::new(),
        };
        for column in &self.schema.columns {
            let rejects = self.rejects_of(column)?;
            if let Some((events, first)) = rejects {
                found.changed.push(self.changed(column, events, first)?);
            }
            if !self.sampled.events.is_empty()
                && self.values(column).next().is_none()
                && !self.is_nested(column)
            {
                found.unsent.push(column.name.clone());
            }
        }
        Ok(found)
    }

    /// The fields beyond the columns: at the top, and in objects from within which columns are filled.
    fn new_fields(&self) -> Result<Vec<NewField>> {
        let sources: Vec<_> = self.schema.columns.iter().map(Column::source).collect();
        let places: BTreeSet<_> = sources.iter().flat_map(FieldPath::around).collect();
        let events = self.sampled.events.iter().map(|event| &**event);
        let mut others = self.others.clone();
        let mut found = new_columns_within(&self.schema, &others, None, events)?;
        for place in &places {
            others.extend(found.iter().map(|new| new.column.name.clone()));
            let objects = self.texts().filter_map(|event| json::find(event, place.keys()));
            let objects: Vec<_> = objects.map(str::as_bytes).collect();
            found.extend(new_columns_within(&self.schema, &others, Some(place), objects)?);
        }
        let field = |NewColumn { column, evidence }| NewField {
            field: column.source(),
            column,
            events: evidence.present,
            why: evidence.why,
            examples: evidence.examples,
        };
        Ok(found.into_iter().map(field).collect())
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.readable.iter().filter_map(|event| std::str::from_utf8(event).ok())
    }

    /// What events have for a column, nulls left out.
    fn values(&self, column: &Column) -> impl Iterator<Item = &str> {
        let source = column.source();
        self.texts()
            .filter_map(move |event| json::find(event, source.keys()))
            .filter(|value| *value != "null")
    }

    /// Whether events have a field of the `Nested` that a column is a part of.
    fn is_nested(&self, column: &Column) -> bool {
        let Some((name, _)) = column.name.split_once('.') else { return false };
        let has_name = nested_parts(&self.schema.columns).iter().any(|(known, _)| *known == name);
        has_name && self.texts().any(|event| json::find(event, &[name]).is_some_and(|value| value != "null"))
    }

    /// How many events a column does not hold the value of, and why not the first.
    fn rejects_of(&self, column: &Column) -> Result<Option<(u64, Reject)>> {
        let rejects = self.rejects(self.schema.only(&column.name), column)?;
        let count = rejects.len() as u64;
        Ok(rejects.into_iter().next().map(|first| (count, first)))
    }

    /// Whether all events fit a column of another type.
    fn fits(&self, column: &Column) -> Result<bool> {
        let mut schema = self.schema.only(&column.name);
        schema.columns = vec![column.clone()];
        // Its DEFAULT would be asked for anew.
        schema.literals.clear();
        let has_default = !schema.defaults.is_empty();
        let rejects = self.rejects(schema, column)?;
        Ok(rejects.iter().all(|reject| has_default && reject.error_type == RejectKind::MissingField))
    }

    /// Why events do not fit this column of a schema.
    fn rejects(&self, mut schema: TableSchema, column: &Column) -> Result<Vec<Reject>> {
        schema.policy.unknown_fields = UnknownFields::Ignore;
        let mut decoder = schema.decoder()?.reject_unknown_within();
        let rejects = self.sampled.events.iter().filter_map(|event| decoder.decode(event).err());
        Ok(rejects.filter(|reject| reject.column.as_ref() == Some(&column.name)).collect())
    }

    fn changed(&self, column: &Column, events: u64, first: Reject) -> Result<Changed> {
        let mut changed = Changed {
            column: column.name.clone(),
            data_type: column.data_type.clone(),
            events,
            first,
            proposed: None,
            why: "Helios knows no type to which the column can be converted without a change of what is stored, and which holds these \
                  values; add a column, or change the type by hand".to_owned(),
            risk: None,
        };
        let source = column.source();
        let values: Vec<_> = self.texts().map(|event| json::find(event, source.keys())).collect();
        let old: DataType = column.data_type.parse()?;
        let wide = self.wide(&old, &values)?;
        let mut fitting = None;
        for (wide, why) in
            near(&old).into_iter().chain(wide.into_iter().flat_map(with_and_without_null(&old)))
        {
            let wider = Column { data_type: wide.to_string(), ..column.clone() };
            if wider.data_type != column.data_type && self.fits(&wider)? {
                fitting = Some((wide, wider, why));
                break;
            }
        }
        let Some((wide, wider, why)) = fitting else { return Ok(changed) };
        changed.risk = risk(&old, &wide);
        match changed.risk {
            // What is within lists and objects is not looked at.
            Some(risk) if is_nested(&wide) => {
                changed.why = format!("as {wide} the table would lose {}, if it has any", what_is_lost(risk));
                changed.risk = None;
            }
            _ => (changed.proposed, changed.why) = (Some(wider.data_type), why),
        }
        Ok(changed)
    }

    /// A type to which a column of the type `old` can be converted, and which takes these values, and why. Tuples are
    /// widened element by element.
    fn wide(&self, old: &DataType, values: &[Option<&str>]) -> Result<Option<(DataType, String)>> {
        if let DataType::Tuple(elements) = old
            && values.iter().flatten().all(|value| value.starts_with('{') || *value == "null")
        {
            let objects: Vec<_> = values.iter().flatten().copied().filter(|value| *value != "null").collect();
            let Some((wide, why)) = self.wide_tuple(elements, &objects)? else { return Ok(None) };
            if objects.len() == values.len() {
                return Ok(Some((wide, why)));
            }
            // Of an absent one, all elements are.
            let why = [why, "not every event has it".to_owned()].into_iter().filter(|why| !why.is_empty());
            return Ok(Some((or_null(&wide), why.collect::<Vec<_>>().join(", "))));
        }
        let events = values
            .iter()
            .map(|value| value.map_or_else(|| "{}".to_owned(), |value| format!("{{\"v\":{value}}}")));
        let inferred = infer_with(&events.collect::<Vec<_>>(), &self.options);
        let (new, why) = match (inferred.columns.first(), inferred.evidence.into_iter().next()) {
            (Some(column), Some(evidence)) if evidence.present > 0 => {
                (column.data_type.parse()?, evidence.why)
            }
            _ => (or_null(old), "no event has a value for it".to_owned()),
        };
        Ok(widen(old, &new).map(|wide| (wide, why)))
    }

    fn wide_tuple(&self, elements: &[TupleField], objects: &[&str]) -> Result<Option<(DataType, String)>> {
        let inferred = infer_with(objects, &self.options);
        let (mut fields, mut why) = (Vec::new(), Vec::new());
        for element in elements {
            // Elements without names are filled by a list.
            let Some(name) = &element.name else { return Ok(None) };
            let values: Vec<_> = objects.iter().map(|object| json::find(object, &[name])).collect();
            let Some((data_type, _)) = self.wide(&element.data_type, &values)? else { return Ok(None) };
            if data_type != element.data_type {
                why.push(format!("{name} becomes {data_type}"));
            }
            fields.push(TupleField { name: element.name.clone(), data_type });
        }
        for column in inferred.columns {
            let source = column.source();
            let Some(name) = source.only().filter(|name| can_be_element(name)) else { return Ok(None) };
            if elements.iter().all(|element| element.name.as_deref() != Some(name)) {
                // What is stored has none of it.
                let data_type = or_null(&column.data_type.parse()?);
                why.push(format!("{name} is new"));
                fields.push(TupleField { name: Some(name.to_owned()), data_type });
            }
        }
        Ok(Some((DataType::Tuple(fields), why.join(", "))))
    }
}
