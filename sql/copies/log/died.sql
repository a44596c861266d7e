-- Whoever is still noted as running does not hold the lock, and is gone.
UPDATE refresh_log
SET outcome = 'died', finished_at = clock_timestamp(), error = 'the session or the server ended in the middle'
WHERE outcome = 'running'
