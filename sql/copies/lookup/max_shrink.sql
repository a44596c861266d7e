-- The part of its rows that a copy may lose in one refresh.
SELECT settings.max_shrink::double precision FROM settings
