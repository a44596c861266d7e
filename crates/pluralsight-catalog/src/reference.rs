//! The reference page of the tables, in Markdown.

use crate::{FilterKind, Presence, tables};

/// The whole of `docs/tables.md`.
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Foreign tables\n\n\
         What `IMPORT FOREIGN SCHEMA pluralsight` creates. This page is generated from the declarations in\n\
         `crates/pluralsight-catalog/src/tables/`; `make docs` writes it anew.\n\n\
         A column marked \u{2020} is imported only where the live schema is known to have its field; a filter so marked is used\n\
         only then, too.\n",
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
