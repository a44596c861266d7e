use super::columns::columns;
use crate::declaration::Table;
use pluralsight_api::Shape;

/// Names, types and meanings: the portal's page of query planAdmins. It takes no filter.
pub const ADMINS: Table = Table {
    name: "admins",
    query: "planAdmins",
    shape: Shape::Connection,
    comment: "People who may change the plan and make API keys, with or without a license of their own. One row per admin.",
    key: Some(&["psUserId", "id"]),
    key_required: true,
    filter_type: None,
    columns: columns! {
        user_id: Text = "psUserId" or "id" [key, identifying] "The person's identifier at Pluralsight; joins to users.user_id.";
        email: Text = "email" [identifying] "E-mail address, in the case in which it was entered.";
        first_name: Text = "firstName" [identifying] "Given name.";
        last_name: Text = "lastName" [identifying] "Family name.";
        created_on: Timestamptz = "createdOn" "When the person's Pluralsight account was made.";
        note: Text = "note" [identifying] "Free text kept by plan admins.";
        sso_identifier: Text = "currentSsoIdentifier" [identifying] "SSO identifier in force; null after a change of plan and for people who came from A Cloud Guru only.";
        plan_id: Text = "planId" "The plan.";
        plan_user_id: Text = "planUserId" [identifying] "The person on this plan, as one key.";
    },
    filters: &[],
};
