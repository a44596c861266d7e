//! Faults of what GraphQL says, and of what happens meanwhile.

use super::*;

#[tokio::test]
async fn graphql_errors_stand_alone_or_beside_data() {
    let fixture = with(&[
        "users@1=errors=temporarily unavailable",
        r#"users@2=partial=[{"message":"one","path":["users","nodes",0,"email"]},{"message":"two"}]"#,
    ]);
    assert_eq!(
        fixture.ask(PAGE).await,
        json!({ "errors": [{ "message": "temporarily unavailable" }] })
    );
    let partial = fixture.ask(PAGE).await;
    assert_eq!(
        (
            partial["errors"].as_array().map(Vec::len),
            &partial["data"]["users"]["totalCount"]
        ),
        (Some(2), &json!(60))
    );
    assert_eq!(fixture.ask(PAGE).await.get("errors"), None);
}

#[tokio::test]
async fn values_are_put_into_the_answer_and_taken_out() {
    let fixture = with(&[
        "users@1=set=/data/users/nodes/*/email:{\"a\":[1]},set=/data/users/nodes/0/more:true,unset=/data/users/totalCount",
    ]);
    let data = fixture.data(PAGE).await;
    let nodes = data["users"]["nodes"].as_array().expect("nodes");
    assert!(
        nodes
            .iter()
            .all(|node| node["email"] == json!({ "a": [1] }))
            && nodes.len() == 20
    );
    assert_eq!(
        (
            &nodes[0]["more"],
            nodes[1].get("more"),
            data["users"].get("totalCount")
        ),
        (&json!(true), None, None)
    );
}

#[tokio::test]
async fn warnings_are_added_or_replaced() {
    let fixture = with(&[
        r#"users@1=warnings=["one",{"message":"two"}]"#,
        r#"users@2=warnings={"odd":1}"#,
    ]);
    let document = "{ users(first: 20000) { nodes { email } } }";
    let warnings = fixture.ask(document).await["extensions"]["warnings"].take();
    assert_eq!(
        (
            warnings.as_array().map(Vec::len),
            &warnings[1],
            &warnings[2]["message"]
        ),
        (Some(3), &json!("one"), &json!("two"))
    );
    assert_eq!(
        fixture.ask(document).await["extensions"]["warnings"],
        json!({ "odd": 1 })
    );
}

#[tokio::test]
async fn pages_lie_in_each_way_that_they_can() {
    let fixture = with(&[
        "users@1=repeat-cursor",
        "users@2=no-cursor",
        "users@3=empty-page",
        "users@4=last-page",
        "users@5=null-connection",
        "users@6=null-node=1",
        "users@7=total=5",
        "users@8=drop-rows=3",
        "teams@1=null-connection",
        "planAdmins@1=empty-page",
    ]);
    let start = fixture.sandbox.config();
    assert_eq!(start.faults.len(), 10);
    let after = "query($a: String) { users(first: 20, after: $a) { totalCount nodes { psUserId } pageInfo { endCursor hasNextPage } } }";
    let cursor = {
        let other = Fixture::users(60);
        other.data(PAGE).await["users"]["pageInfo"]["endCursor"].clone()
    };
    let mut pages = Vec::new();
    for _ in 0..8 {
        pages.push(fixture.data_with(after, json!({ "a": cursor })).await["users"].take());
    }
    let info = |page: &Value| {
        (
            page["pageInfo"]["endCursor"].clone(),
            page["pageInfo"]["hasNextPage"] == true,
        )
    };
    let rows = |page: &Value| page["nodes"].as_array().map(Vec::len);
    assert_eq!(
        (info(&pages[0]), rows(&pages[0])),
        ((cursor, true), Some(20))
    );
    assert_eq!(info(&pages[1]), (Value::Null, true));
    assert_eq!((rows(&pages[2]), info(&pages[2]).1), (Some(0), true));
    assert_eq!((rows(&pages[3]), info(&pages[3]).1), (Some(20), false));
    assert_eq!(pages[4], Value::Null);
    assert_eq!(
        (rows(&pages[5]), &pages[5]["nodes"][1]),
        (Some(20), &Value::Null)
    );
    assert_eq!(pages[6]["totalCount"], 5);
    assert_eq!(
        (rows(&pages[7]), &pages[7]["totalCount"]),
        (Some(17), &json!(60))
    );
    assert_eq!(
        fixture.data("{ teams { totalCount } }").await,
        json!({ "teams": null })
    );
    let admins = fixture
        .data("{ planAdmins { nodes { email } pageInfo { hasNextPage } } }")
        .await;
    assert_eq!(
        admins,
        json!({ "planAdmins": { "nodes": [], "pageInfo": { "hasNextPage": true } } })
    );
}

#[tokio::test]
async fn rows_come_twice_across_pages() {
    let fixture = with(&["users@2=duplicate-rows=3", "teams@2=duplicate-rows=2"]);
    let ids = fixture.nodes("users", "psUserId", 20, Value::Null).await;
    assert_eq!(ids.len(), 63);
    assert_eq!(ids[17..20], ids[20..23]);
    let teams = fixture.nodes("teams", "id", 5, Value::Null).await;
    assert_eq!(
        teams.len(),
        fixture.sandbox.organization().teams().len() + 2
    );
    assert_eq!(teams[3..5], teams[5..7]);
}

#[tokio::test]
async fn a_token_is_revoked_in_the_middle_of_a_scan() {
    let fixture = with(&["users@2=revoke", "users@4=restore"]);
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(
            fixture
                .send(PAGE)
                .await
                .expect("an answer")
                .status()
                .as_u16(),
        );
    }
    assert_eq!(statuses, [200, 401, 401, 200]);
}

#[tokio::test]
async fn people_come_and_go_between_pages() {
    let fixture = with(&[
        "users@2=add-last=4",
        "users@3=forget-last=2,deactivate=1",
        "users@4=deactivate-last=1",
    ]);
    let active = fixture.sandbox.organization().active();
    let count =
        async || fixture.data("{ users { totalCount } }").await["users"]["totalCount"].clone();
    assert_eq!(
        [count().await, count().await, count().await, count().await],
        [json!(60), json!(64), json!(62), json!(62)]
    );
    // Two of the four who joined vanished, two others left the plan.
    assert_eq!(fixture.sandbox.organization().active(), active);
}

#[tokio::test]
async fn anything_else_can_run_before_an_answer() {
    let fixture = with(&[]);
    let runs = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&runs);
    fixture.sandbox.faults().add(Rule::any(
        When::Every(2),
        Action::Run(Arc::new(move |organization| {
            counted.fetch_add(organization.len(), Ordering::SeqCst);
            organization.edit_user(&organization.user(0).ps_user_id, |user| {
                user.note = Some("ran".to_owned())
            });
        })),
    ));
    let note = async || {
        fixture.data("{ users(first: 1) { nodes { note } } }").await["users"]["nodes"][0]["note"]
            .clone()
    };
    assert_ne!(note().await, "ran");
    assert_eq!(note().await, "ran");
    assert_eq!(runs.load(Ordering::SeqCst), 60);
}
