//! Values, by what they are.

use std::borrow::Cow;

use super::{RecordReader, Result};
use crate::batch::ProblemKind;
use crate::cell::Cell;
use crate::columns::{Gate, Node, Plain, Role, Take};
use crate::instant;
use crate::json::{Kind, Scanner, write_compact};
use crate::values::Held;

impl<'a> RecordReader<'_, 'a> {
    /// Reads the value at a node. `again`: it is an element of a list at the same node.
    pub(super) fn value(
        &mut self,
        scanner: &mut Scanner<'a>,
        at: usize,
        again: bool,
    ) -> Result<()> {
        let layout = self.layout;
        let node = &layout.nodes[at];
        let kind = scanner.kind()?;
        if !node.plain.is_empty() && self.plain(scanner, &node.plain)? {
            return Ok(());
        }
        for &place in &node.marks {
            let mark = &mut self.marks[place];
            if mark.lists == self.lists {
                mark.is_false = kind == Kind::False;
                let (column, wanted) = layout.conditions[place];
                // Elsewhere a name that comes twice can change the Boolean after values were left out.
                self.closed[column] = self.lists > 0 && !self.repeats && mark.is_false == wanted;
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
                    if self.closed[column] {
                        continue;
                    }
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
                        _ if passes(node, column, false) => {
                            match (self.instant(column, &text), &text) {
                                (Some(instant), _) => self.column(column).instant(instant),
                                (None, Cow::Borrowed(text)) => self.column(column).text(text),
                                (None, Cow::Owned(text)) => self.column(column).unescaped(text),
                            }
                        }
                        _ => {}
                    }
                }
                if !node.children.is_empty() {
                    self.no_object(node, &Cell::Text(text.as_ref().into()), false);
                }
            }
        }
        Ok(())
    }

    /// Reads a value that columns take as it is and nothing else depends on; false if it is more than a word or a plain text,
    /// and has not been read.
    #[inline]
    pub(super) fn plain(&mut self, scanner: &mut Scanner<'a>, plain: &[Plain]) -> Result<bool> {
        let value = match scanner.kind()? {
            Kind::String => match scanner.plain_string() {
                Some(text) => Held::Text(text),
                None => return Ok(false),
            },
            kind @ (Kind::Null | Kind::True | Kind::False) => {
                scanner.word(kind)?;
                match kind {
                    Kind::Null => Held::Null,
                    kind => Held::Boolean(kind == Kind::True),
                }
            }
            Kind::Number | Kind::List | Kind::Object => return Ok(false),
        };
        for of in plain {
            if self.closed[of.column] || (of.is_key && self.lists > 0) {
                continue;
            }
            let value = match value {
                Held::Text(text) if of.instant => instant::parse(text).map_or(value, Held::Instant),
                _ => value,
            };
            self.values[of.column].add(value);
        }
        Ok(true)
    }

    fn instant(&self, column: usize, text: &str) -> Option<i64> {
        let is_instant = self.layout.columns[column].instant;
        is_instant.then(|| instant::parse(text)).flatten()
    }

    /// A JSON column takes a value that is no object if its path ends there.
    fn json_scalar(&mut self, column: usize, json: &str) {
        if self.layout.columns[column].inside.is_empty() {
            self.column(column).json(json);
        }
    }

    /// Reads a list at a node: each element as if it stood there alone.
    fn list(&mut self, scanner: &mut Scanner<'a>, at: usize, again: bool) -> Result<()> {
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

    pub(super) fn problem(&mut self, column: usize, kind: impl FnOnce() -> ProblemKind) {
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
