//! Pages are exact, whatever happens between them.

mod client;

use std::collections::BTreeSet;

use client::Fixture;
use pluralsight_sandbox::{
    Action, BadCursor, Cap, Config, Cursors, ListEnd, Place, Rule, User, WarningStyle, When,
    instant_text,
};
use serde_json::{Value, json};

const EVERYTHING: &str = "psUserId id email additionalEmails firstName lastName startedOn createdOn note teamNames isOnAccount removedOn \
    lastLogin currentSsoIdentifier ssoEnabled planId mfaEnabled productIds planUserId \
    teams { totalCount nodes { id name } edges { isDirect node { id name description parentTeamId planId } } pageInfo { hasNextPage } }";

fn shown(user: &User) -> Value {
    let instant = |at: &Option<_>| at.as_ref().map(instant_text);
    let edges: Vec<Value> = user
        .teams
        .iter()
        .map(|membership| {
            let team = &membership.team;
            json!({ "isDirect": membership.is_direct, "node": {
                "id": team.id, "name": team.name, "description": team.description,
                "parentTeamId": team.parent_team_id, "planId": team.plan_id } })
        })
        .collect();
    let nodes: Vec<Value> = user
        .teams
        .iter()
        .map(|membership| json!({ "id": membership.team.id, "name": membership.team.name }))
        .collect();
    json!({
        "psUserId": user.ps_user_id, "id": user.id, "email": user.email, "additionalEmails": user.additional_emails,
        "firstName": user.first_name, "lastName": user.last_name, "startedOn": instant(&user.started_on),
        "createdOn": instant(&user.created_on), "note": user.note, "teamNames": user.direct_team_names(),
        "isOnAccount": user.is_on_account, "removedOn": instant(&user.removed_on), "lastLogin": instant(&user.last_login),
        "currentSsoIdentifier": user.current_sso_identifier, "ssoEnabled": user.sso_enabled, "planId": user.plan_id,
        "mfaEnabled": user.mfa_enabled, "productIds": user.product_ids, "planUserId": user.plan_user_id,
        "teams": { "totalCount": user.teams.len(), "nodes": nodes, "edges": edges, "pageInfo": { "hasNextPage": false } },
    })
}

#[tokio::test]
async fn every_user_comes_once_with_every_field() {
    let fixture = Fixture::users(2345);
    let nodes = fixture.nodes("users", EVERYTHING, 1000, Value::Null).await;
    assert_eq!(fixture.sandbox.count("users"), 3);
    assert_eq!(nodes.len(), 2345);
    for (node, user) in nodes.iter().zip(fixture.sandbox.organization().users()) {
        assert_eq!(*node, shown(&user));
    }
}

#[tokio::test]
async fn every_team_admin_and_product_comes_once_with_every_field() {
    let fixture = Fixture::new(Config {
        teams: Some(230),
        admins: Some(205),
        ..Config::default()
    });
    let teams = fixture
        .nodes(
            "teams",
            "id name description parentTeamId planId",
            100,
            Value::Null,
        )
        .await;
    let expected: Vec<Value> = fixture.sandbox.organization().teams().iter().map(|team| json!({
        "id": team.id, "name": team.name, "description": team.description, "parentTeamId": team.parent_team_id, "planId": team.plan_id,
    })).collect();
    assert_eq!((teams.len(), teams), (230, expected));
    let fields =
        "psUserId email firstName lastName planId planUserId currentSsoIdentifier createdOn note";
    let admins = fixture.nodes("planAdmins", fields, 100, Value::Null).await;
    let expected: Vec<Value> = fixture.sandbox.organization().admins().iter().map(|admin| json!({
        "psUserId": admin.ps_user_id, "email": admin.email, "firstName": admin.first_name, "lastName": admin.last_name,
        "planId": admin.plan_id, "planUserId": admin.plan_user_id, "currentSsoIdentifier": admin.current_sso_identifier,
        "createdOn": admin.created_on.as_ref().map(instant_text), "note": admin.note,
    })).collect();
    assert_eq!((admins.len(), admins), (205, expected));
    assert_eq!(
        (
            fixture.sandbox.count("teams"),
            fixture.sandbox.count("planAdmins")
        ),
        (3, 3)
    );
    let plan = fixture.data("{ planInfo { planId name products { id name purchasedLicenseCount assignedLicenseCount remainingLicenseCount } } }").await;
    let organization = fixture.sandbox.organization();
    let products: Vec<Value> = organization.products().iter().map(|product| json!({
        "id": product.id, "name": product.name, "purchasedLicenseCount": product.purchased,
        "assignedLicenseCount": product.assigned, "remainingLicenseCount": product.remaining,
    })).collect();
    assert_eq!(
        plan,
        json!({ "planInfo": { "planId": organization.plan().plan_id, "name": organization.plan().name, "products": products } })
    );
}

#[tokio::test]
async fn any_number_of_users_is_paged_exactly() {
    for (users, requests) in [(0, 1), (1, 1), (100, 1), (101, 2), (200, 2), (201, 3)] {
        let fixture = Fixture::users(users);
        let pages = fixture.pages("users", "psUserId", 100, Value::Null).await;
        let rows: usize = pages
            .iter()
            .map(|page| page["nodes"].as_array().expect("nodes").len())
            .sum();
        assert_eq!(
            (rows as u64, fixture.sandbox.count("users")),
            (users, requests)
        );
        assert!(pages.iter().all(|page| page["totalCount"] == users));
        let last = pages.last().expect("a page");
        assert!(last["pageInfo"]["endCursor"].is_null());
    }
}

#[tokio::test]
async fn a_list_ends_in_each_way_that_it_may() {
    for (end, requests, is_null) in [
        (ListEnd::NullCursor, 2, true),
        (ListEnd::Cursor, 2, false),
        (ListEnd::EmptyPage, 3, true),
    ] {
        let fixture = Fixture::new(Config {
            users: 200,
            list_end: end,
            ..Config::default()
        });
        let pages = fixture.pages("users", "psUserId", 100, Value::Null).await;
        let last = pages.last().expect("a page");
        assert_eq!(pages.len(), requests, "{end:?}");
        assert_eq!(last["pageInfo"]["endCursor"].is_null(), is_null, "{end:?}");
    }
}

#[tokio::test]
async fn edges_carry_the_cursors_of_their_nodes() {
    let fixture = Fixture::users(10);
    let data = fixture.data("{ users(first: 4) { nodes { psUserId } edges { cursor node { psUserId } } pageInfo { endCursor } } }").await;
    let edges = data["users"]["edges"].as_array().expect("edges");
    assert_eq!(
        edges.iter().map(|edge| &edge["node"]).collect::<Vec<_>>(),
        data["users"]["nodes"]
            .as_array()
            .expect("nodes")
            .iter()
            .collect::<Vec<_>>()
    );
    assert_eq!(edges[3]["cursor"], data["users"]["pageInfo"]["endCursor"]);
    let second = fixture
        .data_with(
            "query($a: String) { users(first: 1, after: $a) { nodes { psUserId } } }",
            json!({ "a": edges[1]["cursor"] }),
        )
        .await;
    assert_eq!(second["users"]["nodes"][0], edges[2]["node"]);
}

#[tokio::test]
async fn a_page_over_the_cap_is_cut_with_a_warning() {
    let fixture = Fixture::new(Config {
        users: 60,
        page_cap: Cap(Some(50)),
        ..Config::default()
    });
    let ask = async || {
        fixture
            .ask("{ users(first: 51) { nodes { psUserId } pageInfo { hasNextPage } } }")
            .await
    };
    let cut = ask().await;
    assert_eq!(
        cut["data"]["users"]["nodes"].as_array().map(Vec::len),
        Some(50)
    );
    assert_eq!(cut["data"]["users"]["pageInfo"]["hasNextPage"], true);
    assert!(
        cut["extensions"]["warnings"][0]
            .as_str()
            .is_some_and(|warning| warning.contains("51") && warning.contains("50"))
    );
    fixture
        .sandbox
        .update(|config| config.warnings = WarningStyle::Objects)
        .expect("a change");
    assert_eq!(
        ask().await["extensions"]["warnings"][0]["code"],
        "PAGE_SIZE_CAPPED"
    );
    fixture
        .sandbox
        .update(|config| config.page_cap = Cap(None))
        .expect("a change");
    let whole = ask().await;
    assert_eq!(
        whole["data"]["users"]["nodes"].as_array().map(Vec::len),
        Some(51)
    );
    assert_eq!(whole.get("extensions"), None);
    assert_eq!(
        fixture
            .ask("{ users(first: 50) { totalCount } }")
            .await
            .get("extensions"),
        None
    );
}

#[tokio::test]
async fn first_may_be_absent_zero_or_null_but_not_negative() {
    let fixture = Fixture::users(250);
    let size = async |first: &str| {
        let data = fixture
            .data(&format!(
                "{{ users{first} {{ nodes {{ psUserId }} pageInfo {{ hasNextPage endCursor }} }} }}"
            ))
            .await;
        (
            data["users"]["nodes"].as_array().expect("nodes").len(),
            data["users"]["pageInfo"]["hasNextPage"] == true,
        )
    };
    assert_eq!(size("").await, (100, true));
    assert_eq!(size("(first: null)").await, (100, true));
    assert_eq!(size("(first: 0)").await, (0, true));
    assert_eq!(size("(first: 250)").await, (250, false));
    let refused = fixture.ask("{ users(first: -1) { totalCount } }").await;
    assert_eq!(
        (&refused["data"], &refused["errors"][0]["path"]),
        (&json!({ "users": null }), &json!(["users"]))
    );
    assert!(
        fixture
            .error("{ users(first: 4294967296) { totalCount } }")
            .await
            .contains("32")
    );
}

#[tokio::test]
async fn an_unknown_cursor_is_an_error_or_the_start() {
    let fixture = Fixture::users(250);
    let team = fixture
        .data("{ teams(first: 1) { pageInfo { endCursor } } }")
        .await;
    let team = team["teams"]["pageInfo"]["endCursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    for cursor in ["None", "", &team] {
        let document = "query($a: String) { users(after: $a, first: 1) { nodes { psUserId } } }";
        fixture
            .sandbox
            .update(|config| config.bad_cursor = BadCursor::Error)
            .expect("a change");
        assert!(
            fixture
                .error_with(document, json!({ "a": cursor }))
                .await
                .contains("cursor")
        );
        fixture
            .sandbox
            .update(|config| config.bad_cursor = BadCursor::StartAgain)
            .expect("a change");
        let data = fixture.data_with(document, json!({ "a": cursor })).await;
        assert_eq!(
            data["users"]["nodes"][0]["psUserId"],
            fixture.sandbox.organization().user(0).ps_user_id
        );
    }
}

#[tokio::test]
async fn keyed_cursors_skip_and_repeat_nobody_while_people_come_and_go() {
    let fixture = Fixture::users(350);
    let before: Vec<String> = fixture
        .sandbox
        .organization()
        .users()
        .map(|user| user.ps_user_id)
        .collect();
    // Before the second page ten join at the start, and three who were given already vanish.
    fixture
        .sandbox
        .faults()
        .script("users@2=add=10,forget=13")
        .expect("a rule");
    let ids = fixture.ids(Value::Null).await;
    assert_eq!(ids, before);
}

#[tokio::test]
async fn offset_cursors_repeat_whom_an_insertion_pushed_on() {
    let fixture = Fixture::new(Config {
        users: 250,
        cursors: Cursors::Offset,
        ..Config::default()
    });
    let plain = fixture.ids(Value::Null).await;
    assert_eq!(
        (plain.len(), plain.iter().collect::<BTreeSet<_>>().len()),
        (250, 250)
    );
    fixture.sandbox.faults().add(Rule::new(
        "users",
        When::Nth(2),
        Action::Run(std::sync::Arc::new(|organization| {
            organization.add_users(3, Place::Start);
        })),
    ));
    let shifted = fixture.ids(Value::Null).await;
    assert_eq!(
        (shifted.len(), shifted.iter().collect::<BTreeSet<_>>().len()),
        (253, 250)
    );
    assert_eq!(shifted[97..100], shifted[100..103]);
}

#[tokio::test]
async fn only_a_count_needs_no_page() {
    let fixture = Fixture::users(2345);
    assert_eq!(
        fixture
            .data("{ users { totalCount } planAdmins { totalCount } teams { totalCount } }")
            .await,
        json!({
            "users": { "totalCount": 2345 },
            "planAdmins": { "totalCount": fixture.sandbox.organization().admins().len() },
            "teams": { "totalCount": fixture.sandbox.organization().teams().len() },
        })
    );
}
