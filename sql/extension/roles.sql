-- Roles belong to the whole cluster, so another database, or an earlier installation, may have made them; and another
-- database may be making them right now.
DO $roles$
BEGIN
    CREATE ROLE pluralsight_fdw_admin NOLOGIN;
    COMMENT ON ROLE pluralsight_fdw_admin IS 'May say where pluralsight_fdw sends tokens: the server options api_url and proxy.';
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$roles$;

DO $roles$
BEGIN
    CREATE ROLE pluralsight_reader NOLOGIN;
    COMMENT ON ROLE pluralsight_reader IS 'To be granted the views and stored copies of pluralsight_fdw, without its tables and tokens.';
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$roles$;
