-- The page's data as one JSON object. $1: title, $2: schema. `parts` are the other files here, by their names.
SELECT
    convert_to(
        (
            jsonb_build_object('title', $1, 'schema', quote_ident($2), 'written_at', statement_timestamp())
            || jsonb_object_agg(part.name, part.content)
        )::text,
        'UTF8'
    )
FROM parts AS part
