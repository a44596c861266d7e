//! What `examples/` has for other tools runs. The tools themselves are tried by `make test-clients`.

mod superset;

use behaviour::{Session, Stage, copies};
use serde_json::Value;

fn text(path: &str) -> String {
    let path = format!("{}/../examples/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("the example is there")
}

/// A reader of what names nobody, as a monitor is one.
fn monitor(stage: &mut Stage) -> Session {
    let role = stage.role("monitor");
    stage.session.run(&format!(
        "CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{role}', anonymous => true)"
    ));
    stage.session_of(&role)
}

#[test]
fn the_panels_of_the_dashboard_show_something() {
    let mut stage = copies::stage(200);
    stage.session.run(
        "INSERT INTO pluralsight_copy.prices (product_id, price, currency) SELECT product_id, 399, 'EUR' FROM pluralsight_copy.licenses",
    );
    let mut session = monitor(&mut stage);
    let dashboard: Value = serde_json::from_str(&text("grafana/dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    assert!(panels.len() >= 7);
    for panel in panels {
        let query = panel["targets"][0]["rawSql"].as_str().expect("a query");
        let rows = session.rows(query);
        assert!(!rows.is_empty(), "{}", panel["title"]);
        assert!(rows.iter().all(|row| row.iter().any(Option::is_some)));
    }
}

/// The queries of the file, each with the columns that it declares.
fn metrics(file: &str) -> Vec<(String, Vec<String>)> {
    let mut metrics: Vec<(String, Vec<String>)> = Vec::new();
    let mut in_query = false;
    for line in file.lines() {
        if line.starts_with("  query: |") {
            metrics.push((String::new(), Vec::new()));
            in_query = true;
        } else if line.starts_with("  metrics:") {
            in_query = false;
        } else if let Some((query, columns)) = metrics.last_mut() {
            if in_query {
                query.push_str(line);
                query.push('\n');
            } else if let Some(column) = line.strip_prefix("    - ") {
                columns.push(column.trim_end_matches(':').to_owned());
            }
        }
    }
    metrics
}

#[test]
fn the_metrics_are_what_their_queries_answer() {
    let mut stage = copies::stage(200);
    let mut session = monitor(&mut stage);
    let metrics = metrics(&text("prometheus/queries.yaml"));
    assert_eq!(metrics.len(), 2);
    for (query, columns) in metrics {
        let row = session
            .value(&format!(
                "SELECT array_to_string(ARRAY(SELECT jsonb_object_keys(to_jsonb(metric)) ORDER BY 1), ' ') FROM ({query}) AS metric LIMIT 1"
            ));
        let mut declared = columns;
        declared.sort();
        assert_eq!(row, declared.join(" "));
    }
}
