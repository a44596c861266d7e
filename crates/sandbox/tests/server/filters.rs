//! Filters find whom they mean, in each way the API may mean them.

use pluralsight_sandbox::{Config, EmailMatch, Filters, NameMatch, TeamMatch, User};
use serde_json::{Value, json};

use crate::client::Fixture;

/// Asks with a filter, and compares with a look at everybody.
async fn finds(fixture: &Fixture, filter: Value, is_meant: impl Fn(&User) -> bool) {
    let organization = fixture.sandbox.organization();
    let meant: Vec<String> = organization
        .users()
        .filter(|user| is_meant(user))
        .map(|user| user.ps_user_id)
        .collect();
    assert_eq!(fixture.ids(filter.clone()).await, meant, "{filter}");
}

fn set(fixture: &Fixture, change: impl FnOnce(&mut Filters)) {
    fixture.update(|config| {
        config.filters = Filters::default();
        change(&mut config.filters);
    });
}

fn is_in(user: &User, team: &str) -> bool {
    user.teams.iter().any(|one| one.team.id == team)
}

#[tokio::test]
async fn each_filter_and_their_combination_give_whom_they_mean() {
    let fixture = Fixture::users(1500);
    let organization = fixture.sandbox.organization();
    organization.edit_user(&organization.user(26).ps_user_id, |user| {
        user.email = Some("New@meridian.example".to_owned());
    });
    let sample: Vec<User> = organization.users().step_by(13).collect();
    let keys: Vec<&String> = sample.iter().map(|user| &user.ps_user_id).collect();
    let handles: Vec<&String> = sample.iter().map(|user| &user.id).collect();
    let emails: Vec<&String> = sample
        .iter()
        .filter_map(|user| user.email.as_ref())
        .collect();
    let sampled = |user: &User| keys.contains(&&user.ps_user_id);
    let team = sample
        .iter()
        .flat_map(|user| &user.teams)
        .find(|one| !one.is_direct)
        .expect("an inherited team");
    let team = team.team.id.as_str();
    finds(&fixture, json!({ "psUserIds": keys }), sampled).await;
    finds(&fixture, json!({ "ids": handles }), sampled).await;
    let with_email = |user: &User| sampled(user) && user.email.is_some();
    finds(&fixture, json!({ "emails": emails }), with_email).await;
    finds(&fixture, json!({ "isOnAccount": false }), |user| {
        !user.is_on_account
    })
    .await;
    let both = json!({ "isOnAccount": true, "psUserIds": keys, "emails": null });
    finds(&fixture, both, |user| sampled(user) && user.is_on_account).await;
    finds(&fixture, json!({ "teamIds": [team] }), |user| {
        is_in(user, team)
    })
    .await;
    // A bare value is a list of one.
    finds(&fixture, json!({ "psUserIds": keys[3] }), |user| {
        user.ps_user_id == *keys[3]
    })
    .await;
    finds(&fixture, json!({ "emails": [] }), |_| false).await;
    finds(&fixture, json!({}), |_| true).await;
}

#[tokio::test]
async fn conditions_can_mean_something_else() {
    let fixture = Fixture::users(300);
    let organization = fixture.sandbox.organization();
    let address = |user: &User| user.email.clone().unwrap_or_default().to_lowercase();
    let somebody = organization
        .users()
        .find(|user| user.teams.len() > 1 && user.email.as_ref() != Some(&address(user)))
        .expect("somebody with an address in mixed case");
    let email = address(&somebody);
    finds(&fixture, json!({ "emails": [email] }), |_| false).await;
    set(&fixture, |filters| filters.emails = EmailMatch::AnyCase);
    finds(&fixture, json!({ "emails": [email] }), |user| {
        address(user) == email
    })
    .await;
    set(&fixture, |filters| filters.emails = EmailMatch::Prefix);
    let begin = &email[..2];
    finds(&fixture, json!({ "emails": [begin] }), |user| {
        address(user).starts_with(begin)
    })
    .await;
    set(&fixture, |filters| filters.emails = EmailMatch::Part);
    finds(&fixture, json!({ "emails": ["meridian"] }), |user| {
        user.email.is_some()
    })
    .await;
    set(&fixture, |filters| filters.any_of = true);
    let either = json!({ "psUserIds": [somebody.ps_user_id], "isOnAccount": false });
    let is_either = |user: &User| !user.is_on_account || user.ps_user_id == somebody.ps_user_id;
    finds(&fixture, either, is_either).await;
    set(&fixture, |filters| filters.ignored = true);
    finds(&fixture, json!({ "emails": [email] }), |_| true).await;
    set(&fixture, |filters| filters.empty_is_everybody = true);
    finds(&fixture, json!({ "emails": [] }), |_| true).await;
    let teams: Vec<&str> = somebody
        .teams
        .iter()
        .map(|one| one.team.id.as_str())
        .collect();
    set(&fixture, |filters| filters.teams = TeamMatch::All);
    let all = |user: &User| teams.iter().all(|team| is_in(user, team));
    finds(&fixture, json!({ "teamIds": teams }), all).await;
    set(&fixture, |filters| filters.teams = TeamMatch::Direct);
    let direct = |user: &User| user.direct_team_ids().iter().any(|id| *id == teams[0]);
    finds(&fixture, json!({ "teamIds": [teams[0]] }), direct).await;
    let keys: Vec<String> = organization
        .users()
        .take(5)
        .map(|user| user.ps_user_id)
        .collect();
    set(&fixture, |filters| filters.cut_lists = Some(2));
    finds(&fixture, json!({ "psUserIds": keys }), |user| {
        keys[..2].contains(&user.ps_user_id)
    })
    .await;
    set(&fixture, |filters| filters.refuse_lists = Some(4));
    let document = "query($f: UserFilter) { users(filter: $f) { totalCount } }";
    let variables = json!({ "f": { "psUserIds": keys } });
    let error = fixture.error_with(document, variables).await;
    assert!(error.contains("at most 4"), "{error}");
}

#[tokio::test]
async fn a_team_name_is_a_pattern() {
    let fixture = Fixture::new(Config {
        users: 10,
        teams: Some(80),
        ..Config::default()
    });
    let teams = fixture.sandbox.organization().teams();
    for (rule, text) in [
        (NameMatch::Substring, "Sales"),
        (NameMatch::Substring, "sales"),
        (NameMatch::AnyCaseSubstring, "sales"),
        (NameMatch::Prefix, "Sales"),
        (NameMatch::Exact, "Sales"),
    ] {
        set(&fixture, |filters| filters.names = rule);
        let is_meant = |name: &str| match rule {
            NameMatch::Substring => name.contains(text),
            NameMatch::AnyCaseSubstring => name.to_lowercase().contains(text),
            NameMatch::Prefix => name.starts_with(text),
            NameMatch::Exact => name == text,
        };
        let meant = teams.iter().filter(|team| is_meant(&team.name)).count();
        let document = "query($name: String) { teams(filter: { name: $name }) { totalCount } }";
        let data = fixture.data_with(document, json!({ "name": text })).await;
        assert_eq!(data["teams"]["totalCount"], meant, "{rule:?} {text}");
    }
}
