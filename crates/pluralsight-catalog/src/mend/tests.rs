use pluralsight_api::Constant;

use super::*;
use crate::ddl::ImportedTable;

fn table(name: &str) -> ImportedTable {
    ImportedTable::declared(Table::named(name).expect(name))
}

fn field(field: &str, on_type: &str) -> Refusal {
    Refusal::Field {
        field: field.to_owned(),
        on_type: Some(on_type.to_owned()),
        suggestions: Vec::new(),
    }
}

/// What the changes are, one by one, with the places where the refusals stand.
fn changes(table: &ImportedTable, refusals: &[(Refusal, &str)]) -> Vec<String> {
    let places: Vec<Vec<String>> = refusals
        .iter()
        .map(|(_, at)| {
            at.split('.')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect()
        })
        .collect();
    let refusals: Vec<(&Refusal, &[String])> = refusals
        .iter()
        .zip(&places)
        .map(|((refusal, _), at)| (refusal, at.as_slice()))
        .collect();
    mends(&table.mapping(), &refusals, &mut Refused::guessing())
        .into_iter()
        .map(|mend| {
            let column = mend
                .column
                .map_or_else(String::new, |column| format!("{column}."));
            match mend.value {
                Some(value) => format!("{column}{}={value}", mend.option),
                None => format!("{column}{} dropped", mend.option),
            }
        })
        .collect()
}

#[test]
fn a_refused_field_is_that_of_the_columns_that_read_it_and_of_no_other() {
    let users = table("users");
    assert_eq!(
        changes(&users, &[(field("note", "User"), "users.nodes.note")]),
        ["note.absent=true"]
    );
    // Another name that is declared.
    assert_eq!(
        changes(
            &users,
            &[(field("mfaEnabled", "User"), "users.nodes.mfaEnabled")]
        ),
        ["mfa_enabled.field=isMfaEnabled"]
    );
    // `id` of a team is not `id` of a person.
    let team_id = changes(
        &users,
        &[(field("id", "Team"), "users.nodes.teams.edges.node.id")],
    );
    assert!(
        team_id.iter().all(|change| change.contains("team_ids.")),
        "{team_id:?}"
    );
    // Without a place, the outermost one that there is.
    assert_eq!(
        changes(&users, &[(field("note", "User"), "")]),
        ["note.absent=true"]
    );
}

#[test]
fn a_mark_that_is_refused_is_spelled_otherwise_and_then_leaves_what_it_marked() {
    let mut users = table("users");
    let refused = |users: &ImportedTable, name: &str| {
        let at = format!("users.nodes.teams.edges.{name}");
        changes(users, &[(field(name, "TeamUserEdge"), &at)])
    };
    assert_eq!(
        refused(&users, "isDirect"),
        [
            "team_names.only_where=teams.edges.is_direct",
            "team_ids.only_where=teams.edges.is_direct",
            "inherited_team_names.only_where_not=teams.edges.is_direct",
            "inherited_team_ids.only_where_not=teams.edges.is_direct"
        ]
    );
    for column in &mut users.columns {
        let marks = [&mut column.only_where, &mut column.only_where_not];
        for mark in marks.into_iter().flatten() {
            *mark = "teams.edges.is_direct".to_owned();
        }
    }
    assert_eq!(
        refused(&users, "is_direct"),
        [
            "team_names.only_where dropped",
            "team_ids.only_where dropped",
            "inherited_team_names.absent=true",
            "inherited_team_ids.absent=true"
        ]
    );
}

#[test]
fn the_parts_of_a_connection_are_options_of_the_table() {
    let users = table("users");
    for (refusals, expected) in [
        (
            vec![(field("totalCount", "UserConnection"), "users.totalCount")],
            &["total_count=off"][..],
        ),
        (
            vec![(field("totalCount", "UserConnection"), "")],
            &["total_count=off"],
        ),
        (
            vec![(field("endCursor", "PageInfo"), "users.pageInfo.endCursor")],
            &["page_info=off"],
        ),
        (
            vec![(field("nodes", "UserConnection"), "users.nodes")],
            &["records=edges.node"],
        ),
        (
            vec![
                (field("totalCount", "User"), "users.totalCount"),
                (field("pageInfo", "User"), "users.pageInfo"),
                (field("nodes", "User"), "users.nodes"),
            ],
            &["shape=list"],
        ),
    ] {
        assert_eq!(changes(&users, &refusals), expected, "{refusals:?}");
    }
    let mut plan = table("plan");
    assert_eq!(
        changes(
            &plan,
            &[(field("name", "PlanInfoConnection"), "planInfo.name")]
        ),
        ["shape=connection"]
    );
    plan.columns.retain(|column| column.name == "name");
    assert_eq!(
        changes(&plan, &[(field("name", "Plans"), "planInfo.name")]),
        ["shape=connection"]
    );
}

#[test]
fn types_and_arguments_are_options_of_the_table() {
    let users = table("users");
    let owned = |text: &str| Some(text.to_owned());
    let variable =
        |variable: Option<String>, given: &str, expected: Option<String>| Refusal::Variable {
            variable,
            argument: None,
            given: owned(given),
            expected,
        };
    for (refusal, expected) in [
        (
            variable(owned("filter"), "UserFilter", owned("UsersFilterInput!")),
            "filter_type=UsersFilterInput!",
        ),
        (
            variable(owned("after"), "String", owned("ID")),
            "after_type=ID",
        ),
        (
            variable(None, "UserFilter", owned("[UserWhere!]")),
            "filter_type=[UserWhere!]",
        ),
        (variable(owned("first"), "Int", None), "first_type=Int!"),
        (
            Refusal::Type {
                name: "UserFilter".to_owned(),
                suggestions: vec!["UsersFilter".to_owned()],
            },
            "filter_type=UsersFilter",
        ),
        (
            Refusal::Type {
                name: "UserFilter".to_owned(),
                suggestions: vec!["User".to_owned()],
            },
            "filter_argument=",
        ),
        (
            Refusal::Argument {
                argument: "filter".to_owned(),
                field: owned("users"),
                suggestions: vec!["where".to_owned()],
            },
            "filter_argument=where",
        ),
        (
            Refusal::Argument {
                argument: "first".to_owned(),
                field: None,
                suggestions: Vec::new(),
            },
            "first_argument=",
        ),
        (field("emails", "UserFilter"), "filters="),
        (
            Refusal::Value {
                field: "emails".to_owned(),
                expected: "Int".to_owned(),
            },
            "filters=emails[Int]=email",
        ),
    ] {
        assert_eq!(
            changes(&users, &[(refusal.clone(), "")]),
            [expected],
            "{refusal:?}"
        );
    }
}

#[test]
fn an_argument_below_the_records_is_the_size_of_a_page_or_costs_the_columns_that_need_it() {
    let missing_argument = |field: &str, argument: &str| Refusal::Missing {
        argument: argument.to_owned(),
        field: Some(field.to_owned()),
        of_type: Some("Int!".to_owned()),
    };
    let missing = |field: &str| missing_argument(field, "first");
    let mut users = table("users");
    let at = "users.nodes.teams";
    assert_eq!(
        changes(&users, &[(missing("teams"), at)]),
        ["arguments=teams.first=100"]
    );
    users.operation.arguments = Constant::parse_list("teams.first=100").expect("a list");
    let unknown = Refusal::Argument {
        argument: "first".to_owned(),
        field: Some("teams".to_owned()),
        suggestions: Vec::new(),
    };
    assert_eq!(changes(&users, &[(unknown, at)]), ["arguments="]);
    let lost = changes(&users, &[(missing_argument("teams", "kind"), at)]);
    assert!(
        lost.len() >= 4 && lost.iter().all(|change| change.contains("team")),
        "{lost:?}"
    );
    let mut unpaged = table("users");
    unpaged.operation.first = None;
    assert_eq!(
        changes(&unpaged, &[(missing("users"), "users")]),
        ["first_argument=first", "first_type=Int!"]
    );
}

#[test]
fn many_changes_are_one_statement() {
    let mend = |column: Option<&str>, option, value: Option<&str>| Mend {
        column: column.map(str::to_owned),
        option,
        value: value.map(str::to_owned),
    };
    let statement = mend_statement(
        "\"s\".\"users\"",
        &[
            mend(Some("a"), "absent", Some("true")),
            mend(None, "filter_type", Some("X")),
            mend(Some("a"), "only_where", None),
            mend(Some("b"), "only_where", None),
        ],
        |column, option| (column, option) != (Some("a"), "absent") && column != Some("b"),
    );
    assert_eq!(
        statement,
        "ALTER FOREIGN TABLE \"s\".\"users\" OPTIONS (SET filter_type 'X'), ALTER COLUMN \"a\" OPTIONS (ADD absent 'true', DROP only_where);"
    );
}
