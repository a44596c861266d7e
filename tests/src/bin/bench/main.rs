//! How long a reading takes through SQL, beside other ways to get the same data, in one run against one sandbox. `make bench`.
//!
//! It prints tables, and writes them into `docs/benchmarks.md` with a picture beside it.

use std::time::Instant;

use behaviour::Stage;
use pluralsight_sandbox::Config;

mod cases;
mod measure;
mod plot;
mod raw;
mod results;
mod ways;

use cases::{
    ACCOUNTS, ALL, Case, FIVE, FRAMEWORK, INTO_TABLE, LISTS, ORGANIZATIONS, OURS, RAW, SCRIPT_100,
    SCRIPT_1000,
};
use results::{Measured, find, thousands};
use ways::Lab;

const ROUNDS: usize = 7;
/// After so many seconds a case gets no further round.
const ENOUGH: f64 = 20.0;
const LATENCIES: [u64; 3] = [0, 20, 100];
/// That of the case with three organizations.
const FAR: u64 = 300;
/// What the summary and the picture show.
const SHOWN: u64 = 20_000;
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks.md");
const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks.svg");
const MARKS: (&str, &str) = ("<!-- measured -->\n", "<!-- end of what was measured -->\n");

fn main() {
    if std::env::args().nth(1).as_deref() == Some(raw::ARGUMENT) {
        return raw::serve();
    }
    let is_short = std::env::var("BENCH").is_ok_and(|bench| bench == "short");
    let framework = std::env::var("BENCH_FRAMEWORK").ok();
    let script = ways::has_script();
    if !script {
        println!("the script is left out: python3 has no module requests");
    }
    let sizes: &[u64] = if is_short {
        &[SHOWN]
    } else {
        &[1_000, SHOWN, 100_000]
    };
    let mut all = Vec::new();
    let mut facts = vec![machine()];
    for &users in sizes {
        let mut lab = lab(users);
        cases::prepare(&mut lab, framework.as_deref());
        let cases = cases::cases(&mut lab, framework.is_some(), script);
        for latency in LATENCIES {
            cases::set_latency(&lab.stage.sandbox, latency);
            for case in &cases {
                measure(&mut lab, case, latency, &mut all);
            }
        }
        if users == SHOWN {
            cases::set_latency(&lab.stage.sandbox, 0);
            facts.push(first_query(&lab));
            let case = cases::organizations(&mut lab);
            cases::set_latency(&lab.stage.sandbox, FAR);
            measure(&mut lab, &case, FAR, &mut all);
        }
    }
    if !is_short {
        facts.push(a_million());
    }
    let text = format!(
        "\n![Seconds for {} users with all columns](benchmarks.svg)\n\n{}\n\n{}{}",
        thousands(SHOWN),
        facts.join("\n"),
        summary(&all, sizes),
        results::tables(&all)
    );
    println!("{text}");
    write(&text);
    std::fs::write(PICTURE, picture(&all)).expect("docs can be written to");
}

fn lab(users: u64) -> Lab {
    let stage = Stage::new(Config {
        users,
        ..Config::default()
    });
    Lab::new(stage, users)
}

/// Runs the ways of a case in turn, a few rounds.
fn measure(lab: &mut Lab, case: &Case, latency: u64, all: &mut Vec<Measured>) {
    let steps = lab.steps(&case.read);
    let mut samples = vec![Vec::new(); case.ways.len()];
    let started = Instant::now();
    for round in 0..ROUNDS {
        for (number, (_, way)) in case.ways.iter().enumerate() {
            (case.before)(lab, round);
            samples[number].push(lab.run(way, &steps));
        }
        if started.elapsed().as_secs_f64() > ENOUGH {
            break;
        }
    }
    let beside = samples[0].clone();
    for ((way, _), samples) in case.ways.iter().zip(samples) {
        let measured = Measured {
            users: lab.users,
            latency,
            case: case.name,
            way,
            samples,
            beside: beside.clone(),
            records: case.records,
        };
        eprintln!("{} users, {latency} ms {}", lab.users, measured.row());
        all.push(measured);
    }
}

/// The machine and what else it did.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, |cores| cores.get());
    let load = read("/proc/loadavg");
    let version = Stage::bare(Config::default())
        .session
        .value("SHOW server_version");
    format!(
        "- {cores} cores ({model}), PostgreSQL {version}; load before the run {}.",
        load.split(' ').next().unwrap_or_default()
    )
}

/// What a backend's first query takes beyond a later one, and what planning takes.
fn first_query(lab: &Lab) -> String {
    const SQL: &str = "SELECT user_id FROM pluralsight.users LIMIT 1";
    let mut beyond = Vec::new();
    let mut planning = Vec::new();
    let mut requests = 0;
    for _ in 0..15 {
        let mut session = lab.stage.another_session();
        let mut take = |sql: &str| {
            let started = Instant::now();
            session.run(sql);
            started.elapsed().as_secs_f64() * 1e3
        };
        let (first, later) = (take(SQL), take(SQL));
        beyond.push(first - later);
        lab.stage.sandbox.reset();
        planning.push(planning_time(
            &session.column("EXPLAIN (SUMMARY) SELECT * FROM pluralsight.accounts"),
        ));
        requests += lab.stage.sandbox.total();
    }
    beyond.sort_by(f64::total_cmp);
    planning.sort_by(f64::total_cmp);
    format!(
        "- The first query of a backend takes {:.1} ms ({:.1} to {:.1}) more than the second. Planning `SELECT * FROM accounts` for the first time takes {:.1} ms ({:.1} to {:.1}) and {requests} requests. Both at 0 ms, 15 backends.",
        beyond[7], beyond[0], beyond[14], planning[7], planning[0], planning[14]
    )
}

/// What PostgreSQL says of the time that planning took, in milliseconds.
fn planning_time(explained: &[String]) -> f64 {
    explained
        .iter()
        .find_map(|line| line.strip_prefix("Planning Time: ")?.strip_suffix(" ms"))
        .and_then(|time| time.parse().ok())
        .expect("a planning time")
}

/// How much a backend grows while it reads very many users.
fn a_million() -> String {
    const USERS: u64 = 1_000_000;
    let mut lab = lab(USERS);
    let sql = cases::all_columns(&mut lab, "pluralsight.users");
    // Whatever a first scan leaves is there before.
    lab.stage
        .session
        .run("SET jit = off; SELECT * FROM pluralsight.users LIMIT 1");
    let sample = lab.run(&ways::Way::Sql(sql), &[]);
    format!(
        "- Over a scan of {} users with all columns the backend grows by {:.1} MB at most, `jit` being off (LLVM takes 11 MB of its own); it takes {:.1} s and {:.1} µs of CPU a row.",
        thousands(USERS),
        sample.growth.unwrap_or_default() as f64 / f64::from(1 << 20),
        sample.seconds,
        sample.cpu * 1e6 / USERS as f64
    )
}

/// The main ratios.
fn summary(all: &[Measured], sizes: &[u64]) -> String {
    let mut text = "| users | latency | 5 columns / raw | all columns / raw | `accounts` / raw | framework / ours | script, 1,000 a page / ours | script, 100 a page / ours | three lists / longest |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n".to_owned();
    for &users in sizes {
        for latency in LATENCIES {
            let ratio = |case: &str, way: &str| {
                find(all, users, latency, case, way)
                    .map_or(String::new(), |it| format!("{:.2}", it.ratio().0))
            };
            let framework = match (
                find(all, users, latency, ALL, FRAMEWORK),
                find(all, users, latency, ALL, OURS),
            ) {
                (Some(theirs), Some(ours)) => format!("{:.2}", theirs.seconds() / ours.seconds()),
                _ => String::new(),
            };
            text.push_str(&format!(
                "| {} | {latency} ms | {} | {} | {} | {framework} | {} | {} | {} |\n",
                thousands(users),
                ratio(FIVE, OURS),
                ratio(ALL, OURS),
                ratio(ACCOUNTS, OURS),
                ratio(INTO_TABLE, SCRIPT_1000),
                ratio(INTO_TABLE, SCRIPT_100),
                ratio(LISTS, OURS),
            ));
        }
    }
    if let Some(three) = find(all, SHOWN, FAR, ORGANIZATIONS, OURS) {
        let (ratio, low, high) = three.ratio();
        text.push_str(&format!(
            "\nThree organizations of {} users, {FAR} ms, in one statement take {ratio:.2} ({low:.2} to {high:.2}) times as long as one.\n",
            thousands(SHOWN)
        ));
    }
    text
}

fn picture(all: &[Measured]) -> String {
    let latency = LATENCIES[1];
    let wanted = [
        ("raw loop", ALL, RAW),
        (OURS, ALL, OURS),
        (FRAMEWORK, ALL, FRAMEWORK),
        (SCRIPT_1000, INTO_TABLE, SCRIPT_1000),
        (SCRIPT_100, INTO_TABLE, SCRIPT_100),
    ];
    let values: Vec<(String, f64)> = wanted
        .into_iter()
        .filter_map(|(label, case, way)| {
            let measured = find(all, SHOWN, latency, case, way)?;
            Some((label.to_owned(), measured.seconds()))
        })
        .collect();
    let title = format!(
        "{} users, all columns, {latency} ms latency: seconds",
        thousands(SHOWN)
    );
    plot::bars(&title, OURS, &values)
}

/// Puts the text between the page's marks.
fn write(text: &str) {
    let page = std::fs::read_to_string(PAGE).expect("docs/benchmarks.md is there");
    let (before, rest) = page.split_once(MARKS.0).expect("a mark");
    let (_, after) = rest.split_once(MARKS.1).expect("a second mark");
    let page = format!("{before}{}{text}\n{}{after}", MARKS.0, MARKS.1);
    std::fs::write(PAGE, page).expect("docs can be written to");
}
