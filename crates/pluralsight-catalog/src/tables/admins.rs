use crate::SqlType::{Text, Timestamptz};
use crate::{Column, Shape, Table};

/// Names, types and meanings: the portal's page of query planAdmins. It takes no filter.
pub const ADMINS: Table = Table {
    name: "admins",
    query: "planAdmins",
    shape: Shape::Connection,
    comment: "People who may change the plan and make API keys, with or without a licence of their own. One row an admin.",
    key: Some(&["psUserId"]),
    columns: &[
        Column::new(
            "user_id",
            Text,
            &["psUserId"],
            "The person's identifier at Pluralsight; joins to users.user_id.",
        ),
        Column::new(
            "email",
            Text,
            &["email"],
            "E-mail address, in the case in which it was entered.",
        ),
        Column::new("first_name", Text, &["firstName"], "Given name."),
        Column::new("last_name", Text, &["lastName"], "Family name."),
        Column::new(
            "created_on",
            Timestamptz,
            &["createdOn"],
            "When the person's Pluralsight account was made.",
        ),
        Column::new("note", Text, &["note"], "Free text kept by plan admins."),
        Column::new(
            "sso_identifier",
            Text,
            &["currentSsoIdentifier"],
            "SSO identifier in force; null after a change of plan and for people who came from A Cloud Guru only.",
        ),
        Column::new("plan_id", Text, &["planId"], "The plan."),
        Column::new(
            "plan_user_id",
            Text,
            &["planUserId"],
            "The person on this plan, as one key.",
        ),
    ],
    filters: &[],
    truncated: &[],
};
