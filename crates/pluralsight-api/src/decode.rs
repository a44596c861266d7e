//! From a page's bytes to a batch, in one pass.

use std::hash::{BuildHasher, RandomState};

use crate::batch::{Batch, Key, ProblemKind};
use crate::cell::{Cell, Extent, Outcome, RowWriter, Values};
use crate::columns::{Gate, Layout, Node, Role, Take};
use crate::instant;
use crate::json::{Kind, Malformed, Scanner, write_compact};

type Result<T> = std::result::Result<T, Malformed>;

/// Reads records, one after the other, into a batch.
pub(crate) struct RecordReader<'l> {
    layout: &'l Layout,
    hasher: &'l RandomState,
    /// The values of each column in the record that is being read.
    values: Vec<Values>,
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

impl<'l> RecordReader<'l> {
    pub fn new(layout: &'l Layout, hasher: &'l RandomState) -> RecordReader<'l> {
        RecordReader {
            layout,
            hasher,
            values: layout.columns.iter().map(|_| Values::default()).collect(),
            problems: vec![None; layout.columns.len()],
            met: vec![0; layout.nodes.len()],
            object: 0,
            extents: Vec::new(),
            repeats: false,
            marks: vec![Mark::default(); layout.marks],
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
    pub fn record(&mut self, scanner: &mut Scanner<'_>) -> Result<()> {
        self.read(scanner, |reader, scanner| reader.object(scanner, 0))
    }

    /// Reads the list that the scanner stands on as one more record, which is made of the objects in it.
    pub fn parts(&mut self, scanner: &mut Scanner<'_>) -> Result<()> {
        self.read(scanner, |reader, scanner| reader.value(scanner, 0, false))
    }

    fn read(
        &mut self,
        scanner: &mut Scanner<'_>,
        values: impl Fn(&mut Self, &mut Scanner<'_>) -> Result<()>,
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
        let fingerprint = |of: (u8, &str)| Key::Fingerprint(self.hasher.hash_one(of));
        match values.and_then(Values::only) {
            None => Key::Absent,
            Some(Cell::Null) => Key::Null,
            Some(Cell::Text(text)) => fingerprint((0, text)),
            Some(Cell::Json(text) | Cell::Number(text)) => fingerprint((1, text)),
            Some(Cell::Integer(number)) => fingerprint((1, &number.to_string())),
            Some(other) => fingerprint((1, &other.shown())),
        }
    }

    fn column(&mut self, column: usize) -> &mut Values {
        &mut self.values[column]
    }

    /// Reads an object at a node: what ends there, and its members.
    fn object(&mut self, scanner: &mut Scanner<'_>, at: usize) -> Result<()> {
        let layout = self.layout;
        let node = &layout.nodes[at];
        self.object += 1;
        let object = self.object;
        let base = self.extents.len();
        for gate in &node.gates {
            self.extents.push(self.values[gate.column].extent());
            self.marks[gate.mark] = Mark {
                is_false: false,
                lists: self.lists,
            };
        }
        if self.repeats {
            for &column in &node.columns {
                self.extents.push(self.values[column].extent());
            }
        }
        if node.children.is_empty() || node.ends.iter().any(|&column| self.takes_whole(column)) {
            let start = scanner.position();
            let json = scanner.skip()?;
            self.whole(node, json);
            if !node.children.is_empty() {
                scanner.go_back(start);
            }
        }
        if !node.children.is_empty() && self.members(scanner, at, base)? < node.children.len() {
            self.missing(node, object);
        }
        for (place, gate) in node.gates.iter().enumerate() {
            if self.marks[gate.mark].is_false == gate.wanted {
                let extent = self.extents[base + place];
                self.column(gate.column).truncate(extent);
            }
        }
        self.extents.truncate(base);
        Ok(())
    }

    /// Notes which members an object does not have.
    #[cold]
    fn missing(&mut self, node: &Node, object: u64) {
        let layout = self.layout;
        for &child in &node.children {
            if self.met[child] != object {
                let child = &layout.nodes[child];
                for &column in &child.needed_by {
                    self.problem(column, || ProblemKind::Missing {
                        name: child.name.clone(),
                    });
                }
            }
        }
    }

    /// Reads the members of an object: how many of those that were asked for it has.
    fn members(&mut self, scanner: &mut Scanner<'_>, at: usize, base: usize) -> Result<usize> {
        let node = &self.layout.nodes[at];
        let object = self.object;
        let mut found = 0;
        if !scanner.enter()? {
            return Ok(found);
        }
        // Members come in the order in which they are asked for, which is that of the children.
        let mut expected = 0;
        loop {
            match self.member(scanner, node, expected)? {
                Some(index) => {
                    expected = index + 1;
                    let child = node.children[index];
                    if self.met[child] == object {
                        self.forget(at, child, base)?;
                    } else {
                        self.met[child] = object;
                        found += 1;
                    }
                    self.value(scanner, child, false)?;
                }
                None => {
                    scanner.skip()?;
                }
            }
            if !scanner.more_members()? {
                return Ok(found);
            }
        }
    }

    /// Passes the name of the next member: which child it is.
    #[inline]
    fn member(
        &mut self,
        scanner: &mut Scanner<'_>,
        node: &Node,
        expected: usize,
    ) -> Result<Option<usize>> {
        if let Some(&child) = node.children.get(expected)
            && scanner.name_is(&self.layout.nodes[child].name)?
        {
            return Ok(Some(expected));
        }
        let name = scanner.name()?;
        Ok(node
            .children
            .iter()
            .position(|&child| self.layout.nodes[child].name == name))
    }

    /// A member that comes again in one object counts as it came last, as JSON's readers commonly have it.
    #[cold]
    fn forget(&mut self, at: usize, child: usize, base: usize) -> Result<()> {
        let layout = self.layout;
        let node = &layout.nodes[at];
        let known = base + node.gates.len();
        // A record begins with nothing, unless it is made of several objects.
        let is_known = self.repeats || (at == 0 && self.lists == 0);
        if !is_known {
            // Nothing is malformed: the record is read again.
            self.repeats = true;
            return Err(Malformed::Syntax);
        }
        for &column in &layout.nodes[child].columns {
            let place = node.columns.iter().position(|&known| known == column);
            let extent = place.and_then(|place| self.extents.get(known + place));
            let extent = extent.copied().unwrap_or_default();
            self.column(column).truncate(extent);
        }
        for &mark in &layout.nodes[child].marks_below {
            self.marks[mark].is_false = false;
        }
        Ok(())
    }

    /// Reads the value at a node. `again`: it is an element of a list at the same node.
    fn value(&mut self, scanner: &mut Scanner<'_>, at: usize, again: bool) -> Result<()> {
        let layout = self.layout;
        let node = &layout.nodes[at];
        let kind = scanner.kind()?;
        if let Some(column) = node.only
            && self.plain(scanner, column, kind)?
        {
            return Ok(());
        }
        for &mark in &node.marks {
            let mark = &mut self.marks[mark];
            if mark.lists == self.lists {
                mark.is_false = kind == Kind::False;
            }
        }
        match kind {
            Kind::List => return self.list(scanner, at, again),
            Kind::Object => return self.object(scanner, at),
            Kind::Null => {
                scanner.word(kind)?;
                for &column in &node.ends {
                    match layout.columns[column].role {
                        Role::Cell(Take::Json) | Role::Flag => {}
                        Role::Key if self.lists > 0 => {}
                        _ if passes(node, column, false) => self.column(column).null(),
                        _ => {}
                    }
                }
                return Ok(());
            }
            Kind::True | Kind::False => {
                scanner.word(kind)?;
                let is_true = kind == Kind::True;
                for &column in &node.ends {
                    match layout.columns[column].role {
                        Role::Flag if !is_true => {}
                        Role::Key if self.lists > 0 => {}
                        Role::Cell(Take::Json) if again => {}
                        Role::Cell(Take::Json) => {
                            self.json_scalar(column, if is_true { "true" } else { "false" });
                        }
                        _ if passes(node, column, !is_true) => self.column(column).boolean(is_true),
                        _ => {}
                    }
                }
                if !node.children.is_empty() {
                    let cell = Cell::Boolean(is_true);
                    self.no_object(node, &cell, !is_true);
                }
            }
            Kind::Number => {
                let digits = scanner.number()?;
                for &column in &node.ends {
                    match layout.columns[column].role {
                        Role::Flag => {}
                        Role::Key if self.lists > 0 => {}
                        Role::Cell(Take::Json) if again => {}
                        Role::Cell(Take::Json) => self.json_scalar(column, digits),
                        _ if passes(node, column, false) => self.column(column).number(digits),
                        _ => {}
                    }
                }
                if !node.children.is_empty() {
                    self.no_object(node, &Cell::Number(digits), false);
                }
            }
            Kind::String => {
                let start = scanner.position();
                let text = scanner.string()?;
                for &column in &node.ends {
                    match layout.columns[column].role {
                        Role::Flag => {}
                        Role::Key if self.lists > 0 => {}
                        Role::Cell(Take::Json) if again => {}
                        Role::Cell(Take::Json) => {
                            self.scratch.clear();
                            write_compact(scanner.since(start), &mut self.scratch);
                            let json = std::mem::take(&mut self.scratch);
                            self.json_scalar(column, &json);
                            self.scratch = json;
                        }
                        _ if passes(node, column, false) => self.text(column, &text),
                        _ => {}
                    }
                }
                if !node.children.is_empty() {
                    self.no_object(node, &Cell::Text(&text), false);
                }
            }
        }
        Ok(())
    }

    /// Reads a value that one column takes and nothing else depends on; false if it is more than a word or a text, and has
    /// not been read.
    #[inline]
    fn plain(&mut self, scanner: &mut Scanner<'_>, column: usize, kind: Kind) -> Result<bool> {
        match kind {
            Kind::Null => {
                scanner.word(kind)?;
                self.column(column).null();
            }
            Kind::True | Kind::False => {
                scanner.word(kind)?;
                self.column(column).boolean(kind == Kind::True);
            }
            Kind::String => {
                let text = scanner.string()?;
                self.text(column, &text);
            }
            Kind::Number | Kind::List | Kind::Object => return Ok(false),
        }
        Ok(true)
    }

    #[inline]
    fn text(&mut self, column: usize, text: &str) {
        let is_instant = self.layout.columns[column].instant;
        match is_instant.then(|| instant::parse(text)).flatten() {
            Some(instant) => self.column(column).instant(instant),
            None => self.column(column).text(text),
        }
    }

    /// A JSON column takes a value that is no object if its path ends there.
    fn json_scalar(&mut self, column: usize, json: &str) {
        if self.layout.columns[column].inside.is_empty() {
            self.column(column).json(json);
        }
    }

    /// Reads a list at a node: each element as if it stood there alone.
    fn list(&mut self, scanner: &mut Scanner<'_>, at: usize, again: bool) -> Result<()> {
        let layout = self.layout;
        let node = &layout.nodes[at];
        let is_taken = !again
            && node
                .ends
                .iter()
                .any(|&column| match layout.columns[column].role {
                    Role::Cell(Take::One | Take::Json) => true,
                    Role::Key => self.lists == 0,
                    Role::Cell(Take::All) | Role::Flag => false,
                });
        let is_spread = !node.children.is_empty()
            || node.ends.iter().any(|&column| {
                matches!(
                    layout.columns[column].role,
                    Role::Cell(Take::All) | Role::Flag
                )
            });
        if is_taken || !is_spread {
            let start = scanner.position();
            let json = scanner.skip()?;
            if is_taken {
                self.whole_list(node, json);
            }
            if !is_spread {
                return Ok(());
            }
            scanner.go_back(start);
        }
        for &column in &node.columns {
            if layout.columns[column].role == Role::Cell(Take::All) {
                self.column(column).listed();
            }
        }
        self.lists += 1;
        if scanner.enter()? {
            loop {
                self.value(scanner, at, true)?;
                if !scanner.more_elements()? {
                    break;
                }
            }
        }
        self.lists -= 1;
        Ok(())
    }

    /// A value that is neither null nor an object, where members were asked for.
    #[cold]
    fn no_object(&mut self, node: &Node, value: &Cell<'_>, is_false: bool) {
        let layout = self.layout;
        for &child in &node.children {
            let child = &layout.nodes[child];
            for &column in &child.needed_by {
                if passes(node, column, is_false) {
                    self.problem(column, || ProblemKind::NotAnObject {
                        name: child.name.clone(),
                        kind: value.kind(),
                        shown: value.shown(),
                    });
                }
            }
        }
    }

    fn problem(&mut self, column: usize, kind: impl FnOnce() -> ProblemKind) {
        self.column(column).problem();
        // Of each column the first problem of a page is told; a hostile page has one in every record.
        if !self.batch.has_problem(column) {
            self.problems[column] = Some(kind());
        }
    }
}

/// Whether the conditions at a node let through a value of a column that is no object. It cannot hold a condition's
/// Boolean, unless it is the Boolean itself.
#[inline]
fn passes(node: &Node, column: usize, is_false: bool) -> bool {
    node.gates
        .iter()
        .all(|gate: &Gate| gate.column != column || (gate.is_here && is_false) != gate.wanted)
}

mod whole;

#[cfg(test)]
mod tests;
