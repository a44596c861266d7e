//! Changes of options, as SQL.

use std::collections::BTreeSet;

use super::mapping::Mend;
use crate::ddl::{change, quote_identifier};

/// One statement that makes all these changes; `schema_table` is the quoted name of the table, and `has` says which
/// options are there.
pub fn mend_statement(
    schema_table: &str,
    mends: &[Mend],
    has: impl Fn(Option<&str>, &str) -> bool,
) -> String {
    let changed = |mend: &Mend| {
        change(
            has(mend.column.as_deref(), mend.option),
            mend.option,
            mend.value.as_deref(),
        )
    };
    let mut actions: Vec<String> = Vec::new();
    let own: Vec<String> = mends
        .iter()
        .filter(|mend| mend.column.is_none())
        .filter_map(changed)
        .collect();
    if !own.is_empty() {
        actions.push(format!("OPTIONS ({})", own.join(", ")));
    }
    let columns: BTreeSet<&str> = mends
        .iter()
        .filter_map(|mend| mend.column.as_deref())
        .collect();
    for column in columns {
        let changes: Vec<String> = mends
            .iter()
            .filter(|mend| mend.column.as_deref() == Some(column))
            .filter_map(changed)
            .collect();
        if !changes.is_empty() {
            actions.push(format!(
                "ALTER COLUMN {} OPTIONS ({})",
                quote_identifier(column),
                changes.join(", ")
            ));
        }
    }
    format!("ALTER FOREIGN TABLE {schema_table} {};", actions.join(", "))
}
