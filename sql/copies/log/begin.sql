-- A refresh begins. $1: forced, $2: role, $3: process id, $4: system identifier.
INSERT INTO refresh_log (forced, started_by, pid, system_identifier)
VALUES ($1, $2::text::name, $3, $4)
RETURNING id
