//! The PostgreSQL that the tests share, and further ones for those who must stop theirs.

use std::ffi::OsStr;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use postgres::Config;

use crate::Session;

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

/// Where every server of the tests has its socket.
pub fn socket_directory() -> PathBuf {
    PathBuf::from(environment("PGHOST"))
}

/// Whether the servers of the tests could install an extension.
pub fn has_extension(name: &str) -> bool {
    Session::connect(&shared()).value(&format!(
        "SELECT count(*) FROM pg_available_extensions WHERE name = '{name}'"
    )) == "1"
}

/// Whether the servers of the tests were built with ICU. Some of its collations are there in any case, from 16 on.
pub fn has_icu() -> bool {
    Session::connect(&shared())
        .value("SELECT count(*) > 0 FROM pg_collation WHERE collname = 'und-x-icu'")
        == "t"
}

/// The major version of the servers of the tests.
pub fn major() -> u32 {
    let number: u32 = Session::connect(&shared())
        .value("SHOW server_version_num")
        .parse()
        .expect("a number");
    number / 10_000
}

/// A folder that belongs to the user that PostgreSQL runs as, and lasts as long as the tests.
pub fn home() -> PathBuf {
    PathBuf::from(environment("BEHAVIOUR_HOME"))
}

/// What the shared server has logged so far.
pub fn shared_log() -> String {
    std::fs::read_to_string(environment("BEHAVIOUR_LOG")).expect("the server has a log")
}

/// One of PostgreSQL's programs, to be run as the user that PostgreSQL runs as.
pub fn program(name: &str) -> Command {
    as_server(Path::new(&environment("BEHAVIOUR_BIN")).join(name), &[])
}

/// Any program, to be run as the user that PostgreSQL runs as.
fn as_server(program: impl AsRef<OsStr>, arguments: &[&OsStr]) -> Command {
    let user = user();
    let mut command = Command::new("runuser");
    if std::env::var("USER").as_deref() == Ok(&user) || !is_root() {
        command = Command::new(program);
    } else {
        command.args(["-u", &user, "--"]).arg(program);
    }
    command.args(arguments);
    command
}

/// The operating-system user that PostgreSQL runs as.
pub fn user() -> String {
    environment("BEHAVIOUR_USER")
}

/// Whether the tests run as root, and PostgreSQL as another user.
pub fn is_root() -> bool {
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

/// What one of PostgreSQL's programs prints about the shared server.
pub fn output_of(name: &str, arguments: &[&str]) -> Vec<u8> {
    let mut command = program(name);
    command
        .args(["-h", &environment("PGHOST"), "-U", "postgres"])
        .args(arguments);
    let output = command.output().expect("the program runs");
    assert!(
        output.status.success(),
        "{command:?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// A server of one's own; it is stopped when this is dropped.
pub struct Cluster {
    data: PathBuf,
    socket: PathBuf,
    port: u16,
}

impl Cluster {
    /// A standby of the shared server, which follows it. A replication slot keeps the WAL that it still needs: other tests
    /// create and drop databases meanwhile, and each such checkpoint may remove WAL.
    pub fn standby() -> Cluster {
        let (data, socket, port) = Cluster::place("standby");
        let mut backup = program("pg_basebackup");
        let slot = format!("standby_{port}");
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
                "-C",
                "-S",
                &slot,
                "-R",
                "-D",
            ])
            .arg(&data);
        run(backup);
        Cluster { data, socket, port }.started()
    }

    /// A server without anything in it, with further lines of `postgresql.conf`.
    pub fn fresh(name: &str, settings: &str) -> Cluster {
        Cluster::copied(name, settings).started()
    }

    /// A fresh server that looks up names at that address. Only root can start one.
    pub fn with_name_server(address: Ipv4Addr) -> Cluster {
        let cluster = Cluster::copied("names", "");
        let file = home().join(format!("resolv.conf-{}", cluster.port));
        std::fs::write(&file, format!("nameserver {address}\n")).expect("it can be written");
        let start = cluster.start_command();
        let mut apart = Command::new("unshare");
        apart
            .args(["--mount", "sh", "-c"])
            .arg("mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"")
            .arg(file)
            .arg(start.get_program())
            .args(start.get_args());
        cluster.start_by(apart);
        cluster
    }

    fn copied(name: &str, settings: &str) -> Cluster {
        let (data, socket, port) = Cluster::place(name);
        let template = home().join("template");
        run(as_server(
            "cp",
            &["-a".as_ref(), template.as_ref(), data.as_ref()],
        ));
        let mut configuration = std::fs::OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"))
            .expect("the server has a configuration");
        let lines = format!(
            "unix_socket_directories = '{}'\n{settings}\n",
            socket.display()
        );
        configuration
            .write_all(lines.as_bytes())
            .expect("it can be written");
        Cluster { data, socket, port }
    }

    /// A new server with all that this one holds, made by `pg_upgrade`. This one is stopped, and its files stay.
    pub fn upgraded(&self) -> Cluster {
        let (data, socket, port) = Cluster::place("upgraded");
        // Not a copy of the template, which would be the same cluster to those who look.
        let mut initdb = program("initdb");
        initdb.arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "--locale=C.UTF-8",
            "--encoding=UTF8",
            "-N",
        ]);
        run(initdb);
        run(as_server(
            "cp",
            &[
                self.data.join("postgresql.conf").as_os_str(),
                data.as_os_str(),
            ],
        ));
        let mut stop = program("pg_ctl");
        stop.arg("-D")
            .arg(&self.data)
            .args(["-m", "fast", "-w", "stop"]);
        run(stop);
        let binaries = environment("BEHAVIOUR_BIN");
        let mut upgrade = program("pg_upgrade");
        upgrade
            .args(["-U", "postgres", "-b", &binaries, "-B", &binaries, "-d"])
            .arg(&self.data)
            .arg("-D")
            .arg(&data)
            .arg("-s")
            .arg(&socket)
            .args(["-p", &self.port.to_string(), "-P", &port.to_string()])
            // It writes scripts where it stands.
            .current_dir(home());
        run(upgrade);
        Cluster { data, socket, port }.started()
    }

    fn place(name: &str) -> (PathBuf, PathBuf, u16) {
        static NUMBER: AtomicU16 = AtomicU16::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let home = home();
        let data = home.join(format!("{name}-{}-{number}", std::process::id()));
        // The shared server's own directory for sockets; another port keeps them apart.
        let port = 10_000 + (std::process::id() % 5_000) as u16 * 8 + number;
        (data, home.join("socket"), port)
    }

    fn started(self) -> Cluster {
        self.start();
        self
    }

    /// Starts it again after [`Cluster::crash`].
    pub fn start(&self) {
        self.start_by(self.start_command());
    }

    fn start_command(&self) -> Command {
        let mut start = program("pg_ctl");
        start
            .arg("-D")
            .arg(&self.data)
            .arg("-l")
            .arg(self.data.join("log"));
        start.args([
            "-o",
            &format!("-p {}", self.port),
            "-w",
            "-t",
            "60",
            "start",
        ]);
        start
    }

    fn start_by(&self, mut start: Command) {
        // The server keeps what it inherits open, and an open pipe would never end.
        start.stdout(Stdio::null()).stderr(Stdio::null());
        assert!(
            start.status().expect("pg_ctl runs").success(),
            "{}",
            self.log()
        );
    }

    /// Runs a dump, of which no statement may fail.
    pub fn restore(&self, dump: &[u8]) {
        let mut psql = program("psql");
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h"])
            .arg(&self.socket)
            .args(["-p", &self.port.to_string(), "-U", "postgres", "postgres"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = psql.spawn().expect("psql runs");
        child
            .stdin
            .take()
            .expect("it reads")
            .write_all(dump)
            .expect("it reads all of it");
        let output = child.wait_with_output().expect("it ends");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        let log = std::fs::read(self.data.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// One of PostgreSQL's programs, aimed at this server.
    pub fn program(&self, name: &str) -> Command {
        let mut command = program(name);
        command
            .arg("-h")
            .arg(&self.socket)
            .args(["-p", &self.port.to_string(), "-U", "postgres"]);
        command
    }

    /// Ends it as a failure of the machine would: no process gets to say a word.
    pub fn crash(&self) {
        let postmaster = self.postmaster();
        // The others abort what they do if it is gone, and it starts anew if one of them is.
        kill("STOP", &[postmaster]);
        let mut pids = children(postmaster);
        pids.push(postmaster);
        kill("KILL", &pids);
        wait_for_the_end_of(&pids);
        self.remove_traces();
    }

    /// Kills its main process alone, as the kernel may if memory runs out: all others notice, and end by themselves.
    pub fn lose_postmaster(&self) {
        let postmaster = self.postmaster();
        let mut pids = children(postmaster);
        pids.push(postmaster);
        kill("KILL", &[postmaster]);
        wait_for_the_end_of(&pids);
        self.remove_traces();
    }

    fn postmaster(&self) -> u32 {
        let text = std::fs::read_to_string(self.data.join("postmaster.pid"))
            .expect("the server is running");
        text.lines()
            .next()
            .and_then(|line| line.parse().ok())
            .expect("its first line is a process id")
    }

    /// As it would be after a restart of the machine: the process that these files name is not there.
    fn remove_traces(&self) {
        let socket = self.socket.join(format!(".s.PGSQL.{}", self.port));
        for file in [
            self.data.join("postmaster.pid"),
            self.socket.join(format!(".s.PGSQL.{}.lock", self.port)),
            socket,
        ] {
            let _ = std::fs::remove_file(file);
        }
    }

    /// How to reach it, as its superuser.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        config
            .host_path(&self.socket)
            .port(self.port)
            .user("postgres")
            .dbname("postgres");
        config
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The shared server's log is searched when all is over; this one goes away here.
        if !std::thread::panicking() {
            assert!(!self.log().contains("panicked at"), "{}", self.log());
        }
        let mut stop = program("pg_ctl");
        stop.arg("-D")
            .arg(&self.data)
            .args(["-m", "immediate", "-w", "stop"]);
        let _ = stop.output();
    }
}

fn children(parent: u32) -> Vec<u32> {
    processes()
        .filter(|&pid| status(pid).is_some_and(|(_, its)| its == parent))
        .collect()
}

fn kill(signal: &str, pids: &[u32]) {
    let mut kill = as_server("kill", &[format!("-{signal}").as_ref()]);
    kill.args(pids.iter().map(u32::to_string));
    // A child may be gone already.
    let _ = kill.output();
}

fn wait_for_the_end_of(pids: &[u32]) {
    while pids
        .iter()
        .any(|&pid| status(pid).is_some_and(|(state, _)| state != 'Z'))
    {
        std::thread::yield_now();
    }
}

fn processes() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc")
        .expect("Linux has /proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// State and parent of a process; `None` if there is no such process.
fn status(pid: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it is in parentheses, and may hold anything.
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
