//! The schema is the file's, refuses what an engine refuses, and changes as the configuration says.

#[path = "../client/mod.rs"]
mod client;
mod others;

use std::collections::BTreeMap;

use apollo_compiler::{Schema, schema::ExtendedType};
use client::Fixture;
use pluralsight_sandbox::{Config, ErrorStyle, Introspection, Sandbox, variant};
use serde_json::{Value, json};

const FILE: &str = include_str!("../../../../graphql/schema.graphql");

const TYPES: &str = "{ __schema { types { name kind
    fields(includeDeprecated: true) { name isDeprecated type { ...T } args { name type { ...T } } }
    inputFields { name type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

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

/// `[Foo!]` from an introspected type.
fn written(ty: &Value) -> String {
    match ty["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", written(&ty["ofType"])),
        Some("LIST") => format!("[{}]", written(&ty["ofType"])),
        _ => ty["name"].as_str().unwrap_or_default().to_owned(),
    }
}

fn members<'a>(list: &'a Value, name: &str) -> Vec<(String, &'a Value)> {
    let list = list[name].as_array().into_iter().flatten();
    list.map(|member| {
        (
            member["name"].as_str().unwrap_or_default().to_owned(),
            member,
        )
    })
    .collect()
}

#[tokio::test]
async fn what_is_served_is_what_the_schema_file_says() {
    let fixture = Fixture::users(1);
    let data = fixture.data(TYPES).await;
    let mut served: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, ty) in members(&data["__schema"], "types") {
        let mut lines: Vec<String> = Vec::new();
        for (field, shape) in members(ty, "fields")
            .into_iter()
            .chain(members(ty, "inputFields"))
        {
            let arguments: Vec<String> = members(shape, "args")
                .iter()
                .map(|(name, argument)| format!("{name}:{}", written(&argument["type"])))
                .collect();
            lines.push(format!(
                "{field}({}):{}{}",
                arguments.join(","),
                written(&shape["type"]),
                if shape["isDeprecated"] == true {
                    " old"
                } else {
                    ""
                }
            ));
        }
        if !name.starts_with("__") && ty["kind"] != "SCALAR" {
            served.insert(name, lines);
        }
    }
    let mut file: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let schema = Schema::parse_and_validate(FILE, "schema.graphql").expect("the schema language");
    for (name, ty) in schema.types.iter().filter(|(_, ty)| !ty.is_built_in()) {
        let lines = match ty {
            ExtendedType::Object(object) => object
                .fields
                .values()
                .map(|field| {
                    let arguments: Vec<String> = field
                        .arguments
                        .iter()
                        .map(|argument| format!("{}:{}", argument.name, argument.ty))
                        .collect();
                    let old = if field.directives.is_empty() {
                        ""
                    } else {
                        " old"
                    };
                    format!("{}({}):{}{old}", field.name, arguments.join(","), field.ty)
                })
                .collect(),
            ExtendedType::InputObject(object) => object
                .fields
                .values()
                .map(|field| format!("{}():{}", field.name, field.ty))
                .collect(),
            _ => continue,
        };
        file.insert(name.to_string(), lines);
    }
    assert_eq!(served, file);
}

#[tokio::test]
async fn a_wrong_document_is_refused_in_the_words_of_graphql_js() {
    let fixture = Fixture::users(5);
    for (document, variables, message) in [
        (
            "{ users { nodes { mfa } } }",
            Value::Null,
            "Cannot query field \"mfa\" on type \"User\".",
        ),
        (
            "{ users { nodes { nots } } }",
            Value::Null,
            "Cannot query field \"nots\" on type \"User\". Did you mean \"note\"?",
        ),
        (
            "{ people { id } }",
            Value::Null,
            "Cannot query field \"people\" on type \"Query\".",
        ),
        (
            "{ users(limit: 3) { totalCount } }",
            Value::Null,
            "Unknown argument \"limit\" on field \"Query.users\".",
        ),
        (
            "{ users(filter: { mail: \"x\" }) { totalCount } }",
            Value::Null,
            "Field \"mail\" is not defined by type \"UserFilter\".",
        ),
        (
            "query($f: UserFilter) { users(filter: $f) { totalCount } }",
            json!({ "f": { "mail": "x" } }),
            "Variable \"$filter\" got invalid value { … }; Field \"mail\" is not defined by type \"UserFilter\".",
        ),
        (
            "{ users(first: \"3\") { totalCount } }",
            Value::Null,
            "Int cannot represent value: \"3\"",
        ),
        (
            "query($n: String) { users(first: $n) { totalCount } }",
            json!({}),
            "Variable \"$n\" of type \"String\" used in position expecting type \"Int\".",
        ),
        (
            "query($f: TeamsFilter) { users(filter: $f) { totalCount } }",
            Value::Null,
            "Variable \"$f\" of type \"TeamsFilter\" used in position expecting type \"UserFilter\".",
        ),
        (
            "query($f: UsersFilter) { users(filter: $f) { totalCount } }",
            Value::Null,
            "Unknown type \"UsersFilter\".",
        ),
        (
            "{ users(first: $n) { totalCount } }",
            Value::Null,
            "Variable \"$n\" is not defined.",
        ),
        (
            "query q($n: Int) { users { totalCount } }",
            Value::Null,
            "Variable \"$n\" is never used.",
        ),
        (
            "{ users }",
            Value::Null,
            "Field \"users\" of type \"UserConnection\" must have a selection of subfields. Did you mean \"users { ... }\"?",
        ),
        (
            "{ users { totalCount { a } } }",
            Value::Null,
            "Field \"totalCount\" must not have a selection since type \"Int\" has no subfields.",
        ),
    ] {
        let answer = fixture.ask_with(document, variables).await;
        let messages: Vec<&str> = answer["errors"]
            .as_array()
            .unwrap_or_else(|| panic!("{document} is accepted: {answer}"))
            .iter()
            .filter_map(|error| error["message"].as_str())
            .collect();
        assert!(messages.contains(&message), "{document}: {messages:?}");
        assert_eq!(answer.get("data"), None, "{document}");
    }
    for (style, words) in [
        (
            ErrorStyle::AsyncGraphql,
            "Unknown field \"mfa\" on type \"User\".",
        ),
        (
            ErrorStyle::GraphqlJava,
            "Validation error (FieldUndefined) : Field 'mfa' in type 'User' is undefined",
        ),
        (
            ErrorStyle::HotChocolate,
            "The field `mfa` does not exist on the type `User`.",
        ),
        (ErrorStyle::Mute, "Bad Request"),
    ] {
        let update = fixture.sandbox.update(|config| config.error_style = style);
        update.expect("a change");
        assert_eq!(fixture.error("{ users { nodes { mfa } } }").await, words);
    }
}

#[tokio::test]
async fn a_refused_document_has_the_status_that_is_chosen() {
    let fixture = Fixture::users(5);
    let status = async || {
        fixture
            .send("{ nothing }")
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };
    assert_eq!(status().await, 200);
    fixture
        .sandbox
        .update(|config| (config.invalid_document_status, config.error_codes) = (400, true))
        .expect("a change");
    assert_eq!(status().await, 400);
    assert_eq!(
        fixture.ask("{ nothing }").await["errors"][0]["extensions"]["code"],
        "GRAPHQL_VALIDATION_FAILED"
    );
    // Only the document counts: a refused value is an answer with an error.
    assert_eq!(
        fixture
            .send("{ users(first: -1) { totalCount } }")
            .await
            .expect("an answer")
            .status()
            .as_u16(),
        200
    );
}

#[tokio::test]
async fn aliases_fragments_and_conditions_work() {
    let fixture = Fixture::users(5);
    let document = "query($yes: Boolean!) {
        one: users(first: 1) { __typename nodes { ...P mail: email } nodes { psUserId } }
        users(first: 2) { nodes { psUserId @skip(if: $yes) ... on User @include(if: $yes) { id } } }
        users(first: 2) { totalCount }
        __typename
    } fragment P on User { __typename firstName }";
    let data = fixture.data_with(document, json!({ "yes": true })).await;
    let user = fixture.sandbox.organization().user(0);
    assert_eq!(
        data["one"],
        json!({ "__typename": "UserConnection", "nodes": [
        { "__typename": "User", "firstName": user.first_name, "mail": user.email, "psUserId": user.ps_user_id }] })
    );
    assert_eq!(
        data["users"],
        json!({ "nodes": [{ "id": user.id }, { "id": fixture.sandbox.organization().user(1).id }], "totalCount": 5 })
    );
    assert_eq!(data["__typename"], "Query");
}

#[tokio::test]
async fn introspection_is_for_those_who_may() {
    let fixture = with(|_| {});
    let document = "{ __type(name: \"UserFilter\") { inputFields { name } } }";
    let open = async || {
        let body = json!({ "query": document });
        fixture
            .http
            .post(fixture.sandbox.url())
            .json(&body)
            .send()
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };
    assert_eq!(
        fixture.data(document).await["__type"]["inputFields"]
            .as_array()
            .map(Vec::len),
        Some(5)
    );
    assert_eq!(open().await, 401);
    fixture
        .sandbox
        .update(|config| config.introspection = Introspection::Open)
        .expect("a change");
    assert_eq!(open().await, 200);
    fixture
        .sandbox
        .update(|config| config.introspection = Introspection::Partly)
        .expect("a change");
    assert!(fixture.data(document).await["__type"].is_null());
    let user = fixture
        .data("{ __type(name: \"User\") { fields { name } } }")
        .await;
    assert!(
        user["__type"]["fields"]
            .as_array()
            .is_some_and(|fields| fields.len() > 10)
    );
    let count = "{ users(filter: { emails: [] }) { totalCount } }";
    assert_eq!(fixture.data(count).await["users"]["totalCount"], 0);
    fixture
        .sandbox
        .update(|config| config.introspection = Introspection::Off)
        .expect("a change");
    assert!(
        fixture
            .error(document)
            .await
            .contains("introspection is not allowed")
    );
    assert!(
        fixture
            .error("{ ...F } fragment F on Query { __schema { types { name } } }")
            .await
            .contains("introspection is not allowed")
    );
    fixture.data("{ __typename users { totalCount } }").await;
}

#[tokio::test]
async fn an_expired_key_works_with_a_warning_in_every_reply() {
    let fixture = with(|config| config.key_expired = true);
    for document in ["{ users { totalCount } }", "{ planInfo { name } }"] {
        let answer = fixture.ask(document).await;
        assert!(answer["data"].is_object());
        assert!(
            answer["extensions"]["warnings"][0]
                .as_str()
                .is_some_and(|warning| warning.contains("expired"))
        );
    }
}
