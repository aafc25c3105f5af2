//! `GET /api/doctor`

use helios_core::Diagnosis;

use super::operation::{answer, operation};
use crate::openapi::sources::DiagnosisAnswer;

operation! {
    /// Looks at all that Helios needs, and says what is missing and what to do.
    doctor at get "/api/doctor" for Caller:
    Diagnosis as DiagnosisAnswer,
    |client| answer(client.doctor())
}
