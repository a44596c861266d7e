use super::columns::columns;
use crate::declaration::{Filter, FilterKind, Presence, Table};
use pluralsight_api::Shape;

/// Names: public clients; the name filter is a pattern match at the API, so it may bring more than was asked.
pub const TEAMS: Table = Table {
    name: "teams",
    query: "teams",
    shape: Shape::Connection,
    comment: "The organization's teams. One row per team; parent_team_id makes the tree.",
    key: Some(&["id"]),
    key_required: false,
    filter_type: Some("TeamsFilter"),
    columns: columns! {
        team_id: Text = "id" [key] "The team's id, as in users.team_ids.";
        name: Text = "name" "Name of the team.";
        description: Text = "description" "What the team is for.";
        parent_team_id: Text = "parentTeamId" "The team above it; null at the top.";
        plan_id: Text = "planId" "The plan.";
    },
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
};
