//! Lists inside records that come in pages, as memberships do: where they say that they were cut, and how many they are
//! asked for.

use pluralsight_api::{Constant, FieldPath};

use crate::ddl::ImportedTable;

/// Where a page inside a record says that more follow.
const MORE: &str = "pageInfo.hasNextPage";
/// Entries of such a list that one answer is asked to hold: more than most records have, and fewer than any API refuses.
const ENTRIES: u32 = 100;
/// The most that it is ever asked to hold.
pub(crate) const MOST_ENTRIES: u64 = 10_000;

/// The lists on the way of a path that seem to come in pages.
fn pages(path: &str) -> impl Iterator<Item = &str> {
    let is_page = |rest: &str| {
        rest == "nodes"
            || rest == "edges"
            || rest.starts_with("nodes.")
            || rest.starts_with("edges.")
    };
    path.match_indices('.')
        .filter(move |(dot, _)| path.get(dot + 1..).is_some_and(is_page))
        .filter_map(|(dot, _)| path.get(..dot))
}

/// Where the lists that the table reads say that they were cut, if they come in pages.
pub(crate) fn truncation(table: &ImportedTable) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for column in table.columns.iter().filter(|column| !column.absent) {
        for page in pages(&column.field) {
            let path = truncated(page);
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    paths
}

/// Where a list inside a record says that it was cut.
pub(crate) fn truncated(list: &str) -> String {
    format!("{list}.{MORE}")
}

/// The list that a path of `truncated` speaks of.
pub(crate) fn list_of(truncated: &str) -> Option<&str> {
    truncated.strip_suffix(MORE)?.strip_suffix('.')
}

/// The argument that says how many entries of a list inside a record are wanted.
pub(crate) fn size(list: &str, argument: &str) -> Option<Constant> {
    let path = FieldPath::parse(&format!("{list}.{argument}")).ok()?;
    Some(Constant {
        path,
        of_type: None,
        value: ENTRIES.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_come_in_pages_are_seen_in_a_path() {
        for (path, expected) in [
            ("email", &[][..]),
            ("nodes.id", &[]),
            ("products.id", &[]),
            ("products.nodesOf.id", &[]),
            ("products.nodes.id", &["products"]),
            ("products.nodes", &["products"]),
            ("teams.edges.node.id", &["teams"]),
            ("a.b.edges.node.c.nodes.d", &["a.b", "a.b.edges.node.c"]),
        ] {
            assert_eq!(pages(path).collect::<Vec<_>>(), expected, "{path}");
        }
        assert_eq!(list_of(&truncated("a.teams")), Some("a.teams"));
        assert_eq!(list_of("pageInfo.hasNextPage"), None);
    }
}
