//! What the demo shows.

#![expect(clippy::print_stdout, reason = "showing it is what this is for")]

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use helios_tests::Result;
use serde_json::Value;

/// What arrived, and how long it took from the sample on.
pub(crate) struct Delivered {
    pub(crate) rows: u64,
    pub(crate) rejects: u64,
    pub(crate) seconds: f64,
}

impl Delivered {
    /// What is there later, after so much more time.
    pub(crate) fn add(&mut self, later: &Self) {
        let Self { rows, rejects, seconds } = later;
        *self = Self { rows: *rows, rejects: *rejects, seconds: self.seconds + seconds };
    }
}

/// All that is shown at the end.
pub(crate) struct Report {
    pub(crate) put: u64,
    pub(crate) delivered: Delivered,
    /// How many different events the table has.
    pub(crate) distinct: u64,
    pub(crate) query: String,
    pub(crate) answer: Vec<Value>,
    /// What is in quarantine, and why.
    pub(crate) rejects: Value,
    pub(crate) sources: Value,
    /// What became of every event.
    pub(crate) delivery: Value,
}

impl Report {
    pub(crate) fn print(&self) {
        println!("\nsources");
        println!(
            "{}",
            table(
                rows(&self.sources),
                &["streamName", "streamType", "databaseName", "tableName", "createdOn", "state"]
            )
        );
        println!("\nquarantine");
        let groups: Vec<_> = rows(&self.rejects["groups"]).iter().map(with_message).collect();
        println!("{}", table(&groups, &["errorType", "events", "path", "wanted", "example"]));
        println!("\n{}", self.query);
        println!("{}", table(&self.answer, &["event_type", "events", "users"]));
        println!("\ndelivery report");
        let figures = ["received", "inserted", "quarantined", "duplicates"];
        let columns: Vec<_> = ["shard"].into_iter().chain(figures).chain(["lagSeconds", "state"]).collect();
        let mut shards = table(rows(&self.delivery["shards"]), &columns);
        let sums = figures.map(|figure| plain(&self.delivery[figure]));
        let balance = if self.delivery["balanced"] == true { "balanced" } else { "NOT BALANCED" };
        shards.add_row(["all".to_owned()].into_iter().chain(sums).chain([String::new(), balance.to_owned()]));
        println!("{shards}");
        let Delivered { rows, rejects, seconds } = self.delivered;
        let mut summary = Table::new();
        summary.load_style(UTF8_FULL_CONDENSED);
        summary.set_header(["events put", "delivered", "quarantined", "seconds", "events/s"]);
        #[expect(clippy::cast_precision_loss, reason = "for show")]
        let rate = (rows + rejects) as f64 / seconds;
        summary.add_row([
            self.put.to_string(),
            rows.to_string(),
            rejects.to_string(),
            format!("{seconds:.1}"),
            format!("{rate:.0}"),
        ]);
        println!("\n{summary}");
    }

    /// Nothing was lost, and nothing came twice.
    pub(crate) fn check(&self) -> Result<()> {
        let Delivered { rows, rejects, .. } = self.delivered;
        if rows + rejects != self.put {
            return Err(format!("{rows} delivered + {rejects} quarantined is not {} put", self.put).into());
        }
        if self.delivery["balanced"] != true {
            return Err(format!("the delivery report is not balanced: {}", self.delivery["errors"]).into());
        }
        if self.distinct != rows {
            return Err(format!("{rows} rows, but only {} different events", self.distinct).into());
        }
        Ok(())
    }
}

pub(crate) fn title(text: &str) {
    println!("{text}\n");
}

pub(crate) fn step(name: &str, text: &str) {
    println!("  {name:<14} {text}");
}

pub(crate) fn json(value: &Value) {
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    for line in text.lines() {
        println!("  {:<14} {line}", "");
    }
}

pub(crate) fn schema(columns: &Value) {
    let columns = rows(columns);
    step("schema", &format!("{} columns that fit all of them:", columns.len()));
    for column in columns {
        println!("  {:<14} {:<12} {}", "", plain(&column["name"]), plain(&column["type"]));
    }
}

pub(crate) fn plan(plan: &Value) {
    let (sample, batching) = (&plan["sample"], &plan["batching"]);
    step(
        "plan",
        &format!(
            "{} of {} sampled events fit; it would",
            plain(&sample["fitting"]),
            plain(&sample["events"])
        ),
    );
    for step in rows(&plan["steps"]) {
        println!(
            "  {:<14} {:<7} {:<11} {}",
            "",
            plain(&step["action"]),
            plain(&step["what"]),
            plain(&step["detail"])
        );
    }
    let (size, seconds) = (plain(&batching["batchSize"]), plain(&batching["windowSeconds"]));
    println!(
        "  {:<14} batches of {size} records or {seconds} s; {} inserts are remembered",
        "",
        plain(&plan["deduplicationWindow"])
    );
    for warning in rows(&plan["warnings"]).iter().chain(rows(&plan["obstacles"])) {
        println!("  {:<14} note: {}", "", plain(warning));
    }
}

pub(crate) fn serving(url: &str, credentials: &Value) {
    println!("\nTo go on with curl, against the emulated AWS (Ctrl-C ends it all):");
    println!(
        "  curl -c cookies -H 'Content-Type: application/json' {url}/api/authenticate -d '{credentials}'"
    );
    println!("  curl -b cookies {url}/api/sources");
    println!("\nHelios is serving on {url}");
}

/// A group of rejects with its example's message in place of the example.
fn with_message(group: &Value) -> Value {
    let mut group = group.clone();
    group["example"] = group["example"]["errorMessage"].clone();
    group
}

fn table(rows: &[Value], columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(columns);
    for row in rows {
        table.add_row(columns.iter().map(|column| plain(&row[column])));
    }
    table
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
