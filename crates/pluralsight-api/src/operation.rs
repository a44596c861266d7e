//! The queries that this client can send, and their documents.
//!
//! Each is a whole document in `graphql/`. At run time the lines between `# columns` and `# end of columns` give way
//! to the fields that are needed, and a filter that is not used is left out. Values only ever travel as variables.

use std::fmt::Write as _;

use crate::selection::Selection;

/// The line of a document after which the fields of a record stand.
const COLUMNS: &str = "# columns\n";
/// The line of a document before which they end.
const END_OF_COLUMNS: &str = "# end of columns\n";

/// How the API hands out the records of a root field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Pages of `nodes`, with `pageInfo` and `totalCount`.
    Connection,
    /// One object.
    Object,
    /// A plain list, without pages.
    List,
}

/// A query, by its root field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation(&'static Definition);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Definition {
    name: &'static str,
    /// The query's name in its document.
    title: &'static str,
    document: &'static str,
    shape: Shape,
    /// The input type of the argument `filter`, where there is one.
    filter: Option<&'static str>,
    /// The key's field, where the schema says that it is never null.
    required_key: Option<&'static str>,
}

static DEFINITIONS: [Definition; 4] = [
    Definition {
        name: "users",
        title: "Users",
        document: include_str!("../../../graphql/users.graphql"),
        shape: Shape::Connection,
        filter: Some("UserFilter"),
        required_key: None,
    },
    Definition {
        name: "planInfo",
        title: "Plan",
        document: include_str!("../../../graphql/plan.graphql"),
        shape: Shape::Object,
        filter: None,
        required_key: None,
    },
    Definition {
        name: "planAdmins",
        title: "Admins",
        document: include_str!("../../../graphql/admins.graphql"),
        shape: Shape::Connection,
        filter: None,
        required_key: Some("psUserId"),
    },
    Definition {
        name: "teams",
        title: "Teams",
        document: include_str!("../../../graphql/teams.graphql"),
        shape: Shape::Connection,
        filter: Some("TeamsFilter"),
        required_key: None,
    },
];

impl Operation {
    /// The query over that root field, if this client knows it.
    pub fn named(name: &str) -> Option<Operation> {
        Operation::all().find(|operation| operation.name() == name)
    }

    /// The key's field, where the schema says that it is never null.
    pub(crate) fn required_key(&self) -> Option<&'static str> {
        self.0.required_key
    }

    /// Every query that this client knows.
    pub fn all() -> impl Iterator<Item = Operation> {
        DEFINITIONS.iter().map(Operation)
    }

    /// The root field, such as `users`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The shape that the documents in `graphql/` are written for.
    pub fn shape(self) -> Shape {
        self.0.shape
    }

    /// The GraphQL type of the argument `filter`; `None` where the query takes no filter.
    pub fn filter_type(self) -> Option<&'static str> {
        self.0.filter
    }

    /// The whole document with its default fields, as it stands in `graphql/`.
    pub fn default_document(self) -> &'static str {
        self.0.document
    }

    /// The document that asks for these fields of each record. `has_filter` declares and passes the variable
    /// `$filter`; it is of no effect where the query takes no filter. A connection also takes `$first` and `$after`.
    pub fn document(self, selection: &Selection, has_filter: bool, shape: Shape) -> String {
        let is_paged = |shape| shape == Shape::Connection;
        let frame = if is_paged(shape) == is_paged(self.0.shape) {
            self.frame_of_file()
        } else {
            None
        };
        let (head, indent, tail) = frame.unwrap_or_else(|| self.frame(shape));
        let mut document = if has_filter {
            head
        } else {
            self.without_filter(&head)
        };
        // Writing to a String cannot fail.
        let _ = selection.write(&mut document, indent);
        document.push_str(&tail);
        document
    }

    /// The document that asks for `totalCount` alone.
    pub fn count_document(self, has_filter: bool) -> String {
        let (declared, passed) = self.filter_texts(has_filter, &[], &[]);
        format!(
            "query {}Count{declared} {{\n  {}{passed} {{\n    totalCount\n  }}\n}}\n",
            self.0.title, self.0.name
        )
    }

    /// What stands before and after the fields of a record in this query's file, and how far they are indented.
    fn frame_of_file(self) -> Option<(String, usize, String)> {
        let document = self.0.document.get(self.0.document.find("query ")?..)?;
        let (head, rest) = document.split_once(COLUMNS)?;
        let (_, tail) = rest.split_once(END_OF_COLUMNS)?;
        let lines = head.trim_end_matches(' ');
        Some((lines.to_owned(), head.len() - lines.len(), tail.to_owned()))
    }

    /// The same for a shape that the file is not written for.
    fn frame(self, shape: Shape) -> (String, usize, String) {
        let (title, name) = (self.0.title, self.0.name);
        match shape {
            Shape::Connection => {
                let (declared, passed) = self.filter_texts(
                    true,
                    &["$first: Int", "$after: String"],
                    &["first: $first", "after: $after"],
                );
                (
                    format!(
                        "query {title}{declared} {{\n  {name}{passed} {{\n    totalCount\n    pageInfo {{\n      hasNextPage\n      endCursor\n    }}\n    nodes {{\n"
                    ),
                    6,
                    "    }\n  }\n}\n".to_owned(),
                )
            }
            Shape::Object | Shape::List => {
                let (declared, passed) = self.filter_texts(true, &[], &[]);
                (
                    format!("query {title}{declared} {{\n  {name}{passed} {{\n"),
                    4,
                    "  }\n}\n".to_owned(),
                )
            }
        }
    }

    /// The lists of variables and of arguments, in their brackets; empty if there are none.
    fn filter_texts(
        self,
        has_filter: bool,
        declared: &[&str],
        passed: &[&str],
    ) -> (String, String) {
        let mut declared = declared.join(", ");
        let mut passed = passed.join(", ");
        if let Some(filter) = self.0.filter.filter(|_| has_filter) {
            let comma = if declared.is_empty() { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(declared, "{comma}$filter: {filter}");
            let _ = write!(passed, "{comma}filter: $filter");
        }
        let bracketed = |list: String| {
            if list.is_empty() {
                list
            } else {
                format!("({list})")
            }
        };
        (bracketed(declared), bracketed(passed))
    }

    fn without_filter(self, head: &str) -> String {
        let Some(filter) = self.0.filter else {
            return head.to_owned();
        };
        [
            format!(", $filter: {filter}"),
            ", filter: $filter".to_owned(),
            format!("($filter: {filter})"),
            "(filter: $filter)".to_owned(),
        ]
        .iter()
        .fold(head.to_owned(), |text, part| text.replacen(part, "", 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::FieldPath;

    fn selection(paths: &[&str]) -> Selection {
        Selection::from_paths(
            &paths
                .iter()
                .map(|path| FieldPath::parse(path).expect(path))
                .collect::<Vec<_>>(),
        )
    }

    fn operation(name: &str) -> Operation {
        Operation::named(name).expect(name)
    }

    #[test]
    fn every_file_has_the_marks_and_the_filter_that_are_replaced() {
        for operation in Operation::all() {
            let document = operation.default_document();
            assert_eq!(document.matches(COLUMNS).count(), 1, "{}", operation.name());
            assert_eq!(
                document.matches(END_OF_COLUMNS).count(),
                1,
                "{}",
                operation.name()
            );
            assert!(
                document.contains(&format!("query {}", operation.0.title)),
                "{}",
                operation.name()
            );
            assert_eq!(
                document.matches("$filter").count(),
                operation.filter_type().map_or(0, |_| 2),
                "{}",
                operation.name()
            );
            assert_eq!(
                operation.frame_of_file(),
                Some(operation.frame(operation.shape())),
                "{}",
                operation.name()
            );
        }
        assert_eq!(Operation::named("mutation"), None);
    }

    #[test]
    fn only_the_fields_that_are_needed_are_asked_for() {
        let document = operation("users").document(&selection(&["email"]), true, Shape::Connection);
        assert_eq!(
            document,
            "query Users($first: Int, $after: String, $filter: UserFilter) {\n  users(first: $first, after: $after, filter: $filter) {\n    totalCount\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n    nodes {\n      email\n    }\n  }\n}\n"
        );
    }

    #[test]
    fn a_filter_that_is_not_used_is_not_declared() {
        for operation in Operation::all() {
            for shape in [Shape::Connection, Shape::Object, Shape::List] {
                assert!(
                    !operation
                        .document(&selection(&["id"]), false, shape)
                        .contains("filter")
                );
                assert_eq!(
                    operation
                        .document(&selection(&["id"]), true, shape)
                        .matches("$filter")
                        .count(),
                    operation.filter_type().map_or(0, |_| 2)
                );
            }
            assert!(!operation.count_document(false).contains("filter"));
        }
        assert_eq!(
            operation("users").count_document(true),
            "query UsersCount($filter: UserFilter) {\n  users(filter: $filter) {\n    totalCount\n  }\n}\n"
        );
        assert_eq!(
            operation("planAdmins").count_document(true),
            "query AdminsCount {\n  planAdmins {\n    totalCount\n  }\n}\n"
        );
    }

    #[test]
    fn a_query_can_be_asked_in_another_shape_than_its_own() {
        let plan = operation("planInfo");
        assert_eq!(
            plan.document(&selection(&["name"]), false, Shape::Object),
            "query Plan {\n  planInfo {\n    name\n  }\n}\n"
        );
        let connection = plan.document(&selection(&["name"]), true, Shape::Connection);
        assert!(
            connection.contains("planInfo(first: $first, after: $after) {"),
            "{connection}"
        );
    }
}
