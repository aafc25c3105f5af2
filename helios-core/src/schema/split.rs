//! Which objects are parted into their fields, each a column of its own.

use std::collections::{BTreeMap, HashSet};

use super::{
    decide::part_names,
    evidence::Seen,
    fields::{Field, Fields},
    observe::Observed,
    options::InferOptions,
};

/// The fields that are parted, by their names; of each the fields within that are.
#[derive(Clone, Debug, Default)]
pub(super) struct Split(BTreeMap<String, Self>);

impl Split {
    /// The fields whose values are objects, and their keys names; and those of them that stay whole, as a column would have
    /// the name of another.
    pub(super) fn of(columns: &Fields<Seen>, options: &InferOptions) -> (Self, Vec<String>) {
        let mut taken: HashSet<String> = columns.iter().map(|column| column.name.to_string()).collect();
        let (mut split, mut kept) = (Self::default(), Vec::new());
        for column in columns.sorted() {
            let Some(fields) = part_names(&column.seen.observed, options) else { continue };
            let mut names = Vec::new();
            let within = Self::within(&column.name, &fields, options, &mut names);
            let distinct: HashSet<_> = names.iter().cloned().collect();
            if distinct.len() == names.len() && distinct.is_disjoint(&taken) {
                taken.extend(distinct);
                split.0.insert(column.name.to_string(), within);
            } else {
                kept.push(column.name.to_string());
            }
        }
        (split, kept)
    }

    fn within(
        prefix: &str,
        fields: &[&Field<Observed>],
        options: &InferOptions,
        names: &mut Vec<String>,
    ) -> Self {
        let mut split = Self::default();
        for field in fields {
            let full = format!("{prefix}.{}", field.name);
            match part_names(&field.seen, options) {
                Some(fields) => {
                    split.0.insert(field.name.to_string(), Self::within(&full, &fields, options, names));
                }
                None => names.push(full),
            }
        }
        split
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.0.get(name)
    }
}
