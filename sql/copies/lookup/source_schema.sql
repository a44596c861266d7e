-- The schema whose tables were copied last.
SELECT settings.source_schema::text FROM settings
