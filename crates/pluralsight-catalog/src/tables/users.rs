use super::columns::columns;
use crate::declaration::{Filter, FilterKind, Presence, Table};
use pluralsight_api::Shape;

/// Names and meanings: the portal's page of type User; `psUserId`, `productIds`, `ssoEnabled`, `mfaEnabled` and
/// `teams.edges.isDirect` as public clients use them.
pub const USERS: Table = Table {
    name: "users",
    query: "users",
    shape: Shape::Connection,
    comment: "Everyone who uses or ever used a license of the plan, removed people included. One row per person.",
    key: Some(&["psUserId", "id"]),
    key_required: false,
    filter_type: Some("UserFilter"),
    columns: columns! {
        user_id: Text = "psUserId" or "id" [key, identifying] "The person's identifier at Pluralsight; joins to admins.user_id.";
        email: Text = "email" [identifying] "Main e-mail address, in the case in which it was entered.";
        additional_emails: TextArray = "additionalEmails" [identifying, empty_if_null] "Further e-mail addresses.";
        first_name: Text = "firstName" [identifying] "Given name.";
        last_name: Text = "lastName" [identifying] "Family name.";
        is_on_account: Boolean = "isOnAccount" "Holds a license of the plan now.";
        removed_on: Timestamptz = "removedOn" "When taken off the plan; null while is_on_account is true.";
        last_login: Timestamptz = "lastLogin" [untracked] "Last sign-in, by password or SSO; null if there was none.";
        started_on: Timestamptz = "startedOn" "When this plan's license was given.";
        created_on: Timestamptz = "createdOn" "When the person's Pluralsight account was made.";
        note: Text = "note" [identifying] "Free text kept by plan admins, often the key of an HR system.";
        team_names: TextArray = "teams.edges.node.name" or "teams.nodes.name" or "teams.name" or "teamNames" [empty_if_null, only_where("teams.edges.isDirect"), beside] "Names of the teams that the person was put into.";
        team_ids: TextArray = "teams.edges.node.id" or "teams.nodes.id" or "teams.id" or "teamIds" [empty_if_null, only_where("teams.edges.isDirect")] "Ids of these teams, in the order of team_names.";
        inherited_team_names: TextArray = "teams.edges.node.name" [empty_if_null, only_where_not("teams.edges.isDirect"), untracked] "Names of the teams above those, which the person belongs to through them.";
        inherited_team_ids: TextArray = "teams.edges.node.id" [empty_if_null, only_where_not("teams.edges.isDirect"), untracked] "Ids of the teams above those, in the order of inherited_team_names.";
        product_ids: TextArray = "productIds" or "products.id" [empty_if_null] "Products whose licenses the person holds; empty if none.";
        sso_enabled: Boolean = "ssoEnabled" or "isSsoEnabled" "Signs in by SSO.";
        sso_identifier: Text = "currentSsoIdentifier" [identifying] "SSO identifier in force; becomes null when the person changes plan.";
        mfa_enabled: Boolean = "mfaEnabled" or "isMfaEnabled" "Has multi-factor authentication on.";
        plan_id: Text = "planId" "The plan.";
        plan_user_id: Text = "planUserId" [identifying, if_discovered] "The person on this plan, as one key.";
        legacy_id: Text = "id" [identifying, if_discovered] "Identifier of the older schema (userHandle); Pluralsight is retiring it.";
    },
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
};
