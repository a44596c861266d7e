//! Stored copies over an API whose data moves, or that answers what it should not: nobody is gone until the API says so, and
//! nothing is written that looks like a loss.

use behaviour::copies::{REFRESH, config, differences, logged, stage, stored};
use behaviour::{Session, Stage};
use pluralsight_sandbox::{Config, Cursors, Place, Sandbox};

/// Copies of 2,500 people, over an API whose cursors hold a number.
fn moving() -> Stage {
    let mut stage = Stage::new(Config {
        cursors: Cursors::Offset,
        ..config(2_500)
    });
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    stage.session.notices();
    stage
}

fn forgotten(session: &mut Session) -> Vec<String> {
    session.column("SELECT user_id FROM pluralsight_copy.account_history WHERE valid_to IS NULL AND forgotten ORDER BY user_id COLLATE \"C\"")
}

#[test]
fn people_who_are_hidden_by_others_that_vanish_are_not_gone() {
    for (what, rule) in [
        ("the total falls", "users@2=forget=5"),
        ("the total stays", "users@2=forget=5,add-last=5"),
    ] {
        let mut stage = moving();
        let mut vanishing: Vec<String> = stage
            .sandbox
            .organization()
            .users()
            .take(5)
            .map(|user| user.ps_user_id)
            .collect();
        vanishing.sort();
        stage.sandbox.reset();
        stage.sandbox.faults().script(rule).expect("a valid rule");
        stage.session.run(REFRESH);
        stage.sandbox.faults().clear();
        // A total that falls makes it read again. One that stays hides that these five have been read and are gone since, as
        // with anybody who leaves just after a refresh; but nobody else is missing.
        let gone = forgotten(&mut stage.session);
        if rule.contains("add-last") {
            assert_eq!(gone, Vec::<String>::new(), "{what}");
        } else {
            assert_eq!(gone, vanishing, "{what}");
        }
        stage.session.run(REFRESH);
        assert_eq!(forgotten(&mut stage.session), vanishing, "{what}");
        assert_eq!(differences(&mut stage.session, "users"), 0, "{what}");
        assert_eq!(
            stage.session.value("SELECT count(*) FROM pluralsight_copy.changes_between('-infinity', 'infinity') WHERE change = 'came back'"),
            "0",
            "{what}"
        );
        // Another look finds nothing to write.
        let before = stored(&mut stage.session);
        stage.session.run(REFRESH);
        assert_eq!(stored(&mut stage.session), before, "{what}");
    }
}

#[test]
fn whoever_is_missing_is_asked_for_in_one_request_where_the_api_can_be_asked() {
    let mut stage = stage(2_500);
    // The first time, the filter has to prove itself in one more.
    for (round, most) in [(0, 6), (1, 5)] {
        let people: Vec<String> = stage
            .sandbox
            .organization()
            .users()
            .skip(70)
            .take(3)
            .map(|user| user.ps_user_id)
            .collect();
        for person in &people {
            assert!(stage.sandbox.organization().forget_user(person));
        }
        stage.sandbox.reset();
        stage.session.run(REFRESH);
        let users: Vec<_> = stage
            .sandbox
            .requests()
            .into_iter()
            .filter(|request| request.operation == "users")
            .collect();
        assert!(
            users.len() <= most,
            "round {round}: {} requests, and four of them are pages",
            users.len()
        );
        let asked: String = users
            .iter()
            .map(|request| request.variables.to_string())
            .filter(|variables| variables.contains("filter"))
            .collect();
        for person in &people {
            assert!(asked.contains(person.as_str()), "{asked}");
        }
        assert_eq!(differences(&mut stage.session, "users"), 0);
    }
}

#[test]
fn a_filter_that_finds_nobody_is_not_believed() {
    // An API that takes the filter and compares something else: every look-up is empty.
    let mut stage = moving();
    stage
        .sandbox
        .faults()
        .script("users@2=forget=5,add-last=5")
        .expect("a valid rule");
    stage
        .sandbox
        .faults()
        .script("users@5=set=/data/users/nodes:[],set=/data/users/totalCount:0")
        .expect("a valid rule");
    stage.sandbox.reset();
    stage.session.run(REFRESH);
    stage.sandbox.faults().clear();
    assert_eq!(forgotten(&mut stage.session), Vec::<String>::new());
    // Five whom the first reading missed; the filter was asked, not believed, and everything read again.
    assert_eq!(
        logged(&mut stage.session, "tables -> 'users' -> 'confirmed'"),
        ["5"]
    );
}

#[test]
fn records_without_a_key_are_left_out_with_a_warning_that_shows_nobody() {
    let mut stage = stage(200);
    for (number, record) in [("1 record", "1"), ("3 records", "*")] {
        let rule = match record {
            "*" => {
                "users@1=set=/data/users/nodes/0/psUserId:null,set=/data/users/nodes/1/psUserId:null,set=/data/users/nodes/2/psUserId:null"
            }
            _ => "users@1=set=/data/users/nodes/1/psUserId:null",
        };
        let before = stage
            .session
            .value("SELECT count(*) FROM pluralsight_copy.users");
        stage.sandbox.faults().script(rule).expect("a valid rule");
        stage.sandbox.reset();
        stage.session.run(REFRESH);
        stage.sandbox.faults().clear();
        let warning = format!("users: left out {number} without user_id");
        assert_eq!(stage.session.notices(), [format!("WARNING: {warning}")]);
        assert_eq!(
            logged(
                &mut stage.session,
                "outcome, warnings[1], array_length(warnings, 1)"
            ),
            ["ok", &warning, "1"]
        );
        // The API still knows them by their keys, so they stay.
        assert_eq!(
            stage
                .session
                .value("SELECT count(*) FROM pluralsight_copy.users"),
            before
        );
    }
    // An error never shows a row, whatever constraint somebody has put on a copy.
    stage.session.run(
        "ALTER TABLE pluralsight_copy.users ADD CONSTRAINT short CHECK (length(first_name) < 50)",
    );
    let person = stage.sandbox.organization().user(3).ps_user_id;
    stage
        .sandbox
        .organization()
        .edit_user(&person, |user| user.first_name = Some("secret".repeat(10)));
    let error = stage.session.error(REFRESH);
    assert_eq!(error.code, "23514");
    let shown = format!(
        "{error:?} {:?}",
        logged(&mut stage.session, "error, detail, hint")
    );
    assert!(
        !shown.contains("secretsecret") && !shown.contains(&person),
        "{shown}"
    );
}

#[test]
fn another_plans_data_are_refused_even_where_the_numbers_fit() {
    let mut stage = stage(300);
    let before = stored(&mut stage.session);
    let other = Sandbox::start(Config {
        seed: 99,
        ..config(300)
    })
    .expect("the sandbox starts");
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url '{}')",
        other.url()
    ));
    let error = stage.session.error(REFRESH);
    assert_eq!(error.code, "22000");
    assert!(
        error.message.contains("and the API answers for plan"),
        "{error:?}"
    );
    assert_eq!(stored(&mut stage.session), before);
    // The same where the plan does not say which it is.
    stage.session.run(
        "ALTER FOREIGN TABLE pluralsight.plan ALTER COLUMN plan_id OPTIONS (SET field 'name');
         ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN plan_id OPTIONS (SET field 'note');
         ALTER FOREIGN TABLE pluralsight.admins ALTER COLUMN plan_id OPTIONS (SET field 'note');
         ALTER FOREIGN TABLE pluralsight.teams ALTER COLUMN plan_id OPTIONS (SET field 'description');
         UPDATE pluralsight_copy.plan SET plan_id = NULL;
         UPDATE pluralsight_copy.users SET plan_id = NULL;
         UPDATE pluralsight_copy.admins SET plan_id = NULL;
         UPDATE pluralsight_copy.teams SET plan_id = NULL",
    );
    let error = stage.session.error(REFRESH);
    assert_eq!(error.code, "22000");
    assert_eq!(
        error.message,
        "\"pluralsight_copy\".\"users\" would lose 300 of 300 rows"
    );
    stage.session.run(&error.hint.expect("a hint"));
    assert_eq!(
        stage.session.value("SELECT count(*) FROM pluralsight_copy.accounts_at('infinity') WHERE forgotten AND NOT is_admin"),
        stage.session.value("SELECT count(*) FROM pluralsight_copy.account_history WHERE forgotten")
    );
}

#[test]
fn a_wrong_clock_is_noticed_and_can_be_mended() {
    let mut stage = stage(30);
    // The API's clock says that it is a year earlier, so this machine's is ahead.
    stage
        .sandbox
        .faults()
        .script("*=header='date:Mon, 03 Mar 2025 10:00:00 GMT'")
        .expect("a valid rule");
    let error = stage.session.error(REFRESH);
    assert_eq!(error.code, "22000");
    assert!(
        error.message.contains("ahead of that of the API"),
        "{error:?}"
    );
    stage.sandbox.faults().clear();
    stage.session.run(REFRESH);
    // A refresh has recorded a year that has not come.
    stage.sandbox.organization().add_users(2, Place::End);
    stage.session.run(REFRESH);
    stage.session.run(
        "UPDATE pluralsight_copy.account_history SET valid_from = valid_from + interval '1 year' WHERE valid_from = (SELECT max(valid_from) FROM pluralsight_copy.account_history);
         UPDATE pluralsight_copy.refresh_log SET started_at = started_at + interval '1 year' WHERE id = (SELECT max(id) FROM pluralsight_copy.refresh_log)",
    );
    stage.sandbox.organization().add_users(1, Place::End);
    let error = stage.session.error(REFRESH);
    assert_eq!(error.code, "22000");
    assert!(
        error.message.contains("the copies were last refreshed at"),
        "{error:?}"
    );
    stage.session.run(&error.hint.expect("a hint"));
    assert_eq!(
        stage.session.value("SELECT count(*) FROM pluralsight_copy.account_history WHERE valid_from > clock_timestamp()"),
        "0"
    );
    assert_eq!(
        stage.session.column("SELECT count(*) FROM pluralsight_copy.changes_between('-infinity', 'infinity') WHERE change = 'joined' GROUP BY changed_at ORDER BY changed_at"),
        ["2", "1"]
    );
    stage.session.run(REFRESH);
}

#[test]
fn columns_that_postgresql_computes_are_left_alone_in_copies_and_refused_in_history() {
    let mut stage = stage(60);
    let session = &mut stage.session;
    session.run(
        "ALTER TABLE pluralsight_copy.users
             ADD COLUMN domain text GENERATED ALWAYS AS (split_part(email, '@', 2)) STORED,
             ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
         DELETE FROM pluralsight_copy.users WHERE user_id IN (SELECT user_id FROM pluralsight_copy.users WHERE email IS NOT NULL LIMIT 3);
         UPDATE pluralsight_copy.users SET note = 'changed'",
    );
    session.run(REFRESH);
    assert_eq!(
        session.value("SELECT count(*) FROM pluralsight_copy.users WHERE domain IS DISTINCT FROM split_part(email, '@', 2) OR note = 'changed'"),
        "0"
    );
    assert_eq!(
        session.value("SELECT count(DISTINCT number) FROM pluralsight_copy.users"),
        "60"
    );
    session.run("ALTER TABLE pluralsight_copy.account_history ADD COLUMN domain text GENERATED ALWAYS AS (split_part(email, '@', 2)) STORED");
    let refusal = session.error(REFRESH);
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        (
            "55000",
            "column \"domain\" of \"pluralsight_copy\".\"account_history\" is one that PostgreSQL fills in itself"
        )
    );
    session.run("ALTER TABLE pluralsight_copy.account_history DROP COLUMN domain");
    session.run(REFRESH);
}

#[test]
fn the_plan_of_a_permission_set_does_not_tell_whose_answer_it_is() {
    let mut stage = stage(20);
    stage
        .sandbox
        .faults()
        .script("planPermissionSets=set=/data/planPermissionSets/nodes/*/planId:\"standard\"")
        .expect("a rule");
    stage.session.run(REFRESH);
    assert_eq!(
        stage
            .session
            .column("SELECT DISTINCT plan_id FROM pluralsight_copy.permission_sets"),
        ["standard"]
    );
}
