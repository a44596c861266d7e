//! The records of one page as rows of cells.

use std::ops::Range;

use crate::cell::{Cell, Cells};

/// The records of a page: of each the columns that were asked for, in one piece of memory that is no larger than the
/// page's own text.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    cells: String,
    /// Where each row ends.
    ends: Vec<u32>,
    /// The fingerprint of each record's key; empty as long as no record has one.
    keys: Vec<Key>,
    /// The first problem of each column.
    problems: Vec<Option<Problem>>,
}

/// A record's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Absent,
    Null,
    Fingerprint(u64),
}

/// A value that breaks the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which record of the page it stands in, from 0.
    pub record: usize,
    pub kind: ProblemKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// A member that was asked for is not there.
    Missing { name: String },
    /// Something else than an object with that member: its kind, and its start.
    NotAnObject {
        name: String,
        kind: &'static str,
        shown: String,
    },
    /// A list where the column takes one value: its start.
    List { shown: String },
    /// So many values where the column takes one.
    Several(usize),
}

/// The cells of one record.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a>(&'a str);

impl<'a> Row<'a> {
    /// A row from the bytes of [`Row::bytes`]; one without cells from anything else.
    pub fn from_bytes(bytes: &'a [u8]) -> Row<'a> {
        Row(simdutf8::basic::from_utf8(bytes).unwrap_or_default())
    }

    /// The row as it can be kept elsewhere.
    pub fn bytes(self) -> &'a [u8] {
        self.0.as_bytes()
    }

    /// The cells of the columns, in the order in which they were asked for.
    pub fn cells(self) -> Cells<'a> {
        Cells::row(self.0)
    }
}

impl Batch {
    pub(crate) fn new(columns: usize) -> Batch {
        Batch {
            problems: vec![None; columns],
            ..Batch::default()
        }
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Of each column the first problem, where one has its cell as [`crate::Cell::Problem`].
    pub fn problems(&self) -> &[Option<Problem>] {
        &self.problems
    }

    /// Memory held, in bytes.
    pub fn memory(&self) -> usize {
        self.cells.capacity()
            + self.ends.capacity() * size_of::<u32>()
            + self.keys.capacity() * size_of::<Key>()
    }

    fn range(&self, index: usize) -> Range<usize> {
        let end = |index: usize| self.ends.get(index).map_or(0, |&end| end as usize);
        let start = if index == 0 { 0 } else { end(index - 1) };
        start..end(index)
    }

    /// The record at `index`; one without cells past the end.
    pub fn row(&self, index: usize) -> Row<'_> {
        Row(self.cells.get(self.range(index)).unwrap_or_default())
    }

    /// All records, in order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).map(|index| self.row(index))
    }

    /// What is wrong with a column where its cell is [`Cell::Problem`]: the first case in the page.
    pub fn problem(&self, column: usize) -> Option<&Problem> {
        self.problems.get(column).and_then(Option::as_ref)
    }

    pub(crate) fn has_problem(&self, column: usize) -> bool {
        self.problem(column).is_some()
    }

    pub(crate) fn note_problem(&mut self, column: usize, kind: ProblemKind) {
        let record = self.len();
        if let Some(slot @ None) = self.problems.get_mut(column) {
            *slot = Some(Problem { record, kind });
        }
    }

    /// Where the cells of the next row are written.
    pub(crate) fn cells(&mut self) -> &mut String {
        &mut self.cells
    }

    /// Ends the row whose cells were written; false if there is no more room.
    pub(crate) fn end_row(&mut self, key: Key) -> bool {
        let Ok(end) = u32::try_from(self.cells.len()) else {
            return false;
        };
        if key != Key::Absent && self.keys.is_empty() {
            self.keys = vec![Key::Absent; self.ends.len()];
        }
        if key != Key::Absent || !self.keys.is_empty() {
            self.keys.push(key);
        }
        self.ends.push(end);
        true
    }

    /// Gives back the memory that was taken for further rows.
    pub(crate) fn end(&mut self) {
        self.cells.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.keys.shrink_to_fit();
    }

    /// The keys of the records; of none if none has one.
    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The fingerprint of the key of the record at `index`; `None` if it has no key or a null one.
    pub fn fingerprint(&self, index: usize) -> Option<u64> {
        match self.keys.get(index) {
            Some(Key::Fingerprint(fingerprint)) => Some(*fingerprint),
            _ => None,
        }
    }

    /// Keeps the first `length` records.
    pub fn truncate(&mut self, length: usize) {
        self.ends.truncate(length);
        self.keys.truncate(length);
        let end = self.ends.last().map_or(0, |&end| end as usize);
        self.cells.truncate(end);
    }

    /// Keeps the records for which `keep` says so of their key's fingerprint and their cells.
    pub fn retain(&mut self, mut keep: impl FnMut(Option<u64>, Row<'_>) -> bool) {
        let (mut kept, mut start) = (0, 0);
        // The cells of the rows kept, from the first one on that is not.
        let mut remaining: Option<String> = None;
        for index in 0..self.len() {
            // Rows move to the front only, so that this end is still the old one.
            let range = start..self.ends.get(index).map_or(start, |&end| end as usize);
            start = range.end;
            let row = Row(self.cells.get(range.clone()).unwrap_or_default());
            if !keep(self.fingerprint(index), row) {
                remaining.get_or_insert_with(|| {
                    self.cells.get(..range.start).unwrap_or_default().to_owned()
                });
                continue;
            }
            if let Some(cells) = &mut remaining {
                cells.push_str(row.0);
                if let Some(slot) = self.ends.get_mut(kept) {
                    *slot = cells.len() as u32;
                }
                if let Some(&key) = self.keys.get(index)
                    && let Some(slot) = self.keys.get_mut(kept)
                {
                    *slot = key;
                }
            }
            kept += 1;
        }
        if let Some(cells) = remaining {
            self.cells = cells;
        }
        self.truncate(kept);
    }
}

impl PartialEq for Batch {
    fn eq(&self, other: &Batch) -> bool {
        self.len() == other.len()
            && self.problems == other.problems
            && self
                .rows()
                .zip(other.rows())
                .all(|(one, other)| one.0 == other.0)
    }
}

/// The value of one column of a row, for those who need no more.
impl Row<'_> {
    pub fn cell(&self, column: usize) -> Cell<'_> {
        self.cells().nth(column).unwrap_or(Cell::Null)
    }
}
