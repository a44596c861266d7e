//! Stored copies among roles that mean no good: each attack is made as its role, and a refresh of a superuser, and of a session
//! like that of pg_cron, runs nothing of theirs with more rights than theirs.

mod sources;

use behaviour::cluster;
use behaviour::copies::{REFRESH, TABLES, config, stage, wait_until};
use behaviour::{Session, Stage};

/// A role that may make schemas, and that records which role its functions run as.
struct Attacker {
    role: String,
    session: Session,
}

fn attacker(stage: &mut Stage, name: &str) -> Attacker {
    let role = stage.role(name);
    let database = stage.database().to_owned();
    stage.session.run(&format!(
        "GRANT CREATE ON DATABASE {database} TO {role};
         GRANT CREATE ON SCHEMA public TO {role}"
    ));
    let mut session = stage.session_of(&role);
    session.run(
        "CREATE SCHEMA evil;
         GRANT USAGE ON SCHEMA evil TO PUBLIC;
         CREATE TABLE evil.caught (who text);
         GRANT INSERT ON evil.caught TO PUBLIC;
         CREATE FUNCTION evil.grab() RETURNS text LANGUAGE plpgsql AS $$
         BEGIN
             INSERT INTO evil.caught VALUES (current_user);
             IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                 EXECUTE 'ALTER ROLE ' || quote_ident((SELECT tableowner FROM pg_tables WHERE tablename = 'caught' AND schemaname = 'evil')) || ' SUPERUSER';
             END IF;
             RETURN 'x';
         END
         $$;
         CREATE FUNCTION evil.grab_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.grab(); RETURN NEW; END $$;
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA evil TO PUBLIC",
    );
    Attacker { role, session }
}

impl Attacker {
    /// A role that keeps copies of its own, in mine_copy.
    fn with_copies(stage: &mut Stage, name: &str) -> Attacker {
        let mut attacker = attacker(stage, name);
        let token = stage.sandbox.token().to_owned();
        stage.session.run(&format!(
            "CREATE USER MAPPING FOR {} SERVER pluralsight OPTIONS (api_token '{token}')",
            attacker.role
        ));
        attacker.session.run("CREATE SCHEMA mine");
        attacker
            .session
            .run("IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO mine");
        attacker
            .session
            .run("CALL pluralsight_fdw.create_copies('mine')");
        attacker
    }

    /// Nothing of the attacker's has run as anybody else.
    fn has_caught_nobody(&self, stage: &mut Stage, what: &str) {
        let role = &self.role;
        assert_eq!(
            stage.session.value(&format!(
                "SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = '{role}') OR EXISTS (SELECT FROM evil.caught WHERE who <> '{role}')"
            )),
            "f",
            "{what}"
        );
    }
}

/// Refreshes as a superuser does, and as a session of pg_cron; whatever comes of it.
fn refresh_as_others(stage: &mut Stage, copies: &str) -> Vec<String> {
    let call = format!("CALL pluralsight_fdw.refresh('{copies}', force => true)");
    let mut scheduled = stage.another_session();
    [&mut stage.session, &mut scheduled]
        .into_iter()
        .map(|session| match session.try_rows(&call) {
            Ok(_) => "ok".to_owned(),
            Err(refusal) => format!("{}: {}", refusal.code, refusal.message),
        })
        .collect()
}

#[test]
fn a_reader_can_write_nothing_that_a_refresh_reads() {
    let mut stage = stage(50);
    let mut mallory = attacker(&mut stage, "mallory");
    let role = mallory.role.clone();
    stage.session.run(&format!(
        "GRANT USAGE ON SCHEMA pluralsight_copy TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA pluralsight_copy TO {role}"
    ));
    for table in stage.session.column(
        "SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'pluralsight_copy'::regnamespace AND c.relkind IN ('r', 'v', 'S')",
    ) {
        for privilege in ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES"] {
            if privilege == "UPDATE" && table.contains("key_") {
                continue;
            }
            assert_eq!(
                stage.session.value(&format!("SELECT has_table_privilege('{role}', '{table}', '{privilege}')")),
                "f",
                "{table} {privilege}"
            );
        }
    }
    for statement in [
        "UPDATE pluralsight_copy.settings SET source_schema = 'evil'",
        "DELETE FROM pluralsight_copy.refresh_log",
        "CREATE TABLE pluralsight_copy.mine (a int)",
        // Neither can they hold a refresh up, with a lock of any kind.
        "LOCK TABLE pluralsight_copy.settings IN SHARE UPDATE EXCLUSIVE MODE",
        "SELECT * FROM pluralsight_copy.settings FOR UPDATE",
        "SELECT nextval('pluralsight_copy.erasure_key_1')",
        "SELECT last_value FROM pluralsight_copy.erasure_key_1",
        "CALL pluralsight_fdw.refresh()",
        "CALL pluralsight_fdw.create_copies()",
        "CALL pluralsight_fdw.drop_copies('pluralsight_copy')",
        "CALL pluralsight_fdw.forget_person('pluralsight_copy', 'x')",
        "CALL pluralsight_fdw.prune_history('pluralsight_copy', now())",
        "SELECT pluralsight_fdw.schedule_refresh()",
    ] {
        mallory.session.run("BEGIN");
        let error = mallory.session.error(statement);
        mallory.session.run("ROLLBACK");
        assert!(
            ["42501", "42P06"].contains(&error.code.as_str()),
            "{statement}: {error:?}"
        );
    }
    mallory.session.run(
        "SELECT pg_advisory_lock(hashtextextended('pluralsight_fdw refresh of pluralsight_copy', 0));
         BEGIN; LOCK TABLE pluralsight_copy.settings IN ACCESS SHARE MODE",
    );
    assert_eq!(
        refresh_as_others(&mut stage, "pluralsight_copy"),
        ["ok", "ok"]
    );
}

#[test]
fn the_owner_of_copies_gains_nothing_by_anothers_refresh() {
    let mut stage = Stage::new(config(50));
    let mut olaf = Attacker::with_copies(&mut stage, "olaf");
    assert_eq!(refresh_as_others(&mut stage, "mine_copy"), ["ok", "ok"]);
    for (what, attack, hint, refused) in [
        (
            "a view in the place of a foreign table",
            "ALTER FOREIGN TABLE mine.plan RENAME TO plan_; CREATE VIEW mine.plan AS SELECT evil.grab() AS plan_id",
            "DROP VIEW mine.plan; ALTER FOREIGN TABLE mine.plan_ RENAME TO plan",
            "42P01: schema \"mine\" holds no foreign table \"plan\" of pluralsight_fdw",
        ),
        (
            "another source",
            "CREATE VIEW evil.plan AS SELECT evil.grab() AS plan_id; UPDATE mine_copy.settings SET source_schema = 'evil', source_id = NULL",
            "UPDATE mine_copy.settings SET source_schema = 'mine'; DROP VIEW evil.plan",
            "42P01: schema \"evil\" holds no foreign table \"plan\" of pluralsight_fdw",
        ),
        (
            "a temporary source",
            "CREATE TEMPORARY VIEW plan AS SELECT evil.grab() AS plan_id; UPDATE mine_copy.settings SET source_schema = (SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()), source_id = NULL",
            "UPDATE mine_copy.settings SET source_schema = 'mine'; DROP VIEW pg_temp.plan",
            "42P01: ",
        ),
        (
            "a column whose type checks",
            "CREATE DOMAIN evil.checked AS text CHECK (evil.grab() = 'x' OR value IS NULL); ALTER FOREIGN TABLE mine.users ADD COLUMN trap evil.checked OPTIONS (field 'firstName')",
            "ALTER FOREIGN TABLE mine.users DROP COLUMN trap; DROP DOMAIN evil.checked",
            "55000: foreign table \"mine\".\"users\" has a column of a type that is not built in",
        ),
        (
            "a trigger on a copy",
            "CREATE TRIGGER trap BEFORE INSERT OR UPDATE ON mine_copy.users FOR EACH ROW EXECUTE FUNCTION evil.grab_row()",
            "DROP TRIGGER trap ON mine_copy.users",
            "55000: table mine_copy.users has trigger \"trap\"",
        ),
        (
            "a trigger on the log",
            "CREATE TRIGGER trap BEFORE INSERT OR UPDATE ON mine_copy.refresh_log FOR EACH ROW EXECUTE FUNCTION evil.grab_row()",
            "DROP TRIGGER trap ON mine_copy.refresh_log",
            "55000: table mine_copy.refresh_log has trigger \"trap\"",
        ),
        (
            "a rule on history",
            "CREATE RULE trap AS ON INSERT TO mine_copy.account_history DO ALSO SELECT evil.grab()",
            "DROP RULE trap ON mine_copy.account_history",
            "55000: table mine_copy.account_history has rule \"trap\"",
        ),
        (
            "a view in the place of a copy",
            "ALTER TABLE mine_copy.teams RENAME TO teams_; CREATE VIEW mine_copy.teams AS SELECT evil.grab() AS team_id",
            "DROP VIEW mine_copy.teams; ALTER TABLE mine_copy.teams_ RENAME TO teams",
            "55000: table mine_copy.teams is not an ordinary table",
        ),
        (
            "a constraint that is checked when the transaction of the other one ends",
            "CREATE FUNCTION evil.grabbed(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.grab(); RETURN $1; END $$;
             GRANT EXECUTE ON FUNCTION evil.grabbed(text) TO PUBLIC;
             ALTER TABLE mine_copy.users ADD CONSTRAINT trap EXCLUDE USING btree (evil.grabbed(user_id) WITH =) DEFERRABLE INITIALLY DEFERRED;
             CREATE OR REPLACE FUNCTION evil.grabbed(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN evil.grab(); END $$;
             DELETE FROM mine_copy.users WHERE user_id IN (SELECT user_id FROM mine_copy.users LIMIT 2)",
            "ALTER TABLE mine_copy.users DROP CONSTRAINT trap; DROP FUNCTION evil.grabbed(text)",
            "42501: cannot fire deferred trigger within security-restricted operation",
        ),
        (
            "a table that follows a copy, with a trigger that waits for the end of the other one's transaction",
            "CREATE TABLE evil.child (user_id text REFERENCES mine_copy.users ON DELETE CASCADE);
             INSERT INTO mine_copy.users (user_id) VALUES ('nobody');
             INSERT INTO evil.child VALUES ('nobody');
             CREATE CONSTRAINT TRIGGER trap AFTER DELETE ON evil.child DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION evil.grab_row()",
            "DROP TABLE evil.child; DELETE FROM mine_copy.users WHERE user_id = 'nobody'",
            "42501: cannot fire deferred trigger within security-restricted operation",
        ),
        (
            "code of the owner's where the owner may have it",
            "ALTER TABLE mine_copy.users ADD CONSTRAINT trap CHECK (evil.grab() = 'x') NOT VALID;
             ALTER TABLE mine_copy.refresh_log ALTER COLUMN hint SET DEFAULT evil.grab();
             CREATE OR REPLACE FUNCTION mine_copy.lower(text) RETURNS text LANGUAGE sql AS 'SELECT evil.grab()';
             UPDATE mine_copy.users SET first_name = 'changed'",
            "ALTER TABLE mine_copy.users DROP CONSTRAINT trap;
             ALTER TABLE mine_copy.refresh_log ALTER COLUMN hint DROP DEFAULT;
             DROP FUNCTION mine_copy.lower(text)",
            "ok",
        ),
        (
            "an overload that comes nearer, which harms nobody but the owner",
            "CREATE FUNCTION mine_copy.cardinality(text[]) RETURNS text LANGUAGE sql AS 'SELECT evil.grab()'",
            "DROP FUNCTION mine_copy.cardinality(text[])",
            "42883: ",
        ),
    ] {
        olaf.session.run(attack);
        for outcome in refresh_as_others(&mut stage, "mine_copy") {
            assert!(outcome.starts_with(refused), "{what}: {outcome}");
        }
        olaf.has_caught_nobody(&mut stage, what);
        olaf.session.run(hint);
        assert_eq!(refresh_as_others(&mut stage, "mine_copy"), ["ok", "ok"], "{what}");
        olaf.has_caught_nobody(&mut stage, what);
    }
}

#[test]
fn copies_are_granted_by_nobody_but_their_owner() {
    let mut stage = Stage::new(config(30));
    let bi = stage.role("bi");
    stage.session.run(
        "CREATE VIEW pluralsight.account_history AS SELECT 1 AS one;
         GRANT SELECT ON pluralsight.account_history TO PUBLIC",
    );
    stage.session.run("CALL pluralsight_fdw.create_copies()");
    assert_eq!(
        stage.session.column(
            "SELECT c.relname FROM pg_class c, aclexplode(c.relacl) acl WHERE c.relnamespace = 'pluralsight_copy'::regnamespace AND acl.grantee <> c.relowner"
        ),
        Vec::<String>::new()
    );
    assert_eq!(
        stage.session.value(&format!(
            "SELECT has_schema_privilege('{bi}', 'pluralsight_copy', 'USAGE')"
        )),
        "f"
    );
    // No secret is in reach of a grant on all tables.
    let person = stage
        .session
        .value("SELECT min(user_id) FROM pluralsight_copy.users");
    stage.session.run(&format!(
        "CALL pluralsight_fdw.forget_person('pluralsight_copy', '{person}');
         GRANT USAGE ON SCHEMA pluralsight_copy TO {bi};
         GRANT SELECT ON ALL TABLES IN SCHEMA pluralsight_copy TO {bi}"
    ));
    assert_eq!(
        stage.session.value(&format!(
            "SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'pluralsight_copy'::regnamespace AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('{bi}', c.oid, 'SELECT, USAGE') END"
        )),
        "0"
    );
}

#[test]
fn a_role_without_special_rights_keeps_copies_that_others_cannot_touch() {
    let mut stage = Stage::new(config(60));
    let mut analyst = Attacker::with_copies(&mut stage, "analyst");
    let stranger = stage.role("stranger");
    analyst
        .session
        .run("CALL pluralsight_fdw.refresh('mine_copy')");
    assert_eq!(
        analyst
            .session
            .value("SELECT count(*) FROM mine_copy.users"),
        "60"
    );
    let error = stage
        .session_of(&stranger)
        .error("CALL pluralsight_fdw.refresh('mine_copy')");
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        (
            "42501",
            "permission denied for the stored copies in schema \"mine_copy\""
        )
    );
    // A superuser's refresh asks with the owner's token, and what it makes is the owner's.
    assert_eq!(refresh_as_others(&mut stage, "mine_copy"), ["ok", "ok"]);
    stage.session.run(&format!(
        "DROP USER MAPPING FOR {} SERVER pluralsight",
        analyst.role
    ));
    assert_eq!(
        refresh_as_others(&mut stage, "mine_copy"),
        ["HV00J: API token is missing", "HV00J: API token is missing"]
    );
    assert_eq!(
        stage.session.value("SELECT string_agg(DISTINCT relowner::regrole::text, ',') FROM pg_class WHERE relnamespace = 'mine_copy'::regnamespace"),
        analyst.role
    );
    // Foreign tables of another role's are no source.
    let error = analyst
        .session
        .error("CALL pluralsight_fdw.create_copies('pluralsight', 'stolen')");
    assert!(
        ["42501", "HV00J"].contains(&error.code.as_str()),
        "{error:?}"
    );
}

#[test]
fn whoever_may_read_all_data_may_dump_it() {
    let mut stage = stage(30);
    let dumper = stage.role("dumper");
    stage
        .session
        .run(&format!("GRANT pg_read_all_data TO {dumper}"));
    let dump = cluster::output_of(
        "pg_dump",
        &[
            "-U",
            &dumper,
            "-d",
            stage.database(),
            "-n",
            "pluralsight_copy",
        ],
    );
    assert!(String::from_utf8_lossy(&dump).contains("COPY pluralsight_copy.account_history"));
}
