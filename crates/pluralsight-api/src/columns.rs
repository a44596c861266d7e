//! What to take out of each record of a page.

use crate::json::Literal;
use crate::path::FieldPath;

/// A column that a query asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnPlan {
    /// Where the value stands in a record.
    pub field: FieldPath,
    pub take: Take,
    /// A Boolean beside the value that says whether the value counts.
    pub condition: Option<Condition>,
    /// The value is an instant. One in the usual form is parsed once; any other comes as the text that it is.
    pub instant: bool,
}

/// How the values at a column's path become its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// One value.
    One,
    /// All of them, through whatever lists. A value to which no list led comes as itself.
    All,
    /// What stands there, as JSON; nothing is an error.
    Json,
}

/// A value counts if the Boolean at `path` is as `wanted`. One that is absent or null counts as true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// From the record, like the value's own path.
    pub path: FieldPath,
    pub wanted: bool,
}

impl ColumnPlan {
    /// A column of one value, without a condition.
    pub fn one(field: FieldPath) -> ColumnPlan {
        ColumnPlan {
            field,
            take: Take::One,
            condition: None,
            instant: false,
        }
    }
}

/// What a column buffer is for. The first columns are those that were asked for, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Cell(Take),
    /// The record's key, where only objects lie on the way.
    Key,
    /// Whether a list inside the record was cut.
    Flag,
}

/// The columns, arranged as a tree of the names on their paths.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub nodes: Vec<Node>,
    pub columns: Vec<Column>,
    /// How many columns were asked for.
    pub asked: usize,
    pub key: Option<usize>,
    /// The columns of the flags.
    pub flags: Vec<usize>,
    /// Of each condition the column that it decides about, and what it wants.
    pub conditions: Vec<(usize, bool)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub role: Role,
    pub instant: bool,
    /// The rest of a JSON column's path, below its first name.
    pub inside: Vec<String>,
}

/// A name on a path. The first node is the record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub name: String,
    /// The name as a member begins: quoted, with the colon.
    pub begins: Literal,
    pub children: Vec<usize>,
    /// Columns whose path ends here.
    pub ends: Vec<usize>,
    /// The columns that end here, where nothing else hangs on what stands here and each takes any one value as it is.
    pub plain: Vec<Plain>,
    /// Columns that cannot do without this member: those of one or all values whose path ends here or goes on.
    pub needed_by: Vec<usize>,
    /// Conditions whose Boolean stands here.
    pub marks: Vec<usize>,
    /// Conditions that decide about each value that stands here.
    pub gates: Vec<Gate>,
    /// Columns that are filled from here or below.
    pub columns: Vec<usize>,
    /// Conditions whose Boolean stands here or below.
    pub marks_below: Vec<usize>,
}

/// A column of one or all values, or a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain {
    pub column: usize,
    pub instant: bool,
    pub is_key: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate {
    pub column: usize,
    pub mark: usize,
    pub wanted: bool,
    /// The Boolean is the value itself.
    pub is_here: bool,
}

impl Layout {
    pub fn new(asked: &[ColumnPlan], key: Option<&FieldPath>, flags: &[FieldPath]) -> Layout {
        let mut layout = Layout {
            nodes: vec![Node::default()],
            columns: Vec::new(),
            asked: asked.len(),
            key: None,
            flags: Vec::new(),
            conditions: Vec::new(),
        };
        for plan in asked {
            let segments = plan.field.segments();
            let is_json = plan.take == Take::Json;
            let (path, inside) = segments.split_at(if is_json { 1 } else { segments.len() });
            let column = layout.add(Role::Cell(plan.take), plan.instant, path, inside);
            if let Some(condition) = plan.condition.as_ref().filter(|_| !is_json) {
                layout.add_condition(column, segments, condition);
            }
        }
        layout.key = key.map(|path| layout.add(Role::Key, false, path.segments(), &[]));
        for path in flags {
            let column = layout.add(Role::Flag, false, path.segments(), &[]);
            layout.flags.push(column);
        }
        layout.sort();
        layout.find_plain();
        layout
    }

    fn find_plain(&mut self) {
        for node in &mut self.nodes {
            let has_more =
                !(node.children.is_empty() && node.marks.is_empty() && node.gates.is_empty());
            let plain = node.ends.iter().map(|&column| {
                let Column { role, instant, .. } = self.columns[column];
                let is_plain =
                    !has_more && matches!(role, Role::Cell(Take::One | Take::All) | Role::Key);
                is_plain.then_some(Plain {
                    column,
                    instant,
                    is_key: role == Role::Key,
                })
            });
            node.plain = plain.collect::<Option<_>>().unwrap_or_default();
        }
    }

    /// Children in the order in which a selection prints them, and so in the order in which their values come.
    fn sort(&mut self) {
        let names: Vec<String> = self.nodes.iter().map(|node| node.name.clone()).collect();
        for node in &mut self.nodes {
            node.children
                .sort_by(|one, other| names[*one].cmp(&names[*other]));
        }
    }

    fn add(&mut self, role: Role, instant: bool, path: &[String], inside: &[String]) -> usize {
        let column = self.columns.len();
        self.columns.push(Column {
            role,
            instant,
            inside: inside.to_vec(),
        });
        let is_needed = matches!(role, Role::Cell(Take::One | Take::All));
        let mut at = 0;
        self.touch(at, column);
        for name in path {
            at = self.child(at, name);
            self.touch(at, column);
            if is_needed {
                self.node(at).needed_by.push(column);
            }
        }
        self.node(at).ends.push(column);
        column
    }

    /// The condition decides where its path leaves the value's.
    fn add_condition(&mut self, column: usize, value: &[String], condition: &Condition) {
        let path = condition.path.segments();
        let common = value
            .iter()
            .zip(path)
            .take_while(|(value, beside)| value == beside)
            .count();
        let mark = self.conditions.len();
        self.conditions.push((column, condition.wanted));
        let mut at = 0;
        for (depth, name) in path.iter().enumerate() {
            if depth == common {
                self.gate(at, column, mark, condition.wanted, false);
            }
            at = self.child(at, name);
            self.node(at).marks_below.push(mark);
        }
        if path.len() == common {
            self.gate(at, column, mark, condition.wanted, true);
        } else {
            self.node(at).marks.push(mark);
        }
    }

    fn gate(&mut self, at: usize, column: usize, mark: usize, wanted: bool, is_here: bool) {
        self.node(at).gates.push(Gate {
            column,
            mark,
            wanted,
            is_here,
        });
    }

    fn touch(&mut self, at: usize, column: usize) {
        self.node(at).columns.push(column);
    }

    fn node(&mut self, at: usize) -> &mut Node {
        &mut self.nodes[at]
    }

    fn child(&mut self, at: usize, name: &str) -> usize {
        let known = self.nodes[at]
            .children
            .iter()
            .copied()
            .find(|&child| self.nodes[child].name == name);
        known.unwrap_or_else(|| {
            let child = self.nodes.len();
            self.nodes.push(Node {
                name: name.to_owned(),
                begins: Literal::new(format!("\"{name}\":")),
                ..Node::default()
            });
            self.nodes[at].children.push(child);
            child
        })
    }
}
