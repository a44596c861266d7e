//! The PostgreSQL that the tests share, and further ones for those who must stop theirs.

use std::path::{Path, PathBuf};
use std::process::Command;

use postgres::Config;

fn environment(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: the tests run through `make test`"))
}

/// How to reach the shared server, as its superuser.
pub fn shared() -> Config {
    let mut config = Config::new();
    config
        .host_path(environment("PGHOST"))
        .user(&environment("PGUSER"))
        .dbname("postgres");
    config
}

/// What the shared server has logged so far.
pub fn shared_log() -> String {
    std::fs::read_to_string(environment("BEHAVIOUR_LOG")).expect("the server has a log")
}

/// One of PostgreSQL's programs, to be run as the user that PostgreSQL runs as.
pub fn program(name: &str) -> Command {
    let path = Path::new(&environment("BEHAVIOUR_BIN")).join(name);
    let user = environment("BEHAVIOUR_USER");
    let mut command = Command::new("runuser");
    if std::env::var("USER").as_deref() == Ok(&user) || !is_root() {
        command = Command::new(path);
    } else {
        command.args(["-u", &user, "--"]).arg(path);
    }
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self")
        .is_ok_and(|about| std::os::unix::fs::MetadataExt::uid(&about) == 0)
}

/// Runs a program to its end.
pub fn run(mut command: Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A server of one's own; it is stopped when this is dropped.
pub struct Cluster {
    data: PathBuf,
    socket: PathBuf,
}

impl Cluster {
    /// A standby of the shared server, which follows it.
    pub fn standby() -> Cluster {
        let (data, socket) = Cluster::place("standby");
        let mut backup = program("pg_basebackup");
        backup
            .args([
                "-h",
                &environment("PGHOST"),
                "-U",
                "postgres",
                "-X",
                "stream",
                "-c",
                "fast",
                "-R",
                "-D",
            ])
            .arg(&data);
        run(backup);
        Cluster { data, socket }.start()
    }

    fn place(name: &str) -> (PathBuf, PathBuf) {
        let home = PathBuf::from(environment("BEHAVIOUR_HOME"));
        let data = home.join(format!("{name}-{}", std::process::id()));
        // The shared server's own directory for sockets; another port keeps them apart.
        (data, home.join("socket"))
    }

    fn start(self) -> Cluster {
        let mut start = program("pg_ctl");
        start
            .arg("-D")
            .arg(&self.data)
            .arg("-l")
            .arg(self.data.join("log"));
        start.args([
            "-o",
            &format!("-p {}", self.port()),
            "-w",
            "-t",
            "60",
            "start",
        ]);
        // The server keeps what it inherits open, and an open pipe would never end.
        start
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        assert!(
            start.status().expect("pg_ctl runs").success(),
            "{}",
            std::fs::read_to_string(self.data.join("log")).unwrap_or_default()
        );
        self
    }

    fn port(&self) -> u16 {
        10_000 + (std::process::id() % 20_000) as u16
    }

    /// How to reach it, as its superuser.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config
            .host_path(&self.socket)
            .port(self.port())
            .user("postgres")
            .dbname("postgres");
        config
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = program("pg_ctl");
        stop.arg("-D")
            .arg(&self.data)
            .args(["-m", "immediate", "-w", "stop"]);
        let _ = stop.output();
    }
}
