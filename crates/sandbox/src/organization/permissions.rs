//! What managers of teams may do.

use super::model::PermissionSet;

/// What managers may do. Every plan has four sets; this one has made one of its own, like a plan with auditors.
pub(super) fn sets(plan_id: &str) -> Vec<PermissionSet> {
    let sets = [
        ("full", "Full", true),
        ("limited", "Limited", true),
        ("basic", "Basic", true),
        ("viewer", "View only", true),
        ("auditors", "Réviseurs “EU”", false),
    ];
    let sets = sets
        .into_iter()
        .map(|(id, name, is_default)| PermissionSet {
            id: id.to_owned(),
            name: name.to_owned(),
            is_default,
            plan_id: plan_id.to_owned(),
        });
    sets.collect()
}
