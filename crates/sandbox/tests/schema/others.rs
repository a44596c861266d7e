//! Schemas that are not as the file says.

use super::*;

#[tokio::test]
async fn fields_filters_arguments_and_types_can_be_left_out() {
    let fixture = with(|config| {
        config.without = strings(&[
            "User.mfaEnabled",
            "UserFilter.psUserIds",
            "Query.planAdmins.after",
            "TeamsFilter",
            "Query.planInfo",
        ])
    });
    for (document, wrong) in [
        ("{ users { nodes { mfaEnabled } } }", "mfaEnabled"),
        (
            "{ users(filter: { psUserIds: [] }) { totalCount } }",
            "psUserIds",
        ),
        ("{ planAdmins(after: \"x\") { totalCount } }", "after"),
        (
            "{ teams(filter: { name: \"x\" }) { totalCount } }",
            "filter",
        ),
        ("{ planInfo { name } }", "planInfo"),
    ] {
        assert!(fixture.error(document).await.contains(wrong), "{document}");
    }
    fixture.data("{ users(filter: { emails: [] }) { nodes { email } } planAdmins(first: 1) { totalCount } teams { totalCount } }").await;
}

#[tokio::test]
async fn fields_filters_arguments_and_types_can_have_other_names() {
    let fixture = with(|config| {
        config.rename = strings(&[
            "User.mfaEnabled=isMfaEnabled",
            "UserFilter.emails=emailIn",
            "Query.users.first=limit",
            "PlanInfo=Plan",
            "PlanInfo.products=licenses",
            "Query.planAdmins=admins",
            "UserFilter=UsersFilter",
        ]);
    });
    let user = fixture.sandbox.organization().user(0);
    let document =
        "query($f: UsersFilter) { users(limit: 1, filter: $f) { totalCount nodes { isMfaEnabled } }
        planInfo { __typename licenses { id } } admins { totalCount } }";
    let data = fixture
        .data_with(document, json!({ "f": { "emailIn": [user.email] } }))
        .await;
    assert_eq!(
        data["users"],
        json!({ "totalCount": 1, "nodes": [{ "isMfaEnabled": user.mfa_enabled }] })
    );
    assert_eq!(
        (
            &data["planInfo"]["__typename"],
            data["planInfo"]["licenses"].as_array().map(Vec::len)
        ),
        (&json!("Plan"), Some(5))
    );
    assert_eq!(
        fixture.error("{ users { nodes { mfaEnabled } } }").await,
        "Cannot query field \"mfaEnabled\" on type \"User\". Did you mean \"isMfaEnabled\" or \"ssoEnabled\"?"
    );
}

#[tokio::test]
async fn fields_can_be_added() {
    let fixture = with(|config| {
        config.extra = strings(&[
            "User.favoriteColor: String",
            "User.score: Int!",
            "User.tags: [String]",
            "User.seenOn: DateTime",
            "Query.answer: Int!",
            "UserFilter.color: String",
        ]);
    });
    let document = "{ answer users(first: 50, filter: { color: \"red\" }) { nodes { favoriteColor score tags seenOn } } }";
    let data = fixture.data(document).await;
    assert_eq!(data, fixture.data(document).await);
    let nodes = data["users"]["nodes"].as_array().expect("nodes");
    assert_eq!(nodes.len(), 50);
    assert!(data["answer"].is_i64() && nodes.iter().all(|node| node["score"].is_i64()));
    for field in ["favoriteColor", "tags", "seenOn"] {
        let nulls = nodes.iter().filter(|node| node[field].is_null()).count();
        assert!((1..30).contains(&nulls), "{field}: {nulls}");
    }
    assert!(nodes.iter().any(|node| {
        node["seenOn"]
            .as_str()
            .is_some_and(|at| at.ends_with(".000Z"))
    }));
}

#[tokio::test]
async fn a_beta_field_fails_the_whole_call() {
    let fixture = with(|config| config.beta = strings(&["Team.description"]));
    let answer = fixture
        .ask("{ planInfo { name } users { nodes { teams { edges { node { description } } } } } }")
        .await;
    assert_eq!(answer["data"], Value::Null);
    assert!(answer["errors"][0]["message"].as_str().is_some_and(|message| message.contains("Team.description") && message.contains("Beta")));
    fixture
        .data("{ users { nodes { teams { edges { node { name } } } } } }")
        .await;
}

#[tokio::test]
async fn a_deprecated_field_brings_a_warning() {
    let fixture = with(|_| {});
    let answer = fixture
        .ask("{ users { nodes { email ssoIdentifiers team { name } } } }")
        .await;
    assert_eq!(
        answer["extensions"]["warnings"],
        json!([
            "The field User.ssoIdentifiers is deprecated: use currentSsoIdentifier.",
            "The field User.team is deprecated: one team only; use teams."
        ])
    );
    assert!(answer["data"]["users"]["nodes"][0].get("team").is_some());
}

#[tokio::test]
async fn queries_have_the_shape_of_the_variant() {
    for (name, document, path) in [
        (
            "as-declared",
            "{ planInfo { name products { id } } }",
            "/planInfo/products/4/id",
        ),
        (
            "plan-list",
            "{ planInfo { name products { id } } }",
            "/planInfo/0/products/4/id",
        ),
        (
            "plan-pages",
            "{ planInfo(first: 5) { totalCount nodes { name products { id } } edges { cursor node { name } } pageInfo { hasNextPage } } }",
            "/planInfo/nodes/0/products/4/id",
        ),
        (
            "plan-products",
            "{ planInfo { id name } }",
            "/planInfo/4/id",
        ),
        (
            "plan-product-pages",
            "{ planInfo { totalCount nodes { id } } }",
            "/planInfo/nodes/4/id",
        ),
        ("users-list", "{ users { id } }", "/users/49/id"),
        (
            "admins-list",
            "{ planAdmins { psUserId } }",
            "/planAdmins/1/psUserId",
        ),
        (
            "team-list",
            "{ users { nodes { teams { id } } } }",
            "/users/nodes/0/teams",
        ),
        (
            "number-ids",
            "{ teams { nodes { id } } }",
            "/teams/nodes/0/id",
        ),
        (
            "product-ids-text",
            "{ users { nodes { productIds } } }",
            "/users/nodes/1/productIds",
        ),
        (
            "dates-milliseconds",
            "{ users { nodes { createdOn } } }",
            "/users/nodes/0/createdOn",
        ),
    ] {
        let base = Config {
            users: 50,
            ..Config::default()
        };
        let variant = variant(name).expect(name);
        let fixture = Fixture::new(variant.apply(base).expect("its faults"));
        let data = fixture.data(document).await;
        let found = data
            .pointer(path)
            .unwrap_or_else(|| panic!("{name}: {data}"));
        match name {
            "number-ids" | "dates-milliseconds" => assert!(found.is_i64(), "{name}: {found}"),
            "team-list" => assert!(found.is_array(), "{name}: {found}"),
            _ => assert!(found.is_string(), "{name}: {found}"),
        }
    }
}

#[test]
fn a_configuration_that_names_nothing_is_refused_at_the_start() {
    let changes: [fn(&mut Config); 8] = [
        |config| config.without = strings(&["User.nothing"]),
        |config| config.without = strings(&["Nothing"]),
        |config| config.without = strings(&["a.b.c.d"]),
        |config| config.rename = strings(&["User.email"]),
        |config| config.rename = strings(&["User.nothing=x"]),
        |config| config.extra = strings(&["User.x: "]),
        |config| config.extra = strings(&["User.x: Missing"]),
        |config| config.beta = strings(&["User"]),
    ];
    for change in changes {
        let mut config = Config {
            users: 1,
            ..Config::default()
        };
        change(&mut config);
        assert!(Sandbox::start(config).is_err());
    }
}
