//! HINTs about tokens.

use super::*;

pub fn missing_tokens(followed: &mut Followed) {
    let mut stage = stage(Config::default());
    let token = stage.sandbox.token();
    let fill = [token.as_str()];
    let session = &mut stage.session;
    session.run("DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight");
    followed.mend(session, COUNT, &fill);
    session
        .run("ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token ' ')");
    followed.mend(session, COUNT, &fill);
    session.run("ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token)");
    followed.mend(session, COUNT, &fill);
    let empty = cluster::home().join(format!("{}-empty", stage.database()));
    let session = &mut stage.session;
    session.run(&format!(
        "COPY (SELECT) TO PROGRAM 'umask 077; cat > {}';
         ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token, ADD api_token_file '{}')",
        empty.display(),
        empty.display()
    ));
    followed.mend(session, COUNT, &fill);
    // In a view it is its owner who needs the token, and somebody else who reads the HINT.
    let (owner, reader) = (odd_role(&mut stage), stage.role("reader"));
    stage.session.run(&format!(
        "CREATE VIEW public.shown AS SELECT user_id FROM pluralsight.users; ALTER VIEW public.shown OWNER TO \"{owner}\";
         GRANT SELECT ON public.shown TO \"{reader}\""
    ));
    let mut session = stage.session_of(&reader);
    followed.mend_by(
        &mut stage.session,
        &mut session,
        "SELECT count(*) FROM public.shown",
        &fill,
    );
}

pub fn sealed_tokens(followed: &mut Followed) {
    let mut stage = stage(Config::default());
    let token = stage.sandbox.token();
    let fill = [token.as_str(), ANSWER];
    let key = cluster::home().join(format!("{}-key", stage.database()));
    let session = &mut stage.session;
    session.run(&format!(
        "LOAD 'pluralsight_fdw'; SET pluralsight_fdw.key_file = '{}'; SELECT pluralsight_fdw.create_key_file()",
        key.display()
    ));
    let of_all = session.value(&format!(
        "SELECT pluralsight_fdw.seal('{token}', 'pluralsight', 'public')"
    ));
    let of_one = session.value(&format!("SELECT pluralsight_fdw.seal('{token}')"));
    session.run(&format!(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token, ADD api_token_sealed '{of_all}')"
    ));
    followed.mend(session, COUNT, &fill);
    session.run("DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight");
    session.run(&format!(
        "CREATE USER MAPPING FOR PUBLIC SERVER pluralsight OPTIONS (api_token_sealed '{of_one}')"
    ));
    followed.mend(session, COUNT, &fill);
    session.run("DROP USER MAPPING FOR PUBLIC SERVER pluralsight");
    session.run(&format!(
        "ALTER SERVER pluralsight OPTIONS (ADD api_token_sealed '{of_one}')"
    ));
    followed.mend(session, COUNT, &fill);
    // Another key, as on another host.
    session.run(&format!(
        "SET pluralsight_fdw.key_file = '{}.new'",
        key.display()
    ));
    let error = session.error(COUNT);
    followed.follow(session, &error.hint.expect("a hint"), &[]);
    followed.mend(session, COUNT, &fill);
    // One that is none any more; who has no copy of it makes a new one.
    let new = format!("{}.new", key.display());
    session.run(&format!("COPY (SELECT 'no key') TO PROGRAM 'cat > {new}'"));
    let error = session.error(COUNT);
    std::fs::remove_file(&new).expect("it is ours");
    followed.follow(session, &error.hint.expect("a hint"), &[]);
    followed.mend(session, COUNT, &fill);
}

/// The setting is the whole server's.
pub fn key_files(followed: &mut Followed) {
    let cluster = Cluster::fresh("hints", "");
    let mut session = Session::connect(&cluster.config());
    session.run(
        "CREATE EXTENSION pluralsight_fdw; CREATE SERVER pluralsight FOREIGN DATA WRAPPER pluralsight_fdw;
         CREATE ROLE plain LOGIN",
    );
    let seal = "SELECT pluralsight_fdw.seal('abc')";
    let hint = Session::connect(cluster.config().user("plain"))
        .error(seal)
        .hint;
    assert_eq!(
        hint.as_deref(),
        Some("A superuser has to set pluralsight_fdw.key_file."),
        "who cannot do it is told who can"
    );
    followed.mend(&mut session, seal, &[]);
    let file = session.value("SHOW pluralsight_fdw.key_file");
    let mode = std::fs::metadata(&file)
        .expect("the key is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        !Path::new(&file).starts_with(session.value("SHOW data_directory")),
        "{file}: a base backup would hold it"
    );
    std::fs::remove_file(&file).expect("it is ours");
}

pub fn secrets(followed: &mut Followed) {
    let mut stage = stage(Config::default());
    vault::offer();
    let session = &mut stage.session;
    session.run("ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token, ADD api_token_name 'pluralsight')");
    let error = session.error(COUNT);
    followed.follow(session, &error.hint.expect("a hint"), &[]);
    let error = session.error(COUNT);
    followed.follow(session, &error.hint.expect("a hint"), &[]);
}
