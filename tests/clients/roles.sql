-- Who the clients are: an analyst, who reads copies and their views, and a role in front of her, as PostgREST has it.
CREATE ROLE analyst LOGIN;
CALL pluralsight_fdw.grant_reading('pluralsight_copy', 'analyst');
CREATE SCHEMA seats AUTHORIZATION analyst;
GRANT CREATE ON DATABASE postgres TO analyst;
CREATE ROLE authenticator LOGIN NOINHERIT;
GRANT analyst TO authenticator;
CREATE ROLE exporter LOGIN;
CALL pluralsight_fdw.grant_reading('pluralsight_copy', 'exporter', anonymous => true);
