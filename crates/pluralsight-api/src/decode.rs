//! From a page's bytes to a batch, in one pass.

use crate::batch::{Batch, Key, ProblemKind};
use crate::cell::Cell;
use crate::columns::{Layout, Role, Take};
use crate::fingerprint::Fingerprints;
use crate::json::{Malformed, Scanner};
use crate::usual::{Luck, Member, of_record};
use crate::values::{Extent, Outcome, RowWriter, Values};

type Result<T> = std::result::Result<T, Malformed>;

/// Reads records, one after the other, into a batch.
pub(crate) struct RecordReader<'l, 'a> {
    layout: &'l Layout,
    /// The members of a record as it is expected to look.
    expected: Vec<Member>,
    luck: Luck,
    fingerprints: &'l Fingerprints,
    /// The values of each column in the record that is being read.
    values: Vec<Values<'a>>,
    /// Columns whose values come to nothing until the object ends that a condition's Boolean stands in.
    closed: Vec<bool>,
    /// Problems of this record's columns that no earlier record had.
    problems: Vec<Option<ProblemKind>>,
    /// For each node the object in which it was met last.
    met: Vec<u64>,
    /// The number of the object that was entered last.
    object: u64,
    /// How far values went when the objects that the scanner is in were entered: those of the columns that a condition
    /// decides about; behind them, in a record with a name that comes twice, those of all the node's columns.
    extents: Vec<Extent>,
    /// The record that is being read has a name twice in an object inside it.
    repeats: bool,
    marks: Vec<Mark>,
    /// How many lists of a path the scanner is in.
    lists: usize,
    scratch: String,
    batch: Batch,
    /// For each flag the first record in which it is true, and how many there are.
    cuts: Vec<Option<(usize, usize)>>,
}

/// The Boolean of a condition in the object that is being read.
#[derive(Clone, Copy, Default)]
struct Mark {
    is_false: bool,
    /// Of how many lists that object is part: one that is found deeper in lists is another's.
    lists: usize,
}

/// What a run of records came to.
pub(crate) struct Records {
    pub batch: Batch,
    pub cuts: Vec<Option<(usize, usize)>>,
}

impl<'l, 'a> RecordReader<'l, 'a> {
    pub fn new(layout: &'l Layout, fingerprints: &'l Fingerprints) -> RecordReader<'l, 'a> {
        RecordReader {
            layout,
            expected: of_record(layout),
            luck: Luck::default(),
            fingerprints,
            values: layout.columns.iter().map(|_| Values::default()).collect(),
            closed: vec![false; layout.columns.len()],
            problems: vec![None; layout.columns.len()],
            met: vec![0; layout.nodes.len()],
            object: 0,
            extents: Vec::new(),
            repeats: false,
            marks: vec![Mark::default(); layout.conditions.len()],
            lists: 0,
            scratch: String::new(),
            batch: Batch::new(layout.asked),
            cuts: vec![None; layout.flags.len()],
        }
    }

    pub fn finish(mut self) -> Records {
        self.batch.end();
        Records {
            batch: self.batch,
            cuts: self.cuts,
        }
    }

    /// Reads the object that the scanner stands on as one more record.
    pub fn record(&mut self, scanner: &mut Scanner<'a>) -> Result<()> {
        if !self.expected.is_empty() && self.luck.is_worth_a_try() {
            let start = scanner.clone();
            let expected = std::mem::take(&mut self.expected);
            self.clear();
            let read = self.usual(scanner, &expected, false);
            self.expected = expected;
            self.luck.note(read.is_some());
            if read.is_some() {
                return self.end_record();
            }
            *scanner = start;
            self.repeats = false;
        }
        self.read(scanner, |reader, scanner| reader.object(scanner, 0))
    }

    /// Reads the list that the scanner stands on as one more record, which is made of the objects in it.
    pub fn parts(&mut self, scanner: &mut Scanner<'a>) -> Result<()> {
        self.read(scanner, |reader, scanner| reader.value(scanner, 0, false))
    }

    fn read(
        &mut self,
        scanner: &mut Scanner<'a>,
        values: impl Fn(&mut Self, &mut Scanner<'a>) -> Result<()>,
    ) -> Result<()> {
        let start = scanner.clone();
        self.clear();
        match values(self, scanner) {
            // What a name's first value brought can only be taken back where it is known how far values went before.
            Err(_) if self.repeats => {
                *scanner = start;
                self.clear();
                values(self, scanner)?;
                self.repeats = false;
            }
            outcome => outcome?,
        }
        self.end_record()
    }

    fn clear(&mut self) {
        for values in &mut self.values {
            values.clear();
        }
        self.closed.fill(false);
        self.extents.clear();
        self.lists = 0;
    }

    fn end_record(&mut self) -> Result<()> {
        let layout = self.layout;
        let mut row = RowWriter::default();
        for (column, described) in layout.columns.iter().enumerate().take(layout.asked) {
            let Some(values) = self.values.get(column) else {
                continue;
            };
            let cells = self.batch.cells();
            let outcome = if described.role == Role::Cell(Take::All) {
                row.all(values, cells)
            } else {
                row.one(values, cells)
            };
            let problem = match outcome {
                Outcome::Written => continue,
                Outcome::Problem => self.problems.get_mut(column).and_then(Option::take),
                Outcome::Several(count) => Some(ProblemKind::Several(count)),
            };
            row.problem(cells);
            if let Some(problem) = problem {
                self.batch.note_problem(column, problem);
            }
        }
        row.flush(self.batch.cells());
        for (&flag, cut) in layout.flags.iter().zip(&mut self.cuts) {
            if self
                .values
                .get(flag)
                .is_some_and(|values| !values.is_empty())
            {
                let (_, number) = cut.get_or_insert((self.batch.len(), 0));
                *number += 1;
            }
        }
        let key = self.key();
        if self.batch.end_row(key) {
            Ok(())
        } else {
            Err(Malformed::TooLarge)
        }
    }

    fn key(&self) -> Key {
        let values = self.layout.key.and_then(|column| self.values.get(column));
        let other = |json: &str| Key::Fingerprint(self.fingerprints.of_json(json));
        match values.and_then(Values::only) {
            None => Key::Absent,
            Some(Cell::Null) => Key::Null,
            Some(Cell::Text(text)) => Key::Fingerprint(self.fingerprints.of_text(text.as_str())),
            Some(Cell::Json(text) | Cell::Number(text)) => other(text),
            Some(Cell::Integer(number)) => other(&number.to_string()),
            Some(value) => other(&value.shown()),
        }
    }

    fn column(&mut self, column: usize) -> &mut Values<'a> {
        &mut self.values[column]
    }
}

mod object;
mod usual;
mod value;
mod whole;

#[cfg(test)]
mod tests;
