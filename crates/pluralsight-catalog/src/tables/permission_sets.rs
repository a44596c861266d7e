use super::columns::columns;
use crate::declaration::Table;
use pluralsight_api::Shape;

/// Names and types of the fields: the portal's page of type PlanPermissionSet. The name of the query is in the portal's index;
/// whether it answers in pages is not published, so `set_up` finds it out.
pub const PERMISSION_SETS: Table = Table {
    name: "permission_sets",
    query: "planPermissionSets",
    shape: Shape::Connection,
    comment: "What managers of teams may do: the plan's permission sets, those that every plan has and its own. One row per set.",
    key: Some(&["id"]),
    key_required: false,
    filter_type: None,
    columns: columns! {
        permission_set_id: Text = "id" [key] "The set's id.";
        name: Text = "name" "Name of the set.";
        is_default: Boolean = "isDefault" "Probably whether it is one of the sets that every plan has: what it means is not published.";
        plan_id: Text = "planId" "The plan.";
    },
    filters: &[],
};
