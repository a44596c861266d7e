//! History of stored copies: what it says where something is unknown, where a team has a new name, and where a part of it was
//! deleted or a person erased.

use std::sync::Arc;

use behaviour::copies::{REFRESH, config, stage};
use behaviour::{Session, Stage};
use pluralsight_sandbox::{Config, Membership, Team};

const EVERYTHING: &str = "SELECT change, count(*) FROM pluralsight_copy.changes_between('-infinity', 'infinity') GROUP BY change ORDER BY change";

fn events(session: &mut Session) -> Vec<String> {
    session
        .rows(EVERYTHING)
        .into_iter()
        .map(|row| {
            row.into_iter()
                .map(Option::unwrap_or_default)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

#[test]
fn what_becomes_known_has_not_changed() {
    // The key may not see products, admins and addresses at first.
    let mut stage = Stage::new(config(120));
    let absent = |stage: &mut Stage, what: &str| {
        for (table, column) in [
            ("users", "product_ids"),
            ("users", "email"),
            ("users", "first_name"),
            ("users", "last_name"),
            ("users", "team_ids"),
            ("users", "is_on_account"),
        ] {
            stage.session.run(&format!(
                "ALTER FOREIGN TABLE pluralsight.{table} ALTER COLUMN {column} OPTIONS ({what})"
            ));
        }
    };
    absent(&mut stage, "ADD absent 'true'");
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    assert_eq!(
        stage.session.value("SELECT count(*) FROM pluralsight_copy.account_history WHERE status <> 'admin without license' AND (billable IS NOT NULL OR product_ids IS NOT NULL OR is_active IS NOT NULL)"),
        "0"
    );
    absent(&mut stage, "DROP absent");
    stage.session.run(REFRESH);
    assert_ne!(
        stage.session.value(
            "SELECT count(*) FROM pluralsight_copy.account_history WHERE product_ids <> '{}'"
        ),
        "0"
    );
    assert_eq!(events(&mut stage.session), Vec::<String>::new());
    // Nor has what becomes unknown again.
    absent(&mut stage, "ADD absent 'true'");
    stage.session.run(REFRESH);
    assert_eq!(events(&mut stage.session), Vec::<String>::new());
}

#[test]
fn an_address_that_one_person_gets_is_a_change() {
    let mut stage = stage(60);
    let person = stage.sandbox.organization().user(5).ps_user_id;
    for email in [None, Some("new@example.com".to_owned()), None] {
        stage
            .sandbox
            .organization()
            .edit_user(&person, |user| user.email = email.clone());
        stage.session.run(REFRESH);
    }
    assert_eq!(events(&mut stage.session), ["changed e-mail 3"]);
}

#[test]
fn a_team_s_new_name_is_a_change_of_the_team_and_not_of_its_people() {
    let mut stage = Stage::new(Config {
        teams: Some(3),
        ..config(40)
    });
    let organization = stage.sandbox.organization();
    // Two teams of one name, as different departments have them, and two people who are each in one of them.
    let team = |id: &str, name: &str| {
        Arc::new(Team {
            id: id.to_owned(),
            name: name.to_owned(),
            description: None,
            parent_team_id: None,
            plan_id: None,
        })
    };
    let people: Vec<String> = organization
        .users()
        .take(2)
        .map(|user| user.ps_user_id)
        .collect();
    let put = |person: &str, teams: &[&Arc<Team>]| {
        assert!(organization.edit_user(person, |user| {
            user.teams = teams
                .iter()
                .map(|team| Membership {
                    team: Arc::clone(team),
                    is_direct: true,
                })
                .collect();
        }));
    };
    let (north, south) = (team("north", "Platform"), team("south", "Platform"));
    put(&people[0], &[&north, &south]);
    put(&people[1], &[&south]);
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    let before = stage.session.value("SELECT clock_timestamp()");
    let versions = stage
        .session
        .value("SELECT count(*) FROM pluralsight_copy.account_history");

    // In another order, and one of them under a new name.
    let renamed = team("south", "Platform South");
    put(&people[0], &[&renamed, &north]);
    put(&people[1], &[&renamed]);
    stage.session.run(REFRESH);
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight_copy.account_history"),
        versions
    );
    assert_eq!(events(&mut stage.session), ["renamed team 1"]);
    assert_eq!(
        stage.session.rows("SELECT user_id, was, became, item_id FROM pluralsight_copy.changes_between('-infinity', 'infinity')"),
        [[None, Some("Platform".to_owned()), Some("Platform South".to_owned()), Some("south".to_owned())]]
    );
    let mut names = |moment: &str| {
        stage.session.value(&format!(
            "SELECT team_names FROM pluralsight_copy.accounts_at('{moment}') WHERE user_id = '{}'",
            people[0]
        ))
    };
    assert_eq!(names(&before), "{Platform,Platform}");
    assert_eq!(names("infinity"), "{Platform,\"Platform South\"}");

    // Who leaves one of two teams of the same name has left a team.
    put(&people[0], &[&north]);
    put(&people[1], &[]);
    stage.session.run(REFRESH);
    assert_eq!(
        stage.session.rows(&format!("SELECT was, item_id, user_id = '{}' FROM pluralsight_copy.changes_between('-infinity', 'infinity') WHERE change = 'left team' ORDER BY 3 DESC", people[0])),
        [
            [Some("Platform South".to_owned()), Some("south".to_owned()), Some("t".to_owned())],
            [Some("Platform South".to_owned()), Some("south".to_owned()), Some("f".to_owned())]
        ]
    );
}

#[test]
fn history_before_what_is_kept_is_refused_and_what_is_kept_stays_right() {
    let mut stage = stage(50);
    let refused = |session: &mut Session, query: &str| {
        let error = session.error(query);
        assert_eq!(error.code, "22023", "{query}: {error:?}");
        assert!(
            error.message.starts_with("history does not reach back to "),
            "{error:?}"
        );
        assert!(error.detail.expect("a detail").starts_with("It begins at "));
    };
    refused(
        &mut stage.session,
        "SELECT * FROM pluralsight_copy.accounts_at('2020-01-01')",
    );
    refused(
        &mut stage.session,
        "SELECT * FROM pluralsight_copy.accounts_at('-infinity')",
    );
    refused(
        &mut stage.session,
        "SELECT * FROM pluralsight_copy.changes_between('2020-01-01', 'infinity')",
    );
    for name in ["First", "Second", "Third"] {
        for number in 0..4 {
            let person = stage.sandbox.organization().user(number).ps_user_id;
            stage
                .sandbox
                .organization()
                .edit_user(&person, |user| user.first_name = Some(name.to_owned()));
        }
        stage.session.run(REFRESH);
    }
    let changes =
        "SELECT changed_at, user_id, change, was, became FROM pluralsight_copy.changes_between";
    let moments = stage
        .session
        .column("SELECT DISTINCT valid_from FROM pluralsight_copy.account_history ORDER BY 1");
    assert_eq!(moments.len(), 4);
    let after = stage
        .session
        .rows(&format!("{changes}('{}', 'infinity')", moments[2]));
    assert_eq!(after.len(), 4);
    let state = format!(
        "SELECT t::text FROM pluralsight_copy.accounts_at('{}') AS t ORDER BY 1",
        moments[2]
    );
    let then = stage.session.rows(&state);

    stage.session.run(&format!(
        "CALL pluralsight_fdw.prune_history('pluralsight_copy', '{}')",
        moments[2]
    ));
    assert_eq!(
        stage
            .session
            .rows(&format!("{changes}('{}', 'infinity')", moments[2])),
        after
    );
    assert_eq!(
        stage
            .session
            .rows(&format!("{changes}('-infinity', 'infinity')")),
        after
    );
    assert_eq!(stage.session.rows(&state), then);
    refused(
        &mut stage.session,
        &format!("{changes}('{}', 'infinity')", moments[1]),
    );
    refused(
        &mut stage.session,
        &format!(
            "SELECT * FROM pluralsight_copy.accounts_at('{}')",
            moments[1]
        ),
    );
    assert_eq!(
        stage.session.value(&format!(
            "SELECT count(*) FROM pluralsight_copy.account_history WHERE valid_to <= '{}'",
            moments[2]
        )),
        "0"
    );
    for before in [
        "NULL",
        "'infinity'",
        "'-infinity'",
        "now() + interval '1 day'",
    ] {
        let error = stage.session.error(&format!(
            "CALL pluralsight_fdw.prune_history('pluralsight_copy', {before})"
        ));
        assert!(
            ["22004", "22023"].contains(&error.code.as_str()),
            "{before}: {error:?}"
        );
    }
    stage.session.run(REFRESH);
}

#[test]
fn a_person_who_was_erased_stays_away() {
    let mut stage = stage(80);
    let admin = stage.sandbox.organization().admins()[0].clone();
    let somebody = stage.sandbox.organization().user(11);
    for (person, email) in [
        (admin.ps_user_id, admin.email),
        (somebody.ps_user_id, somebody.email),
    ] {
        let traces = format!(
            "SELECT (SELECT count(*) FROM pluralsight_copy.users WHERE user_id = '{person}') + (SELECT count(*) FROM pluralsight_copy.admins WHERE user_id = '{person}')
                  + (SELECT count(*) FROM pluralsight_copy.account_history WHERE user_id = '{person}')"
        );
        assert_ne!(stage.session.value(&traces), "0");
        stage.session.run(&format!(
            "CALL pluralsight_fdw.forget_person('pluralsight_copy', '{person}')"
        ));
        stage.session.run(REFRESH);
        stage
            .session
            .run("CALL pluralsight_fdw.refresh(force => true)");
        assert_eq!(stage.session.value(&traces), "0");
        assert_eq!(events(&mut stage.session), Vec::<String>::new());
        // Nothing that is left names the person.
        for table in stage.session.column("SELECT oid::regclass FROM pg_class WHERE relnamespace = 'pluralsight_copy'::regnamespace AND relkind IN ('r', 'v')") {
            let named = stage.session.value(&format!(
                "SELECT count(*) FROM {table} AS t WHERE strpos(t::text, '{person}') > 0 OR strpos(t::text, '{}') > 0",
                email.clone().unwrap_or_else(|| person.clone())
            ));
            assert_eq!(named, "0", "{table}");
        }
        // Once more does no harm.
        stage.session.run(&format!(
            "CALL pluralsight_fdw.forget_person('pluralsight_copy', '{person}')"
        ));
    }
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight_copy.erased_people"),
        "2"
    );
    let error = stage
        .session
        .error("CALL pluralsight_fdw.forget_person('pluralsight_copy', 'nobody-at-all')");
    assert_eq!(error.code, "P0002");
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight_copy.erased_people"),
        "2"
    );
    assert_eq!(
        stage
            .session
            .error("CALL pluralsight_fdw.forget_person('pluralsight_copy', NULL)")
            .code,
        "22004"
    );
    // A set made anew from a dump still knows whom it must not know: the key goes along.
    assert_eq!(
        stage.session.value("SELECT bool_and(last_value > 1000000 AND is_called) FROM (TABLE pluralsight_copy.erasure_key_1 UNION ALL TABLE pluralsight_copy.erasure_key_2) AS keys"),
        "t"
    );
}

#[test]
fn a_column_that_the_view_of_accounts_gets_is_kept_by_history_too() {
    let mut stage = stage(30);
    stage
        .session
        .run("ALTER TABLE pluralsight_copy.account_history DROP COLUMN note");
    stage.session.run(REFRESH);
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    let person = stage.sandbox.organization().user(1).ps_user_id;
    stage
        .sandbox
        .organization()
        .edit_user(&person, |user| user.note = Some("CC 4711".to_owned()));
    stage.session.run(REFRESH);
    assert_eq!(
        stage.session.value(&format!(
            "SELECT note FROM pluralsight_copy.accounts_at('infinity') WHERE user_id = '{person}'"
        )),
        "CC 4711"
    );
}
