-- Whether a table that users fill in (this_table) has rows.
SELECT EXISTS (SELECT FROM this_table)
