//! What is found out about an API that differs from what is declared: with its schema told, and by nothing but what its
//! own refusals say.

use pluralsight_api::{
    Client, Context, Endpoint, Error, FieldPath, PageQuery, PageSizes, Pages, RetryBudget,
    Selection, Settings, Stats, Token,
};
use pluralsight_catalog::{Discovered, discover, tables};
use pluralsight_sandbox::{Config, Introspection, Sandbox, Variant, variant};

const USERS: u64 = 150;

/// Each way of telling a schema.
const TELLING: [Introspection; 3] = [
    Introspection::WithKey,
    Introspection::Partly,
    Introspection::Off,
];

fn config(introspection: Introspection) -> Config {
    Config {
        users: USERS,
        introspection,
        ..Config::default()
    }
}

/// The API of that variant, once for each way of telling its schema.
fn every_way(name: &str) -> Vec<Found> {
    TELLING
        .into_iter()
        .map(|telling| found_of(variant(name).expect(name), telling))
        .collect()
}

fn found_of(variant: &Variant, telling: Introspection) -> Found {
    found(variant.apply(config(telling)).expect(variant.name))
}

struct Found {
    tables: Vec<Discovered>,
    sandbox: Sandbox,
    requests: usize,
    runtime: tokio::runtime::Runtime,
}

fn found(config: Config) -> Found {
    let sandbox = Sandbox::start(config).expect("the sandbox starts");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut found = Found {
        tables: Vec::new(),
        requests: 0,
        sandbox,
        runtime,
    };
    found.tables = found.run(async |client, context| {
        discover(client, context, tables::ALL, false, |_| None)
            .await
            .expect("the token works")
    });
    found.requests = found.sandbox.requests().len();
    found
}

impl Found {
    fn run<T>(&self, work: impl AsyncFnOnce(&Client, &Context<'_>) -> T) -> T {
        let settings = Settings {
            endpoint: Endpoint::parse(&self.sandbox.url()).expect("the sandbox's address"),
            ..Settings::default()
        };
        let token = Token::new(self.sandbox.token()).expect("the sandbox's token");
        let (stats, budget) = (Stats::default(), RetryBudget::default());
        let context = Context {
            token: &token,
            stats: &stats,
            deadline: None,
            budget: &budget,
        };
        self.runtime.block_on(async {
            let client = Client::new(&settings).expect("a client");
            work(&client, &context).await
        })
    }

    fn rows(&self, name: &str) -> u64 {
        self.read(name).expect(name)
    }

    fn table(&self, name: &str) -> &Discovered {
        let found = self.tables.iter().find(|found| found.table.name == name);
        found.expect("every table is in the answer")
    }

    fn option(&self, table: &str, option: &str) -> Option<String> {
        self.table(table).table.options().get(option).cloned()
    }

    /// The field of a column; `None` if it is absent.
    fn field(&self, table: &str, column: &str) -> Option<String> {
        let columns = &self.table(table).table.columns;
        let column = columns.iter().find(|known| known.name == column);
        let column = column.expect("every declared column is in the answer");
        (!column.absent).then(|| column.field.clone())
    }

    /// Reads the whole table as its options say.
    fn read(&self, name: &str) -> Result<u64, Error> {
        let table = &self.table(name).table;
        if table.absent {
            return Ok(0);
        }
        let paths: Vec<FieldPath> = table
            .columns
            .iter()
            .filter(|column| !column.absent)
            .flat_map(|column| {
                [
                    Some(&column.field),
                    column.only_where.as_ref(),
                    column.only_where_not.as_ref(),
                ]
            })
            .flatten()
            .chain(&table.key)
            .map(|path| path.parse().expect("a path"))
            .collect();
        self.run(async |client, context| {
            let mut pages = Pages::new(PageQuery {
                key: table.key.as_ref().map(|key| key.parse().expect("a path")),
                sizes: PageSizes {
                    first: 40,
                    then: 40,
                },
                ..PageQuery::new(table.operation.clone(), &Selection::from_paths(&paths))
            });
            let mut rows = 0;
            while let Some(page) = pages.next(client, context).await? {
                rows += page.rows.len() as u64;
            }
            Ok(rows)
        })
    }
}

#[test]
fn the_api_as_it_is_declared_costs_one_request_for_each_table_and_one_for_the_schema() {
    let found = found(config(Introspection::WithKey));
    assert_eq!(found.requests, found.tables.len() + 1);
    for table in &found.tables {
        assert!(table.failure.is_none());
        assert_eq!(table.notices, []);
    }
    assert_eq!(found.option("users", "rows").as_deref(), Some("150"));
    assert_eq!(found.option("plan", "rows").as_deref(), Some("1"));
    assert_eq!(
        found.option("users", "filters").as_deref(),
        Some("emails, psUserIds, ids, isOnAccount, teamIds")
    );
    assert_eq!(
        found.option("users", "filter_type").as_deref(),
        Some("UserFilter")
    );
    assert_eq!(
        found.option("users", "first_type"),
        None,
        "what is usual needs no option"
    );
}

#[test]
fn a_schema_that_is_not_told_is_found_out_by_asking() {
    for found in every_way("as-declared") {
        assert!(found.requests <= 12, "{} requests", found.requests);
        assert_eq!(
            found.option("users", "filters").as_deref(),
            Some("emails, psUserIds, ids, isOnAccount, teamIds")
        );
        for table in ["users", "plan", "admins", "teams"] {
            let rows = found.rows(table);
            assert_eq!(
                found.option(table, "rows"),
                Some(rows.to_string()),
                "{table}"
            );
        }
    }
}

#[test]
fn an_option_is_found_for_whatever_differs() {
    for (name, table, options) in [
        (
            "filter-type",
            "users",
            &[("filter_type", "UsersFilterInput")][..],
        ),
        (
            "filter-type",
            "teams",
            &[("filter_type", "TeamFilterInput")],
        ),
        ("after-id", "users", &[("after_type", "ID")]),
        ("first-required", "users", &[("first_type", "Int!")]),
        (
            "filter-required",
            "users",
            &[("filter_type", "UserFilter!")],
        ),
        ("required-list", "users", &[("filters", "psUserIds")]),
        ("emails-only", "users", &[("filters", "emails")]),
        ("no-filters", "users", &[("filter_argument", "")]),
        (
            "unpaged-admins",
            "admins",
            &[("first_argument", ""), ("after_argument", "")],
        ),
        ("limit-argument", "users", &[("first_argument", "limit")]),
        (
            "plan-connection",
            "plan",
            &[("shape", "connection"), ("first_argument", "")],
        ),
        ("plan-pages", "plan", &[("shape", "connection")]),
        ("plan-list", "plan", &[("shape", "list")]),
        (
            "plan-products",
            "plan",
            &[("shape", "object"), ("rows", "1")],
        ),
        (
            "plan-product-pages",
            "plan",
            &[
                ("shape", "object"),
                ("arguments", "first=100"),
                ("truncated", "pageInfo.hasNextPage"),
            ],
        ),
        ("admins-list", "admins", &[("shape", "list")]),
        ("users-list", "users", &[("shape", "list")]),
        ("edges-only", "users", &[("records", "edges.node")]),
        ("no-totals", "users", &[("total_count", "false")]),
        ("null-totals", "users", &[("total_count", "false")]),
        ("page-totals", "users", &[("total_count", "false")]),
        (
            "only-id",
            "users",
            &[
                ("key", "id"),
                ("filters", "emails, ids, isOnAccount, teamIds"),
            ],
        ),
        (
            "number-ids",
            "users",
            &[(
                "filters",
                "emails, psUserIds[Int]=psUserId, ids[Int]=id, isOnAccount, teamIds[Int]=teams.edges.node.id",
            )],
        ),
        (
            "team-nodes",
            "users",
            &[(
                "filters",
                "emails, psUserIds, ids, isOnAccount, teamIds[]=teams.nodes.id",
            )],
        ),
        ("plan-absent", "plan", &[("absent", "true")]),
        ("plan-forbidden", "plan", &[("absent", "true")]),
        ("admins-absent", "admins", &[("absent", "true")]),
        ("admins-forbidden", "admins", &[("absent", "true")]),
    ] {
        for (found, telling) in every_way(name).iter().zip(TELLING) {
            for (option, value) in options {
                let is = found.option(table, option).unwrap_or_default();
                assert_eq!(is, *value, "{name}, {telling:?}: {option} of {table}");
            }
        }
    }
}

#[test]
fn a_field_is_found_for_whatever_differs() {
    for (name, table, columns) in [
        ("only-id", "users", &[("user_id", Some("id"))][..]),
        (
            "team-nodes",
            "users",
            &[
                ("team_names", Some("teams.nodes.name")),
                ("team_ids", Some("teams.nodes.id")),
                ("inherited_team_ids", None),
            ],
        ),
        (
            "team-list",
            "users",
            &[
                ("team_names", Some("teams.name")),
                ("team_ids", Some("teams.id")),
            ],
        ),
        (
            "team-names",
            "users",
            &[("team_names", Some("teamNames")), ("team_ids", None)],
        ),
        (
            "no-memberships",
            "users",
            &[("team_names", None), ("team_ids", None)],
        ),
        ("product-ids-text", "users", &[("product_ids", None)]),
        ("no-product-ids", "users", &[("product_ids", None)]),
        (
            "field-names",
            "users",
            &[
                ("mfa_enabled", Some("isMfaEnabled")),
                ("sso_enabled", Some("isSsoEnabled")),
            ],
        ),
        (
            "strange-names",
            "users",
            &[
                ("mfa_enabled", None),
                ("last_login", None),
                ("email", Some("email")),
            ],
        ),
        (
            "strange-names",
            "teams",
            &[("parent_team_id", None), ("team_id", Some("id"))],
        ),
        (
            "beta-field",
            "users",
            &[("mfa_enabled", None), ("note", Some("note"))],
        ),
        (
            "plan-bare",
            "plan",
            &[("plan_id", Some("planId")), ("product_ids", None)],
        ),
        (
            "plan-products",
            "plan",
            &[
                ("plan_id", None),
                ("name", None),
                ("product_ids", Some("id")),
                ("purchased_licenses", Some("purchasedLicenseCount")),
            ],
        ),
        (
            "snake-case",
            "users",
            &[
                ("user_id", Some("ps_user_id")),
                ("is_on_account", Some("is_on_account")),
                ("team_ids", Some("teams.edges.node.id")),
                ("inherited_team_ids", Some("teams.edges.node.id")),
            ],
        ),
    ] {
        for (found, telling) in every_way(name).iter().zip(TELLING) {
            for (column, field) in columns {
                let is = found.field(table, column);
                assert_eq!(is.as_deref(), *field, "{name}, {telling:?}: {column}");
            }
        }
    }
}
