//! What the documentation says can be typed, can be typed.

use behaviour::Stage;
use pluralsight_sandbox::Config;

/// The blocks of SQL of a page, except those marked as not to be run.
fn blocks(page: &str) -> Vec<String> {
    let path = format!("{}/../docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the page is there");
    text.split("```sql\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_examples_of_stored_copies_run() {
    let mut stage = Stage::new(Config {
        users: 200,
        ..Config::default()
    });
    let blocks = blocks("copies.md");
    assert!(blocks.len() >= 8, "{}", blocks.len());
    for block in &blocks {
        // A call of refresh() has to stand alone, because several statements at once are a transaction.
        stage.session.run(block);
    }
    assert_ne!(
        stage.session.value("SELECT sum(worth) FROM hr.seat_report"),
        ""
    );
    assert_eq!(stage.session.notices(), Vec::<String>::new());
}
