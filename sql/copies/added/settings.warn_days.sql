-- How many days before licenses run out a refresh says so.
ALTER TABLE settings ADD COLUMN warn_days integer NOT NULL DEFAULT 30 CHECK (warn_days BETWEEN 0 AND 36500);
COMMENT ON COLUMN settings.warn_days IS 'refresh() tells of licenses that run out within so many days.';
