//! Whatever the API turns out to be: right rows, or an error whose HINT, followed word by word, leads to right rows.
//!
//! Each variant of the sandbox is walked through, with the schema told, partly told or refused, by turns. `VARIANT=all` walks
//! through each of them in all three ways, and with UPDATE=1 writes docs/variants.md. `VARIANT=name,…` walks through these
//! alone, and says more.

mod variant_run;

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use behaviour::{Session, cluster, fresh_database};
use pluralsight_sandbox::{Config, Introspection, Sandbox, VARIANTS, Variant};
use variant_run::{Run, TELLING, Trouble};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/variants.md");

/// More than one page of 100, and more keys than a cut list takes.
const USERS: u64 = 130;

/// Walks at a time: each waits for its server most of the time.
const THREADS: usize = 6;

type Cell = Result<usize, Trouble>;

fn walk(
    session: &mut Session,
    number: usize,
    variant: &Variant,
    introspection: Introspection,
) -> Cell {
    let base = Config {
        users: USERS,
        introspection,
        ..Config::default()
    };
    let sandbox = Sandbox::start(variant.apply(base).expect("its faults")).expect(variant.name);
    let (server, schema) = (format!("server_{number}"), format!("schema_{number}"));
    session.run(&format!(
        "CREATE SERVER {server} FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_url '{}', initial_backoff '1ms', max_backoff '5ms');
         CREATE USER MAPPING FOR CURRENT_USER SERVER {server} OPTIONS (api_token '{}')",
        sandbox.url(),
        sandbox.token()
    ));
    let mut run = Run {
        variant,
        sandbox: &sandbox,
        session,
        schema: schema.clone(),
        server: server.clone(),
        mended: Vec::new(),
    };
    let outcome = run.walk();
    let mended = run.mended;
    if matches!(Chosen::by_environment(), Chosen::Named(_)) {
        println!(
            "{} {introspection:?}: {outcome:?}\n  {}",
            variant.name,
            mended.join("\n  ")
        );
    }
    session.run(&format!(
        "DROP SCHEMA IF EXISTS {schema}_copy CASCADE; DROP SCHEMA IF EXISTS {schema} CASCADE; DROP SERVER {server} CASCADE"
    ));
    session.notices();
    outcome.map(|()| mended.len())
}

/// Which walks are made.
enum Chosen {
    /// Each variant once, in one of the ways of telling the schema.
    ByTurns,
    All,
    Named(Vec<String>),
}

impl Chosen {
    fn by_environment() -> Chosen {
        match std::env::var("VARIANT") {
            Err(_) => Chosen::ByTurns,
            Ok(names) if names == "all" => Chosen::All,
            Ok(names) => Chosen::Named(names.split(',').map(str::to_owned).collect()),
        }
    }

    fn has(&self, number: usize, variant: &Variant, column: usize) -> bool {
        match self {
            Chosen::ByTurns => number % TELLING.len() == column,
            Chosen::All => true,
            Chosen::Named(names) => names.iter().any(|name| name == variant.name),
        }
    }
}

#[test]
fn every_variant_ends_in_right_rows() {
    let chosen = Chosen::by_environment();
    let walks: Vec<(&Variant, usize)> = VARIANTS
        .iter()
        .enumerate()
        .flat_map(|(number, variant)| {
            (0..TELLING.len()).map(move |column| (number, variant, column))
        })
        .filter(|(number, variant, column)| chosen.has(*number, variant, *column))
        .map(|(_, variant, column)| (variant, column))
        .collect();
    assert!(!walks.is_empty(), "no variant has that name");
    let next = AtomicUsize::new(0);
    let cells: Mutex<BTreeMap<(&str, usize), Cell>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(walks.len()) {
            scope.spawn(|| {
                let mut session = Session::connect(cluster::shared().dbname(&fresh_database()));
                // To compile the views' plans takes longer than to run them over so few people.
                session.run("CREATE EXTENSION pluralsight_fdw; SET jit = off");
                while let Some((number, (variant, column))) = take(&next, &walks) {
                    let cell = walk(&mut session, number, variant, TELLING[*column].1);
                    if let Err(trouble) = &cell {
                        // At once: there may be many to come.
                        println!("{}, {}: {trouble}", variant.name, TELLING[*column].0);
                    }
                    let place = (variant.name, *column);
                    cells.lock().expect("no panic").insert(place, cell);
                }
            });
        }
    });
    let cells = cells.into_inner().expect("no panic");
    let wrong: Vec<String> = cells
        .iter()
        .filter_map(|((name, column), cell)| {
            let trouble = cell.as_ref().err()?;
            Some(format!("{name}, {}: {trouble}", TELLING[*column].0))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}\n{}",
        wrong.len(),
        cells.len(),
        wrong.join("\n")
    );
    let seen = page(&cells);
    if matches!(chosen, Chosen::All) && std::env::var_os("UPDATE").is_some() {
        std::fs::write(PAGE, &seen).expect("the page can be written");
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert_eq!(
        outside_of_table(&seen),
        outside_of_table(&written),
        "docs/variants.md; VARIANT=all UPDATE=1 writes it anew"
    );
    for ((name, column), cell) in &cells {
        assert_eq!(
            cell_of(&written, name, *column),
            Some(shown(cell)),
            "{name}, {}, in docs/variants.md; VARIANT=all UPDATE=1 writes it anew",
            TELLING[*column].0
        );
    }
}

/// The rows with their variants, but not what came of them.
fn outside_of_table(page: &str) -> Vec<String> {
    page.lines()
        .map(|line| match line.strip_prefix("| `") {
            Some(row) => row.rsplitn(4, " | ").last().unwrap_or_default().to_owned(),
            None => line.to_owned(),
        })
        .collect()
}

/// What the page says of a variant.
fn cell_of(page: &str, name: &str, column: usize) -> Option<String> {
    let beginning = format!("| `{name}` |");
    let row = page.lines().find(|line| line.starts_with(&beginning))?;
    let cells: Vec<&str> = row.trim_end_matches(" |").rsplitn(4, " | ").collect();
    cells.get(2 - column).map(|&cell| cell.to_owned())
}

fn shown(cell: &Cell) -> String {
    match cell {
        Ok(0) => "right".to_owned(),
        Ok(1) => "1 HINT".to_owned(),
        Ok(hints) => format!("{hints} HINTs"),
        Err(_) => String::new(),
    }
}

fn take<'a, T>(next: &AtomicUsize, walks: &'a [T]) -> Option<(usize, &'a T)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    walks.get(number).map(|walk| (number, walk))
}

fn page(cells: &BTreeMap<(&str, usize), Cell>) -> String {
    let mut page = "\
# If the API is not what we guessed

Much of the API's schema and behavior is not published. A test runs everything against each of the variants below: `set_up`, every table, look-ups by key,
counts and views, and copies with a refresh. Each variant is served by the sandbox (`pluralsight-sandbox --variant NAME`), with a schema that is told, told in part
(no input types, no `__schema`), or refused.

*right* means right rows at once. A number is how many HINTs were followed, word by word, before the rows were right. Wrong rows, or an error that no HINT
mends, fail the test. This page is written by the test
(`UPDATE=1 make test-variants`); `make test` takes one of the three ways for each variant, by turns.

| variant | what is different | told | partly told | refused |
| --- | --- | --- | --- | --- |
".to_owned();
    for variant in VARIANTS {
        write!(page, "| `{}` | {} |", variant.name, variant.what).expect("a text takes it");
        for column in 0..TELLING.len() {
            let cell = cells
                .get(&(variant.name, column))
                .map(shown)
                .unwrap_or_default();
            write!(page, " {cell} |").expect("a text takes it");
        }
        page.push('\n');
    }
    page
}
