//! Documents are answered as GraphQL says, and wrong ones refused.

use pluralsight_sandbox::ErrorStyle;
use serde_json::{Value, json};

use crate::client::Fixture;

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
    let second = fixture.sandbox.organization().user(1).id;
    assert_eq!(
        data,
        json!({
            "one": { "__typename": "UserConnection", "nodes": [
                { "__typename": "User", "firstName": user.first_name, "mail": user.email, "psUserId": user.ps_user_id }] },
            "users": { "nodes": [{ "id": user.id }, { "id": second }], "totalCount": 5 },
            "__typename": "Query",
        })
    );
}

#[tokio::test]
async fn a_wrong_document_is_refused_in_the_words_of_graphql_js() {
    let fixture = Fixture::users(5);
    for (document, variables, message) in [
        (
            "{ users { nodes { nots } } }",
            Value::Null,
            "Cannot query field \"nots\" on type \"User\". Did you mean \"note\"?",
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
            "query($n: String) { users(first: $n) { totalCount } }",
            json!({}),
            "Variable \"$n\" of type \"String\" used in position expecting type \"Int\".",
        ),
        (
            "query($f: UsersFilter) { users(filter: $f) { totalCount } }",
            Value::Null,
            "Unknown type \"UsersFilter\".",
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
        let errors = answer["errors"].as_array().expect(document);
        let mut messages = errors.iter().map(|error| &error["message"]);
        assert!(
            messages.any(|told| told == message),
            "{document}: {errors:?}"
        );
        assert_eq!(answer.get("data"), None, "{document}");
    }
}

#[tokio::test]
async fn a_refusal_has_the_words_the_status_and_the_code_that_are_chosen() {
    let fixture = Fixture::users(5);
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
        fixture.update(|config| config.error_style = style);
        assert_eq!(fixture.error("{ users { nodes { mfa } } }").await, words);
    }
    assert_eq!(fixture.send("{ nothing }").await.status().as_u16(), 200);
    fixture.update(|config| {
        config.invalid_document_status = 400;
        config.error_codes = true;
    });
    let response = fixture.send("{ nothing }").await;
    assert_eq!(response.status().as_u16(), 400);
    let answer: Value = response.json().await.expect("JSON");
    let code = &answer["errors"][0]["extensions"]["code"];
    assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
    // Only the document counts: a refused value is an answer with an error.
    let response = fixture.send("{ users(first: -1) { totalCount } }").await;
    assert_eq!(response.status().as_u16(), 200);
}
