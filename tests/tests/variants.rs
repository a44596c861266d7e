//! The API may differ from what is declared: other names, missing fields and filters, a schema that is not told.

use behaviour::Stage;
use pluralsight_sandbox::{Config, Introspection, variant};

const IMPORT: &str = "IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO pluralsight";
const UNCHECKED: &str = "IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO pluralsight OPTIONS (discover 'off')";

fn stage(config: Config) -> Stage {
    stage_of(Config {
        users: 50,
        ..config
    })
}

fn stage_of(config: Config) -> Stage {
    let mut stage = Stage::bare(config);
    stage.session.notices();
    stage
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn has_column(stage: &mut Stage, table: &str, column: &str) -> bool {
    stage.session.value(&format!("SELECT count(*) FROM information_schema.columns WHERE table_schema = 'pluralsight' AND table_name = '{table}' AND column_name = '{column}'")) == "1"
}

fn is_absent(stage: &mut Stage, table: &str, column: &str) -> bool {
    stage.session.value(&format!("SELECT 'absent=true' = ANY (attfdwoptions) FROM pg_attribute WHERE attrelid = 'pluralsight.{table}'::regclass AND attname = '{column}'")) == "t"
}

/// A hint's statement: what follows the words that introduce it.
fn statement(hint: &str) -> &str {
    let start = hint.find("ALTER FOREIGN TABLE").expect("a statement");
    assert!(hint.ends_with(';'), "{hint}");
    &hint[start..]
}

#[test]
fn a_missing_field_is_absent_with_a_notice_and_the_rest_works() {
    let mut stage = stage(Config {
        without: texts(&["User.mfaEnabled", "User.productIds"]),
        ..Config::default()
    });
    stage.session.run(IMPORT);
    let notices = stage.session.notices();
    assert!(
        notices
            .iter()
            .any(|notice| notice.contains("users.mfa_enabled") && notice.contains("is absent")),
        "{notices:?}"
    );
    assert!(is_absent(&mut stage, "users", "mfa_enabled"));
    assert_eq!(
        stage.session.rows("SELECT * FROM pluralsight.users").len(),
        50
    );
    stage
        .session
        .run("CALL pluralsight_fdw.set_up('pluralsight')");
    assert_eq!(stage.session.value("SELECT count(*) FROM pluralsight.accounts WHERE mfa_enabled IS NOT NULL OR (billable IS NOT NULL AND status <> 'admin without license')"), "0");
}

#[test]
fn a_candidate_name_that_exists_is_chosen() {
    let mut stage = stage(Config {
        rename: texts(&["User.mfaEnabled=isMfaEnabled"]),
        ..Config::default()
    });
    stage.session.run(IMPORT);
    let notices = stage.session.notices();
    assert!(
        notices.iter().any(|notice| notice.contains("isMfaEnabled")),
        "{notices:?}"
    );
    let expected = (0..50)
        .filter(|&index| stage.sandbox.organization().user(index).mfa_enabled == Some(true))
        .count();
    assert_eq!(
        stage
            .session
            .value("SELECT count(*) FROM pluralsight.users WHERE mfa_enabled"),
        expected.to_string()
    );
}

#[test]
fn filters_are_taken_from_the_live_schema() {
    let mut full = stage(Config::default());
    full.session.run(IMPORT);
    let filters = "SELECT option_value FROM pg_foreign_table, pg_options_to_table(ftoptions) WHERE ftrelid = 'pluralsight.users'::regclass AND option_name = 'filters'";
    assert_eq!(
        full.session.value(filters),
        "emails, psUserIds, ids, isOnAccount, teamIds"
    );
    let mut fewer = stage(Config {
        without: texts(&["UserFilter.emails", "UserFilter.psUserIds"]),
        ..Config::default()
    });
    fewer.session.run(IMPORT);
    let notices = fewer.session.notices();
    assert!(
        notices
            .iter()
            .any(|notice| notice.contains("no filter emails")),
        "{notices:?}"
    );
    assert_eq!(fewer.session.value(filters), "ids, isOnAccount, teamIds");
    let user = fewer.sandbox.organization().user(3);
    assert_eq!(
        fewer.session.value(&format!(
            "SELECT count(*) FROM pluralsight.users WHERE user_id = '{}'",
            user.ps_user_id
        )),
        "1"
    );
}

#[test]
fn a_schema_that_is_not_told_is_found_out_by_trying() {
    let mut stage = stage(Config {
        introspection: Introspection::Off,
        ..Config::default()
    });
    stage.session.run(IMPORT);
    assert!(!is_absent(&mut stage, "users", "mfa_enabled"));
    assert!(!is_absent(&mut stage, "users", "legacy_id"));
    assert_eq!(
        stage.session.rows("SELECT * FROM pluralsight.users").len(),
        50
    );
    assert_eq!(
        stage.session.rows("SELECT * FROM pluralsight.plan").len(),
        1
    );
}

#[test]
fn a_refused_field_names_the_column_and_the_statement_that_mends_it() {
    for error_style in [
        pluralsight_sandbox::ErrorStyle::GraphqlJs,
        pluralsight_sandbox::ErrorStyle::AsyncGraphql,
    ] {
        for invalid_document_status in [200, 400] {
            let mut stage = stage(Config {
                introspection: Introspection::Off,
                rename: texts(&["User.mfaEnabled=hasMfa"]),
                error_style,
                invalid_document_status,
                ..Config::default()
            });
            stage.session.run(UNCHECKED);
            stage.session.run(
                "CREATE VIEW pluralsight.mine AS SELECT email, mfa_enabled FROM pluralsight.users",
            );
            let error = stage.session.error("SELECT * FROM pluralsight.mine");
            assert!(
                error.message.contains("\"mfa_enabled\"") && error.message.contains("mfaEnabled"),
                "{error:?}"
            );
            assert_eq!(
                stage
                    .session
                    .rows("SELECT email FROM pluralsight.mine")
                    .len(),
                50,
                "other columns work"
            );
            let hint = error.hint.expect("a hint");
            stage.session.run(statement(&hint));
            assert_eq!(
                stage
                    .session
                    .value("SELECT count(*) FROM pluralsight.mine WHERE mfa_enabled IS NULL"),
                "50",
                "the hint works"
            );
            stage.session.run("ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN mfa_enabled OPTIONS (SET field 'hasMfa', DROP absent)");
            assert_ne!(
                stage
                    .session
                    .value("SELECT count(mfa_enabled) FROM pluralsight.mine"),
                "0",
                "and so does another field"
            );
        }
    }
}

#[test]
fn a_refused_filter_names_the_statement_that_mends_it() {
    for filters in ["emails", "emails, notes[]=note", "notes[]=note,emails"] {
        let mut stage = stage(Config {
            introspection: Introspection::Off,
            without: texts(&["UserFilter.emails"]),
            ..Config::default()
        });
        stage.session.run(UNCHECKED);
        stage.session.run(&format!(
            "ALTER FOREIGN TABLE pluralsight.users OPTIONS (SET filters '{filters}')"
        ));
        let email = (0..50)
            .find_map(|index| stage.sandbox.organization().user(index).email)
            .expect("an address");
        let query = format!(
            "SELECT count(*) FROM (SELECT note FROM pluralsight.users WHERE email = '{email}') AS u"
        );
        let error = stage.session.error(&query);
        assert!(error.message.contains("filter emails"), "{error:?}");
        stage.session.run(statement(&error.hint.expect("a hint")));
        assert_eq!(stage.session.value(&query), "1", "{filters}");
    }
}

#[test]
fn a_value_that_does_not_fit_has_a_statement_that_mends_it() {
    let mut stage = stage(Config::default());
    stage.session.run(IMPORT);
    stage.session.run(
        "ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN note OPTIONS (SET field 'teams.edges.node.name');
         ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN sso_enabled OPTIONS (SET field 'email', ADD absent 'false');
         CREATE VIEW pluralsight.mine AS SELECT * FROM pluralsight.users",
    );
    for column in ["note", "sso_enabled"] {
        let error = stage
            .session
            .error(&format!("SELECT {column} FROM pluralsight.mine"));
        assert_eq!(error.code, "HV004", "{error:?}");
        stage.session.run(statement(&error.hint.expect("a hint")));
        assert_eq!(
            stage
                .session
                .value(&format!("SELECT count({column}) FROM pluralsight.mine")),
            "0"
        );
    }
}

#[test]
fn discover_all_adds_unknown_scalar_fields() {
    let mut stage = stage(Config {
        extra: texts(&["User.favoriteColor: String", "User.shoeSize: Int"]),
        ..Config::default()
    });
    stage
        .session
        .run(&format!("{IMPORT} OPTIONS (discover 'all')"));
    assert!(
        has_column(&mut stage, "users", "favorite_color")
            && has_column(&mut stage, "users", "shoe_size")
    );
    assert_eq!(
        stage
            .session
            .rows("SELECT favorite_color, shoe_size FROM pluralsight.users")
            .len(),
        50
    );
}

#[test]
fn a_column_of_ones_own_reads_any_field() {
    let mut stage = stage(Config {
        extra: texts(&["User.favoriteColor: String"]),
        ..Config::default()
    });
    stage.session.run(IMPORT);
    stage.session.run("ALTER FOREIGN TABLE pluralsight.users ADD COLUMN color text OPTIONS (field 'favoriteColor')");
    stage.session.run("ALTER FOREIGN TABLE pluralsight.users ADD COLUMN teams jsonb OPTIONS (field 'teams.edges.node')");
    assert_eq!(
        stage
            .session
            .rows("SELECT color FROM pluralsight.users")
            .len(),
        50
    );
}

#[test]
fn a_field_can_never_smuggle_text_into_a_query() {
    let mut stage = stage(Config::default());
    stage.session.run(IMPORT);
    for field in [
        "email } }",
        "email(x: 1)",
        "a b",
        "a\nb",
        "...on User",
        "email @skip(if: true)",
        "",
        "a..b",
        "1a",
    ] {
        let statement = format!(
            "ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN email OPTIONS (SET field '{field}')"
        );
        let error = stage.session.error(&statement);
        assert_eq!(error.code, "HV024", "{field}: {error:?}");
    }
}

#[test]
fn limit_to_and_except_choose_tables() {
    let mut stage = stage(Config::default());
    stage.session.run("IMPORT FOREIGN SCHEMA pluralsight LIMIT TO (users, plan) FROM SERVER pluralsight INTO pluralsight");
    let tables =
        "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'f'";
    assert_eq!(stage.session.value(tables), "plan users");
    stage.session.run("IMPORT FOREIGN SCHEMA pluralsight EXCEPT (users, plan) FROM SERVER pluralsight INTO pluralsight");
    assert_eq!(
        stage.session.value(tables),
        "admins permission_sets plan teams users"
    );
    assert_eq!(stage.session.error("IMPORT FOREIGN SCHEMA pluralsight LIMIT TO (people) FROM SERVER pluralsight INTO pluralsight").code, "HV00R");
    assert_eq!(
        stage
            .session
            .error("IMPORT FOREIGN SCHEMA public FROM SERVER pluralsight INTO pluralsight")
            .code,
        "HV00Q"
    );
}

#[test]
fn where_no_second_page_can_be_asked_for_the_first_one_holds_everything_or_a_hint_makes_it() {
    for name in ["no-after", "no-page-info"] {
        let variant = variant(name).expect(name);
        for (users, extra) in [(900, None), (1_200, None), (1_200, Some("totals"))] {
            let mut config = variant.apply(Config::default()).expect("its faults");
            if extra.is_some() {
                config.without.push("UserConnection.totalCount".to_owned());
            }
            let mut stage = stage_of(Config { users, ..config });
            stage.session.run(IMPORT);
            let read = "SELECT count(email), count(*) FROM pluralsight.users";
            if users > 1_000 {
                let error = stage.session.error(read);
                assert_eq!(error.code, "HV004", "{name}: {error:?}");
                stage.session.run(statement(&error.hint.expect("a hint")));
            }
            let rows = stage.session.rows(read);
            assert_eq!(rows[0][1], Some(users.to_string()), "{name}");
        }
    }
}

#[test]
fn a_query_that_is_not_valid_is_refused_once_whatever_the_status() {
    let words = r#"[{"message":"Cannot query field \"shoe\" on type \"User\"."}]"#;
    let text = r#"Cannot query field "shoe" on type "User"."#;
    let mut stage = stage(Config::default());
    stage.session.run(IMPORT);
    let table = "pluralsight.users";
    for fault in [
        format!("users=errors={words}"),
        format!("users=400,body={{\"errors\":{words}}}"),
        format!("users=422,body={{\"errors\":{words}}}"),
        format!("users=500,body={{\"errors\":{words}}}"),
        format!("users=500,body={{\"errors\":{words},\"data\":null}}"),
        format!("users=503,body='{text}'"),
        format!(
            "users=500,body={{\"message\":{}}}",
            serde_json::Value::from(text)
        ),
    ] {
        stage.session.run(&format!(
            "ALTER FOREIGN TABLE {table} ALTER COLUMN note OPTIONS (SET field 'shoe')"
        ));
        stage.sandbox.faults().script(&fault).expect(&fault);
        stage.sandbox.reset();
        let refusal = stage.session.error(&format!("SELECT note FROM {table}"));
        stage.sandbox.faults().clear();
        assert_eq!(stage.sandbox.requests().len(), 1, "{fault}");
        assert!(
            refusal.message.contains("refused field shoe"),
            "{fault}: {refusal:?}"
        );
        let hint = refusal.hint.expect("a hint");
        stage.session.run(statement(&hint));
        assert_eq!(
            stage
                .session
                .value(&format!("SELECT count(note) FROM {table}")),
            "0"
        );
        stage.session.run(&format!(
            "ALTER FOREIGN TABLE {table} ALTER COLUMN note OPTIONS (DROP absent)"
        ));
    }
    // What says nothing of the query is tried again.
    stage
        .sandbox
        .faults()
        .script("users@1=500,body='Internal Server Error'")
        .expect("a rule");
    stage.session.run(&format!(
        "ALTER FOREIGN TABLE {table} ALTER COLUMN note OPTIONS (SET field 'note')"
    ));
    assert_eq!(stage.requests(&format!("SELECT note FROM {table}")), 2);
}

#[test]
fn a_list_inside_a_record_that_is_cut_is_an_error_whose_hint_asks_for_more() {
    let mut stage = stage(Config {
        inner_page: Some(1),
        extra: texts(&["User.teams.first: Int"]),
        ..Config::default()
    });
    stage.session.run(IMPORT);
    let ids = "SELECT count(*) FROM pluralsight.users, unnest(team_ids || inherited_team_ids)";
    let expected: usize = stage
        .sandbox
        .organization()
        .users()
        .map(|user| user.direct_team_ids().len() + user.inherited_team_ids().len())
        .sum();
    assert_eq!(stage.session.value(ids), expected.to_string());
    stage
        .session
        .run("ALTER FOREIGN TABLE pluralsight.users OPTIONS (SET arguments 'teams.first=1')");
    let refusal = stage.session.error(ids);
    assert_eq!(refusal.code, "HV004");
    let hint = refusal.hint.expect("a hint");
    assert!(hint.contains("teams.first=10'"), "{hint}");
    stage.session.run(statement(&hint));
    assert_eq!(stage.session.value(ids), expected.to_string());
    // Nothing is asked of the list where no column reads it.
    let emails = "SELECT count(email) FROM pluralsight.users WHERE email <> ''";
    stage.sandbox.reset();
    stage.session.rows(emails);
    let asked = stage.sandbox.requests();
    assert!(
        asked
            .iter()
            .all(|request| !request.document.contains("teams"))
    );
}
