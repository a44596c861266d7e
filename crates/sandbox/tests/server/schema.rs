//! The schema changes as the configuration says, and is told to those who may know.

use pluralsight_sandbox::{Config, Introspection, Sandbox, VARIANTS};
use serde_json::{Value, json};

use crate::client::Fixture;

fn with(change: impl FnOnce(&mut Config)) -> Fixture {
    let mut config = Config {
        users: 50,
        ..Config::default()
    };
    change(&mut config);
    Fixture::new(config)
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn fields_filters_arguments_and_types_can_be_left_out() {
    let fixture = with(|config| {
        config.without = strings(&[
            "User.mfaEnabled",
            "UserFilter.psUserIds",
            "Query.planAdmins.after",
            "TeamsFilter",
        ]);
    });
    for (document, wrong) in [
        ("{ users { nodes { mfaEnabled } } }", "mfaEnabled"),
        (
            "{ users(filter: { psUserIds: [] }) { totalCount } }",
            "psUserIds",
        ),
        ("{ planAdmins(after: \"x\") { totalCount } }", "after"),
        ("{ teams(filter: {}) { totalCount } }", "filter"),
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
            "Query.planAdmins=admins",
            "UserFilter=UsersFilter",
        ]);
    });
    let user = fixture.sandbox.organization().user(0);
    let document =
        "query($f: UsersFilter) { users(limit: 1, filter: $f) { totalCount nodes { isMfaEnabled } }
        planInfo { __typename } admins { totalCount } }";
    let variables = json!({ "f": { "emailIn": [user.email] } });
    let data = fixture.data_with(document, variables).await;
    assert_eq!(
        data["users"],
        json!({ "totalCount": 1, "nodes": [{ "isMfaEnabled": user.mfa_enabled }] })
    );
    assert_eq!(data["planInfo"]["__typename"], "Plan");
}

#[tokio::test]
async fn fields_can_be_added_and_have_the_same_values_each_time() {
    let fixture = with(|config| {
        config.extra = strings(&[
            "User.color: String",
            "User.score: Int!",
            "Query.answer: Int!",
            "UserFilter.color: String",
        ]);
    });
    let document = "{ answer users(filter: { color: \"red\" }) { nodes { color score } } }";
    let data = fixture.data(document).await;
    assert_eq!(data, fixture.data(document).await);
    let nodes = data["users"]["nodes"].as_array().expect("nodes");
    assert!(data["answer"].is_i64() && nodes.iter().all(|node| node["score"].is_i64()));
    let nulls = nodes.iter().filter(|node| node["color"].is_null()).count();
    assert!((1..30).contains(&nulls), "{nulls}");
}

#[tokio::test]
async fn introspection_is_for_those_who_may() {
    let fixture = with(|_| {});
    let inputs = "{ __type(name: \"UserFilter\") { inputFields { name } } }";
    let status_without_key = async || {
        let body = json!({ "query": inputs });
        let request = fixture.http.post(fixture.sandbox.url()).json(&body);
        request.send().await.expect("an answer").status().as_u16()
    };
    let told = fixture.data(inputs).await["__type"]["inputFields"].take();
    assert_eq!(told.as_array().map(Vec::len), Some(5));
    assert_eq!(status_without_key().await, 401);
    fixture.update(|config| config.introspection = Introspection::Open);
    assert_eq!(status_without_key().await, 200);
    fixture.update(|config| config.introspection = Introspection::Partly);
    assert_eq!(fixture.data(inputs).await["__type"], Value::Null);
    let user = "{ __type(name: \"User\") { fields { name } } }";
    assert!(fixture.data(user).await["__type"]["fields"].is_array());
    let count = "{ users(filter: { emails: [] }) { totalCount } }";
    assert_eq!(fixture.data(count).await["users"]["totalCount"], 0);
    fixture.update(|config| config.introspection = Introspection::Off);
    let error = fixture.error(inputs).await;
    assert!(error.contains("introspection is not allowed"), "{error}");
}

#[test]
fn a_configuration_that_names_nothing_is_refused_at_the_start() {
    let changes: [fn(&mut Config); 4] = [
        |config| config.without = strings(&["User.nothing"]),
        |config| config.rename = strings(&["User.nothing=x"]),
        |config| config.rename = strings(&["User.email"]),
        |config| config.extra = strings(&["User.x: Missing"]),
    ];
    for change in changes {
        let mut config = Config::default();
        change(&mut config);
        assert!(Sandbox::start(config).is_err());
    }
}

#[test]
fn every_variant_can_be_served() {
    for variant in VARIANTS {
        let base = Config {
            users: 3,
            introspection: Introspection::Partly,
            ..Config::default()
        };
        let started = Sandbox::start(variant.apply(base).expect(variant.name));
        assert!(started.is_ok(), "{}: {:?}", variant.name, started.err());
    }
}
