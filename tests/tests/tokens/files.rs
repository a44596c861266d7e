//! Tokens in files.

use super::*;

#[test]
fn a_token_file_is_read_at_each_scan() {
    let mut stage = stage_without_token(50);
    let file = path(&stage, "token");
    write(&mut stage, &file, TOKEN, "600");
    map(
        &mut stage.session,
        "CURRENT_USER",
        &format!("api_token_file '{}'", file.display()),
    );
    assert_eq!(stage.session.value(COUNT), "50");
    // The key is changed at Pluralsight, and then here.
    stage
        .sandbox
        .update(|config| config.token = "the-next-token".to_owned())
        .expect("a token can be changed");
    assert_eq!(stage.session.error(COUNT).code, "28000");
    write(&mut stage, &file, "the-next-token", "600");
    let pid = stage.session.pid();
    assert_eq!(stage.session.value(COUNT), "50");
    assert_eq!(stage.session.pid(), pid, "without a reconnect");
    // White space around it, such as the line break that editors add, is not part of it.
    write(&mut stage, &file, "  the-next-token  ", "600");
    assert_eq!(stage.session.value(COUNT), "50");
}

#[test]
fn a_token_file_must_be_a_private_file_with_a_token_in_it() {
    let mut stage = stage_without_token(50);
    let file = path(&stage, "token");
    let shown = file.display().to_string();
    map(
        &mut stage.session,
        "CURRENT_USER",
        &format!("api_token_file '{shown}'"),
    );
    let cannot = format!("the API token cannot be read from file \"{shown}\": ");
    let regular = Some("It must be a regular file that the operating-system user of the PostgreSQL server may read.".to_owned());

    let error = stage.session.error(COUNT);
    assert_eq!(error.code, "HV00N");
    assert_eq!(
        error.message,
        format!("{cannot}No such file or directory (os error 2)")
    );
    assert_eq!(error.hint, regular);

    for mode in ["640", "604", "644"] {
        write(&mut stage, &file, TOKEN, mode);
        let error = stage.session.error(COUNT);
        assert_eq!(
            (error.code.as_str(), error.message.as_str(), error.hint),
            (
                "42501",
                format!("file \"{shown}\", which holds the API token, can be read by others")
                    .as_str(),
                Some(format!("chmod 600 '{shown}'"))
            ),
            "{mode}"
        );
    }

    write(&mut stage, &file, " ", "600");
    let error = stage.session.error(COUNT);
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("HV00J", "API token is missing")
    );
    assert_eq!(
        error.detail.as_deref(),
        Some("The user mapping names one with api_token_file, but what is there is blank.")
    );

    write(&mut stage, &file, "two words", "600");
    let error = stage.session.error(COUNT);
    assert_eq!(error.code, "HV024");
    assert_eq!(
        error.message,
        "the API token that the user mapping names with api_token_file cannot be used: it holds a space, a line break or another character that no API key has"
    );

    write(&mut stage, &file, &"x".repeat(20_000), "600");
    assert_eq!(
        stage.session.error(COUNT).message,
        format!("{cannot}it is longer than 16384 bytes")
    );

    for (make, why) in [
        ("mkdir", "it is not a regular file"),
        // A pipe that nobody writes to must not hold the session up.
        ("mkfifo -m 600", "it is not a regular file"),
    ] {
        stage.session.run(&format!(
            "COPY (SELECT) TO PROGRAM 'cat > /dev/null; rm -rf {shown}; {make} {shown}'"
        ));
        let error = stage.session.error(COUNT);
        assert_eq!(error.message, format!("{cannot}{why}"), "{make}");
        assert_eq!(error.hint, regular);
    }
    assert_eq!(
        stage.sandbox.total(),
        0,
        "nothing was asked without a token"
    );
}

#[test]
fn a_token_file_of_root_may_be_readable_by_others() {
    if !cluster::is_root() {
        // Who is not root cannot make one.
        return;
    }
    let mut stage = stage_without_token(50);
    let file = path(&stage, "token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("the home is there");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("root may");
    map(
        &mut stage.session,
        "CURRENT_USER",
        &format!("api_token_file '{}'", file.display()),
    );
    assert_eq!(stage.session.value(COUNT), "50");
}

#[test]
fn options_that_reach_into_the_host_are_for_those_who_may_read_its_files() {
    let mut stage = stage_without_token(5);
    let role = stage.role("plain");
    stage
        .session
        .run(&format!("GRANT CREATE ON DATABASE {} TO {role}; GRANT USAGE ON FOREIGN DATA WRAPPER pluralsight_fdw TO {role}", stage.database().to_owned()));
    let mut plain = stage.session_of(&role);
    let statements = |option: &str| {
        [
            format!(
                "CREATE SERVER mine FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS ({option} '/etc/hostname')"
            ),
            format!(
                "CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS ({option} '/etc/hostname')"
            ),
        ]
    };
    let [server, mapping] = statements("api_token_file");
    let [authorities, _] = statements("ca_file");
    for (sql, option) in [
        (&server, "api_token_file"),
        (&mapping, "api_token_file"),
        (&authorities, "ca_file"),
    ] {
        let error = plain.error(sql);
        assert_eq!(error.code, "42501", "{sql}");
        assert_eq!(
            error.message,
            format!(
                "only superusers and members of pg_read_server_files may set the option \"{option}\""
            )
        );
    }
    // What a superuser has set for it cannot be bent elsewhere either.
    map(&mut stage.session, &role, "api_token_file '/etc/hostname'");
    assert_eq!(
        plain
            .error("ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token_file '/etc/passwd')")
            .code,
        "42501"
    );
    plain.run(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token_file)",
    );
    plain.run("DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight");
    stage
        .session
        .run(&format!("GRANT pg_read_server_files TO {role}"));
    for sql in [&server, &mapping] {
        plain.run(sql);
    }
    plain.run("ALTER SERVER mine OPTIONS (ADD ca_file '/etc/ssl/corp.pem')");
}
