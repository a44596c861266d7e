use crate::SqlType::{Bigint, IntegerArray, Text, TextArray};
use crate::{Column, Shape, Table};

/// The query's name and the type Product are confirmed by the portal; how the two meet is not, so every path here can
/// be mended with `ALTER FOREIGN TABLE … ALTER COLUMN … OPTIONS (SET field …)`.
pub const PLAN: Table = Table {
    name: "plan",
    query: "planInfo",
    shape: Shape::Object,
    comment: "The plan and its licences, in one request. One row; the arrays hold an element a product, in the same order.",
    key: None,
    columns: &[
        Column::new("plan_id", Text, &["planId", "id"], "The plan."),
        Column::new("name", Text, &["name", "planName"], "Name of the plan."),
        Column::new(
            "purchased_licenses",
            Bigint,
            &["products.purchasedLicenseCount", "purchasedLicenseCount"],
            "Licences bought, all products together.",
        )
        .sum(),
        Column::new(
            "assigned_licenses",
            Bigint,
            &["products.assignedLicenseCount", "assignedLicenseCount"],
            "Licences held by people, all products together.",
        )
        .sum(),
        Column::new(
            "remaining_licenses",
            Bigint,
            &["products.remainingLicenseCount", "remainingLicenseCount"],
            "Licences left to give, all products together.",
        )
        .sum(),
        Column::new(
            "product_ids",
            TextArray,
            &["products.id"],
            "Ids of the plan's products, as in users.product_ids.",
        ),
        Column::new(
            "product_names",
            TextArray,
            &["products.name"],
            "Names of the plan's products.",
        ),
        Column::new(
            "product_purchased",
            IntegerArray,
            &["products.purchasedLicenseCount"],
            "Licences bought, a product.",
        ),
        Column::new(
            "product_assigned",
            IntegerArray,
            &["products.assignedLicenseCount"],
            "Licences held by people, a product.",
        ),
        Column::new(
            "product_remaining",
            IntegerArray,
            &["products.remainingLicenseCount"],
            "Licences left to give, a product.",
        ),
    ],
    filters: &[],
    truncated: &[],
};
