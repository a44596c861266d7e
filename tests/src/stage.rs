//! A database of one's own, set up over a sandbox of one's own.

use std::sync::atomic::{AtomicU32, Ordering};

use pluralsight_sandbox::{Config, Sandbox};

use crate::{Session, cluster};

/// A sandbox, and a database whose schema `pluralsight` is set up over it.
pub struct Stage {
    pub sandbox: Sandbox,
    pub session: Session,
    database: String,
}

/// A fresh, empty database on the shared cluster; it is dropped with the cluster.
pub fn fresh_database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "test_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    Session::connect(cluster::shared().dbname("postgres")).run(&format!("CREATE DATABASE {name}"));
    name
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A database less for those who copy the cluster. A test that is failing already must not fail here again.
        if !std::thread::panicking() {
            Session::connect(cluster::shared().dbname("postgres"))
                .run(&format!("DROP DATABASE {} WITH (FORCE)", self.database));
        }
    }
}

impl Stage {
    /// Everything set up, as the README says.
    pub fn new(config: Config) -> Stage {
        let mut stage = Stage::bare(config);
        stage
            .session
            .run("CALL pluralsight_fdw.set_up('pluralsight')");
        stage.session.notices();
        stage.sandbox.reset();
        stage
    }

    /// Server and user mapping, nothing imported yet.
    pub fn bare(config: Config) -> Stage {
        let sandbox = Sandbox::start(config).expect("the sandbox starts");
        let database = fresh_database();
        let mut session = Session::connect(cluster::shared().dbname(&database));
        session.run("SET client_min_messages = notice");
        session.run("CREATE EXTENSION pluralsight_fdw");
        session.run("CREATE SCHEMA pluralsight");
        session.run(&format!(
            "CREATE SERVER pluralsight FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{}')",
            sandbox.url()
        ));
        session.run(&format!(
            "CREATE USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (api_token '{}')",
            sandbox.token()
        ));
        Stage {
            sandbox,
            session,
            database,
        }
    }

    pub fn database(&self) -> &str {
        &self.database
    }

    /// From now on users are answered so late that a test can look at who waits for them; requests are counted anew.
    pub fn hold_users(&self) {
        self.sandbox
            .faults()
            .script("users=delay=60s")
            .expect("a valid rule");
        self.sandbox.reset();
    }

    /// A further session on the same database.
    pub fn another_session(&self) -> Session {
        Session::connect(cluster::shared().dbname(&self.database))
    }

    /// A role that exists for this test alone and may use the server and the tables; it has no token yet.
    pub fn role(&mut self, name: &str) -> String {
        let role = format!("{name}_{}", self.database);
        self.session.run(&format!(
            "CREATE ROLE {role} LOGIN;
             GRANT USAGE ON FOREIGN SERVER pluralsight TO {role};
             GRANT USAGE ON SCHEMA pluralsight TO {role};
             GRANT SELECT ON ALL TABLES IN SCHEMA pluralsight TO {role}"
        ));
        role
    }

    /// A further session, as that role.
    pub fn session_of(&self, role: &str) -> Session {
        Session::connect(cluster::shared().dbname(&self.database).user(role))
    }

    /// Everybody's user_id, in the API's order.
    pub fn people(&self) -> Vec<String> {
        self.sandbox
            .organization()
            .users()
            .map(|user| user.ps_user_id)
            .collect()
    }

    /// Requests that `sql` makes.
    pub fn requests(&mut self, sql: &str) -> usize {
        self.sandbox.reset();
        self.session.rows(sql);
        self.sandbox.requests().len()
    }
}
