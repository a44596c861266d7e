//! Objects whose members are asked for.

use super::{Mark, RecordReader, Result};
use crate::batch::ProblemKind;
use crate::columns::Node;
use crate::json::{Malformed, Scanner};

impl<'a> RecordReader<'_, 'a> {
    /// Reads an object at a node: what ends there, and its members.
    pub(super) fn object(&mut self, scanner: &mut Scanner<'a>, at: usize) -> Result<()> {
        let layout = self.layout;
        let node = &layout.nodes[at];
        self.object += 1;
        let object = self.object;
        let base = self.extents.len();
        for gate in &node.gates {
            let extent = self.values[gate.column].extent();
            self.extents.push(extent);
            self.marks[gate.mark] = Mark {
                is_false: false,
                lists: self.lists,
            };
        }
        if self.repeats {
            for &column in &node.columns {
                let extent = self.values[column].extent();
                self.extents.push(extent);
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
            self.closed[gate.column] = false;
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
    fn members(&mut self, scanner: &mut Scanner<'a>, at: usize, base: usize) -> Result<usize> {
        let layout = self.layout;
        let node = &layout.nodes[at];
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
                    let met = std::mem::replace(&mut self.met[child], object);
                    if met == object {
                        self.forget(at, child, base)?;
                    } else {
                        found += 1;
                    }
                    let plain = &layout.nodes[child].plain;
                    if plain.is_empty() || !self.plain(scanner, plain)? {
                        self.value(scanner, child, false)?;
                    }
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
        scanner: &mut Scanner<'a>,
        node: &Node,
        expected: usize,
    ) -> Result<Option<usize>> {
        if let Some(&child) = node.children.get(expected)
            && scanner.name_is(&self.layout.nodes[child].begins)
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
}
