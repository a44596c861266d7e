//! Query documents: the frames in `graphql/`, with the selection that a query needs.

use std::collections::BTreeMap;
use std::fmt;

use crate::page::Shape;

/// Names below one another.
const DEEPEST: usize = 8;
/// Characters of one name.
const LONGEST: usize = 64;

/// A path of GraphQL names below a record, such as `teams.edges.node.name`. Names and dots are all that it can hold, so
/// it can never carry anything else into a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<String>);

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be GraphQL names joined by dots, such as teams.edges.node.name")]
pub struct FieldPathError;

impl FieldPath {
    /// Reads a path: at most 8 names of at most 64 characters each.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse(text: &str) -> Result<FieldPath, FieldPathError> {
        let names: Vec<String> = text.split('.').map(str::to_owned).collect();
        let fits = names.len() <= DEEPEST && names.iter().all(|name| is_name(name));
        if fits { Ok(FieldPath(names)) } else { Err(FieldPathError) }
    }

    /// The names, outermost first; at least one.
    pub fn segments(&self) -> &[String] {
        &self.0
    }
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    text.len() <= LONGEST
        && letters.next().is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
        && letters.all(|other| other == '_' || other.is_ascii_alphanumeric())
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A selection set: paths merged into a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(BTreeMap<String, Selection>);

impl Selection {
    pub fn from_paths<'a>(paths: impl IntoIterator<Item = &'a FieldPath>) -> Selection {
        let mut root = Selection::default();
        for path in paths {
            path.segments().iter().fold(&mut root, |node, name| node.0.entry(name.clone()).or_default());
        }
        root
    }
}

/// The fields between braces, without the outermost ones, in the order of the alphabet.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, below)) in self.0.iter().enumerate() {
            let space = if index > 0 { " " } else { "" };
            if below.0.is_empty() {
                write!(f, "{space}{name}")?;
            } else {
                write!(f, "{space}{name} {{ {below} }}")?;
            }
        }
        Ok(())
    }
}

/// A query of the API that this product asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The root field.
    field: &'static str,
    /// Name of the operation in the document.
    name: &'static str,
    frame: &'static str,
    /// GraphQL type of the argument `filter`, if the query has it.
    filter: Option<&'static str>,
}

const OPERATIONS: [Operation; 4] = [
    Operation { field: "users", name: "Users", frame: include_str!("../../../graphql/users.graphql"), filter: Some("UserFilter") },
    Operation { field: "planInfo", name: "Plan", frame: include_str!("../../../graphql/plan.graphql"), filter: None },
    Operation { field: "planAdmins", name: "Admins", frame: include_str!("../../../graphql/admins.graphql"), filter: None },
    Operation { field: "teams", name: "Teams", frame: include_str!("../../../graphql/teams.graphql"), filter: Some("TeamsFilter") },
];

/// In a frame, the lines between these two are the selection.
const START: &str = "# columns";
const END: &str = "# end of columns";

impl Operation {
    /// The query with that root field, if it is one that this product asks.
    pub fn named(field: &str) -> Option<Operation> {
        OPERATIONS.into_iter().find(|operation| operation.field == field)
    }

    /// The root field.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// The whole document of `graphql/`, with its default selection.
    pub fn frame(&self) -> &'static str {
        self.frame
    }

    /// The document that asks for `selection` of each record, on one line.
    pub fn document(&self, selection: &Selection, has_filter: bool, shape: Shape) -> String {
        let (before, rest) = self.frame.split_once(START).unwrap_or((self.frame, ""));
        let after = rest.split_once(END).map_or("", |(_, after)| after);
        let pages = before.contains("nodes");
        match (shape, pages) {
            (Shape::Connection, true) => {
                let before = if has_filter { before.to_owned() } else { without_filter(before) };
                on_one_line(&format!("{before} {selection} {after}"))
            }
            (Shape::Object | Shape::List, false) => on_one_line(&format!("{before} {selection} {after}")),
            (Shape::Connection, false) => format!(
                "query {}($first: Int, $after: String) {{ {}(first: $first, after: $after) {{ totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {selection} }} }} }}",
                self.name, self.field
            ),
            (Shape::Object | Shape::List, true) => format!("query {} {{ {} {{ {selection} }} }}", self.name, self.field),
        }
    }

    /// The document that asks how many records there are, and for nothing else.
    pub fn count_document(&self, has_filter: bool) -> String {
        match self.filter.filter(|_| has_filter) {
            Some(filter) => format!("query {}Count($filter: {filter}) {{ {}(filter: $filter) {{ totalCount }} }}", self.name, self.field),
            None => format!("query {}Count {{ {} {{ totalCount }} }}", self.name, self.field),
        }
    }
}

/// The document without comments and line breaks; there is no text in it that could hold either.
fn on_one_line(document: &str) -> String {
    let lines = document.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// A document must not declare a variable that it does not use, and an API without the filter would refuse it.
fn without_filter(text: &str) -> String {
    let mut text = text.to_owned();
    for use_of in [", $filter: UserFilter", ", $filter: TeamsFilter", ", filter: $filter"] {
        text = text.replace(use_of, "");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(texts: &[&str]) -> Vec<FieldPath> {
        texts.iter().map(|text| FieldPath::parse(text).expect(text)).collect()
    }

    #[test]
    fn a_path_holds_names_and_nothing_else() {
        assert_eq!(FieldPath::parse("teams.edges.node.name").expect("a path").segments().len(), 4);
        for text in ["", ".", "a.", ".a", "a b", "a{b}", "a(x:1)", "a\n", "1a", "a-b", "ä", "a:b", "...a", "@a", "a.b.c.d.e.f.g.h.i", &"a".repeat(65)] {
            assert_eq!(FieldPath::parse(text), Err(FieldPathError), "{text:?}");
        }
    }

    #[test]
    fn paths_are_merged() {
        let selection = Selection::from_paths(&paths(&["teams.edges.node.name", "email", "teams.edges.isDirect", "email", "teams.edges.node.id"]));
        assert_eq!(selection.to_string(), "email teams { edges { isDirect node { id name } } }");
    }

    #[test]
    fn only_what_is_needed_is_asked_for() {
        let selection = Selection::from_paths(&paths(&["email"]));
        let users = Operation::named("users").expect("users is asked");
        let plain = users.document(&selection, false, Shape::Connection);
        assert!(!plain.contains("filter") && !plain.contains("lastName") && !plain.contains('#'), "{plain}");
        let filtered = users.document(&selection, true, Shape::Connection);
        assert!(filtered.contains("$filter: UserFilter") && filtered.contains("filter: $filter"), "{filtered}");
    }
}
