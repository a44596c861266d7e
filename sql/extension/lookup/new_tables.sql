-- The foreign tables of the statement that ended. Only an event trigger can run it.
SELECT DISTINCT objid
FROM pg_event_trigger_ddl_commands()
WHERE classid = 'pg_class'::regclass
  AND command_tag = 'CREATE FOREIGN TABLE'
