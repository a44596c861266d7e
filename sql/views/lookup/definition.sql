-- The query and the options of view $1, as PostgreSQL prints them with the view's schema on the search path; so everything
-- here is qualified.
SELECT pg_catalog.concat_ws(
    E'\n',
    pg_catalog.pg_get_viewdef(view.oid),
    (
        SELECT pg_catalog.string_agg(option, ' ' ORDER BY option USING OPERATOR(pg_catalog.<))
        FROM pg_catalog.unnest(view.reloptions) AS option
    )
)
FROM pg_catalog.pg_class AS view
WHERE view.oid OPERATOR(pg_catalog.=) $1
