//! The fields of an object by their names, in the order in which they were first seen.

use std::collections::HashMap;

use foldhash::quality::FixedState;

use crate::json::{Cursor, Opening, Text};

/// Where something was first seen: the event, and the place in it. Known for each part of a sample, so that the whole has
/// the same order however it was parted.
pub(super) type First = (u64, usize);

/// Fields, each with what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Fields<T> {
    fields: Vec<Field<T>>,
    index: HashMap<Box<str>, usize, FixedState>,
    /// How many objects were read.
    objects: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Field<T> {
    pub(super) name: Box<str>,
    pub(super) first: First,
    pub(super) seen: T,
    /// The object it was last found in, counted from 1.
    object: u64,
    opening: Opening,
    /// Whether there is a dot in the name.
    pub(super) has_dot: bool,
}

impl<T> Default for Fields<T> {
    fn default() -> Self {
        Self { fields: Vec::new(), index: HashMap::default(), objects: 0 }
    }
}

impl<T: Default> Fields<T> {
    /// The place of a field, if it is known. It most often is where the next one is expected, behind the last.
    #[inline]
    pub(super) fn find(&self, name: &str, expected: usize) -> Option<usize> {
        match self.fields.get(expected) {
            Some(field) if &*field.name == name => Some(expected),
            _ => self.index.get(name).copied(),
        }
    }

    /// The same for a name as it is written.
    #[inline]
    pub(super) fn find_written(&self, name: Text<'_>, expected: usize) -> Option<usize> {
        if name.is_escaped() {
            self.find(&name.decoded().unwrap_or_default(), expected)
        } else {
            self.find(name.raw, expected)
        }
    }

    /// Passes over the name of the field that is expected, if that is next.
    #[inline]
    pub(super) fn passes<'a>(&self, expected: usize, cursor: &mut Cursor<'a>) -> Option<Text<'a>> {
        self.fields.get(expected)?.opening.passes(cursor)
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<&Field<T>> {
        self.fields.get(at)
    }

    /// Begins another object.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.objects += 1;
    }

    /// Whether a field was found in this object before.
    #[inline]
    pub(super) fn is_again(&mut self, at: usize) -> bool {
        let objects = self.objects;
        self.fields.get_mut(at).is_some_and(|field| std::mem::replace(&mut field.object, objects) == objects)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Field<T>> {
        self.fields.get_mut(at)
    }

    /// Adds a field that is not there; says where it is.
    pub(super) fn insert(&mut self, name: &str, first: First) -> usize {
        let at = self.fields.len();
        self.fields.push(Field {
            name: name.into(),
            first,
            seen: T::default(),
            object: 0,
            opening: Opening::of(name),
            has_dot: name.contains('.'),
        });
        self.index.insert(name.into(), at);
        at
    }

    /// Adds what another part of the sample has, by `merge` where both have a field.
    pub(super) fn merge(&mut self, other: Self, mut merge: impl FnMut(&mut T, T)) {
        for field in other.fields {
            let at =
                self.find(&field.name, usize::MAX).unwrap_or_else(|| self.insert(&field.name, field.first));
            if let Some(known) = self.fields.get_mut(at) {
                known.first = known.first.min(field.first);
                merge(&mut known.seen, field.seen);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Field<T>> {
        self.fields.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Field<T>> {
        self.fields.iter_mut()
    }

    /// In the order in which they were first seen; by name where parts of a sample count alike.
    pub(super) fn into_sorted(self) -> Vec<Field<T>> {
        let mut fields = self.fields;
        fields.sort_by(|one, other| (one.first, &one.name).cmp(&(other.first, &other.name)));
        fields
    }

    /// The same, looked at only.
    pub(super) fn sorted(&self) -> Vec<&Field<T>> {
        let mut fields: Vec<_> = self.fields.iter().collect();
        fields.sort_by(|one, other| (one.first, &one.name).cmp(&(other.first, &other.name)));
        fields
    }
}
