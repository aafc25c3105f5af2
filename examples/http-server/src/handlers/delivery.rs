//! `POST /api/delivery-report` and `POST /api/settle-range`

use helios_core::{
    DeliveryReport, ReportOptions,
    delivery::{RangeSettled, SettleRange},
};

use super::operation::{answer, answer_apart, operation};
use crate::openapi::delivery::{
    DeliveryReportAnswer, DeliveryReportRequest, RangeSettledAnswer, SettleRangeRequest,
};

operation! {
    /// What became of the events of a source: how many came, where they are, and whether any are missing.
    delivery_report at "/api/delivery-report" for Caller:
    ReportOptions as DeliveryReportRequest => DeliveryReport as DeliveryReportAnswer,
    |client, options| answer(client.delivery_report(&options))
}

operation! {
    /// Settles a range that is uncertain or failing: somebody has looked into the table, and says what became of it.
    settle_range at "/api/settle-range" for Caller:
    SettleRange as SettleRangeRequest => RangeSettled as RangeSettledAnswer,
    |client, settle| answer_apart(async move { client.settle_range(&settle).await })
}
