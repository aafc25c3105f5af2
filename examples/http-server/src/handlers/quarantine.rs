//! `POST /api/quarantine`, and what is below it
//!
//! To look at rejects is to read ClickHouse, as a query does, in a query's slot and under its limits; to do something
//! with them is for those with a session.

use helios_core::delivery::quarantine::{
    Discarded, QuarantineSummary, RejectSelection, ReplayRejects, ReplayReport, Retention, ShowRejects,
    ShownRejects,
};

use super::operation::{answer, answer_apart, operation};
use crate::openapi::quarantine::{
    DiscardedAnswer, QuarantineSummaryAnswer, RejectSelectionRequest, ReplayRejectsRequest,
    ReplayReportAnswer, RetentionAnswer, ShowRejectsRequest, ShownRejectsAnswer,
};

operation! {
    /// What of a table's events is in quarantine, by reason and place.
    quarantine at "/api/quarantine" for LimitedReader in QuerySlot:
    RejectSelection as RejectSelectionRequest => QuarantineSummary as QuarantineSummaryAnswer,
    |client, selection| answer(client.quarantine(&selection))
}

operation! {
    /// Rejects with their bytes, the newest first.
    show at "/api/quarantine/show" for LimitedReader in QuerySlot:
    ShowRejects as ShowRejectsRequest => ShownRejects as ShownRejectsAnswer,
    |client, show| answer(client.quarantine_show(&show))
}

operation! {
    /// Replays rejects: those that fit the table as it is now become rows, once. Or says how many these are.
    replay at "/api/quarantine/replay" for Caller:
    ReplayRejects as ReplayRejectsRequest => ReplayReport as ReplayReportAnswer,
    |client, replay| answer_apart(async move { client.quarantine_replay(&replay).await })
}

operation! {
    /// Throws rejects away: they are lost.
    discard at "/api/quarantine/discard" for Caller:
    RejectSelection as RejectSelectionRequest => Discarded as DiscardedAnswer,
    |client, selection| answer_apart(async move { client.quarantine_discard(&selection).await })
}

operation! {
    /// Sets for how long the rejects of a table are kept. At first: for ever.
    retention at "/api/quarantine/retention" for Caller:
    Retention as RetentionAnswer => Retention as RetentionAnswer,
    |client, retention| answer_apart(async move { client.quarantine_retention(&retention).await })
}
