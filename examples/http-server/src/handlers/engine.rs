//! `GET /api/engine`

use helios_core::EngineInfo;

use super::operation::{answer, operation};
use crate::openapi::answers::EngineAnswer;

operation! {
    /// Which ClickHouse this server runs on.
    engine at get "/api/engine" for Reader:
    EngineInfo as EngineAnswer,
    |client| answer(client.engine_info())
}
