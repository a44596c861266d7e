-- What refresh $1 saw running out.
UPDATE refresh_log SET runs_out = $2 WHERE id = $1
