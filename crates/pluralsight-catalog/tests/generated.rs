//! What is written from the declarations is true of them. `make docs` (UPDATE=1) writes it anew.

use std::path::{Path, PathBuf};

use pluralsight_api::{FieldPath, Selection};
use pluralsight_catalog::{ImportedTable, reference_page, tables};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn check(path: &Path, expected: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, expected).expect("the file can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == expected,
        "{} is not true any more: run `make docs`",
        path.display()
    );
}

#[test]
fn the_reference_page_is_true() {
    check(&root().join("docs/tables.md"), &reference_page());
}

#[test]
fn the_documents_ask_for_the_declared_columns() {
    for table in tables::ALL {
        let mut paths = Vec::new();
        for column in ImportedTable::declared(table).columns {
            if column.absent {
                continue;
            }
            for path in [Some(column.field), column.only_where, column.only_where_not]
                .into_iter()
                .flatten()
            {
                paths.push(FieldPath::parse(&path).expect("a declared path"));
            }
        }
        let path = root().join(format!("graphql/{}.graphql", table.name));
        // A new table has no document yet; the comment at the head of one is kept.
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        let comment = found
            .split_inclusive('\n')
            .take_while(|line| line.starts_with('#'));
        let document = table
            .operation()
            .document(&Selection::from_paths(&paths), table.filter_type.is_some());
        check(&path, &format!("{}{document}", comment.collect::<String>()));
    }
}
