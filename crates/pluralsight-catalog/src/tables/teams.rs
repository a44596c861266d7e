use crate::SqlType::Text;
use crate::{Column, Filter, FilterKind, Presence, Shape, Table};

/// Names: public clients; the name filter is a pattern match at the API, so it may bring more than was asked.
pub const TEAMS: Table = Table {
    name: "teams",
    query: "teams",
    shape: Shape::Connection,
    comment: "The organisation's teams. One row a team; parent_team_id makes the tree.",
    key: Some(&["id"]),
    columns: &[
        Column::new(
            "team_id",
            Text,
            &["id"],
            "The team's id, as in users.team_ids.",
        ),
        Column::new("name", Text, &["name"], "Name of the team."),
        Column::new(
            "description",
            Text,
            &["description"],
            "What the team is for.",
        ),
        Column::new(
            "parent_team_id",
            Text,
            &["parentTeamId"],
            "The team above it; null at the top.",
        ),
        Column::new("plan_id", Text, &["planId"], "The plan."),
    ],
    filters: &[
        Filter {
            name: "name",
            field: "name",
            kind: FilterKind::Pattern,
            exact: false,
            fold_case: false,
            presence: Presence::Declared,
        },
        Filter {
            name: "ids",
            field: "id",
            kind: FilterKind::List,
            exact: false,
            fold_case: false,
            presence: Presence::Discovered,
        },
    ],
    truncated: &[],
};
