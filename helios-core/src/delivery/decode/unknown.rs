//! Fields that the table has no column for.

use super::super::policy::UnknownFields;

/// A table with as many columns gets no further one from events.
pub const MAX_COLUMNS: usize = 1_000;

/// The longest name of a column that a table gets from events.
pub const MAX_COLUMN_NAME_BYTES: usize = 256;

/// What is done about such a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It is passed over.
    #[default]
    Pass,
    /// The event is rejected.
    Reject,
    /// The event is rejected if no column can have the name. Else the table has got a column for it before, or there was
    /// nothing to tell its type from.
    RejectUnlessName,
}

impl Unknown {
    /// What is done in a table of so many columns.
    pub(super) fn of(policy: UnknownFields, columns: usize) -> Self {
        match policy {
            UnknownFields::Ignore => Self::Pass,
            UnknownFields::AddColumn if columns < MAX_COLUMNS => Self::RejectUnlessName,
            UnknownFields::AddColumn | UnknownFields::Quarantine => Self::Reject,
        }
    }

    pub(super) fn rejects(self, name: &str) -> bool {
        match self {
            Self::Pass => false,
            Self::Reject => true,
            Self::RejectUnlessName => !can_be_column(name),
        }
    }
}

/// Whether a table can get a column for a field of this name. The column may have another name.
pub(in super::super) fn can_be_column(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_COLUMN_NAME_BYTES
}
