//! Materialized views that a table feeds: a repeated insert must be known where they put their rows, too.

use clickhouse::Row;
use serde::Deserialize;

use super::window::{ServerWindow, Window};
use crate::{
    Result,
    warehouse::{Warehouse, from_clickhouse},
};

/// A materialized view of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct View {
    /// The view, `database.name`.
    pub name: String,
    /// The window of the table it fills; `None` if that could not be found.
    pub window: Option<Window>,
}

#[derive(Row, Deserialize)]
struct ViewRow {
    name: String,
    engine: Option<String>,
}

/// The table behind a view is the one named in its statement, or the inner one, named by the view's UUID.
const VIEWS: &str = "\
    WITH views AS (SELECT concat(database, '.', name) AS view, \
      extract(create_table_query, ' TO (?:`[^`]*`|[^ `.(]+)\\\\.(`[^`]*`|[^ `.(]+)') AS written, \
      extract(create_table_query, ' TO (`[^`]*`|[^ `.(]+)\\\\.(?:`[^`]*`|[^ `.(]+)') AS written_database, \
      if(written = '', concat('.inner_id.', toString(uuid)), trim(BOTH '`' FROM written)) AS target, \
      if(written = '', database, trim(BOTH '`' FROM written_database)) AS target_database \
      FROM system.tables WHERE engine = 'MaterializedView' \
      AND has(arrayZip({databases:Array(String)}, {names:Array(String)}), (database, name))) \
    SELECT views.view AS name, nullIf(tables.engine_full, '') AS engine FROM views \
    LEFT JOIN (SELECT database, name, engine_full FROM system.tables) AS tables \
    ON tables.database = views.target_database AND tables.name = views.target ORDER BY views.view";

pub(super) async fn describe_views(
    warehouse: &Warehouse,
    views: &[(String, String)],
    server: ServerWindow,
) -> Result<Vec<View>> {
    if views.is_empty() {
        return Ok(Vec::new());
    }
    let (databases, names): (Vec<_>, Vec<_>) = views.iter().cloned().unzip();
    let rows: Vec<ViewRow> = warehouse
        .client()
        .query_raw(VIEWS)
        .param("databases", databases)
        .param("names", names)
        .fetch_all()
        .await
        .map_err(from_clickhouse)?;
    let described = rows
        .into_iter()
        .map(|row| View { name: row.name, window: row.engine.map(|engine| Window::of(&engine, server)) });
    Ok(described.collect())
}

impl View {
    pub(super) fn warning(&self) -> Option<String> {
        let Self { name, window } = self;
        match window {
            Some(window) if window.blocks > 0 => None,
            Some(_) => Some(format!(
                "what the materialized view {name} fills has no deduplication window: an insert that is repeated is \
                 doubled there. Run ALTER TABLE … MODIFY SETTING non_replicated_deduplication_window = 10000 on it"
            )),
            None => Some(format!("what the materialized view {name} fills could not be found")),
        }
    }
}
