//! A session with everything that goes wrong in it.

use super::*;

/// Replies that repeat the token, in one way or another, and other trouble.
const TROUBLE: &[&str] = &[
    "*=400,body='no: CANARY'",
    "*=401",
    "*=401,body='Invalid API Key Bearer CANARY'",
    "*=403,body='CANARY may not'",
    "*=404,body='CANARY is not here'",
    "*=429,retry-after=31536000,body='CANARY asks too much'",
    "*=500,body='stack trace, header authorization: Bearer CANARY'",
    "*=503",
    "*=307,redirect=http://127.0.0.1:9/CANARY",
    "*=307,redirect=http://CANARY.example/",
    "*=body='CANARY'",
    "*=body='<html>CANARY</html>'",
    "*=body='{\"CANARY\": 1}'",
    "*=body='{\"data\": CANARY}'",
    "*=html",
    "*=empty",
    "*=reset",
    "*=reset-body",
    "*=close-body",
    "*=truncated-gzip",
    "*=length=+10",
    "*=errors='the key CANARY is bad'",
    "*=errors=[{\"message\":\"x\",\"path\":[\"CANARY\"],\"extensions\":{\"code\":\"CANARY\"}}]",
    "*=partial='the key CANARY is bad'",
    "*=warnings=[\"the key CANARY expires soon\"]",
    "*=warnings=[{\"message\":\"the key CANARY expires soon\",\"code\":\"CANARY\"}]",
    "*=header=X-Echo:CANARY",
    "*=set=/data/users:\"CANARY\"",
    "*=set=/data/users/totalCount:\"CANARY\"",
    "*=set=/data/users/nodes:\"CANARY\"",
    "*=set=/data/users/nodes/0:\"CANARY\"",
    "*=set=/data/users/pageInfo/hasNextPage:\"CANARY\"",
    "*=set=/data/users/pageInfo/endCursor:\"CANARY\"",
    "*=set=/data/users/nodes/0/lastLogin:\"CANARY\"",
    "*=set=/data/users/nodes/0/ssoEnabled:\"CANARY\"",
    "*=set=/data/users/nodes/0/psUserId:\"CANARY\"",
    "*=repeat-cursor",
    "*=null-connection",
];

/// Statements that say nothing of a person's data but what went wrong.
const STATEMENTS: &[&str] = &[
    "SELECT count(*) FROM pluralsight.users",
    "SELECT count(user_id), count(last_login), count(sso_enabled) FROM pluralsight.users",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT email, last_login FROM pluralsight.users WHERE email = 'x'",
    "EXPLAIN (ANALYZE, VERBOSE, SETTINGS, FORMAT json) SELECT email FROM pluralsight.users LIMIT 5",
    "ANALYZE pluralsight.users",
    "SELECT * FROM pluralsight_fdw.check()",
    "SELECT * FROM pluralsight_fdw.api_announcements",
    // It keeps a log of its own.
    "CALL pluralsight_fdw.refresh()",
    "SELECT * FROM pluralsight_copy.refresh_log ORDER BY started_at DESC LIMIT 3",
];

/// What may go wrong, each `step`th of it, and all that may be asked about it.
pub fn make_trouble(aviary: &mut Aviary, step: usize) {
    for fault in TROUBLE.iter().step_by(step) {
        aviary
            .sandbox
            .faults()
            .script(&fault.replace("CANARY", CANARY))
            .unwrap_or_else(|error| panic!("{fault}: {error}"));
        for sql in STATEMENTS {
            let said = aviary.said(sql);
            assert!(!said.contains(TRACE), "{fault}: {said}");
        }
        aviary.sandbox.faults().clear();
    }
    assert_ne!(
        aviary
            .session
            .value("SELECT count(*) FROM pluralsight_copy.refresh_log WHERE outcome = 'failed'"),
        "0",
        "refreshes failed too, and were logged"
    );
    // From here on nothing the API says holds it, so that nothing it is asked may either.
    aviary.sandbox.reset();
    for sql in [
        "SELECT count(*) FROM pluralsight.accounts",
        "EXPLAIN (VERBOSE) SELECT * FROM pluralsight.licenses",
        "CREATE SCHEMA scratch; IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO scratch OPTIONS (discover 'all'); DROP SCHEMA scratch CASCADE",
        "SET pluralsight_fdw.verify_pushdown = on; SELECT count(*) FROM pluralsight.users WHERE email = 'x'; RESET pluralsight_fdw.verify_pushdown",
        "PREPARE p AS SELECT email FROM pluralsight.users; BEGIN; DECLARE c CURSOR FOR EXECUTE p",
        "ROLLBACK",
        "SET statement_timeout = 1; SELECT count(user_id) FROM pluralsight.users",
        "RESET statement_timeout; SELECT 1 / count(*) FROM pluralsight.users WHERE email = 'nobody'",
        "INSERT INTO pluralsight.users (email) VALUES ('x')",
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (ADD api_tokne 'x')",
        "ALTER SERVER pluralsight OPTIONS (ADD page_size '0')",
    ] {
        let said = aviary.said(sql);
        assert!(!said.contains(TRACE), "{said}");
    }
    let requests = format!("{:?}", aviary.sandbox.requests());
    assert!(
        !requests.contains(TRACE),
        "only the one header has the token"
    );
}
