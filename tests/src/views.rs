//! The marks by which the extension knows views of its own.

const MARK: &str = include_str!("../../sql/views/lookup/mark.sql");

/// The statement that marks a view on the search path as one that the extension has made as it is now.
pub fn mark_as_made(view: &str) -> String {
    let mark = MARK.replace(
        "$1",
        r"concat_ws(E'\n', pg_get_viewdef(oid), array_to_string(reloptions, ' '))",
    );
    format!(
        "DO $do$ BEGIN EXECUTE (
             SELECT format('COMMENT ON VIEW {view} IS %L', concat(obj_description(oid, 'pg_class'), ' [as made by pluralsight_fdw, ', ({mark}), ']'))
             FROM pg_class WHERE oid = '{view}'::regclass
         ); END $do$"
    )
}

/// The statement that makes the mark of a view one that PostgreSQL 9 would have printed the view for.
pub fn mark_as_of_another_version(view: &str) -> String {
    format!(
        r"DO $do$ BEGIN EXECUTE (
             SELECT format('COMMENT ON VIEW {view} IS %L', regexp_replace(obj_description('{view}'::regclass), 'fdw, \d+ [0-9a-f]+ ', 'fdw, 9 000000000000 '))
         ); END $do$"
    )
}
