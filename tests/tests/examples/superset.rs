//! The export of a Superset dashboard names what is there: its columns are those of the views, its charts ask for what runs.

use super::text;
use behaviour::copies;
use serde_json::Value;
use std::fs;

/// The files of a folder of the export, in order.
fn files(folder: &str) -> Vec<String> {
    let folder = format!("superset/{folder}");
    let path = format!("{}/../examples/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<_> = fs::read_dir(path)
        .expect("the folder is there")
        .map(|file| file.expect("a file").file_name())
        .collect();
    names.sort();
    names
        .iter()
        .map(|name| text(&format!("{folder}/{}", name.to_string_lossy())))
        .collect()
}

/// What stands behind a key, at whatever depth, in the lines after each other.
fn scalars<'a>(yaml: &'a str, key: &str) -> Vec<&'a str> {
    let key = format!("{key}: ");
    yaml.lines()
        .filter_map(|line| {
            line.trim_start_matches([' ', '-'])
                .strip_prefix(key.as_str())
        })
        .collect()
}

fn scalar<'a>(yaml: &'a str, key: &str) -> &'a str {
    scalars(yaml, key)
        .first()
        .unwrap_or_else(|| panic!("no {key}"))
}

struct Dataset {
    uuid: String,
    /// What a FROM clause says.
    from: String,
    table: String,
    /// Null where a column is one of the view, or what computes it.
    columns: Vec<(String, Option<String>)>,
    is_query: bool,
}

fn dataset(yaml: &str) -> Dataset {
    let table = scalar(yaml, "table_name").to_owned();
    let sql = yaml.split_once("\nsql: |\n").map(|(_, rest)| {
        rest.lines()
            .take_while(|line| line.starts_with("  "))
            .collect::<Vec<_>>()
            .join("\n")
    });
    let columns = yaml
        .split("- column_name: ")
        .skip(1)
        .map(|column| {
            let name = column.lines().next().expect("a name").to_owned();
            let expression = scalars(column, "expression").first().map(|&it| it.into());
            (name, expression)
        })
        .collect();
    Dataset {
        uuid: scalar(yaml, "uuid").to_owned(),
        is_query: sql.is_some(),
        from: match sql {
            Some(sql) => format!("({sql})"),
            None => format!("{}.{table}", scalar(yaml, "schema")),
        },
        table,
        columns,
    }
}

impl Dataset {
    /// A column as Superset selects it.
    fn select(&self, column: &Value) -> String {
        let name = column
            .as_str()
            .or(column["sqlExpression"].as_str())
            .expect("a name");
        let (_, expression) = self
            .columns
            .iter()
            .find(|(known, _)| known == name)
            .unwrap_or_else(|| panic!("{} has no {name}", self.table));
        expression.clone().unwrap_or_else(|| name.to_owned())
    }
}

#[test]
fn the_charts_of_superset_show_something_of_what_the_views_have() {
    let mut stage = copies::stage(200);
    stage.session.run(
        "INSERT INTO pluralsight_copy.prices (product_id, price, currency) SELECT product_id, 399, 'EUR' FROM pluralsight_copy.licenses",
    );
    let datasets: Vec<Dataset> = files("datasets/Pluralsight")
        .iter()
        .map(|yaml| dataset(yaml))
        .collect();
    for dataset in datasets.iter().filter(|dataset| !dataset.is_query) {
        let held = stage.session.column(&format!(
            "SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = 'pluralsight_copy.{}'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            dataset.table,
        ));
        let named: Vec<&String> = dataset
            .columns
            .iter()
            .filter_map(|(name, expression)| expression.is_none().then_some(name))
            .collect();
        assert_eq!(named, held.iter().collect::<Vec<_>>(), "{}", dataset.table);
    }
    let role = stage.role("analyst");
    stage.session.run(&format!(
        "CALL pluralsight_fdw.grant_reading('pluralsight_copy', '{role}')"
    ));
    let mut session = stage.session_of(&role);
    let charts = files("charts");
    let dashboard = files("dashboards").remove(0);
    assert_eq!(scalars(&dashboard, "chartId").len(), charts.len());
    for chart in charts {
        let title = scalar(&chart, "slice_name");
        assert!(dashboard.contains(scalar(&chart, "uuid")), "{title}");
        let dataset = datasets
            .iter()
            .find(|dataset| dataset.uuid == scalar(&chart, "dataset_uuid"))
            .unwrap_or_else(|| panic!("{title}: no such dataset"));
        let context = scalar(&chart, "query_context")
            .trim_matches('\'')
            .replace("''", "'");
        let context: Value = serde_json::from_str(&context).expect("JSON");
        let query = &context["queries"][0];
        let list = |key: &str| query[key].as_array().expect("a list").clone();
        let columns: Vec<String> = list("columns")
            .iter()
            .map(|it| dataset.select(it))
            .collect();
        let metrics: Vec<String> = list("metrics")
            .iter()
            .map(|metric| metric["sqlExpression"].as_str().expect("SQL").to_owned())
            .collect();
        // What Superset shows in a browser comes from `params`, and what its API answers from the context.
        let (params, _) = chart.split_once("query_context:").expect("a context");
        for column in list("columns") {
            if let Some(name) = column.as_str() {
                assert!(
                    params.contains(&format!("- {name}\n"))
                        || params.contains(&format!(": {name}\n")),
                    "{title}: {name}"
                );
            }
        }
        for metric in &metrics {
            assert!(
                scalars(params, "sqlExpression").contains(&metric.as_str()),
                "{title}: {metric}"
            );
        }
        let condition = query["extras"]["where"].as_str().expect("a condition");
        let rows = session.rows(&format!(
            "SELECT {} FROM {} AS shown {} {}",
            [columns.clone(), metrics.clone()].concat().join(", "),
            dataset.from,
            if condition.is_empty() {
                String::new()
            } else {
                format!("WHERE {condition}")
            },
            if metrics.is_empty() || columns.is_empty() {
                String::new()
            } else {
                format!("GROUP BY {}", columns.join(", "))
            },
        ));
        assert!(!rows.is_empty(), "{title}");
        assert!(
            rows.iter().all(|row| row.iter().any(Option::is_some)),
            "{title}"
        );
    }
}
