-- The plan that most rows of a copy, or of what was read for it (this_table), belong to.
SELECT mode() WITHIN GROUP (ORDER BY plan_id)::text FROM this_table
