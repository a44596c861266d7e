//! What a record is expected to look like.
//!
//! An API answers with the members that were asked for, in the order in which they were asked for, without blanks. Where
//! it does, a record is read along this list, and nothing has to be kept but the values. Where it does not, the record
//! is read again as it comes.

use crate::columns::{Gate, Layout, Node, Plain, Role, Take};
use crate::json::Literal;

/// A member of an object.
#[derive(Debug)]
pub(crate) struct Member {
    /// How it begins: a brace or a comma, its name, the colon.
    pub begins: Literal,
    pub value: Expected,
}

#[derive(Debug)]
pub(crate) enum Expected {
    Leaf(Leaf),
    Object(Inner),
    /// Whatever stands there is read at this node.
    Any(usize),
}

/// One list for where the condition's Boolean is not false, and one for where it is.
type ByMark<T> = [Vec<T>; 2];

/// A value that has no members.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub takes: ByMark<Plain>,
    /// Columns that are true where this is.
    pub flags: Vec<usize>,
    /// Where a list of such values may stand here: the columns that note it.
    pub listed: Option<ByMark<usize>>,
    /// It is the Boolean of a condition, which decides about the members behind it.
    pub decides: bool,
}

/// An object, or null.
#[derive(Debug)]
pub(crate) struct Inner {
    pub members: Vec<Member>,
    /// Where a list of such objects may stand here: the columns that note it.
    pub listed: Option<ByMark<usize>>,
    /// One of its members is the Boolean of a condition.
    pub has_mark: bool,
}

/// Records that may look otherwise, more than look as expected, before nothing is expected of a page any more.
const PATIENCE: u32 = 8;

/// How many records looked as expected.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Luck {
    right: u32,
    wrong: u32,
}

impl Luck {
    pub fn is_worth_a_try(self) -> bool {
        self.wrong <= self.right.saturating_add(PATIENCE)
    }

    #[cfg(test)]
    pub fn is_right(self) -> bool {
        self.right > 0
    }

    pub fn note(&mut self, is_right: bool) {
        let count = if is_right {
            &mut self.right
        } else {
            &mut self.wrong
        };
        *count = count.saturating_add(1);
    }
}

/// The members of a record; none where the layout is more than this can tell.
pub(crate) fn of_record(layout: &Layout) -> Vec<Member> {
    let record = layout.nodes.first();
    record
        .and_then(|record| layout.members(record, &[]))
        .unwrap_or_default()
}

impl Layout {
    /// `gates` are those of an object around this one.
    fn members(&self, node: &Node, gates: &[Gate]) -> Option<Vec<Member>> {
        let is_record = node.name.is_empty();
        let takes_more = !node.ends.is_empty() || !node.marks.is_empty();
        if takes_more || node.children.is_empty() || !(gates.is_empty() || node.gates.is_empty()) {
            return None;
        }
        let decider = match node.gates.as_slice() {
            [] => None,
            gates => Some(self.decider(node, gates)?),
        };
        let gates = if decider.is_some() {
            &node.gates
        } else {
            gates
        };
        let member = |(place, &child): (usize, &usize)| {
            let node = self.nodes.get(child)?;
            let first = if place == 0 { '{' } else { ',' };
            let value = self.expected(node, gates, decider == Some(place));
            // Anything can be read there, as long as no list and no condition is around it.
            let value = match value {
                None if is_record && decider.is_none() => Expected::Any(child),
                value => value?,
            };
            Some(Member {
                begins: Literal::new(format!("{first}\"{}\":", node.name)),
                value,
            })
        };
        node.children.iter().enumerate().map(member).collect()
    }

    /// The member whose Boolean all these conditions are about, if it comes before everything that they decide about.
    fn decider(&self, node: &Node, gates: &[Gate]) -> Option<usize> {
        let nodes: Vec<&Node> = node
            .children
            .iter()
            .filter_map(|&child| self.nodes.get(child))
            .collect();
        let place = nodes
            .iter()
            .position(|child| gates.iter().all(|gate| child.marks.contains(&gate.mark)))?;
        let decides_later = |child: &&Node| {
            gates
                .iter()
                .all(|gate| !child.columns.contains(&gate.column))
        };
        nodes
            .iter()
            .take(place + 1)
            .all(decides_later)
            .then_some(place)
    }

    fn expected(&self, node: &Node, gates: &[Gate], decides: bool) -> Option<Expected> {
        let listed = by_mark(gates, self.columns_of_all(node), |&column| column);
        if !node.children.is_empty() {
            let has_key = self.key.is_some_and(|key| node.columns.contains(&key));
            return Some(Expected::Object(Inner {
                members: self.members(node, gates)?,
                // A key counts only where no list is around it.
                listed: (!has_key).then_some(listed),
                has_mark: !node.gates.is_empty(),
            }));
        }
        if !node.gates.is_empty() || !(decides || node.marks.is_empty()) {
            return None;
        }
        let (mut takes, mut flags, mut may_be_list) = (Vec::new(), Vec::new(), !decides);
        for &column in &node.ends {
            let of = self.columns.get(column)?;
            match of.role {
                Role::Flag => flags.push(column),
                Role::Cell(Take::Json) => return None,
                role => {
                    may_be_list &= role == Role::Cell(Take::All);
                    takes.push(Plain {
                        column,
                        instant: of.instant,
                        is_key: role == Role::Key,
                    });
                }
            }
        }
        Some(Expected::Leaf(Leaf {
            takes: by_mark(gates, takes, |of| of.column),
            flags,
            listed: may_be_list.then_some(listed),
            decides,
        }))
    }

    fn columns_of_all(&self, node: &Node) -> Vec<usize> {
        let takes_all = |column: &usize| {
            let of = self.columns.get(*column);
            of.is_some_and(|of| of.role == Role::Cell(Take::All))
        };
        node.columns.iter().copied().filter(takes_all).collect()
    }
}

/// What the conditions let through.
fn by_mark<T: Clone>(gates: &[Gate], all: Vec<T>, column: impl Fn(&T) -> usize) -> ByMark<T> {
    [false, true].map(|is_false| {
        let passes = |of: &&T| {
            gates
                .iter()
                .all(|gate| gate.column != column(of) || gate.wanted != is_false)
        };
        all.iter().filter(passes).cloned().collect()
    })
}
