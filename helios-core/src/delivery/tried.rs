//! Rows tried in a clone of the table: which of them ClickHouse refuses, and why.

use std::time::Duration;

use arrow_array::{Array as _, ArrayRef, RecordBatch};
use jiff::Timestamp;

use super::{
    batch_column::BatchNumber,
    refusal::{VIOLATED_CONSTRAINT, Verdict, verdict},
    sink::{Block, INSERT_TIMEOUT, Sink},
    trial::{Computed, TrialKind},
};
use crate::{Error, ErrorKind, Result, clock::SharedClock, warehouse::TableName};

/// What became of rows that were tried.
#[derive(Debug)]
pub(super) enum Tried {
    /// All are accepted: no row is at fault.
    Accepted,
    /// None is accepted, and neither is a row that the table has, or one of default values: the table is at fault.
    Table,
    /// These are refused; the table accepts others.
    Refused(Vec<Refused>),
    /// How many of the first rows one block may have without too many partitions.
    Partitions(usize),
}

/// Rows that are refused for one reason.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) rows: Vec<usize>,
    pub(super) code: u32,
    pub(super) reason: String,
    pub(super) column: Option<String>,
}

/// One row that is refused.
#[derive(Debug)]
struct Fault {
    row: usize,
    error: Error,
}

/// Where rows are tried, and until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trying<'a> {
    pub(super) sink: &'a dyn Sink,
    /// The table that does not accept them.
    pub(super) table: &'a TableName,
    pub(super) clock: &'a SharedClock,
    pub(super) deadline: Timestamp,
    /// As of [`Block`].
    pub(super) batch: BatchNumber,
    pub(super) from_text: bool,
}

impl Trying<'_> {
    /// Tries rows. `error` is ClickHouse's error for all of them together.
    pub(super) async fn rows(self, rows: &RecordBatch, error: &Error) -> Result<Tried> {
        let mut faults: Vec<Fault> = Vec::new();
        for kind in [TrialKind::Expressions, TrialKind::Whole] {
            if kind == TrialKind::Expressions && verdict(error) == Verdict::Parts {
                continue;
            }
            let table = self.sink.make_trial(self.table, kind).await?;
            let tried = self.try_in(&table, rows, &faults).await;
            let taken = match &tried {
                Ok(Found::Faults(found)) if found.len() + faults.len() == rows.num_rows() => {
                    self.takes_others(&table, rows, found).await
                }
                _ => Ok(true),
            };
            self.sink.drop_trial(&table).await;
            match tried? {
                Found::Faults(_) if !taken? => return Ok(Tried::Table),
                Found::Faults(found) => faults.extend(found),
                Found::Partitions(rows) => return Ok(Tried::Partitions(rows)),
            }
            if faults.len() == rows.num_rows() {
                break;
            }
        }
        if faults.is_empty() {
            return Ok(Tried::Accepted);
        }
        faults.sort_by_key(|fault| fault.row);
        let mut groups = grouped(faults);
        self.find_columns(rows, &mut groups).await?;
        Ok(Tried::Refused(merged(groups)))
    }

    /// Finds the columns that cannot be computed, for one row of each group.
    ///
    /// In a clone, the columns lose their expressions one after the other, the last one first, as one may be computed from
    /// those before it. That after which a row is accepted is at fault.
    async fn find_columns(self, rows: &RecordBatch, groups: &mut [Group]) -> Result<()> {
        let mut unknown: Vec<&mut Group> =
            groups.iter_mut().filter(|group| group.refused.code != VIOLATED_CONSTRAINT).collect();
        if unknown.is_empty() || unknown.len() > MOST_GROUPS {
            return Ok(());
        }
        let columns = self.sink.computed_columns(self.table).await?;
        if columns.is_empty() || columns.len() > MOST_COLUMNS {
            return Ok(());
        }
        let table = self.sink.make_trial(self.table, TrialKind::Expressions).await?;
        let found = self.find_columns_in(&table, rows, (&columns, &mut unknown)).await;
        self.sink.drop_trial(&table).await;
        found
    }

    async fn find_columns_in(
        self,
        table: &TableName,
        rows: &RecordBatch,
        (columns, unknown): (&[Computed], &mut Vec<&mut Group>),
    ) -> Result<()> {
        // Rows that are accepted here are refused by a key or an index.
        self.retain_refused(table, rows, (unknown, None)).await?;
        for column in columns.iter().rev() {
            if unknown.is_empty() {
                break;
            }
            self.sink.remove_expression(table, column).await?;
            self.retain_refused(table, rows, (unknown, Some(&column.name))).await?;
        }
        Ok(())
    }

    /// Keeps the groups whose first row is still refused. That of the others is due to this column.
    async fn retain_refused(
        self,
        table: &TableName,
        rows: &RecordBatch,
        (unknown, column): (&mut Vec<&mut Group>, Option<&String>),
    ) -> Result<()> {
        for group in std::mem::take(unknown) {
            let Some(row) = group.refused.rows.first().copied() else { continue };
            match self.insert(table, &rows.slice(row, 1)).await? {
                Ok(()) => group.blame(column),
                Err(error) if verdict(&error) == Verdict::Try => unknown.push(group),
                Err(error) => return Err(error.at("try rows")),
            }
        }
        Ok(())
    }

    /// Whether a table that accepts none of these rows accepts any other: a violated constraint is always a row's fault, any
    /// other error may be the table's.
    async fn takes_others(self, table: &TableName, rows: &RecordBatch, faults: &[Fault]) -> Result<bool> {
        let is_constraint = |fault: &Fault| fault.error.server_code() == Some(VIOLATED_CONSTRAINT);
        if faults.iter().all(is_constraint) {
            return Ok(true);
        }
        self.sink.try_own_row(self.table, table, &given(rows, faults)).await
    }

    /// Halves the rows until each refused row is alone. Rows that are known to be at fault are left out.
    async fn try_in(self, table: &TableName, rows: &RecordBatch, known: &[Fault]) -> Result<Found> {
        let mut found = Vec::new();
        // Stretches of rows that are still to be tried, the next one last.
        let mut left = stretches(rows.num_rows(), known);
        left.reverse();
        while let Some((start, length)) = left.pop() {
            let Err(error) = self.insert(table, &rows.slice(start, length)).await? else { continue };
            match verdict(&error) {
                Verdict::Try if length == 1 => found.push(Fault { row: start, error }),
                Verdict::Try | Verdict::Parts if length > 1 => {
                    let half = length / 2;
                    if verdict(&error) == Verdict::Parts {
                        return self.partitions(table, rows).await.map(Found::Partitions);
                    }
                    left.push((start + half, length - half));
                    left.push((start, half));
                }
                _ => return Err(error.at("try rows")),
            }
        }
        Ok(Found::Faults(found))
    }

    /// How many rows, from the first, one block may have.
    async fn partitions(self, table: &TableName, rows: &RecordBatch) -> Result<usize> {
        let (mut most, mut too_many) = (1, rows.num_rows());
        while most + 1 < too_many {
            let length = usize::midpoint(most, too_many);
            match self.insert(table, &rows.slice(0, length)).await? {
                Err(error) if verdict(&error) == Verdict::Parts => too_many = length,
                // Rows that are refused for another reason are found later, once the block is small enough.
                Ok(()) => most = length,
                Err(error) if verdict(&error) == Verdict::Try => most = length,
                Err(error) => return Err(error.at("try rows")),
            }
        }
        Ok(most)
    }

    /// Inserts into a trial table. The inner result is ClickHouse's answer.
    async fn insert(self, table: &TableName, rows: &RecordBatch) -> Result<Result<()>> {
        let left = self.deadline.duration_since(self.clock.now());
        let timeout = Duration::try_from(left).unwrap_or_default().min(INSERT_TIMEOUT);
        if timeout.is_zero() {
            let message = "timed out while looking for the rows that ClickHouse refuses";
            return Err(Error::new(ErrorKind::Timeout, message).retryable(true));
        }
        let Self { batch, from_text, .. } = self;
        let block = Block { table, rows, token: "", batch, from_text, ignore_views: false, timeout };
        Ok(self.sink.insert(block).await)
    }
}

enum Found {
    Faults(Vec<Fault>),
    Partitions(usize),
}

/// The columns that one of these rows has: for ClickHouse a null stands for an absent field.
fn given(rows: &RecordBatch, faults: &[Fault]) -> Vec<String> {
    let columns = rows.schema();
    let columns = columns.fields().iter().zip(rows.columns());
    let is_given = |values: &ArrayRef| faults.iter().any(|fault| !values.is_null(fault.row));
    columns.filter(|(_, values)| is_given(values)).map(|(field, _)| field.name().clone()).collect()
}

/// The stretches of rows between those that are known to be at fault.
fn stretches(rows: usize, known: &[Fault]) -> Vec<(usize, usize)> {
    let mut ends: Vec<usize> = known.iter().map(|fault| fault.row).collect();
    ends.sort_unstable();
    ends.push(rows);
    let mut start = 0;
    let stretches = ends.into_iter().map(|end| (std::mem::replace(&mut start, end + 1), end));
    stretches.filter(|(start, end)| start < end).map(|(start, end)| (start, end - start)).collect()
}

/// Rows that are refused while ClickHouse does the same.
#[derive(Debug)]
struct Group {
    refused: Refused,
    /// What it does then, in its words.
    executing: String,
    /// ClickHouse's name of the error, and its number.
    error: String,
}

impl Group {
    /// Names the column at fault.
    fn blame(&mut self, column: Option<&String>) {
        let Some(column) = column else { return };
        self.refused.reason = format!(
            "ClickHouse cannot compute the column `{column}` from this event ({}); {MEND}",
            self.error
        );
        self.refused.column = Some(column.clone());
    }
}

/// Groups faults by their number, reason and expression.
fn grouped(faults: Vec<Fault>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for Fault { row, error } in faults {
        let code = error.server_code().unwrap_or_default();
        let (reason, executing) = (reason(&error), executing(&error));
        let is_same = |group: &&mut Group| {
            (group.refused.code, &group.refused.reason, &group.executing) == (code, &reason, &executing)
        };
        match groups.iter_mut().find(is_same) {
            Some(group) => group.refused.rows.push(row),
            None => groups.push(Group {
                refused: Refused { rows: vec![row], code, reason, column: None },
                executing,
                error: name_of(&error),
            }),
        }
    }
    groups
}

/// The groups without what ClickHouse was doing, which may repeat values.
fn merged(groups: Vec<Group>) -> Vec<Refused> {
    let mut merged: Vec<Refused> = Vec::new();
    for Group { refused, .. } in groups {
        let is_same = |other: &&mut Refused| {
            (other.code, &other.reason, &other.column) == (refused.code, &refused.reason, &refused.column)
        };
        match merged.iter_mut().find(is_same) {
            Some(other) => {
                other.rows.extend(refused.rows);
                other.rows.sort_unstable();
            }
            None => merged.push(refused),
        }
    }
    merged
}

/// The expression that ClickHouse could not evaluate, in its words.
fn executing(error: &Error) -> String {
    error.message().split_once("while executing").map_or_else(String::new, |(_, rest)| rest.to_owned())
}

/// ClickHouse's name of an error, and its number.
fn name_of(error: &Error) -> String {
    let code = error.server_code().unwrap_or_default();
    error.server_error_name().map_or_else(|| format!("error {code}"), |name| format!("{name}, {code}"))
}

/// How many columns are tried for how many groups of rows, to find those that cannot be computed.
const MOST_COLUMNS: usize = 100;
const MOST_GROUPS: usize = 16;

/// What to do about a row from which something cannot be computed.
const MEND: &str = "change the expression, and replay the event";

/// How many characters of ClickHouse's message a reason repeats at most.
const MAX_WORDS: usize = 300;

/// Why a row is refused, without its values.
fn reason(error: &Error) -> String {
    let code = error.server_code().unwrap_or_default();
    if code == VIOLATED_CONSTRAINT {
        let words = error.message();
        let name = words.split('`').nth(1).map_or_else(String::new, |name| format!(" `{name}`"));
        let check = words.split_once("Expression: ").map(|(_, check)| check);
        let check = check.map(|check| check.split(". Column values:").next().unwrap_or(check));
        let check = check.map_or_else(String::new, |check| format!(": {}", clipped(check)));
        return format!(
            "the row violates the table's constraint{name}{check}; send a row that fits, or change the constraint"
        );
    }
    format!(
        "ClickHouse cannot compute a column, key or index of the table from this event ({}); {MEND}",
        name_of(error)
    )
}

fn clipped(words: &str) -> String {
    words.chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::from_exception;

    fn fault(row: usize, text: &str) -> Fault {
        Fault { row, error: from_exception(text) }
    }

    #[test]
    fn rows_between_those_at_fault_are_left() {
        let known = [fault(4, "Code: 6. x"), fault(0, "Code: 6. x"), fault(5, "Code: 6. x")];
        assert_eq!(stretches(9, &known), [(1, 3), (6, 3)]);
        assert_eq!(stretches(3, &[]), [(0, 3)]);
        assert_eq!(stretches(1, &known[1..2]), []);
    }

    #[test]
    fn a_reason_names_the_constraint_and_no_value() {
        let constraint = "Code: 469. DB::Exception: Constraint `p` for table d.t (uuid) is violated at row 1. Expression: \
                          (id < 100). Column values: id = 101. (VIOLATED_CONSTRAINT)";
        let parse = "Code: 6. DB::Exception: Cannot parse string 'secret' as UInt32. (CANNOT_PARSE_TEXT)";
        let groups = merged(grouped(vec![fault(1, constraint), fault(2, parse), fault(3, constraint)]));
        let said: Vec<_> = groups.iter().map(|group| (group.rows.clone(), group.reason.as_str())).collect();
        assert_eq!(
            said,
            [
                (
                    vec![1, 3],
                    "the row violates the table's constraint `p`: (id < 100); send a row that fits, or change the constraint"
                ),
                (
                    vec![2],
                    "ClickHouse cannot compute a column, key or index of the table from this event (CANNOT_PARSE_TEXT, 6); \
                     change the expression, and replay the event"
                ),
            ]
        );
    }
}
