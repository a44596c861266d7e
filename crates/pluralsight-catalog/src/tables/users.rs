use crate::SqlType::{Boolean, Text, TextArray, Timestamptz};
use crate::{Column, Filter, FilterKind, Presence, Shape, Table};

/// Names and meanings: the portal's page of type User; `psUserId`, `productIds`, `ssoEnabled`, `mfaEnabled` and
/// `teams.edges.isDirect` as public clients use them.
pub const USERS: Table = Table {
    name: "users",
    query: "users",
    shape: Shape::Connection,
    comment: "Everyone who uses or ever used a licence of the plan, removed people included. One row a person.",
    key: Some(&["psUserId", "id"]),
    columns: &[
        Column::new(
            "user_id",
            Text,
            &["psUserId"],
            "The person's identifier at Pluralsight; joins to admins.user_id.",
        ),
        Column::new(
            "email",
            Text,
            &["email"],
            "Main e-mail address, in the case in which it was entered.",
        ),
        Column::new(
            "additional_emails",
            TextArray,
            &["additionalEmails"],
            "Further e-mail addresses.",
        ),
        Column::new("first_name", Text, &["firstName"], "Given name."),
        Column::new("last_name", Text, &["lastName"], "Family name."),
        Column::new(
            "is_on_account",
            Boolean,
            &["isOnAccount"],
            "Holds a licence of the plan now.",
        ),
        Column::new(
            "removed_on",
            Timestamptz,
            &["removedOn"],
            "When taken off the plan; null while is_on_account is true.",
        ),
        Column::new(
            "last_login",
            Timestamptz,
            &["lastLogin"],
            "Last sign-in, by password or SSO; null if there was none.",
        ),
        Column::new(
            "started_on",
            Timestamptz,
            &["startedOn"],
            "When this plan's licence was given.",
        ),
        Column::new(
            "created_on",
            Timestamptz,
            &["createdOn"],
            "When the person's Pluralsight account was made.",
        ),
        Column::new(
            "note",
            Text,
            &["note"],
            "Free text kept by plan admins, often the key of an HR system.",
        ),
        Column::new(
            "team_names",
            TextArray,
            &["teams.edges.node.name"],
            "Names of the teams that the person was put into.",
        )
        .only_where("teams.edges.isDirect"),
        Column::new(
            "team_ids",
            TextArray,
            &["teams.edges.node.id"],
            "Ids of the teams that the person was put into, in the order of team_names.",
        )
        .only_where("teams.edges.isDirect"),
        Column::new(
            "inherited_team_names",
            TextArray,
            &["teams.edges.node.name"],
            "Names of the teams above those, which the person belongs to through them.",
        )
        .only_where_not("teams.edges.isDirect"),
        Column::new(
            "inherited_team_ids",
            TextArray,
            &["teams.edges.node.id"],
            "Ids of the teams above those, in the order of inherited_team_names.",
        )
        .only_where_not("teams.edges.isDirect"),
        Column::new(
            "product_ids",
            TextArray,
            &["productIds"],
            "Products whose licences the person holds; empty or null if none.",
        ),
        Column::new(
            "sso_enabled",
            Boolean,
            &["ssoEnabled", "isSsoEnabled"],
            "Signs in by SSO.",
        ),
        Column::new(
            "sso_identifier",
            Text,
            &["currentSsoIdentifier"],
            "SSO identifier in force; becomes null when the person changes plan.",
        ),
        Column::new(
            "mfa_enabled",
            Boolean,
            &["mfaEnabled", "isMfaEnabled"],
            "Has multi-factor authentication on.",
        ),
        Column::new("plan_id", Text, &["planId"], "The plan."),
        Column::new(
            "plan_user_id",
            Text,
            &["planUserId"],
            "The person on this plan, as one key.",
        )
        .when_discovered(),
        Column::new(
            "legacy_id",
            Text,
            &["id"],
            "Identifier of the older schema (userHandle); Pluralsight is retiring it.",
        )
        .when_discovered(),
    ],
    filters: &[
        Filter {
            name: "emails",
            field: "email",
            kind: FilterKind::List,
            exact: false,
            fold_case: true,
            presence: Presence::Declared,
        },
        Filter {
            name: "psUserIds",
            field: "psUserId",
            kind: FilterKind::List,
            exact: true,
            fold_case: false,
            presence: Presence::Discovered,
        },
        Filter {
            name: "ids",
            field: "id",
            kind: FilterKind::List,
            exact: false,
            fold_case: false,
            presence: Presence::Discovered,
        },
        Filter {
            name: "isOnAccount",
            field: "isOnAccount",
            kind: FilterKind::Scalar,
            exact: true,
            fold_case: false,
            presence: Presence::Discovered,
        },
        Filter {
            name: "teamIds",
            field: "teams.edges.node.id",
            kind: FilterKind::List,
            exact: false,
            fold_case: false,
            presence: Presence::Discovered,
        },
    ],
    truncated: &["teams.pageInfo.hasNextPage"],
};
