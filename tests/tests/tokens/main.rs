//! Where the token comes from, whose it is, and where it may go.

mod files;
mod roles;
mod sealed;
mod vaults;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use behaviour::cluster::Cluster;
use behaviour::{Relay, Session, Stage, cluster, fresh_database, vault};
use pluralsight_sandbox::{Config, Sandbox};

const COUNT: &str = "SELECT count(*) FROM pluralsight.users";
const TOKEN: &str = "sandbox-token";

fn config(users: u64) -> Config {
    Config {
        users,
        ..Config::default()
    }
}

/// Everything imported, and no token anywhere.
fn stage_without_token(users: u64) -> Stage {
    let mut stage = Stage::new(config(users));
    stage
        .session
        .run("DROP USER MAPPING FOR CURRENT_USER SERVER pluralsight");
    stage
}

fn map(session: &mut Session, role: &str, options: &str) {
    session.run(&format!(
        "DROP USER MAPPING IF EXISTS FOR {role} SERVER pluralsight;
         CREATE USER MAPPING FOR {role} SERVER pluralsight OPTIONS ({options})"
    ));
}

/// A path of this test's own that PostgreSQL may use.
fn path(stage: &Stage, name: &str) -> PathBuf {
    cluster::home().join(format!("{}-{name}", stage.database()))
}

/// Writes a file as PostgreSQL's own user.
fn write(stage: &mut Stage, path: &std::path::Path, text: &str, mode: &str) {
    let path = path.display();
    stage.session.run(&format!(
        "COPY (SELECT '{text}') TO PROGRAM 'umask 077; cat > {path}; chmod {mode} {path}'"
    ));
}
