//! What was measured: the table for a person, the file for a machine.

#![expect(clippy::print_stdout, reason = "what a benchmark is for")]

use std::{fs, path::Path};

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use helios_tests::Result;
use serde::{Deserialize, Serialize};

/// One line of the table.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What is done.
    pub(crate) name: String,
    /// What we need for it, or reach.
    ours: String,
    /// What the peer does.
    peer: String,
    /// Ours beside the peer's, or what was measured itself, in `unit`.
    ratio: f64,
    unit: String,
    /// What was aimed at.
    target: String,
    /// Whether it was reached; none without a target.
    holds: Option<bool>,
}

impl Row {
    /// Ours is so many times as fast as the peer's.
    pub(crate) fn times(name: &str, (ours, peer): (String, String), ratio: f64, at_least: f64) -> Self {
        Self {
            name: name.to_owned(),
            ours,
            peer,
            ratio,
            unit: "×".to_owned(),
            target: format!("≥ {at_least} ×"),
            holds: Some(ratio >= at_least),
        }
    }

    /// Ours takes so many times what the peer takes.
    pub(crate) fn within(name: &str, told: (String, String), ratio: f64, at_most: f64) -> Self {
        let target = format!("≤ {at_most} ×");
        Self { target, holds: Some(ratio <= at_most), ..Self::told(name, told, ratio) }
    }

    /// Something that should be large.
    pub(crate) fn at_least(name: &str, value: f64, unit: &str, at_least: f64) -> Self {
        let target = format!("≥ {at_least} {unit}");
        Self::alone(name, value, unit, target, value >= at_least)
    }

    /// Something that should be small.
    pub(crate) fn at_most(name: &str, value: f64, unit: &str, at_most: f64) -> Self {
        let target = format!("≤ {at_most} {unit}");
        Self::alone(name, value, unit, target, value <= at_most)
    }

    /// Something that is told without a target.
    pub(crate) fn told(name: &str, (ours, peer): (String, String), ratio: f64) -> Self {
        Self {
            name: name.to_owned(),
            ours,
            peer,
            ratio,
            unit: "×".to_owned(),
            target: "–".to_owned(),
            holds: None,
        }
    }

    /// What was measured itself, told without a target.
    pub(crate) fn alone_told(name: &str, value: f64, unit: &str) -> Self {
        Self { holds: None, ..Self::alone(name, value, unit, "–".to_owned(), true) }
    }

    fn alone(name: &str, value: f64, unit: &str, target: String, holds: bool) -> Self {
        Self {
            name: name.to_owned(),
            ours: "–".to_owned(),
            peer: "–".to_owned(),
            ratio: value,
            unit: unit.to_owned(),
            target,
            holds: Some(holds),
        }
    }
}

/// All lines.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Results {
    rows: Vec<Row>,
}

impl Results {
    pub(crate) fn take(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
    }

    pub(crate) fn print(&self) {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["work", "ours", "peer", "ratio", "target", "holds"]);
        for row in &self.rows {
            table.add_row([
                row.name.clone(),
                row.ours.clone(),
                row.peer.clone(),
                format!("{:.2} {}", row.ratio, row.unit),
                row.target.clone(),
                row.holds.map_or("–", |holds| if holds { "yes" } else { "NO" }).to_owned(),
            ]);
        }
        for numbers in 1..5 {
            if let Some(column) = table.column_mut(numbers) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        println!("{table}");
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.rows)?;
        fs::write(path, text + "\n")
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        println!("\nwritten to {}", path.display());
        Ok(())
    }
}

/// Hands the rows of a part to the process that shows them.
pub(crate) fn hand_over(rows: &[Row]) -> Result<()> {
    println!("{}", serde_json::to_string(rows)?);
    Ok(())
}

#[expect(clippy::print_stderr, reason = "for who waits")]
pub(crate) fn progress(part: &str) {
    eprintln!("measuring {part} …");
}
