//! Filters find whom they mean, in each way the API may mean them.

mod client;

use client::Fixture;
use pluralsight_sandbox::{Config, EmailMatch, Filters, NameMatch, TeamMatch, User};
use serde_json::{Value, json};

fn with_address(fixture: &Fixture) -> User {
    let mut users = fixture.sandbox.organization().users();
    users
        .find(|user| {
            user.email
                .as_ref()
                .is_some_and(|email| *email != email.to_lowercase())
        })
        .expect("somebody")
}

#[tokio::test]
async fn an_address_is_compared_letter_by_letter_or_without_regard_to_case() {
    let fixture = Fixture::users(300);
    let user = with_address(&fixture);
    let email = user.email.clone().expect("an address");
    let lower = email.to_lowercase();
    assert_eq!(
        fixture
            .ids(json!({ "emails": [email, "nobody@meridian.example"] }))
            .await,
        [user.ps_user_id.as_str()]
    );
    assert!(fixture.ids(json!({ "emails": [lower] })).await.is_empty());
    fixture
        .sandbox
        .update(|config| config.filters.emails = EmailMatch::AnyCase)
        .expect("a change");
    assert_eq!(
        fixture
            .ids(json!({ "emails": [lower, email.to_uppercase()] }))
            .await,
        [user.ps_user_id.as_str()]
    );
}

#[tokio::test]
async fn a_bare_value_is_a_list_of_one() {
    let fixture = Fixture::users(300);
    let user = with_address(&fixture);
    assert_eq!(
        fixture.ids(json!({ "emails": user.email })).await,
        [user.ps_user_id.as_str()]
    );
    let literal = format!(
        "{{ users(filter: {{ psUserIds: \"{}\" }}) {{ totalCount }} }}",
        user.ps_user_id
    );
    assert_eq!(
        fixture.data(&literal).await,
        json!({ "users": { "totalCount": 1 } })
    );
}

#[tokio::test]
async fn lists_of_values_that_may_not_be_null_are_accepted() {
    let fixture = Fixture::users(300);
    let user = with_address(&fixture);
    let document = "query($emails: [String!]!, $ids: [ID!]) { users(filter: { emails: $emails, psUserIds: $ids }) { totalCount } }";
    let variables = json!({ "emails": [user.email], "ids": [user.ps_user_id] });
    assert_eq!(
        fixture.data_with(document, variables).await,
        json!({ "users": { "totalCount": 1 } })
    );
}

#[tokio::test]
async fn each_filter_and_their_combination_give_whom_they_mean() {
    let fixture = Fixture::users(1500);
    let users: Vec<User> = fixture.sandbox.organization().users().collect();
    let sample: Vec<&User> = users.iter().step_by(13).collect();
    let team = users
        .iter()
        .find_map(|user| user.teams.iter().find(|membership| !membership.is_direct))
        .expect("somebody")
        .team
        .id
        .clone();
    let ids = |is_wanted: &dyn Fn(&User) -> bool| {
        users
            .iter()
            .filter(|user| is_wanted(user))
            .map(|user| user.ps_user_id.clone())
            .collect::<Vec<_>>()
    };
    let all: Vec<&String> = sample.iter().map(|user| &user.ps_user_id).collect();
    let handles: Vec<&String> = sample.iter().map(|user| &user.id).collect();
    let sampled = |user: &User| all.contains(&&user.ps_user_id);
    let in_team = |user: &User| {
        user.teams
            .iter()
            .any(|membership| membership.team.id == team)
    };
    assert_eq!(
        fixture.ids(json!({ "psUserIds": all })).await,
        ids(&sampled)
    );
    assert_eq!(fixture.ids(json!({ "ids": handles })).await, ids(&sampled));
    assert_eq!(
        fixture.ids(json!({ "isOnAccount": false })).await,
        ids(&|user| !user.is_on_account)
    );
    assert_eq!(
        fixture
            .ids(json!({ "isOnAccount": true, "psUserIds": all }))
            .await,
        ids(&|user| sampled(user) && user.is_on_account)
    );
    assert_eq!(
        fixture.ids(json!({ "teamIds": [team] })).await,
        ids(&in_team)
    );
    assert_eq!(
        fixture
            .ids(json!({ "teamIds": [team], "isOnAccount": null, "emails": null }))
            .await,
        ids(&in_team)
    );
    fixture
        .sandbox
        .update(|config| config.filters.teams = TeamMatch::Direct)
        .expect("a change");
    assert_eq!(
        fixture.ids(json!({ "teamIds": [team] })).await,
        ids(&|user| user.direct_team_ids().contains(&team))
    );
}

#[tokio::test]
async fn filtered_pages_count_what_the_filter_lets_through() {
    let fixture = Fixture::users(900);
    let pages = fixture
        .pages(
            "users",
            "psUserId isOnAccount",
            50,
            json!({ "isOnAccount": true }),
        )
        .await;
    let active = fixture.sandbox.organization().active();
    assert!(pages.iter().all(|page| page["totalCount"] == active));
    assert_eq!(pages.len() as u64, active.div_ceil(50));
    let rows = pages
        .iter()
        .flat_map(|page| page["nodes"].as_array().expect("nodes"));
    assert_eq!(
        rows.filter(|node| node["isOnAccount"] == true).count() as u64,
        active
    );
}

#[tokio::test]
async fn an_empty_list_means_nobody_or_everybody() {
    let fixture = Fixture::users(20);
    assert!(fixture.ids(json!({ "emails": [] })).await.is_empty());
    assert_eq!(fixture.ids(json!({})).await.len(), 20);
    fixture
        .sandbox
        .update(|config| config.filters.empty_is_everybody = true)
        .expect("a change");
    assert_eq!(fixture.ids(json!({ "emails": [] })).await.len(), 20);
}

#[tokio::test]
async fn too_many_values_are_refused_where_there_is_a_limit() {
    let fixture = Fixture::new(Config {
        users: 20,
        filters: Filters {
            refuse_lists: Some(2),
            ..Filters::default()
        },
        ..Config::default()
    });
    let document = "query($f: UserFilter) { users(filter: $f) { totalCount } }";
    assert!(
        fixture
            .error_with(document, json!({ "f": { "emails": ["a", "b", "c"] } }))
            .await
            .contains("at most 2")
    );
    assert_eq!(
        fixture
            .data_with(document, json!({ "f": { "emails": ["a", "b"] } }))
            .await,
        json!({ "users": { "totalCount": 0 } })
    );
}

#[tokio::test]
async fn a_team_name_is_a_pattern() {
    let fixture = Fixture::users(2000);
    let names = async |text: &str| {
        let nodes = fixture
            .nodes("teams", "name", 100, json!({ "name": text }))
            .await;
        nodes
            .iter()
            .map(|node| node["name"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    let all: Vec<String> = fixture
        .sandbox
        .organization()
        .teams()
        .iter()
        .map(|team| team.name.clone())
        .collect();
    let which = |is_wanted: &dyn Fn(&String) -> bool| {
        all.iter()
            .filter(|name| is_wanted(name))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert!(names("Sales").await.len() > 1);
    assert_eq!(names("Sales").await, which(&|name| name.contains("Sales")));
    assert!(names("sales").await.is_empty());
    assert_eq!(
        names("100%_C").await,
        which(&|name| name.contains("100%_C"))
    );
    for (rule, text, expected) in [
        (
            NameMatch::AnyCaseSubstring,
            "sales",
            which(&|name| name.contains("Sales")),
        ),
        (
            NameMatch::Prefix,
            "Sales /",
            which(&|name| name.starts_with("Sales /")),
        ),
        (NameMatch::Exact, "Sales", vec!["Sales".to_owned()]),
    ] {
        fixture
            .sandbox
            .update(|config| config.filters.names = rule)
            .expect("a change");
        assert_eq!(names(text).await, expected);
    }
    let id = &fixture.sandbox.organization().teams()[3].id;
    assert_eq!(
        fixture
            .nodes("teams", "id", 10, json!({ "ids": [id] }))
            .await,
        [json!({ "id": id })]
    );
    assert_eq!(
        fixture.nodes("teams", "id", 10, Value::Null).await.len(),
        all.len()
    );
}

#[tokio::test]
async fn conditions_can_mean_something_else() {
    let fixture = Fixture::users(300);
    let users: Vec<User> = fixture.sandbox.organization().users().collect();
    let set = |change: fn(&mut Filters)| {
        let update = |config: &mut Config| {
            config.filters = Filters::default();
            change(&mut config.filters);
        };
        fixture.sandbox.update(update).expect("a change");
    };
    let ids = |is_wanted: &dyn Fn(&User) -> bool| -> Vec<String> {
        let wanted = users.iter().filter(|user| is_wanted(user));
        wanted.map(|user| user.ps_user_id.clone()).collect()
    };
    let email = with_address(&fixture).email.expect("an address");
    let address = |user: &User| user.email.clone().unwrap_or_default().to_lowercase();
    set(|filters| filters.emails = EmailMatch::Prefix);
    let begin = email[..2].to_lowercase();
    let found = fixture.ids(json!({ "emails": [begin] })).await;
    assert_eq!(found, ids(&|user| address(user).starts_with(&begin)));
    set(|filters| filters.emails = EmailMatch::Part);
    let found = fixture.ids(json!({ "emails": ["meridian"] })).await;
    assert_eq!(found, ids(&|user| user.email.is_some()));
    set(|filters| filters.any_of = true);
    let found = fixture
        .ids(json!({ "emails": [email], "isOnAccount": false }))
        .await;
    let either = |user: &User| !user.is_on_account || user.email.as_deref() == Some(&*email);
    assert_eq!(found, ids(&either));
    set(|filters| filters.ignored = true);
    assert_eq!(fixture.ids(json!({ "emails": [email] })).await.len(), 300);
    set(|filters| filters.cut_lists = Some(2));
    let keys: Vec<&String> = users.iter().map(|user| &user.ps_user_id).take(5).collect();
    assert_eq!(fixture.ids(json!({ "psUserIds": keys })).await.len(), 2);
    set(|filters| filters.teams = TeamMatch::All);
    let with_two = users
        .iter()
        .find(|user| user.teams.len() > 1)
        .expect("somebody");
    let teams: Vec<String> = with_two
        .teams
        .iter()
        .map(|one| one.team.id.clone())
        .collect();
    let all = |user: &User| {
        teams
            .iter()
            .all(|id| user.teams.iter().any(|one| one.team.id == *id))
    };
    assert_eq!(fixture.ids(json!({ "teamIds": teams })).await, ids(&all));
}
