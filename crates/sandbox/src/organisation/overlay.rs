//! What changed since the organisation was generated: people who joined, left, or were edited.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, btree_map},
    ops::Bound,
    sync::Arc,
};

use super::model::User;

/// A person's place in the list. It never changes, whatever happens around it: cursors are made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position {
    /// The number of a generated person, or of the one before whom somebody was put in.
    pub(crate) index: u64,
    /// [`Position::GENERATED`], or the order of those put in before that person.
    pub(crate) sub: u32,
}

impl Position {
    const GENERATED: u32 = u32::MAX;

    pub(crate) fn generated(index: u64) -> Self {
        Self {
            index,
            sub: Self::GENERATED,
        }
    }

    pub(crate) fn is_generated(self) -> bool {
        self.sub == Self::GENERATED
    }
}

/// The differences, over a list of generated people.
#[derive(Debug, Clone, Default)]
pub(super) struct Overlay {
    added: BTreeMap<Position, Arc<User>>,
    edited: HashMap<u64, Arc<User>>,
    forgotten: BTreeSet<u64>,
    /// How many people ever joined, so that each gets a number of their own.
    joined: u64,
}

impl Overlay {
    pub(super) fn count(&self, generated: u64) -> u64 {
        generated - self.forgotten.len() as u64 + self.added.len() as u64
    }

    /// True while the n-th person of the list is the n-th generated one.
    pub(super) fn keeps_numbers(&self) -> bool {
        self.added.is_empty() && self.forgotten.is_empty()
    }

    pub(super) fn joined(&self) -> u64 {
        self.joined
    }

    /// Puts somebody in before the generated person of this number; after everybody when there is none.
    pub(super) fn add(&mut self, before: u64, user: User) {
        let last = self.added.range(Self::at(before)).next_back();
        let sub = last.map_or(0, |(position, _)| position.sub + 1);
        self.added
            .insert(Position { index: before, sub }, Arc::new(user));
        self.joined += 1;
    }

    pub(super) fn forget(&mut self, position: Position) {
        if position.is_generated() {
            self.edited.remove(&position.index);
            self.forgotten.insert(position.index);
        } else {
            self.added.remove(&position);
        }
    }

    pub(super) fn replace(&mut self, position: Position, user: User) {
        if position.is_generated() {
            self.edited.insert(position.index, Arc::new(user));
        } else {
            self.added.insert(position, Arc::new(user));
        }
    }

    /// Somebody who is not as generated; `None` for those who are.
    pub(super) fn changed(&self, position: Position) -> Option<&Arc<User>> {
        if position.is_generated() {
            self.edited.get(&position.index)
        } else {
            self.added.get(&position)
        }
    }

    pub(super) fn is_here(&self, position: Position, generated: u64) -> bool {
        if position.is_generated() {
            position.index < generated && !self.forgotten.contains(&position.index)
        } else {
            self.added.contains_key(&position)
        }
    }

    /// Everybody who is not as generated, with their place.
    pub(super) fn all_changed(&self) -> impl Iterator<Item = (Position, &Arc<User>)> {
        let edited = self
            .edited
            .iter()
            .map(|(index, user)| (Position::generated(*index), user));
        self.added
            .iter()
            .map(|(position, user)| (*position, user))
            .chain(edited)
    }

    /// The places behind this one, in order.
    pub(super) fn after(&self, position: Option<Position>, generated: u64) -> Forward<'_> {
        let (next, from) = match position {
            None => (0, Bound::Unbounded),
            Some(position) => (
                position
                    .index
                    .saturating_add(u64::from(position.is_generated())),
                Bound::Excluded(position),
            ),
        };
        Forward {
            overlay: self,
            next,
            generated,
            added: self.added.range((from, Bound::Unbounded)).peekable(),
        }
    }

    /// The places before this one, nearest first; all, from the last one, when there is none.
    pub(super) fn before(&self, position: Option<Position>, generated: u64) -> Backward<'_> {
        let (next, to) = match position {
            None => (generated, Bound::Unbounded),
            Some(position) => (position.index.min(generated), Bound::Excluded(position)),
        };
        Backward {
            overlay: self,
            next,
            added: self.added.range((Bound::Unbounded, to)).rev().peekable(),
        }
    }

    fn at(index: u64) -> std::ops::Range<Position> {
        Position { index, sub: 0 }..Position::generated(index)
    }
}

/// Walks the list towards its end.
pub(super) struct Forward<'a> {
    overlay: &'a Overlay,
    next: u64,
    generated: u64,
    added: std::iter::Peekable<btree_map::Range<'a, Position, Arc<User>>>,
}

impl Iterator for Forward<'_> {
    type Item = Position;

    fn next(&mut self) -> Option<Position> {
        while self.next < self.generated && self.overlay.forgotten.contains(&self.next) {
            self.next += 1;
        }
        let generated = (self.next < self.generated).then(|| Position::generated(self.next));
        let added = self.added.peek().map(|(position, _)| **position);
        match (generated, added) {
            (Some(generated), Some(added)) if added < generated => self.added.next().map(|_| added),
            (Some(generated), _) => {
                self.next += 1;
                Some(generated)
            }
            (None, Some(added)) => self.added.next().map(|_| added),
            (None, None) => None,
        }
    }
}

/// Walks the list towards its beginning.
pub(super) struct Backward<'a> {
    overlay: &'a Overlay,
    next: u64,
    added: std::iter::Peekable<std::iter::Rev<btree_map::Range<'a, Position, Arc<User>>>>,
}

impl Overlay {
    fn is_forgotten(&self, index: u64) -> bool {
        self.forgotten.contains(&index)
    }
}

impl Iterator for Backward<'_> {
    type Item = Position;

    fn next(&mut self) -> Option<Position> {
        while self.next > 0 && self.overlay.is_forgotten(self.next - 1) {
            self.next -= 1;
        }
        let generated = self.next.checked_sub(1).map(Position::generated);
        let added = self.added.peek().map(|(position, _)| **position);
        match (generated, added) {
            (Some(generated), Some(added)) if added > generated => self.added.next().map(|_| added),
            (Some(generated), _) => {
                self.next -= 1;
                Some(generated)
            }
            (None, Some(added)) => self.added.next().map(|_| added),
            (None, None) => None,
        }
    }
}
