//! Sealed tokens.

use super::*;

/// Names the key file for this session, and makes it.
fn key_file(stage: &mut Stage, name: &str) -> PathBuf {
    let file = path(stage, name);
    stage.session.run(&format!(
        "LOAD 'pluralsight_fdw'; SET pluralsight_fdw.key_file = '{}'",
        file.display()
    ));
    assert_eq!(
        stage
            .session
            .value("SELECT pluralsight_fdw.create_key_file()"),
        file.display().to_string()
    );
    file
}

#[test]
fn a_sealed_token_opens_under_its_key_alone() {
    let mut stage = stage_without_token(50);
    stage.session.run("LOAD 'pluralsight_fdw'");
    let error = stage
        .session
        .error("SELECT pluralsight_fdw.seal('sandbox-token')");
    assert_eq!(error.code, "F0000");
    assert_eq!(
        error.message,
        "sealed API tokens can be neither made nor opened: no key file is set"
    );
    assert!(
        error
            .hint
            .is_some_and(|hint| hint.contains("ALTER SYSTEM SET pluralsight_fdw.key_file"))
    );

    let file = key_file(&mut stage, "key");
    let mode = std::fs::metadata(&file)
        .expect("the key is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let error = stage
        .session
        .error("SELECT pluralsight_fdw.create_key_file()");
    assert_eq!(
        (error.code.as_str(), error.message),
        (
            "58030",
            format!(
                "the key file \"{}\" cannot be made: File exists (os error 17)",
                file.display()
            )
        ),
        "a key is never overwritten"
    );

    let seal = "SELECT pluralsight_fdw.seal('sandbox-token')";
    let (sealed, again) = (stage.session.value(seal), stage.session.value(seal));
    assert_ne!(sealed, again, "nobody can tell that two are the same token");
    assert!(sealed.starts_with("sealed:1:") && !sealed.contains(TOKEN));
    for text in [&sealed, &again] {
        map(
            &mut stage.session,
            "CURRENT_USER",
            &format!("api_token_sealed '{text}'"),
        );
        assert_eq!(stage.session.value(COUNT), "50");
    }
    // Whatever cannot be a token is not sealed in the first place.
    for nonsense in ["", " ", "two words"] {
        assert_eq!(
            stage
                .session
                .error(&format!("SELECT pluralsight_fdw.seal('{nonsense}')"))
                .code,
            "22023",
            "{nonsense:?}"
        );
    }

    let does_not_open = |stage: &mut Stage, why: &str| {
        stage.sandbox.reset();
        let error = stage.session.error(COUNT);
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            (
                "HV00N",
                "the sealed API token does not open under this server's key file"
            ),
            "{why}"
        );
        assert_eq!(
            error.hint.as_deref(),
            Some(
                "Seal the token again: SELECT pluralsight_fdw.seal('…', 'pluralsight', 'postgres'); and store the result: ALTER USER MAPPING FOR CURRENT_USER SERVER \"pluralsight\" OPTIONS (SET api_token_sealed '…');"
            ),
            "{why}"
        );
        assert_eq!(stage.sandbox.total(), 0);
    };
    // It is of no use once it was tampered with,
    let middle = sealed.len() / 2;
    let other = if sealed[middle..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    let tampered = format!("{}{other}{}", &sealed[..middle], &sealed[middle + 1..]);
    map(
        &mut stage.session,
        "CURRENT_USER",
        &format!("api_token_sealed '{tampered}'"),
    );
    does_not_open(&mut stage, "tampered");
    // nor under another key.
    map(
        &mut stage.session,
        "CURRENT_USER",
        &format!("api_token_sealed '{sealed}'"),
    );
    key_file(&mut stage, "another-key");
    does_not_open(&mut stage, "another key");

    stage.session.run(&format!(
        "SET pluralsight_fdw.key_file = '{}'",
        file.display()
    ));
    assert_eq!(stage.session.value(COUNT), "50");
    // The key itself has to be kept as well as a token file.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("it is ours");
    let error = stage.session.error(COUNT);
    assert_eq!(error.code, "42501");
    assert_eq!(
        error.message,
        format!(
            "file \"{}\", which holds the key of sealed API tokens, can be read by others",
            file.display()
        )
    );
    write(&mut stage, &file, "no key", "600");
    let error = stage.session.error(COUNT);
    assert_eq!(
        (error.code.as_str(), error.message),
        (
            "F0000",
            format!(
                "file \"{}\" does not hold a key: 32 bytes in Base64",
                file.display()
            )
        )
    );
}

/// Who has copied a sealed token, from a dump or from `pg_foreign_server`, can do nothing with it.
#[test]
fn a_sealed_token_works_only_in_its_database_at_its_server_and_for_its_role() {
    let mut stage = stage_without_token(50);
    key_file(&mut stage, "key");
    let (ann, eve) = (stage.role("ann"), stage.role("eve"));
    let url = stage.sandbox.url();
    stage.session.run(&format!(
        "CREATE SERVER elsewhere FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{url}')"
    ));
    let of_ann = stage.session.value(&format!(
        "SELECT pluralsight_fdw.seal('sandbox-token', 'pluralsight', '{ann}')"
    ));
    let refused = |stage: &mut Stage, role: &str, why: &str, hint: &str| {
        stage.sandbox.reset();
        stage.session.run(&format!("SET ROLE {role}"));
        let error = stage.session.error(COUNT);
        stage.session.run("RESET ROLE");
        assert_eq!(
            (error.code.as_str(), error.message),
            ("HV00N", format!("the sealed API token was sealed {why}"))
        );
        assert_eq!(
            error.detail.as_deref(),
            Some(
                "A sealed token works only in the database, at the foreign server and for the role that it was sealed for. A dump that is restored is another database."
            )
        );
        assert_eq!(error.hint.as_deref(), Some(hint));
        assert_eq!(stage.sandbox.total(), 0);
    };
    let counted = |stage: &mut Stage, role: &str| {
        stage.session.run(&format!("SET ROLE {role}"));
        let counted = stage.session.value(COUNT);
        stage.session.run("RESET ROLE");
        counted
    };
    map(
        &mut stage.session,
        &ann,
        &format!("api_token_sealed '{of_ann}'"),
    );
    assert_eq!(counted(&mut stage, &ann), "50");
    // In another role's mapping, in that for everybody, on the server.
    map(
        &mut stage.session,
        &eve,
        &format!("api_token_sealed '{of_ann}'"),
    );
    refused(
        &mut stage,
        &eve,
        "for another role",
        &format!(
            "Seal the token again: SELECT pluralsight_fdw.seal('…', 'pluralsight', '{eve}'); and store the result: ALTER USER MAPPING FOR CURRENT_USER SERVER \"pluralsight\" OPTIONS (SET api_token_sealed '…');"
        ),
    );
    stage
        .session
        .run(&format!("DROP USER MAPPING FOR {eve} SERVER pluralsight"));
    map(
        &mut stage.session,
        "PUBLIC",
        &format!("api_token_sealed '{of_ann}'"),
    );
    refused(
        &mut stage,
        &eve,
        "for another role",
        "Seal the token again: SELECT pluralsight_fdw.seal('…', 'pluralsight', 'public'); and store the result: ALTER USER MAPPING FOR PUBLIC SERVER \"pluralsight\" OPTIONS (SET api_token_sealed '…');",
    );
    stage.session.run(&format!(
        "DROP USER MAPPING FOR PUBLIC SERVER pluralsight; ALTER SERVER pluralsight OPTIONS (ADD api_token_sealed '{of_ann}')"
    ));
    refused(
        &mut stage,
        &eve,
        "for another role",
        "Seal the token again: SELECT pluralsight_fdw.seal('…', 'pluralsight', 'public'); and store the result: ALTER SERVER \"pluralsight\" OPTIONS (SET api_token_sealed '…');",
    );
    // One for everybody is for the server and for the mapping of PUBLIC, and for no role of its own.
    let of_all = stage
        .session
        .value("SELECT pluralsight_fdw.seal('sandbox-token', 'pluralsight', 'public')");
    stage.session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (SET api_token_sealed '{of_all}')"
    ));
    assert_eq!(counted(&mut stage, &eve), "50");
    map(
        &mut stage.session,
        "PUBLIC",
        &format!("api_token_sealed '{of_all}'"),
    );
    assert_eq!(counted(&mut stage, &eve), "50");
    map(
        &mut stage.session,
        &eve,
        &format!("api_token_sealed '{of_all}'"),
    );
    stage.session.run(&format!("SET ROLE {eve}"));
    assert_eq!(
        stage.session.error(COUNT).message,
        "the sealed API token was sealed for another role"
    );
    stage.session.run("RESET ROLE");
    // At another server, also where it takes the name of the first one.
    let at_elsewhere = stage.session.value(&format!(
        "SELECT pluralsight_fdw.seal('sandbox-token', 'elsewhere', '{ann}')"
    ));
    map(
        &mut stage.session,
        &ann,
        &format!("api_token_sealed '{at_elsewhere}'"),
    );
    refused(
        &mut stage,
        &ann,
        "for another foreign server",
        &format!(
            "Seal the token again: SELECT pluralsight_fdw.seal('…', 'pluralsight', '{ann}'); and store the result: ALTER USER MAPPING FOR CURRENT_USER SERVER \"pluralsight\" OPTIONS (SET api_token_sealed '…');"
        ),
    );
    stage.session.run(
        "ALTER SERVER pluralsight RENAME TO before; ALTER SERVER elsewhere RENAME TO pluralsight",
    );
    let error = {
        stage.session.run(&format!("SET ROLE {ann}"));
        let error = stage.session.error(COUNT);
        stage.session.run("RESET ROLE");
        error
    };
    assert_eq!(
        error.message,
        "the sealed API token was sealed for another foreign server"
    );
    // What is renamed itself keeps its tokens: server, role and database.
    map(&mut stage.session, "PUBLIC", "api_token ''");
    stage.session.run(&format!(
        "ALTER USER MAPPING FOR {ann} SERVER before OPTIONS (SET api_token_sealed '{of_ann}'); ALTER ROLE {ann} RENAME TO {ann}_smith"
    ));
    assert_eq!(counted(&mut stage, &format!("{ann}_smith")), "50");
    // Who mixes the arguments up does not find the token in the error.
    for sql in [
        "SELECT pluralsight_fdw.seal('pluralsight', 'sandbox-token')",
        "SELECT pluralsight_fdw.seal('x', 'before', 'sandbox-token')",
    ] {
        let error = stage.session.error(sql);
        assert_eq!(error.code, "42704");
        assert!(!format!("{error:?}").contains("sandbox-token"), "{error:?}");
    }
}

#[test]
fn a_key_file_is_set_up_as_the_readme_says() {
    let cluster = Cluster::fresh("sealing", "");
    let file = cluster::home().join("readme-key");
    let mut session = Session::connect(&cluster.config());
    session.run("CREATE EXTENSION pluralsight_fdw");
    drop(session);
    let mut session = Session::connect(&cluster.config());
    session.run("LOAD 'pluralsight_fdw'");
    session.run(&format!(
        "ALTER SYSTEM SET pluralsight_fdw.key_file = '{}'",
        file.display()
    ));
    session.run("SELECT pg_reload_conf()");
    // The server tells its sessions in its own time.
    while session.value("SHOW pluralsight_fdw.key_file").is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    session.run("SELECT pluralsight_fdw.create_key_file()");
    session.run("CREATE SERVER pluralsight FOREIGN DATA WRAPPER pluralsight_fdw");
    let sealed = session.value("SELECT pluralsight_fdw.seal('abc', 'pluralsight', 'public')");
    // A new session has it from its start, and so has a role that may not know where it is.
    let mut session = Session::connect(&cluster.config());
    session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (ADD api_token_sealed '{sealed}');
         CREATE ROLE plain LOGIN;
         GRANT USAGE ON FOREIGN SERVER pluralsight TO plain;
         ALTER SERVER pluralsight OPTIONS (ADD api_url 'http://127.0.0.1:1/', ADD max_attempts '1')"
    ));
    let mut plain = Session::connect(cluster.config().user("plain"));
    assert_eq!(
        plain.value("SELECT replace(found, E'\\n', ' ') FROM pluralsight_fdw.check() WHERE checked = 'token'"),
        "found: server, api_token_sealed"
    );
    // What is wrong with the file is told to everybody, and where it is only to those who could read it.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    let shown = file.display().to_string();
    let told = |session: &mut Session| {
        format!(
            "{:?}",
            session.rows("SELECT checked, status, replace(found, E'\\n', ' '), replace(hint, E'\\n', ' ') FROM pluralsight_fdw.check() WHERE checked = 'token'")
        )
    };
    let (plain, superuser) = (told(&mut plain), told(&mut session));
    for text in [&plain, &superuser] {
        assert!(
            text.contains("which holds the key of sealed API tokens, can be read by others"),
            "{text}"
        );
    }
    assert!(superuser.contains(&shown), "{superuser}");
    assert!(!plain.contains(&shown), "{plain}");
}

#[test]
fn only_superusers_may_name_the_key_file_or_make_one() {
    let mut stage = stage_without_token(5);
    let role = stage.role("plain");
    let mut session = stage.session_of(&role);
    // A function loads the library, which makes the setting known.
    session.run("SELECT * FROM pluralsight_fdw.api_announcements");
    for sql in [
        "SET pluralsight_fdw.key_file = '/etc/hostname'",
        "SHOW pluralsight_fdw.key_file",
        "SELECT pluralsight_fdw.create_key_file()",
    ] {
        assert_eq!(session.error(sql).code, "42501", "{sql}");
    }
}

#[test]
fn a_dump_carries_a_sealed_token_that_has_to_be_sealed_again_after_a_restore() {
    let mut stage = stage_without_token(50);
    let file = key_file(&mut stage, "key");
    let sealed = stage
        .session
        .value("SELECT pluralsight_fdw.seal('sandbox-token')");
    map(
        &mut stage.session,
        "CURRENT_USER",
        &format!("api_token_sealed '{sealed}'"),
    );
    assert_eq!(stage.session.value(COUNT), "50");

    let dump = path(&stage, "dump.sql");
    let mut command = cluster::program("pg_dump");
    command.arg("-f").arg(&dump).arg(stage.database());
    cluster::run(command);
    let text = std::fs::read_to_string(&dump).expect("a dump");
    assert!(text.contains(&sealed) && !text.contains(TOKEN));

    let restored = fresh_database();
    let mut command = cluster::program("psql");
    command
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &restored, "-f"])
        .arg(&dump);
    cluster::run(command);
    let mut session = Session::connect(cluster::shared().dbname(&restored));
    let error = session.error(COUNT);
    assert_eq!(
        error.message,
        "sealed API tokens can be neither made nor opened: no key file is set"
    );
    session.run(&format!(
        "SET pluralsight_fdw.key_file = '{}.left-behind'",
        file.display()
    ));
    let error = session.error(COUNT);
    assert_eq!(error.code, "HV00N");
    assert_eq!(
        error.message,
        format!(
            "the key of sealed API tokens cannot be read from file \"{}.left-behind\": No such file or directory (os error 2)",
            file.display()
        )
    );
    assert_eq!(
        error.hint.as_deref(),
        Some(
            "After a restore on another host, bring the key file along. Or make a new one, and seal the token again: SELECT pluralsight_fdw.create_key_file();"
        )
    );
    session.run(&format!(
        "SET pluralsight_fdw.key_file = '{}'",
        file.display()
    ));
    // With the key it is clear what to do, and done in two statements.
    let error = session.error(COUNT);
    assert_eq!(
        error.message,
        "the sealed API token was sealed in another database"
    );
    let sealed =
        session.value("SELECT pluralsight_fdw.seal('sandbox-token', 'pluralsight', 'postgres')");
    session.run(&format!(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token_sealed '{sealed}')"
    ));
    assert_eq!(session.value(COUNT), "50");
    drop(session);
    stage.session.run(&format!("DROP DATABASE {restored}"));
}
