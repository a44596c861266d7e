//! Objects and lists that a column takes as they stand.

use super::{RecordReader, Result};
use crate::batch::ProblemKind;
use crate::cell::Cell;
use crate::columns::{Node, Role, Take};
use crate::json::{Kind, Scanner, write_compact};

impl RecordReader<'_, '_> {
    /// Whether the column takes an object that stands at the end of its path.
    pub(super) fn takes_whole(&self, column: usize) -> bool {
        match self.layout.columns[column].role {
            Role::Cell(Take::One | Take::All) => true,
            // Of a list they took the whole.
            Role::Cell(Take::Json) | Role::Key => self.lists == 0,
            Role::Flag => false,
        }
    }

    /// An object at the end of paths.
    pub(super) fn whole(&mut self, node: &Node, json: &str) {
        for &column in &node.ends {
            if !self.takes_whole(column) {
                continue;
            }
            match self.layout.columns[column].role {
                Role::Cell(Take::Json) => self.gather(column, json),
                _ => self.compact(column, json),
            }
        }
    }

    /// A list at the end of paths.
    pub(super) fn whole_list(&mut self, node: &Node, json: &str) {
        for &column in &node.ends {
            match self.layout.columns[column].role {
                Role::Cell(Take::Json) => self.gather(column, json),
                Role::Cell(Take::One) => self.problem(column, || ProblemKind::List {
                    shown: Cell::Json(json).shown(),
                }),
                Role::Key if self.lists == 0 => self.compact(column, json),
                _ => {}
            }
        }
    }

    fn compact(&mut self, column: usize, json: &str) {
        self.scratch.clear();
        write_compact(json, &mut self.scratch);
        self.values[column].json(&self.scratch);
    }

    /// Takes what stands at the rest of a JSON column's path.
    fn gather(&mut self, column: usize, json: &str) {
        let layout = self.layout;
        self.scratch.clear();
        // The text was passed before, so that nothing in it can be wrong.
        let _ = gather(
            &mut Scanner::new(json),
            &layout.columns[column].inside,
            &mut self.scratch,
        );
        if self.scratch != "null" {
            self.values[column].json(&self.scratch);
        }
    }
}

/// Writes what stands at `path`: through objects by name, through lists element by element; null where there is nothing.
fn gather(scanner: &mut Scanner<'_>, path: &[String], out: &mut String) -> Result<()> {
    let Some((name, rest)) = path.split_first() else {
        write_compact(scanner.skip()?, out);
        return Ok(());
    };
    match scanner.kind()? {
        Kind::List => {
            out.push('[');
            if scanner.enter()? {
                loop {
                    gather(scanner, path, out)?;
                    if !scanner.more_elements()? {
                        break;
                    }
                    out.push(',');
                }
            }
            out.push(']');
        }
        Kind::Object => {
            let start = out.len();
            let mut found = false;
            if scanner.enter()? {
                loop {
                    if scanner.name()? == name.as_str() {
                        found = true;
                        out.truncate(start);
                        gather(scanner, rest, out)?;
                    } else {
                        scanner.skip()?;
                    }
                    if !scanner.more_members()? {
                        break;
                    }
                }
            }
            if !found {
                out.push_str("null");
            }
        }
        _ => {
            scanner.skip()?;
            out.push_str("null");
        }
    }
    Ok(())
}
