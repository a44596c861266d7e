//! SQL functions. What can be said in SQL is said in `sql/`.

use pgrx::prelude::*;

/// The comments that columns get when they are imported, a row a column.
#[pg_extern(immutable, parallel_safe, name = "declared_columns")]
fn declared_columns() -> TableIterator<'static, (name!(query, String), name!(column_name, String), name!(table_comment, String), name!(column_comment, String))> {
    let rows: Vec<_> = pluralsight_catalog::tables::ALL
        .iter()
        .flat_map(|table| {
            table
                .columns
                .iter()
                .map(|column| (table.query.to_owned(), column.name.to_owned(), table.comment.to_owned(), column.comment.to_owned()))
        })
        .collect();
    TableIterator::new(rows)
}

extension_sql_file!("../sql/comments.sql", name = "comments", requires = [declared_columns]);
extension_sql_file!("../sql/views.sql", name = "views");
