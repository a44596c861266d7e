//! The reference page of the tables, in Markdown.

use crate::declaration::{FilterKind, Presence};
use crate::tables;

/// The whole of `docs/tables.md`.
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Foreign tables\n\n\
         What `CALL pluralsight_fdw.set_up('pluralsight')` and `IMPORT FOREIGN SCHEMA pluralsight` create. This page is\n\
         generated from the declarations in `crates/pluralsight-catalog/src/tables/`; `make docs` writes it anew.\n\n\
         Every table has all these columns. A column whose field the API lacks has the option `absent 'true'`: it reads NULL\n\
         and is never asked for. If the API does not tell its schema, the columns and filters marked \u{2020} count as absent.\n",
    );
    for table in tables::ALL {
        page.push_str(&format!(
            "\n## {}\n\n{}\n\nGraphQL query `{}`, shape `{}`",
            table.name,
            table.comment,
            table.query,
            table.shape.name()
        ));
        match table.key.and_then(|fields| fields.first()) {
            Some(key) => page.push_str(&format!(", key `{key}`.\n")),
            None => page.push_str(", no key.\n"),
        }
        page.push_str("\n| column | type | field | meaning |\n| --- | --- | --- | --- |\n");
        for column in table.columns {
            let mark = mark(column.presence);
            let mut field = format!("`{}`", column.fields.join("` or `"));
            if let Some(path) = column.only_where {
                field.push_str(&format!(" where `{path}`"));
            }
            if let Some(path) = column.only_where_not {
                field.push_str(&format!(" where not `{path}`"));
            }
            if let Some(aggregate) = column.aggregate {
                field.push_str(&format!(" ({aggregate})"));
            }
            if column.null_as_empty {
                field.push_str("; null reads as an empty list");
            }
            page.push_str(&format!(
                "| `{}`{mark} | {} | {field} | {} |\n",
                column.name,
                column.sql_type.sql(),
                column.comment
            ));
        }
        if table.filters.is_empty() {
            page.push_str("\nThe API takes no filter here: every condition is checked locally.\n");
            continue;
        }
        page.push_str("\n| filter | compares | takes | checked again locally for `count(*)` and `LIMIT` |\n| --- | --- | --- | --- |\n");
        for filter in table.filters {
            let takes = match filter.kind {
                FilterKind::List => "a list of values",
                FilterKind::Scalar => "one value",
                FilterKind::Pattern => "a part of the text",
            };
            page.push_str(&format!(
                "| `{}`{} | `{}` | {takes} | {} |\n",
                filter.name,
                mark(filter.presence),
                filter.field,
                if filter.exact { "no" } else { "yes" }
            ));
        }
    }
    page
}

fn mark(presence: Presence) -> &'static str {
    match presence {
        Presence::Declared => "",
        Presence::Discovered => " \u{2020}",
    }
}
