-- What the API has said beside its data: deprecations with their dates, an expired key, a page that was cut.
CREATE VIEW api_announcements AS
SELECT heard_at, table_name, announcement
FROM pluralsight_fdw_internal.announcements_heard();

COMMENT ON VIEW api_announcements IS 'What the API has said beside its data in this session.';
COMMENT ON COLUMN api_announcements.heard_at IS 'When this session first heard it.';
COMMENT ON COLUMN api_announcements.table_name IS 'The foreign table that was read.';
COMMENT ON COLUMN api_announcements.announcement IS 'The API''s own words.';

GRANT SELECT ON api_announcements TO PUBLIC;
