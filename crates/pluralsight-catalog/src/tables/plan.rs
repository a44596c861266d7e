use super::columns::columns;
use crate::declaration::Table;
use pluralsight_api::Shape;

/// The query's name and the type Product are confirmed by the portal; how the two meet is not, so every path here can
/// be changed with the column option `field`.
pub const PLAN: Table = Table {
    name: "plan",
    query: "planInfo",
    shape: Shape::Object,
    comment: "The plan and its licenses, in one request. One row; the arrays hold one element per product, in the same order.",
    key: None,
    key_required: false,
    filter_type: None,
    columns: columns! {
        plan_id: Text = "planId" or "id" "The plan.";
        name: Text = "name" or "planName" "Name of the plan.";
        purchased_licenses: Bigint = "products.purchasedLicenseCount" or "purchasedLicenseCount" [sum] "Licenses purchased, all products together.";
        assigned_licenses: Bigint = "products.assignedLicenseCount" or "assignedLicenseCount" [sum] "Licenses held by people, all products together.";
        remaining_licenses: Bigint = "products.remainingLicenseCount" or "remainingLicenseCount" [sum] "Licenses that are left, all products together.";
        product_ids: TextArray = "products.id" "Ids of the plan's products, as in users.product_ids.";
        product_names: TextArray = "products.name" "Names of the plan's products.";
        product_purchased: IntegerArray = "products.purchasedLicenseCount" "Licenses purchased, per product.";
        product_assigned: IntegerArray = "products.assignedLicenseCount" "Licenses held by people, per product.";
        product_remaining: IntegerArray = "products.remainingLicenseCount" "Licenses that are left, per product.";
    },
    filters: &[],
};
