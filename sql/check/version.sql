-- The version of this extension that is installed, and the newest.
SELECT installed.extversion || ' ' || available.default_version
FROM pg_extension AS installed
JOIN pg_available_extensions AS available ON available.name = installed.extname
WHERE installed.extname = 'pluralsight_fdw'
