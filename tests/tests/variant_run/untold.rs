//! What no client can learn from a variant. Everywhere else the true value is demanded, and here nothing but NULL.

use pluralsight_sandbox::{Introspection, Variant};

/// Columns that a variant leaves NULL, and why.
struct Untold {
    /// Names; one that ends in `*` is the beginning of several.
    variants: &'static [&'static str],
    /// Columns of a table, with its name: `users.note`.
    columns: &'static [&'static str],
    /// Only where the schema is not told whole: then a name would have to be guessed.
    guessed: bool,
    /// Why nobody can do better.
    why: &'static str,
}

impl Untold {
    fn covers(&self, variant: &str) -> bool {
        self.variants
            .iter()
            .any(|name| match name.strip_suffix('*') {
                Some(beginning) => variant.starts_with(beginning),
                None => variant == *name,
            })
    }
}

const MEMBERSHIPS: &[&str] = &[
    "users.team_names",
    "users.team_ids",
    "users.inherited_team_names",
    "users.inherited_team_ids",
];

const UNTOLD: &[Untold] = &[
    Untold {
        variants: &["plan-products", "plan-product-pages", "plan-product-edges"],
        columns: &["plan.plan_id", "plan.name"],
        guessed: false,
        why: "planInfo hands out products, and nothing of the plan",
    },
    Untold {
        variants: &["plan-bare"],
        columns: &[
            "plan.purchased_licenses",
            "plan.assigned_licenses",
            "plan.remaining_licenses",
            "plan.product_ids",
            "plan.product_names",
            "plan.product_purchased",
            "plan.product_assigned",
            "plan.product_remaining",
        ],
        guessed: false,
        why: "the API has no products",
    },
    Untold {
        variants: &["product-ids-text"],
        columns: &["users.product_ids"],
        guessed: false,
        why: "a text is no list: what separates its parts is not known",
    },
    Untold {
        variants: &["no-product-ids", "words-*"],
        columns: &["users.product_ids"],
        guessed: false,
        why: "the API does not have the field",
    },
    Untold {
        variants: &["words-*", "strange-names"],
        columns: &["users.mfa_enabled"],
        guessed: false,
        why: "no name tells that it is the field",
    },
    Untold {
        variants: &["strange-names"],
        columns: &["users.last_login", "users.note", "teams.parent_team_id"],
        guessed: false,
        why: "no name tells that it is the field",
    },
    Untold {
        variants: &["team-nodes", "team-list"],
        columns: &["users.inherited_team_names", "users.inherited_team_ids"],
        guessed: false,
        why: "memberships are told without saying which are direct",
    },
    Untold {
        variants: &["team-names"],
        columns: &[
            "users.team_ids",
            "users.inherited_team_names",
            "users.inherited_team_ids",
        ],
        guessed: false,
        why: "only the names of direct teams are told",
    },
    Untold {
        variants: &["membership-kind"],
        columns: &[
            "users.team_ids",
            "users.inherited_team_names",
            "users.inherited_team_ids",
        ],
        guessed: false,
        why: "memberships want an argument that nobody knows; the names are told elsewhere",
    },
    Untold {
        variants: &["no-memberships"],
        columns: MEMBERSHIPS,
        guessed: false,
        why: "the API does not have the field",
    },
    Untold {
        variants: &["no-last-login", "few-fields"],
        columns: &["users.last_login"],
        guessed: false,
        why: "the API does not have the field",
    },
    Untold {
        variants: &["no-is-on-account"],
        columns: &["users.is_on_account"],
        guessed: false,
        why: "the API does not have the field",
    },
    Untold {
        variants: &["few-fields"],
        columns: &[
            "users.additional_emails",
            "users.started_on",
            "users.created_on",
            "users.note",
            "users.removed_on",
            "users.sso_identifier",
            "users.sso_enabled",
            "users.plan_id",
            "users.mfa_enabled",
        ],
        guessed: false,
        why: "the API does not have the field",
    },
    Untold {
        variants: &["beta-field"],
        columns: &["users.mfa_enabled"],
        guessed: false,
        why: "this key may not read the field",
    },
    Untold {
        variants: &["dates-unstorable"],
        columns: &["users.last_login"],
        guessed: false,
        why: "a value that PostgreSQL cannot store makes the HINT give the column up",
    },
    Untold {
        variants: &["date-objects"],
        columns: &["users.last_login", "users.created_on"],
        guessed: true,
        why: "the name of the date within the object cannot be guessed",
    },
];

/// Why nobody can learn from the variant what the column holds; `None` if the true value is demanded.
pub fn why(variant: &Variant, introspection: Introspection, column: &str) -> Option<&'static str> {
    let is_told = introspection == Introspection::WithKey || variant.name == "open-introspection";
    UNTOLD
        .iter()
        .find(|untold| {
            untold.covers(variant.name)
                && untold.columns.contains(&column)
                && !(untold.guessed && is_told)
        })
        .map(|untold| untold.why)
}
