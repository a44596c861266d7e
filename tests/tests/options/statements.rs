//! Statements that give options, and what is said to each of them.

/// A statement of another kind, and its error's SQLSTATE, message and HINT; no SQLSTATE where it is accepted. `{server}`
/// and the like stand for the list of options there.
pub const STATEMENTS: &[(&str, &str, &str, &str)] = &[
    // Names that are not there, with the nearest one that is.
    (
        "CREATE SERVER s FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (page_sise '5')",
        "HV00D",
        "invalid option \"page_sise\" for a server",
        "Perhaps you meant \"page_size\". Valid options are: {server}.",
    ),
    (
        "CREATE SERVER s FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_ulr 'https://x.example/')",
        "HV00D",
        "invalid option \"api_ulr\" for a server",
        "Perhaps you meant \"api_url\". Valid options are: {server}.",
    ),
    (
        "CREATE SERVER s FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (color 'red')",
        "HV00D",
        "invalid option \"color\" for a server",
        "Valid options are: {server}.",
    ),
    (
        "CREATE SERVER s FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (\"API_URL\" 'https://x.example/')",
        "HV00D",
        "invalid option \"API_URL\" for a server",
        "Valid options are: {server}.",
    ),
    (
        "CREATE USER MAPPING FOR PUBLIC SERVER pluralsight OPTIONS (api_tokne 'a')",
        "HV00D",
        "invalid option \"api_tokne\" for a user mapping",
        "Perhaps you meant \"api_token\". Valid options are: {user mapping}.",
    ),
    (
        "CREATE FOREIGN TABLE t (user_id text) SERVER pluralsight OPTIONS (quary 'users')",
        "HV00D",
        "invalid option \"quary\" for a foreign table",
        "Perhaps you meant \"query\". Valid options are: {foreign table}.",
    ),
    (
        "CREATE FOREIGN TABLE t (user_id text OPTIONS (feild 'x')) SERVER pluralsight OPTIONS (query 'users')",
        "HV00D",
        "invalid option \"feild\" for a column",
        "Perhaps you meant \"field\". Valid options are: {column}.",
    ),
    (
        "ALTER FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (ADD color 'red')",
        "HV00D",
        "invalid option \"color\" for a foreign-data wrapper",
        "A foreign-data wrapper has no options here.",
    ),
    (
        "ALTER FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (ADD api_url 'https://x.example/')",
        "HV00D",
        "invalid option \"api_url\" for a foreign-data wrapper",
        "It belongs to a server.",
    ),
    // Options that no object can be with, or without.
    (
        "CREATE FOREIGN TABLE t (user_id text) SERVER pluralsight",
        "HV00J",
        "option \"query\" is missing: which GraphQL query does the table read?",
        "CALL pluralsight_fdw.set_up('pluralsight'); makes the tables with all their options. By hand, add for example OPTIONS (query 'users').",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users OPTIONS (DROP query)",
        "HV00J",
        "option \"query\" is missing: which GraphQL query does the table read?",
        "CALL pluralsight_fdw.set_up('pluralsight'); makes the tables with all their options. By hand, add for example OPTIONS (query 'users').",
    ),
    (
        "CREATE FOREIGN TABLE t (user_id text OPTIONS (only_where 'x', only_where_not 'y')) SERVER pluralsight OPTIONS (query 'users')",
        "HV00D",
        "options \"only_where\" and \"only_where_not\" exclude one another",
        "",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN email OPTIONS (ADD only_where 'x', ADD only_where_not 'y')",
        "HV00D",
        "options \"only_where\" and \"only_where_not\" exclude one another",
        "",
    ),
    (
        "CREATE FOREIGN TABLE t (user_id text) SERVER pluralsight OPTIONS (query 'users', query 'users')",
        "42710",
        "option \"query\" provided more than once",
        "",
    ),
    // Two tokens at one level; one at each is the rule.
    (
        "CREATE USER MAPPING FOR PUBLIC SERVER pluralsight OPTIONS (api_token 'a', api_token_file '/x')",
        "HV00D",
        "a user mapping can name one API token, not 2",
        "Given are api_token and api_token_file; keep one of them.",
    ),
    (
        "CREATE SERVER s FOREIGN DATA WRAPPER pluralsight_fdw OPTIONS (api_token_file '/x', api_token_name 'b')",
        "HV00D",
        "a server can name one API token, not 2",
        "Given are api_token_file and api_token_name; keep one of them.",
    ),
    (
        "CREATE USER MAPPING FOR PUBLIC SERVER pluralsight OPTIONS (api_token_name 'a', api_token_id '0b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a11', api_token 'b')",
        "HV00D",
        "a user mapping can name one API token, not 3",
        "Given are api_token, api_token_id and api_token_name; keep one of them.",
    ),
    (
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (ADD api_token_name 'x')",
        "HV00D",
        "a user mapping can name one API token, not 2",
        "Given are api_token and api_token_name; keep one of them.",
    ),
    (
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token, ADD api_token_name 'x')",
        "",
        "",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (ADD api_token_name 'x')",
        "",
        "",
        "",
    ),
    // ALTER.
    (
        "ALTER SERVER pluralsight OPTIONS (ADD page_size '50', ADD max_attempts '5')",
        "",
        "",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (page_size '50')",
        "",
        "",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (ADD page_size '0')",
        "HV024",
        "invalid value for option \"page_size\": must be a whole number from 1 to 10000",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (SET page_size '50')",
        "42704",
        "option \"page_size\" not found",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (DROP page_size)",
        "42704",
        "option \"page_size\" not found",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (ADD api_url 'https://x.example/')",
        "42710",
        "option \"api_url\" provided more than once",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (SET api_url 'https://x.example/')",
        "",
        "",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (SET api_url 'http://x.example/')",
        "HV024",
        "invalid value for option \"api_url\": it must begin with https://; http:// is for this machine's own addresses alone, such as http://127.0.0.1:4000/graphql",
        "",
    ),
    (
        "ALTER SERVER pluralsight OPTIONS (DROP api_url)",
        "",
        "",
        "",
    ),
    (
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token 'other')",
        "",
        "",
        "",
    ),
    (
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (DROP api_token)",
        "",
        "",
        "",
    ),
    (
        "ALTER USER MAPPING FOR CURRENT_USER SERVER pluralsight OPTIONS (SET api_token 'a b')",
        "HV024",
        "invalid value for option \"api_token\": it holds a space, a line break or another character that no API key has",
        "",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users OPTIONS (SET query 'teams')",
        "",
        "",
        "",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users OPTIONS (ADD row '5')",
        "HV00D",
        "invalid option \"row\" for a foreign table",
        "Perhaps you meant \"rows\". Valid options are: {foreign table}.",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN email OPTIONS (SET field 'a b')",
        "HV024",
        "invalid value for option \"field\": must be GraphQL names joined by dots, such as teams.edges.node.name, and nothing else",
        "",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN email OPTIONS (SET field 'mail')",
        "",
        "",
        "",
    ),
    (
        "ALTER FOREIGN TABLE pluralsight.users ALTER COLUMN email OPTIONS (DROP field)",
        "",
        "",
        "",
    ),
    // IMPORT FOREIGN SCHEMA has one option of its own.
    (
        "IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO public OPTIONS (discover 'all')",
        "",
        "",
        "",
    ),
    (
        "IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO public OPTIONS (discover 'some')",
        "HV024",
        "invalid value for option \"discover\": must be declared, all or off",
        "",
    ),
    (
        "IMPORT FOREIGN SCHEMA pluralsight FROM SERVER pluralsight INTO public OPTIONS (discovr 'all')",
        "HV00D",
        "invalid option \"discovr\" for IMPORT FOREIGN SCHEMA",
        "The one option here is discover: declared, all or off.",
    ),
];
