//! The sandbox as a program: a local server that behaves like Pluralsight's GraphQL API.
//!
//! ```text
//! pluralsight-sandbox                                      # 2,345 users on a free port
//! pluralsight-sandbox --port 8080 --users 100000 --fault '*=delay=80ms'
//! pluralsight-sandbox --fault 'users@2=429,retry-after=1'
//! pluralsight-sandbox --variant text-ids                   # another API than the one that was guessed; see --variant
//! pluralsight-sandbox --help                               # every flag, and the grammar of faults
//! ```
//!
//! The first line on standard output is `listening on http://127.0.0.1:PORT/graphql`. Then each request is a line on
//! standard error, unless `--quiet`. SIGTERM and SIGINT end the program.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use chrono::{SubsecRound, Utc};
use clap::Parser;
use pluralsight_sandbox::{
    Certificate, Config, GRAMMAR, Recorded, Rule, Sandbox, VARIANTS, variant,
};
use tokio::signal::unix::{SignalKind, signal};

/// A local server that behaves like Pluralsight's GraphQL API, with a generated organization and faults on demand
#[derive(Parser)]
#[command(version, after_long_help = GRAMMAR)]
struct Cli {
    /// How many users the organization has, removed ones included
    #[arg(long, default_value_t = Config::default().users)]
    users: u64,
    /// What the organization is generated from: the same seed gives the same people
    #[arg(long, default_value_t = Config::default().seed)]
    seed: u64,
    /// The port on 127.0.0.1; unset, a free one
    #[arg(long)]
    port: Option<u16>,
    /// The API key that is accepted
    #[arg(long, default_value_t = Config::default().token)]
    token: String,
    /// Serve HTTPS with such a certificate, made at the start by an authority of the server's own
    #[arg(long, value_enum)]
    tls: Option<Certificate>,
    /// With --tls: write the certificate of the authority to trust to this file (PEM)
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Serve a variant of the API; may be given more than once. Without a value: list them
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    variant: Vec<String>,
    /// A fault, e.g. `users@2=429,retry-after=1`; see the grammar in the long help. May be given more than once
    #[arg(long, value_name = "RULE")]
    fault: Vec<Rule>,
    /// Do not print a line for each request
    #[arg(long)]
    quiet: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "pluralsight-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = Config {
        users: cli.users,
        seed: cli.seed,
        // A demo is about today; only tests want a fixed day.
        now: Utc::now().trunc_subsecs(3),
        port: cli.port,
        token: cli.token,
        tls: cli.tls,
        faults: cli.fault,
        ..Config::default()
    };
    for name in &cli.variant {
        if name.is_empty() {
            for variant in VARIANTS {
                writeln!(io::stdout(), "{:22} {}", variant.name, variant.what)?;
            }
            return Ok(());
        }
        let variant =
            variant(name).ok_or_else(|| format!("no variant {name}; --variant lists them"))?;
        config = variant.apply(config)?;
    }
    let sandbox = Sandbox::start(config)?;
    if let (Some(path), Some(pem)) = (&cli.ca_file, sandbox.ca_pem()) {
        std::fs::write(path, pem)?;
    }
    if !cli.quiet {
        sandbox.observe(|request| {
            // Nobody reading the lines is no reason to stop answering.
            let _ = writeln!(io::stderr(), "{}", line(request));
        });
    }
    writeln!(io::stdout(), "listening on {}", sandbox.url())?;
    io::stdout().flush()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        Ok(())
    })
}

/// A request in a line: when, status, what, how long, how much, and what was done to it.
fn line(request: &Recorded) -> String {
    let status = request
        .status
        .map_or("---".to_owned(), |status| status.to_string());
    let took = request.took.map_or(0.0, |took| took.as_secs_f64() * 1000.0);
    let mut line = format!(
        "{} {status} {} {} {took:.1} ms {} B",
        Utc::now().format("%H:%M:%S%.3f"),
        request.operation,
        shortened(&request.variables.to_string()),
        request.bytes_out
    );
    for fault in &request.faults {
        line.push_str(&format!(" [{}]", shortened(fault)));
    }
    line
}

fn shortened(text: &str) -> String {
    const MOST: usize = 160;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain("…".chars()).collect()
}
