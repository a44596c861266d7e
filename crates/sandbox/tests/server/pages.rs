//! Pages are exact, whatever happens between them.

use std::collections::BTreeSet;

use pluralsight_sandbox::{BadCursor, Config, Cursors};
use serde_json::{Value, json};

use crate::client::Fixture;

#[tokio::test]
async fn any_number_of_users_is_paged_exactly() {
    for (users, requests) in [(0, 1), (1, 1), (100, 1), (101, 2), (200, 2), (201, 3)] {
        let fixture = Fixture::users(users);
        let organization = fixture.sandbox.organization();
        let everybody: Vec<String> = organization.users().map(|user| user.ps_user_id).collect();
        assert_eq!(fixture.ids(Value::Null).await, everybody);
        assert_eq!(fixture.sandbox.count("users"), requests);
    }
}

#[tokio::test]
async fn first_may_be_absent_zero_or_null_but_not_negative() {
    let fixture = Fixture::users(250);
    let size = async |first: &str| {
        let document =
            format!("{{ users{first} {{ nodes {{ psUserId }} pageInfo {{ hasNextPage }} }} }}");
        let users = fixture.data(&document).await["users"].take();
        let rows = users["nodes"].as_array().expect("nodes").len();
        (rows, users["pageInfo"]["hasNextPage"] == true)
    };
    assert_eq!(size("").await, (100, true));
    assert_eq!(size("(first: null)").await, (100, true));
    assert_eq!(size("(first: 0)").await, (0, true));
    assert_eq!(size("(first: 250)").await, (250, false));
    let refused = fixture.ask("{ users(first: -1) { totalCount } }").await;
    assert_eq!(refused["data"], json!({ "users": null }));
    assert_eq!(refused["errors"][0]["path"], json!(["users"]));
}

#[tokio::test]
async fn an_unknown_cursor_is_an_error_or_the_start() {
    let fixture = Fixture::users(250);
    let first = fixture.sandbox.organization().user(0).ps_user_id;
    let of_teams = fixture
        .data("{ teams(first: 1) { pageInfo { endCursor } } }")
        .await["teams"]["pageInfo"]["endCursor"]
        .take();
    for cursor in [json!("None"), json!(""), of_teams] {
        let document = "query($a: String) { users(after: $a, first: 1) { nodes { psUserId } } }";
        let variables = json!({ "a": cursor });
        fixture.update(|config| config.bad_cursor = BadCursor::Error);
        let error = fixture.error_with(document, variables.clone()).await;
        assert!(error.contains("cursor"), "{error}");
        fixture.update(|config| config.bad_cursor = BadCursor::StartAgain);
        let data = fixture.data_with(document, variables).await;
        assert_eq!(data["users"]["nodes"][0]["psUserId"], first);
    }
}

#[tokio::test]
async fn keyed_cursors_skip_and_repeat_nobody_while_people_come_and_go() {
    let fixture = Fixture::users(350);
    let organization = fixture.sandbox.organization();
    let before: Vec<String> = organization.users().map(|user| user.ps_user_id).collect();
    // Before the second page ten join at the start, and three who were given already vanish.
    fixture
        .sandbox
        .faults()
        .script("users@2=add=10,forget=13")
        .expect("a rule");
    assert_eq!(fixture.ids(Value::Null).await, before);
}

#[tokio::test]
async fn offset_cursors_repeat_whom_an_insertion_pushed_on() {
    let fixture = Fixture::new(Config {
        users: 250,
        cursors: Cursors::Offset,
        ..Config::default()
    });
    let faults = fixture.sandbox.faults();
    faults.script("users@2=add=3").expect("a rule");
    let shifted = fixture.ids(Value::Null).await;
    let different: BTreeSet<&String> = shifted.iter().collect();
    assert_eq!((shifted.len(), different.len()), (253, 250));
    assert_eq!(shifted[97..100], shifted[100..103]);
}
