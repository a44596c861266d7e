-- What a refresh saw running out (forecast.rs); NULL where it did not look.
ALTER TABLE refresh_log ADD COLUMN runs_out text[];
COMMENT ON COLUMN refresh_log.runs_out IS 'Products whose licenses run out within settings.warn_days, as license_forecast said then.';
