-- The tables that are copied, in the order in which they are refreshed.
SELECT copied.name::text
FROM settings
CROSS JOIN LATERAL unnest(settings.tables) WITH ORDINALITY AS copied (name, place)
ORDER BY copied.place
