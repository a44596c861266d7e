//! A query as this client sends it: its root field, what it takes, and where its records are.
//!
//! All of that is data, since little of it is published. Values only ever travel as variables, but for the constants
//! that a person wrote into the options of a table.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::argument::{Argument, Constant};
use crate::path::{FieldPath, Name};
use crate::selection::Selection;

/// How the API hands out the records of a root field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Pages of records, with `pageInfo` and `totalCount`.
    Connection,
    /// One object.
    Object,
    /// A plain list, without pages.
    List,
}

impl Shape {
    pub fn name(self) -> &'static str {
        match self {
            Shape::Connection => "connection",
            Shape::Object => "object",
            Shape::List => "list",
        }
    }

    pub fn parse(text: &str) -> Option<Shape> {
        [Shape::Connection, Shape::Object, Shape::List]
            .into_iter()
            .find(|shape| shape.name() == text)
    }
}

/// A query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// The root field, such as `users`.
    pub name: Name,
    pub shape: Shape,
    /// Where the records of a connection are: `nodes`, or `edges.node`.
    pub records: FieldPath,
    /// A connection has `totalCount`.
    pub total_count: bool,
    /// A connection has `pageInfo`; without it, one page is all there is.
    pub page_info: bool,
    /// The argument that says how many records a page of a connection has.
    pub first: Option<Argument>,
    /// The argument that says after which record a page of a connection begins.
    pub after: Option<Argument>,
    /// The argument that says which records are wanted.
    pub filter: Option<Argument>,
    /// Arguments that are the same in every query.
    pub arguments: Vec<Constant>,
}

impl Operation {
    /// A query as the Relay convention has it: a connection of `nodes` with `first: Int`, `after: String`, `totalCount`
    /// and `pageInfo`, and no filter. An object or a list takes no arguments.
    pub fn new(name: Name, shape: Shape) -> Operation {
        let is_paged = shape == Shape::Connection;
        let argument = |name, of_type| is_paged.then(|| Argument::declared(name, of_type));
        Operation {
            name,
            shape,
            records: FieldPath::of_name("nodes"),
            total_count: is_paged,
            page_info: is_paged,
            first: argument("first", "Int"),
            after: argument("after", "String"),
            filter: None,
            arguments: Vec::new(),
        }
    }

    /// The document that asks for these fields of each record. `has_filter` declares and passes the variable
    /// `$filter`; it is of no effect where the query takes no filter.
    pub fn document(&self, selection: &Selection, has_filter: bool) -> String {
        let mut document = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_document(&mut document, selection, has_filter);
        document
    }

    /// The document that asks for `totalCount` alone.
    pub fn count_document(&self, has_filter: bool) -> String {
        let first = self
            .first
            .as_ref()
            .filter(|first| first.of_type.is_required());
        let mut document = String::new();
        let _ = self.write_head(
            &mut document,
            "Count",
            &self.passed(first, None, has_filter),
        );
        document.push_str("    totalCount\n  }\n}\n");
        document
    }

    /// The values of the document's variables.
    pub fn variables(&self, first: u32, after: Option<&str>, filter: Option<&Value>) -> Value {
        let mut variables = Map::new();
        if self.first.is_some() {
            variables.insert("first".to_owned(), first.into());
        }
        if let (Some(cursor), Some(_)) = (after, &self.after) {
            variables.insert("after".to_owned(), cursor.into());
        }
        if self.declared_filter(filter.is_some()).is_some() {
            let everything = || Value::Object(Map::new());
            variables.insert(
                "filter".to_owned(),
                filter.cloned().unwrap_or_else(everything),
            );
        }
        for constant in self
            .arguments
            .iter()
            .filter(|known| known.of_type.is_some())
        {
            variables.insert(constant_variable(constant), constant.value.clone());
        }
        Value::Object(variables)
    }

    /// The values of the variables of [`Operation::count_document`].
    pub(crate) fn count_variables(&self, filter: Option<&Value>) -> Value {
        let mut variables = self.variables(1, None, filter);
        if let Value::Object(fields) = &mut variables
            && self
                .first
                .as_ref()
                .is_none_or(|first| !first.of_type.is_required())
        {
            fields.remove("first");
        }
        variables
    }

    fn write_document(
        &self,
        text: &mut String,
        selection: &Selection,
        has_filter: bool,
    ) -> std::fmt::Result {
        let mut arguments = self.passed(self.first.as_ref(), self.after.as_ref(), has_filter);
        let mut selection = selection.clone();
        for constant in self
            .arguments
            .iter()
            .filter(|known| !known.field().is_empty())
        {
            let passed = Passed::of(constant);
            if selection.give(constant.field(), passed.given) {
                arguments.push(Passed {
                    given: String::new(),
                    ..passed
                });
            }
        }
        self.write_head(text, "", &arguments)?;
        if self.shape != Shape::Connection {
            selection.write(text, 4)?;
            text.push_str("  }\n}\n");
            return Ok(());
        }
        if self.total_count {
            text.push_str("    totalCount\n");
        }
        if self.page_info {
            text.push_str("    pageInfo {\n      hasNextPage\n      endCursor\n    }\n");
        }
        let names = self.records.segments();
        for (depth, name) in names.iter().enumerate() {
            writeln!(text, "{:indent$}{name} {{", "", indent = 4 + 2 * depth)?;
        }
        selection.write(text, 4 + 2 * names.len())?;
        for depth in (0..names.len()).rev() {
            writeln!(text, "{:indent$}}}", "", indent = 4 + 2 * depth)?;
        }
        text.push_str("  }\n}\n");
        Ok(())
    }

    /// The lines down to the root field's opening brace.
    fn write_head(&self, text: &mut String, suffix: &str, passed: &[Passed]) -> std::fmt::Result {
        let declared: Vec<String> = passed
            .iter()
            .filter_map(|argument| argument.declared.clone())
            .collect();
        // What a field below is given needs its variable here, and nothing else.
        let given: Vec<String> = passed
            .iter()
            .map(|argument| argument.given.clone())
            .filter(|given| !given.is_empty())
            .collect();
        write!(text, "query {}{suffix}", self.title())?;
        if !declared.is_empty() {
            write!(text, "({})", declared.join(", "))?;
        }
        write!(text, " {{\n  {}", self.name)?;
        if !given.is_empty() {
            write!(text, "({})", given.join(", "))?;
        }
        text.push_str(" {\n");
        Ok(())
    }

    fn passed(
        &self,
        first: Option<&Argument>,
        after: Option<&Argument>,
        has_filter: bool,
    ) -> Vec<Passed> {
        let variables = [
            ("first", first),
            ("after", after),
            ("filter", self.declared_filter(has_filter)),
        ];
        let mut passed: Vec<Passed> = variables
            .into_iter()
            .filter_map(|(variable, argument)| {
                argument.map(|argument| Passed {
                    declared: Some(format!("${variable}: {}", argument.of_type)),
                    given: format!("{}: ${variable}", argument.name),
                })
            })
            .collect();
        passed.extend(self.own_constants().map(Passed::of));
        passed
    }

    /// The constants of the root field: the variables that they need, and how they are given.
    pub(crate) fn constants(&self) -> (Vec<String>, Vec<String>) {
        let (mut declared, mut given) = (Vec::new(), Vec::new());
        for passed in self.own_constants().map(Passed::of) {
            declared.extend(passed.declared);
            given.push(passed.given);
        }
        (declared, given)
    }

    fn own_constants(&self) -> impl Iterator<Item = &Constant> {
        self.arguments
            .iter()
            .filter(|constant| constant.field().is_empty())
    }

    /// The filter, if a document declares it: a query that must have one gets an empty one.
    fn declared_filter(&self, has_filter: bool) -> Option<&Argument> {
        self.filter
            .as_ref()
            .filter(|filter| has_filter || filter.of_type.is_required())
    }

    /// The query's name in its document.
    fn title(&self) -> String {
        let mut letters = self.name.as_str().chars();
        letters.next().map_or_else(String::new, |first| {
            format!("{}{}", first.to_ascii_uppercase(), letters.as_str())
        })
    }
}

/// An argument as it stands in a document.
struct Passed {
    declared: Option<String>,
    given: String,
}

impl Passed {
    fn of(constant: &Constant) -> Passed {
        let name = constant.name();
        match &constant.of_type {
            Some(of_type) => {
                let variable = constant_variable(constant);
                Passed {
                    declared: Some(format!("${variable}: {of_type}")),
                    given: format!("{name}: ${variable}"),
                }
            }
            None => Passed {
                declared: None,
                given: format!("{name}: {}", constant.literal()),
            },
        }
    }
}

/// Apart from `$first`, `$after` and `$filter`, whatever the argument is called.
fn constant_variable(constant: &Constant) -> String {
    format!("given_{}", constant.path.segments().join("_"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selection(paths: &[&str]) -> Selection {
        Selection::from_paths(
            &paths
                .iter()
                .map(|path| FieldPath::parse(path).expect(path))
                .collect::<Vec<_>>(),
        )
    }

    fn operation(name: &str, shape: Shape) -> Operation {
        Operation::new(Name::parse(name).expect(name), shape)
    }

    fn users() -> Operation {
        Operation {
            filter: Some(Argument::declared("filter", "UserFilter")),
            ..operation("users", Shape::Connection)
        }
    }

    #[test]
    fn only_the_fields_that_are_needed_are_asked_for() {
        assert_eq!(
            users().document(&selection(&["email"]), true),
            "query Users($first: Int, $after: String, $filter: UserFilter) {\n  users(first: $first, after: $after, filter: $filter) {\n    totalCount\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n    nodes {\n      email\n    }\n  }\n}\n"
        );
    }

    #[test]
    fn a_filter_that_is_not_used_is_not_declared() {
        let users = users();
        assert!(
            !users
                .document(&selection(&["id"]), false)
                .contains("filter")
        );
        assert!(!users.count_document(false).contains("filter"));
        assert_eq!(users.variables(7, None, None), json!({"first": 7}));
        assert_eq!(
            users.count_document(true),
            "query UsersCount($filter: UserFilter) {\n  users(filter: $filter) {\n    totalCount\n  }\n}\n"
        );
        assert_eq!(
            users.count_variables(Some(&json!({"emails": []}))),
            json!({"filter": {"emails": []}})
        );
        let admins = operation("planAdmins", Shape::Connection);
        assert_eq!(
            admins.count_document(true),
            "query PlanAdminsCount {\n  planAdmins {\n    totalCount\n  }\n}\n"
        );
    }

    #[test]
    fn what_must_be_given_is_always_given() {
        let users = Operation {
            first: Some(Argument::declared("limit", "Int!")),
            filter: Some(Argument::declared("where", "UsersWhere!")),
            ..users()
        };
        assert_eq!(
            users.count_document(false),
            "query UsersCount($first: Int!, $filter: UsersWhere!) {\n  users(limit: $first, where: $filter) {\n    totalCount\n  }\n}\n"
        );
        assert_eq!(
            users.count_variables(None),
            json!({"first": 1, "filter": {}})
        );
        assert_eq!(
            users.variables(9, Some("c"), None),
            json!({"first": 9, "after": "c", "filter": {}})
        );
    }

    #[test]
    fn a_query_can_be_asked_in_any_shape() {
        let document = |operation: &Operation| operation.document(&selection(&["name"]), false);
        assert_eq!(
            document(&operation("planInfo", Shape::Object)),
            "query PlanInfo {\n  planInfo {\n    name\n  }\n}\n"
        );
        let edges = Operation {
            records: FieldPath::parse("edges.node").expect("a path"),
            total_count: false,
            page_info: false,
            first: None,
            after: None,
            ..operation("planInfo", Shape::Connection)
        };
        assert_eq!(
            document(&edges),
            "query PlanInfo {\n  planInfo {\n    edges {\n      node {\n        name\n      }\n    }\n  }\n}\n"
        );
        assert_eq!(edges.variables(9, Some("c"), None), json!({}));
    }

    #[test]
    fn a_field_below_is_given_its_constants_where_it_is_asked_for() {
        let users = Operation {
            arguments: Constant::parse_list("teams.first=100, teams.edges.kind:Kind=ALL")
                .expect("a list"),
            first: None,
            after: None,
            total_count: false,
            page_info: false,
            ..operation("users", Shape::Connection)
        };
        assert_eq!(
            users.document(&selection(&["email", "teams.nodes.id"]), false),
            "query Users {\n  users {\n    nodes {\n      email\n      teams(first: 100) {\n        nodes {\n          id\n        }\n      }\n    }\n  }\n}\n"
        );
        assert_eq!(
            users.document(&selection(&["teams.edges.id"]), false),
            "query Users($given_teams_edges_kind: Kind) {\n  users {\n    nodes {\n      teams(first: 100) {\n        edges(kind: $given_teams_edges_kind) {\n          id\n        }\n      }\n    }\n  }\n}\n"
        );
        assert_eq!(
            users.document(&selection(&["email"]), false),
            "query Users {\n  users {\n    nodes {\n      email\n    }\n  }\n}\n"
        );
        assert!(!users.count_document(false).contains("given"));
    }

    #[test]
    fn constants_are_part_of_every_query() {
        let plan = Operation {
            arguments: Constant::parse_list("planId=a-1, kind:PlanKind!=ACTIVE").expect("a list"),
            ..operation("planInfo", Shape::Object)
        };
        assert_eq!(
            plan.document(&selection(&["name"]), false),
            "query PlanInfo($given_kind: PlanKind!) {\n  planInfo(planId: \"a-1\", kind: $given_kind) {\n    name\n  }\n}\n"
        );
        assert_eq!(
            plan.variables(1, None, None),
            json!({"given_kind": "ACTIVE"})
        );
    }
}
