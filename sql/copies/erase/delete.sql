-- Deletes what a table of the set (this_table) says of person $1.
DELETE FROM this_table AS person
WHERE person.user_id::text = $1
