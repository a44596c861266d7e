//! An API whose filters do not do what was guessed costs requests, never rows.

use behaviour::Stage;
use pluralsight_sandbox::{Config, EmailMatch, Filters, TeamMatch, Totals, User};

const USERS: u64 = 700;

fn with_filters(users: u64, change: impl FnOnce(&mut Filters)) -> Stage {
    let mut config = Config {
        users,
        ..Config::default()
    };
    change(&mut config.filters);
    Stage::new(config)
}

fn people(stage: &Stage) -> Vec<User> {
    stage.sandbox.organization().users().collect()
}

fn active(stage: &Stage) -> usize {
    people(stage)
        .iter()
        .filter(|user| user.is_on_account)
        .count()
}

fn literals<'a>(values: impl Iterator<Item = &'a str>) -> String {
    values
        .map(|value| format!("'{}'", value.replace('\'', "''")))
        .collect::<Vec<_>>()
        .join(", ")
}

fn warnings(stage: &mut Stage) -> Vec<String> {
    stage.session.notices()
}

fn checked(stage: &mut Stage) -> Vec<String> {
    let rows = stage
        .session
        .rows("SELECT status, found FROM pluralsight_fdw.check() WHERE checked = 'filters'");
    rows.into_iter()
        .map(|row| {
            format!(
                "{} {}",
                row[0].as_deref().unwrap(),
                row[1].as_deref().unwrap().replace('\n', " ")
            )
        })
        .collect()
}

#[test]
fn a_filter_that_is_ignored_loses_and_adds_nothing_and_is_not_used_again() {
    let mut stage = with_filters(USERS, |filters| filters.ignored = true);
    let someone = people(&stage)[300].ps_user_id.clone();
    let active = active(&stage).to_string();
    let by_id = format!("SELECT count(*) FROM pluralsight.users WHERE user_id = '{someone}'");
    assert_eq!(stage.session.value(&by_id), "1");
    assert_eq!(
        warnings(&mut stage),
        [
            "WARNING: users: the API's filter psUserIds cannot be relied on: it brought records that were not asked for"
        ]
    );
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight.users WHERE is_on_account"),
        active
    );
    assert_eq!(
        stage
            .session
            .value("SELECT DISTINCT plan_active_learners FROM pluralsight.licenses"),
        active
    );
    assert_eq!(
        stage
            .session
            .rows("SELECT email FROM pluralsight.users WHERE NOT is_on_account")
            .len()
            .to_string(),
        (USERS as usize - active.parse::<usize>().unwrap()).to_string()
    );
    // Said once, not used again, and told by check().
    stage.session.notices();
    assert!(!stage.session.plan(&by_id).contains("Remote Filter"));
    assert_eq!(stage.session.value(&by_id), "1");
    assert_eq!(warnings(&mut stage), Vec::<String>::new());
    let told = checked(&mut stage);
    assert!(
        told[0].starts_with("warning psUserIds of users: it brought records"),
        "{told:?}"
    );
}

#[test]
fn a_statement_that_was_planned_before_also_does_without() {
    let mut stage = with_filters(USERS, |filters| filters.ignored = true);
    let ids: Vec<String> = people(&stage)
        .iter()
        .step_by(90)
        .map(|user| user.ps_user_id.clone())
        .collect();
    stage.session.run("SET plan_cache_mode = force_generic_plan; PREPARE one (text) AS SELECT user_id FROM pluralsight.users WHERE user_id = $1");
    for id in &ids {
        assert_eq!(
            stage.session.column(&format!("EXECUTE one ('{id}')")),
            std::slice::from_ref(id)
        );
    }
    stage.session.run("CREATE TABLE hr (user_id text)");
    stage.session.run(&format!(
        "INSERT INTO hr VALUES ({})",
        literals(ids.iter().map(String::as_str)).replace(", ", "), (")
    ));
    stage.session.run("ANALYZE hr; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off");
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM hr JOIN pluralsight.users USING (user_id)"),
        ids.len().to_string()
    );
}

#[test]
fn a_list_of_keys_that_is_cut_is_sent_in_lists_that_are_not() {
    let mut stage = with_filters(20_000, |filters| filters.cut_lists = Some(100));
    let ids: Vec<String> = people(&stage)[..250]
        .iter()
        .map(|user| user.ps_user_id.clone())
        .collect();
    let query = |count: usize| {
        format!(
            "SELECT email FROM pluralsight.users WHERE user_id IN ({})",
            literals(ids[..count].iter().map(String::as_str))
        )
    };
    stage.sandbox.reset();
    assert_eq!(stage.session.rows(&query(200)).len(), 200);
    let first = stage.sandbox.count("users");
    assert!(first <= 4, "{first} requests");
    assert_eq!(stage.session.rows(&query(250)).len(), 250);
    // What was learned is kept: lists of 100 from now on.
    let again = stage.requests(&query(250));
    assert!(again <= 4, "{again} requests");
    assert_eq!(
        stage.session.value(&format!(
            "SELECT count(*) FROM pluralsight.users WHERE user_id IN ({})",
            literals(ids.iter().map(String::as_str))
        )),
        "250"
    );
    assert_eq!(warnings(&mut stage), Vec::<String>::new());
}

#[test]
fn a_list_is_cut_anywhere_or_refused_and_nothing_is_lost() {
    for cut in [1, 2, 7] {
        for refuses in [false, true] {
            let mut stage = with_filters(20_000, |filters| {
                if refuses {
                    filters.refuse_lists = Some(cut * 10);
                } else {
                    filters.cut_lists = Some(cut);
                }
            });
            let ids: Vec<String> = people(&stage)[..40]
                .iter()
                .map(|user| user.ps_user_id.clone())
                .chain(["nobody".to_owned(), "0".to_owned()])
                .collect();
            let query = format!(
                "SELECT email FROM pluralsight.users WHERE user_id IN ({})",
                literals(ids.iter().map(String::as_str))
            );
            for _ in 0..2 {
                assert_eq!(stage.session.rows(&query).len(), 40, "{cut} {refuses}");
            }
        }
    }
}

#[test]
fn a_filter_on_teams_proves_whether_it_means_any_or_all() {
    for teams in [TeamMatch::Any, TeamMatch::Direct, TeamMatch::All] {
        let mut stage = with_filters(USERS, |filters| filters.teams = teams);
        let people = people(&stage);
        let team_of = |user: &User| user.direct_team_ids().first().cloned();
        let first = people.iter().find_map(team_of).expect("a team");
        let second = people
            .iter()
            .filter_map(team_of)
            .find(|team| *team != first)
            .expect("another team");
        let expected = |both: bool| {
            people
                .iter()
                .filter(|user| {
                    let (one, other) = (
                        user.direct_team_ids().contains(&first),
                        user.direct_team_ids().contains(&second),
                    );
                    if both { one && other } else { one || other }
                })
                .count()
        };
        for (operator, both) in [("&&", false), ("@>", true)] {
            let query = format!(
                "SELECT user_id FROM pluralsight.users WHERE team_ids {operator} ARRAY['{first}', '{second}']"
            );
            for _ in 0..2 {
                assert_eq!(
                    stage.session.rows(&query).len(),
                    expected(both),
                    "{teams:?} {query}"
                );
            }
        }
        assert_eq!(warnings(&mut stage), Vec::<String>::new(), "{teams:?}");
    }
}

#[test]
fn a_key_that_is_missing_is_proved_missing_once_a_session() {
    let mut stage = with_filters(5_000, |_| {});
    let nobody = "SELECT note FROM pluralsight.users WHERE email = 'nobody@nowhere'";
    assert_eq!(
        stage.requests(nobody),
        3,
        "the look-up, a person who exists, and both together"
    );
    for _ in 0..3 {
        assert_eq!(stage.requests(nobody), 1);
    }
    assert_eq!(
        stage.requests("SELECT note FROM pluralsight.users WHERE email = 'Somebody@Else'"),
        1
    );
    // Where the table has been read, somebody is known.
    let mut stage = with_filters(5_000, |_| {});
    stage.session.rows("SELECT * FROM pluralsight.users");
    assert_eq!(stage.requests(nobody), 1, "both together at once");
    // A filter that has found somebody needs no proof.
    let mut stage = with_filters(5_000, |_| {});
    let email = people(&stage)
        .into_iter()
        .find_map(|user| user.email.filter(|email| *email == email.to_lowercase()))
        .expect("an address");
    let somebody = format!(
        "SELECT note FROM pluralsight.users WHERE email = {}",
        literals([email.as_str()].into_iter())
    );
    assert_eq!(stage.requests(&somebody), 1);
    assert_eq!(stage.requests(nobody), 1);
    assert_eq!(warnings(&mut stage), Vec::<String>::new());
}

#[test]
fn a_filter_that_finds_nobody_is_found_out() {
    // The column reads another field than the one that the filter compares.
    let mut stage = with_filters(USERS, |_| {});
    let note = stage.session.value(
        "SELECT note FROM pluralsight.users WHERE note ~ '^[A-Za-z0-9 ]+$' GROUP BY note ORDER BY count(*) DESC LIMIT 1",
    );
    for filters in ["emails[]=note", "psUserIds[]=note"] {
        stage.session.run(&format!(
            "ALTER FOREIGN TABLE pluralsight.users OPTIONS (SET filters '{filters}')"
        ));
        let expected = people(&stage)
            .iter()
            .filter(|user| user.note.as_deref() == Some(note.as_str()))
            .count();
        let found = stage.session.rows(&format!(
            "SELECT note FROM pluralsight.users WHERE note = '{note}'"
        ));
        assert_eq!(found.len(), expected, "{filters}");
        let said = warnings(&mut stage);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].ends_with("it did not bring a record that exists"),
            "{said:?}"
        );
    }
}

#[test]
fn addresses_are_found_however_the_api_compares_them() {
    for emails in [
        EmailMatch::Exact,
        EmailMatch::AnyCase,
        EmailMatch::Prefix,
        EmailMatch::Part,
    ] {
        let mut stage = with_filters(USERS, |filters| filters.emails = emails);
        let addresses: Vec<String> = people(&stage)
            .into_iter()
            .filter_map(|user| user.email)
            .take(40)
            .collect();
        for address in &addresses {
            let query = format!(
                "SELECT count(*) FROM pluralsight.users WHERE email = {}",
                literals([address.as_str()].into_iter())
            );
            assert_eq!(stage.session.value(&query), "1", "{emails:?} {query}");
        }
        let all = literals(addresses.iter().map(String::as_str));
        assert_eq!(
            stage.session.value(&format!(
                "SELECT count(*) FROM pluralsight.users WHERE email IN ({all}, 'nobody@nowhere')"
            )),
            addresses.len().to_string(),
            "{emails:?}"
        );
        assert_eq!(warnings(&mut stage), Vec::<String>::new(), "{emails:?}");
    }
}

#[test]
fn a_table_without_a_key_reads_again_without_repeating_a_row() {
    let mut stage = with_filters(USERS, |filters| filters.ignored = true);
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.users OPTIONS (DROP key)");
    let active = active(&stage);
    for _ in 0..2 {
        let rows = stage
            .session
            .rows("SELECT is_on_account FROM pluralsight.users WHERE is_on_account");
        assert_eq!(rows.len(), active);
    }
}

#[test]
fn a_boolean_filter_that_loses_people_is_found_out() {
    let mut stage = with_filters(USERS, |_| {});
    let active = active(&stage);
    // The filter's reply, and its total, lack three people.
    let rule = format!("users@1=drop-rows=3,total={}", active - 3);
    stage.sandbox.faults().script(&rule).expect(&rule);
    let rows = stage
        .session
        .rows("SELECT email FROM pluralsight.users WHERE is_on_account");
    assert_eq!(rows.len(), active);
    let said = warnings(&mut stage);
    assert!(
        said.len() == 1 && said[0].contains("isOnAccount"),
        "{said:?}"
    );
}

#[test]
fn a_boolean_filter_is_proved_once_a_session() {
    let mut stage = with_filters(5_000, |_| {});
    let active = active(&stage);
    let rows = "SELECT email FROM pluralsight.users WHERE is_on_account";
    let pages = active.div_ceil(1_000);
    assert_eq!(stage.requests(rows), pages + 1, "the pages and the counts");
    assert_eq!(stage.requests(rows), pages);
    let count = "SELECT count(*) FROM pluralsight.users WHERE is_on_account";
    assert_eq!(stage.requests(count), 1);
    assert_eq!(stage.session.value(count), active.to_string());
}

#[test]
fn totals_that_are_missing_are_counted_by_reading() {
    let mut config = Config {
        users: USERS,
        ..Config::default()
    };
    config.totals = Totals::Null;
    let mut stage = Stage::new(config);
    let active = active(&stage);
    for (query, expected) in [
        ("SELECT count(*) FROM pluralsight.users", USERS as usize),
        (
            "SELECT count(*) FROM pluralsight.users WHERE is_on_account",
            active,
        ),
        (
            "SELECT count(*) FROM (SELECT * FROM pluralsight.users OFFSET 0) u",
            USERS as usize,
        ),
    ] {
        assert_eq!(stage.session.value(query), expected.to_string(), "{query}");
    }
}

#[test]
fn rough_totals_lead_to_no_count_that_the_rows_contradict() {
    for totals in [Totals::Rough, Totals::Page] {
        for users in [150, USERS] {
            let mut config = Config {
                users,
                ..Config::default()
            };
            config.totals = totals;
            let mut stage = Stage::new(config);
            for condition in ["", " WHERE is_on_account"] {
                let count = stage
                    .session
                    .try_rows(&format!(
                        "SELECT count(*) FROM pluralsight.users{condition}"
                    ))
                    .map(|rows| rows[0][0].clone().expect("a count"));
                let rows = stage
                    .session
                    .try_rows(&format!("SELECT * FROM pluralsight.users{condition}"))
                    .map(|rows| rows.len().to_string());
                assert!(
                    count.is_err() || rows.is_err() || count.as_ref().ok() == rows.as_ref().ok(),
                    "{totals:?}, {users} users{condition}: {count:?} and {rows:?}"
                );
            }
        }
    }
}

#[test]
fn lists_under_a_nondeterministic_collation_are_left_to_postgresql() {
    if !behaviour::cluster::has_icu() {
        return;
    }
    let mut stage = with_filters(USERS, |_| {});
    stage.session.run("CREATE COLLATION pluralsight.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
    let team = people(&stage)
        .iter()
        .find_map(|user| user.direct_team_ids().first().cloned())
        .expect("a team");
    let expected = people(&stage)
        .iter()
        .filter(|user| user.direct_team_ids().contains(&team))
        .count();
    let other = team.to_uppercase();
    for condition in [
        format!("'{other}' COLLATE pluralsight.ci = ANY (team_ids)"),
        format!("team_ids COLLATE pluralsight.ci && ARRAY['{other}']"),
        format!("team_ids @> (ARRAY['{other}'] COLLATE pluralsight.ci)"),
    ] {
        let query = format!("SELECT user_id FROM pluralsight.users WHERE {condition}");
        assert_eq!(stage.session.rows(&query).len(), expected, "{query}");
        assert!(!stage.session.plan(&query).contains("Remote Filter"));
    }
}
