-- How many objects there still are in schema $1.
SELECT count(*)
FROM pg_depend AS held
WHERE held.refclassid = 'pg_namespace'::regclass
  AND held.refobjid = $1
