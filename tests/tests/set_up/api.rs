//! What the API has, and what it does not tell.

use super::*;

#[test]
fn a_field_that_the_api_lacks_is_absent_and_comes_back_with_it() {
    let mut stage = stage(Config {
        without: texts(&["User.mfaEnabled", "User.productIds", "Team.description"]),
        ..Config::default()
    });
    set_up_says(&mut stage, "\"users.mfa_enabled\" is absent");
    assert!(
        column_options(&mut stage.session, "pluralsight.users", "mfa_enabled")
            .contains("absent=true")
    );
    // It reads NULL, whatever is asked of it, and nobody asks the API.
    stage.sandbox.reset();
    for (query, answer) in [
        (
            "SELECT count(*) FROM (SELECT * FROM pluralsight.users) AS u",
            "50",
        ),
        ("SELECT count(mfa_enabled) FROM pluralsight.users", "0"),
        (
            "SELECT count(*) FROM pluralsight.users WHERE mfa_enabled",
            "0",
        ),
        (
            "SELECT count(*) FROM pluralsight.users WHERE mfa_enabled IS NULL",
            "50",
        ),
        (
            "SELECT count(*) FROM pluralsight.users WHERE product_ids IS NULL",
            "50",
        ),
        (
            "SELECT count(*) FROM pluralsight.users AS u JOIN pluralsight.users AS v USING (mfa_enabled)",
            "0",
        ),
        (
            "SELECT count(billable) FROM pluralsight.accounts JOIN pluralsight.users USING (user_id)",
            "0",
        ),
        (
            "SELECT count((u).mfa_enabled) FROM pluralsight.users AS u",
            "0",
        ),
    ] {
        assert_eq!(stage.session.value(query), answer, "{query}");
    }
    stage.session.run("ANALYZE pluralsight.users");
    let plan = stage
        .session
        .plan("SELECT email, mfa_enabled FROM pluralsight.users WHERE mfa_enabled");
    assert!(!plan.contains("mfaEnabled"), "{plan}");
    for request in stage.sandbox.requests() {
        assert!(!request.document.contains("mfaEnabled"));
    }
    // Another API, which has it.
    let full = pluralsight_sandbox::Sandbox::start(Config {
        users: 50,
        ..Config::default()
    })
    .expect("the sandbox starts");
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_url '{}')",
        full.url()
    ));
    set_up_says(
        &mut stage,
        "ALTER COLUMN \"mfa_enabled\" OPTIONS (DROP absent)",
    );
    assert_ne!(
        stage
            .session
            .value("SELECT count(mfa_enabled) FROM pluralsight.users"),
        "0"
    );
}

#[test]
fn unchecked_tables_say_so_until_they_are_renewed() {
    let mut stage = stage(Config::default());
    stage.session.run("CREATE SCHEMA pluralsight; IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO pluralsight OPTIONS (discover 'off')");
    assert_eq!(stage.sandbox.requests().len(), 0, "nobody was asked");
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "unchecked"),
        "true"
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "filters"),
        "emails"
    );
    stage.session.run(SET_UP);
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "unchecked"),
        ""
    );
    assert!(table_option(&mut stage.session, "pluralsight.users", "filters").contains("psUserIds"));
    assert!(
        table_option(&mut stage.session, "pluralsight.users", "truncated").contains("hasNextPage")
    );
}

#[test]
fn where_the_schema_is_not_told_the_tables_are_tried() {
    let mut stage = stage(Config {
        introspection: Introspection::Off,
        without: texts(&["User.mfaEnabled"]),
        rename: texts(&["User.ssoEnabled=isSsoEnabled"]),
        ..Config::default()
    });
    stage.session.run(SET_UP);
    assert!(
        column_options(&mut stage.session, "pluralsight.users", "mfa_enabled")
            .contains("absent=true")
    );
    assert_eq!(
        column_options(&mut stage.session, "pluralsight.users", "sso_enabled"),
        "field=isSsoEnabled"
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "unchecked"),
        ""
    );
    assert_eq!(
        stage.session.rows("SELECT * FROM pluralsight.users").len(),
        50
    );
    assert_ne!(
        stage
            .session
            .rows("SELECT * FROM pluralsight.accounts")
            .len(),
        0
    );
}

#[test]
fn a_field_that_the_key_may_not_read_is_absent() {
    for introspection in [Introspection::default(), Introspection::Off] {
        let mut stage = stage(Config {
            introspection,
            beta: texts(&["User.mfaEnabled"]),
            ..Config::default()
        });
        stage.session.run(SET_UP);
        assert!(
            column_options(&mut stage.session, "pluralsight.users", "mfa_enabled")
                .contains("absent=true"),
            "{introspection:?}: {:?}",
            stage.session.notices()
        );
        assert_eq!(
            stage.session.rows("SELECT * FROM pluralsight.users").len(),
            50
        );
    }
}

#[test]
fn a_query_that_the_api_lacks_leaves_the_rest_working() {
    for introspection in [Introspection::default(), Introspection::Off] {
        let mut stage = stage(Config {
            introspection,
            without: texts(&["Query.planInfo"]),
            ..Config::default()
        });
        set_up_says(&mut stage, "table \"plan\" cannot be read");
        assert!(
            columns(&mut stage.session, "pluralsight.plan").contains(&"product_ids".to_owned())
        );
        stage.sandbox.reset();
        assert_eq!(
            stage.session.value("SELECT count(*) FROM pluralsight.plan"),
            "0"
        );
        let notices = stage.session.notices();
        assert!(
            notices
                .iter()
                .any(|notice| notice.starts_with("WARNING") && notice.contains("reads as empty")),
            "{notices:?}"
        );
        assert_eq!(
            stage.session.column(
                "SELECT status FROM pluralsight_fdw.check() WHERE checked LIKE '%pluralsight.plan'"
            ),
            ["warning"]
        );
        assert_eq!(
            stage.session.rows("SELECT * FROM pluralsight.plan").len(),
            0
        );
        assert_eq!(stage.sandbox.count("planInfo"), 0, "nobody is asked");
        assert_ne!(
            stage
                .session
                .rows("SELECT * FROM pluralsight.accounts")
                .len(),
            0
        );
    }
}

#[test]
fn a_null_list_is_empty_and_an_unknown_one_is_null() {
    let mut stage = stage(Config::default());
    stage
        .sandbox
        .faults()
        .script("users=set=/data/users/nodes/*/productIds:null")
        .expect("a fault");
    stage.session.run(SET_UP);
    assert_eq!(
        stage.session.value(
            "SELECT count(*) FROM pluralsight.users WHERE product_ids = '{}' AND product_ids IS NOT NULL"
        ),
        "50"
    );
    stage.session.run("ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN product_ids OPTIONS (DROP null_as_empty)");
    assert_eq!(
        stage
            .session
            .value("SELECT count(product_ids) FROM pluralsight.users"),
        "0"
    );
}

#[test]
fn a_key_that_the_api_does_not_have_is_no_obstacle() {
    for introspection in [Introspection::default(), Introspection::Off] {
        for (without, reads) in [
            (&["User.psUserId", "UserFilter.psUserIds"][..], "field=id"),
            (
                &[
                    "User.psUserId",
                    "User.id",
                    "UserFilter.psUserIds",
                    "UserFilter.ids",
                ][..],
                "absent=true",
            ),
        ] {
            let mut stage = stage(Config {
                introspection,
                without: texts(without),
                ..Config::default()
            });
            stage.session.run(SET_UP);
            let options = column_options(&mut stage.session, "pluralsight.users", "user_id");
            assert!(options.contains(reads), "{options}");
            assert_eq!(
                stage.session.rows("SELECT * FROM pluralsight.users").len(),
                50
            );
            let counted = stage
                .session
                .value("SELECT count(user_id) FROM pluralsight.users");
            assert_eq!(counted, if reads == "field=id" { "50" } else { "0" });
            if reads == "field=id" {
                let id = stage.sandbox.organization().user(3).id;
                assert_eq!(
                    stage.session.value(&format!(
                        "SELECT count(*) FROM pluralsight.users WHERE user_id = '{id}'"
                    )),
                    "1"
                );
            }
        }
    }
}

#[test]
fn a_field_that_was_chosen_is_kept_while_the_api_has_it() {
    let mut stage = stage(Config {
        extra: texts(&["User.isMfaEnabled: Boolean"]),
        ..Config::default()
    });
    stage.session.run(SET_UP);
    assert_eq!(
        column_options(&mut stage.session, "pluralsight.users", "mfa_enabled"),
        "field=mfaEnabled"
    );
    stage.session.run("ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN mfa_enabled OPTIONS (SET field 'isMfaEnabled')");
    stage.session.run(SET_UP);
    assert_eq!(
        column_options(&mut stage.session, "pluralsight.users", "mfa_enabled"),
        "field=isMfaEnabled"
    );
}

#[test]
fn an_estimate_is_kept_where_the_api_does_not_count() {
    let mut stage = stage(Config::default());
    stage.session.run(SET_UP);
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.users OPTIONS (SET rows '7')");
    stage
        .sandbox
        .faults()
        .script("users=set=/data/users/totalCount:null")
        .expect("a fault");
    stage.session.run(SET_UP);
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "rows"),
        "7"
    );
    // Totals that were found missing stay switched off until somebody asks for them again.
    stage.sandbox.faults().clear();
    stage.session.run(
        "ALTER FOREIGN TABLE pluralsight.users OPTIONS (DROP total_count);
         CALL pluralsight_fdw.set_up('pluralsight')",
    );
    assert_eq!(
        table_option(&mut stage.session, "pluralsight.users", "rows"),
        "50"
    );
}

#[test]
fn what_passes_while_set_up_asks_makes_no_table_empty_for_good() {
    let query = "planPermissionSets";
    for (name, fault) in [
        // Its name holds a word that tells of missing rights in other messages.
        (
            "as-declared",
            format!(
                r#"{query}=partial=[{{"message":"Error in {query} resolver","path":["{query}"]}}]"#
            ),
        ),
        ("sets-list", format!("{query}=set=/data/{query}:null")),
    ] {
        for introspection in [Introspection::default(), Introspection::Off] {
            let variant = variant(name).expect(name);
            let config = Config {
                introspection,
                ..Config::default()
            };
            let mut stage = stage(variant.apply(config).expect("its faults"));
            for rule in [&fault, &format!("{query}=set=/data/{query}:null")] {
                stage.sandbox.faults().script(rule).expect("a rule");
            }
            stage.session.run(SET_UP);
            stage.sandbox.faults().clear();
            let count = |stage: &mut Stage| {
                let sql = "SELECT count(*), count(name) FROM pluralsight.permission_sets";
                stage.session.try_rows(sql)
            };
            // An error would do as well; no answer may be short.
            if let Ok(rows) = count(&mut stage) {
                assert_eq!(
                    rows,
                    [[Some("5".to_owned()), Some("5".to_owned())]],
                    "{name}"
                );
            }
            stage.session.run(SET_UP);
            let rows = count(&mut stage).expect("it is set up again");
            assert_eq!(
                rows,
                [[Some("5".to_owned()), Some("5".to_owned())]],
                "{name}"
            );
        }
    }
}
