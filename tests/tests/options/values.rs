//! Values of options, taken and refused.

use super::*;

pub const VALUES: &[Values] = &[
    (
        &[Server],
        "api_url",
        &[
            "https://paas-api.pluralsight.com/graphql",
            "https://api.corp.example:8443/graphql",
            "http://127.0.0.1:4000/graphql",
            "http://localhost/graphql",
            "http://[::1]:4000/graphql",
        ],
        &[
            (
                "",
                "it is not a URL (relative URL without a base); it looks like https://paas-api.pluralsight.com/graphql",
            ),
            (
                "api.pluralsight.com/graphql",
                "it is not a URL (relative URL without a base); it looks like https://paas-api.pluralsight.com/graphql",
            ),
            (
                "http://api.pluralsight.com/graphql",
                "it must begin with https://; http:// is for this machine's own addresses alone, such as http://127.0.0.1:4000/graphql",
            ),
            (
                "http://localhost.evil.example/",
                "it must begin with https://; http:// is for this machine's own addresses alone, such as http://127.0.0.1:4000/graphql",
            ),
            ("ftp://x.example/", "it must begin with https://"),
            ("file:///etc/passwd", "it must begin with https://"),
            (
                "https://someone:hunter2@x.example/graphql",
                "it must hold no user name or password",
            ),
            (
                "https://x.example/graphql?key=1",
                "it must hold no query (?…)",
            ),
            (
                "https://x.example/graphql#x",
                "it must hold no fragment (#…)",
            ),
        ],
    ),
    (
        &[Server, UserMapping],
        "api_token",
        // A blank one counts as none.
        &["abc", " abc ", "", "  "],
        &[("a b", TOKEN), ("schlüssel", TOKEN), ("a\nb", TOKEN)],
    ),
    (
        &[Server, UserMapping],
        "api_token_file",
        &["/run/secrets/pluralsight"],
        &[("secrets/pluralsight", FILE), ("", FILE), ("~/token", FILE)],
    ),
    (
        &[Server, UserMapping],
        "api_token_id",
        &[
            "0b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a11",
            "0B0F5C3E-7A1F-4B7E-9C0F-2F4F3F6F7A11",
        ],
        &[
            ("123", UUID),
            ("", UUID),
            ("0b0f5c3e7a1f4b7e9c0f2f4f3f6f7a11", UUID),
            ("0b-0f5c3e7a1f-4b7e-9c0f-2f4f3f6f7a11", UUID),
            ("0b0f5c3e-7a1f-4b7e-9c0f-2f4f3f6f7a1g", UUID),
        ],
    ),
    (
        &[Server, UserMapping],
        "api_token_name",
        &["pluralsight", "the key of Acme"],
        &[("", "must not be blank"), (" ", "must not be blank")],
    ),
    (
        &[Server, UserMapping],
        "api_token_sealed",
        &[
            "sealed:1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ],
        &[
            ("abc", SEALED),
            ("", SEALED),
            ("sealed:1:AAAA", SEALED),
            ("sealed:1:no base64!", SEALED),
            ("sealed:2:AAAA", SEALED),
        ],
    ),
    (
        &[Server],
        "ca_file",
        &["/etc/ssl/corp.pem"],
        &[("corp.pem", FILE), ("", FILE)],
    ),
    (
        &[Server],
        "proxy",
        &[
            "http://proxy.corp.example:3128",
            "https://proxy.corp.example",
        ],
        &[
            ("proxy.corp.example:3128", PROXY),
            ("socks5://proxy.corp.example", PROXY),
            ("http://someone:hunter2@proxy.corp.example", PROXY),
            ("nonsense", "must be a URL (relative URL without a base)"),
        ],
    ),
    (
        &[Server, Table],
        "page_size",
        &["1", "10000", " 500 "],
        &[
            ("0", PAGE),
            ("10001", PAGE),
            ("-5", PAGE),
            ("1.5", PAGE),
            ("", PAGE),
            ("many", PAGE),
        ],
    ),
    (
        &[Server],
        "max_attempts",
        &["1", "10"],
        &[("0", ATTEMPTS), ("11", ATTEMPTS), ("three", ATTEMPTS)],
    ),
    (
        &[Server],
        "initial_backoff",
        &["0ms", "250 ms", "24h"],
        &[
            ("250", DURATION),
            ("-1s", DURATION),
            ("25h", DURATION),
            ("2d", DURATION),
            ("", DURATION),
        ],
    ),
    (
        &[Server],
        "max_backoff",
        &["0s", "30s"],
        &[("30", DURATION), ("1.5s", DURATION)],
    ),
    (
        &[Server],
        "request_timeout",
        &["1min"],
        &[
            ("0s", "must be longer than 0"),
            ("soon", DURATION),
            ("99999999999999999999s", DURATION),
        ],
    ),
    (
        &[Server],
        "connect_timeout",
        &["500ms"],
        &[("0ms", "must be longer than 0"), ("5 fortnights", DURATION)],
    ),
    (
        &[Server],
        "max_response_size",
        &["512kB", "1GB"],
        &[
            ("2GB", SIZE),
            ("0MB", SIZE),
            ("32", SIZE),
            ("32mb", SIZE),
            ("", SIZE),
        ],
    ),
    (
        &[Server, Table],
        "on_incomplete",
        &["error", "warning"],
        &[
            ("ignore", "must be error or warning"),
            ("", "must be error or warning"),
        ],
    ),
    (
        &[Server, Table],
        "on_drift",
        &["ignore", "retry", "error"],
        &[
            ("warning", "must be ignore, retry or error"),
            ("", "must be ignore, retry or error"),
        ],
    ),
    (
        &[Server, Table],
        "pushdown_filter",
        &["on", "OFF"],
        &[("maybe", SWITCH), ("", SWITCH)],
    ),
    (
        &[Server, Table],
        "pushdown_limit",
        &["true", "0"],
        &[("2", SWITCH)],
    ),
    (
        &[Server, Table],
        "pushdown_count",
        &["yes", "no"],
        &[("maybe", SWITCH)],
    ),
    (
        &[Server, Table],
        "pushdown_join",
        &["1", "false"],
        &[("maybe", SWITCH)],
    ),
    (
        &[Table],
        "query",
        &["users", "somethingNew"],
        &[
            ("us ers", NAME),
            ("a.b", NAME),
            ("", NAME),
            ("1x", NAME),
            ("users { email }", NAME),
        ],
    ),
    (
        &[Table],
        "shape",
        &["connection", "object", "list"],
        &[
            ("tree", "must be connection, object or list"),
            ("", "must be connection, object or list"),
        ],
    ),
    (
        &[Table],
        "key",
        &["psUserId", "team.id"],
        &[("a b", PATH), ("", PATH)],
    ),
    (
        &[Table],
        "filters",
        &["emails, ids", "colors[]=color", "name~=name", ""],
        &[
            (
                "colors",
                "filter \"colors\" is not known; say what it compares: name=field for one value, name[]=field for a list, name~=field for a part of a text",
            ),
            ("a b=c", "\"a b\" is not a GraphQL name"),
            ("color={x}", "\"{x}\" is not a GraphQL name"),
        ],
    ),
    (
        &[Table],
        "truncated",
        &["teams.pageInfo.hasNextPage", "a, b.c"],
        &[("a..b", PATH), ("a, b c", PATH)],
    ),
    (
        &[Table],
        "rows",
        &["0", "1000"],
        &[("-1", ROWS), ("few", ROWS), ("", ROWS)],
    ),
    (
        &[Column],
        "field",
        &["email", "teams.edges.node.name"],
        &[("a { b }", PATH), ("", PATH), ("a,b", PATH), ("1a", PATH)],
    ),
    (&[Column], "only_where", &["isOnAccount"], &[("a-b", PATH)]),
    (&[Column], "only_where_not", &["isOnAccount"], &[("", PATH)]),
    (
        &[Column],
        "aggregate",
        &["sum"],
        &[("max", "must be sum"), ("", "must be sum")],
    ),
    (
        &[Column],
        "epoch",
        &["s", "ms"],
        &[("us", "must be s or ms"), ("", "must be s or ms")],
    ),
    (
        &[Column],
        "null_as_empty",
        &["true", "off"],
        &[("maybe", SWITCH), ("", SWITCH)],
    ),
    (
        &[Table, Column],
        "absent",
        &["true", "false"],
        &[("perhaps", SWITCH), ("", SWITCH)],
    ),
    (
        &[Table],
        "records",
        &["nodes", "edges.node"],
        &[("edges { node }", RECORDS), ("", RECORDS)],
    ),
    (
        &[Table],
        "total_count",
        &["on", "off"],
        &[("maybe", SWITCH), ("", SWITCH)],
    ),
    (
        &[Table],
        "page_info",
        &["on", "off"],
        &[("maybe", SWITCH), ("", SWITCH)],
    ),
    (
        &[Table],
        "first_argument",
        &["first", ""],
        &[("first: 1", ARGUMENT)],
    ),
    (
        &[Table],
        "after_argument",
        &["after", ""],
        &[("a b", ARGUMENT)],
    ),
    (
        &[Table],
        "filter_argument",
        &["where", ""],
        &[("1x", ARGUMENT)],
    ),
    (
        &[Table],
        "first_type",
        &["Int!"],
        &[("Int) {", TYPE), ("", TYPE)],
    ),
    (&[Table], "after_type", &["ID"], &[("[ID", TYPE)]),
    (
        &[Table],
        "filter_type",
        &["UserFilter", "[UserWhere!]"],
        &[("A B", TYPE)],
    ),
    (
        &[Table],
        "arguments",
        &["planId=1", "kind:PlanKind=ACTIVE"],
        &[],
    ),
    (
        &[Table],
        "unchecked",
        &["true", "false"],
        &[("no idea", SWITCH)],
    ),
];
