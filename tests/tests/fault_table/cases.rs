//! The faults.

use super::*;

pub const HTTP: &[Case] = &[
    case("400", "users@2=400", Error("HV000")),
    case(
        "401, with the API's own body",
        "users@2=401",
        Error("28000"),
    ),
    case("403", "users@2=403", Error("42501")),
    case("404", "users@2=404", Error("HV000")),
    case("408 once", "users@2=408", Whole),
    case("425 once", "users@2=425", Whole),
    case("500 once", "users@2=500", Whole),
    case("502 once", "users@2=502", Whole),
    case("503 once", "users@2=503", Whole),
    case("503 each time", "users@2-=503", Error("HV000")),
    case("504 each time", "users@2-=504", Error("HV000")),
    case("429 once, no Retry-After", "users@2=429", Whole),
    case(
        "429 once, Retry-After in seconds",
        "users@2=429,retry-after=1",
        Whole,
    ),
    case(
        "429 once, Retry-After as a date that is past",
        "users@2=429,retry-after='Sun, 06 Nov 1994 08:49:37 GMT'",
        Whole,
    ),
    case("429 once, Retry-After as a date just ahead", "", Whole),
    case(
        "429, Retry-After as a date far ahead",
        "users@2=429,retry-after='Fri, 01 Jan 2100 00:00:00 GMT'",
        Error("53400"),
    ),
    case(
        "429 once, Retry-After is nonsense",
        "users@2=429,retry-after=soon",
        Whole,
    ),
    case(
        "429, Retry-After is a year",
        "users@2=429,retry-after=31536000",
        Error("53400"),
    ),
    case("429 each time", "users@2-=429", Error("53400")),
    case(
        "503, Retry-After is a year",
        "users@2=503,retry-after=31536000",
        Error("HV000"),
    ),
    case(
        "each third request is answered with 503",
        "users@%3=503",
        Whole,
    ),
    case(
        "redirect to another host",
        "users@2=redirect=https://elsewhere.example/graphql",
        Error("HV000"),
    ),
    case(
        "redirect to plain http",
        "users@2=redirect=http://elsewhere.example/graphql",
        Error("HV000"),
    ),
    case(
        "redirect to itself, for ever",
        "users@2-=redirect=self",
        Error("HV000"),
    ),
];

pub const NETWORK: &[Case] = &[
    case("slow headers once", "users@2=delay=5s", Whole),
    case(
        "slow headers each time",
        "users@2-=delay=5s",
        Error("HV000"),
    ),
    case(
        "slow body, a byte at a time",
        "users@2-=slow=20ms/1",
        Error("HV000"),
    ),
    case("the body stalls in its middle once", "users@2=stall", Whole),
    case(
        "the body stalls each time",
        "users@2-=stall=100",
        Error("HV000"),
    ),
    case("reset before the headers once", "users@2=reset", Whole),
    case(
        "reset before the headers each time",
        "users@2-=reset",
        Error("HV000"),
    ),
    case(
        "reset in the middle of the body once",
        "users@2=reset-body",
        Whole,
    ),
    case("closed before the headers once", "users@2=close", Whole),
    case(
        "closed in the middle of the body each time",
        "users@2-=close-body",
        Error("HV000"),
    ),
    case(
        "closed after the answer, unannounced",
        "users@2=close-after",
        Whole,
    ),
];

pub const BODY: &[Case] = &[
    case("truncated gzip once", "users@2=truncated-gzip", Whole),
    case(
        "truncated gzip each time",
        "users@2-=truncated-gzip",
        Error("HV000"),
    ),
    case(
        "content-length too long",
        "users@2-=length=+10",
        Error("HV000"),
    ),
    case(
        "content-length too short",
        "users@2-=length=-10",
        Error("HV000"),
    ),
    case("HTML instead of JSON once", "users@2=html", Whole),
    case(
        "HTML instead of JSON each time",
        "users@2-=html",
        Error("HV000"),
    ),
    case("empty 200 each time", "users@2-=empty", Error("HV000")),
    case(
        "invalid UTF-8 each time",
        "users@2-=invalid-utf8",
        Error("HV000"),
    ),
    case("no JSON each time", "users@2-=not-json", Error("HV000")),
    case("JSON, but no object", "users@2-=body=[]", Error("HV000")),
    case("a body of 2 GB", "users@2-=huge=2GB", Error("HV000")),
    case(
        "2 GB in a few compressed megabytes",
        "users@2-=gzip-bomb=2GB",
        Error("HV000"),
    ),
    case(
        "JSON nested 10,000 deep",
        "users@2-=deep=10000",
        Error("HV000"),
    ),
];

pub const GRAPHQL: &[Case] = &[
    case(
        "errors[] without data",
        "users@2=errors='Something broke'",
        Error("HV000"),
    ),
    case(
        "errors[] beside data",
        "users@2=partial='Something broke'",
        Error("HV000"),
    ),
    case(
        "an error that says it is temporary, once",
        "users@2=errors='Internal server error, please try again later'",
        Whole,
    ),
    case(
        "an error that the rate limit is reached",
        r#"users@2-=errors=[{"message":"Rate limit exceeded","extensions":{"code":"RATE_LIMITED"}}]"#,
        Error("53400"),
    ),
    case(
        "an error that access is denied",
        r#"users@2=errors=[{"message":"Forbidden","extensions":{"code":"FORBIDDEN"}}]"#,
        Error("42501"),
    ),
    case(
        "an error that the token is refused",
        r#"users@2=errors=[{"message":"Unauthenticated","extensions":{"code":"UNAUTHENTICATED"}}]"#,
        Error("28000"),
    ),
    case(
        "an error about a field",
        r#"users@1=errors=[{"message":"Cannot query field \"email\" on type \"User\"."}]"#,
        Error("HV000"),
    ),
    case("null connection", "users@2=null-connection", Error("HV004")),
    case("null record", "users@2=null-node=3", Error("HV004")),
    case(
        "no pageInfo",
        "users@2=unset=/data/users/pageInfo",
        Error("HV004"),
    ),
    case(
        "no nodes",
        "users@2=unset=/data/users/nodes",
        Error("HV004"),
    ),
    case("no data at all, once", "users@2=unset=/data", Whole),
    case("no data at all", "users@2-=unset=/data", Error("HV000")),
];

pub const PAGES: &[Case] = &[
    case(
        "a cursor that repeats",
        "users@2-=repeat-cursor",
        Error("HV004"),
    ),
    case(
        "hasNextPage without a cursor",
        "users@2=no-cursor",
        Error("HV004"),
    ),
    case(
        "an empty page that promises more",
        "users@2=empty-page",
        Error("HV004"),
    ),
    case("a cursor of a megabyte", "", Error("HV004")),
    case(
        "the last page comes too early",
        "users@2=last-page",
        Error("HV004"),
    ),
    case(
        "three records are missing from a page",
        "users@2=drop-rows=3",
        Error("HV004"),
    ),
    case(
        "a total that is too high, on every page",
        "users=total=9999",
        Error("HV004"),
    ),
    case(
        "a total of 0 beside records, and no more pages then",
        "users@2=total=0,last-page",
        Error("HV004"),
    ),
    case(
        "three records come again in the place of three others",
        "users@2=duplicate-rows=3,drop-rows=3",
        Error("HV004"),
    ),
    case("a total that is negative", "users=total=-1", Error("HV004")),
    case("no total", "users=unset=/data/users/totalCount", Whole),
    case(
        "three records come again on the next page",
        "users@2=duplicate-rows=3",
        Whole,
    ),
    case("a page cut to 300 records, with hasNextPage", "", Whole),
    case(
        "a page cut to 300 records without a word about it",
        "users=unset=/extensions",
        Whole,
    ),
];

pub const MOVING: &[Case] = &[
    case(
        "five people join in front while it is read",
        "users@2=add=5",
        Moved,
    ),
    case(
        "five people join at the end while it is read",
        "users@2=add-last=5",
        Moved,
    ),
    case(
        "five people in front vanish while it is read",
        "users@2=forget=5",
        Moved,
    ),
    case(
        "five people at the end vanish while it is read",
        "users@3=forget-last=5",
        Moved,
    ),
    case(
        "five people leave the plan while it is read",
        "users@2=deactivate=5",
        Moved,
    ),
    case(
        "the token is revoked while it is read",
        "users@3=revoke",
        Error("28000"),
    ),
];

/// Fields of a record, and a value that none of them may have.
pub const VALUES: &[(&str, &str)] = &[
    ("psUserId", "{\"a\": 1}"),
    ("psUserId", "[1]"),
    ("email", "{\"a\": 1}"),
    ("email", "[1]"),
    ("firstName", "[]"),
    ("isOnAccount", "\"yes\""),
    ("isOnAccount", "1"),
    ("removedOn", "\"yesterday\""),
    ("lastLogin", "1700000000"),
    ("lastLogin", "\"2024-13-45T00:00:00Z\""),
    ("startedOn", "{}"),
    ("createdOn", "\"\""),
    ("additionalEmails", "[{}]"),
    ("productIds", "{\"a\": 1}"),
    ("teams", "\"none\""),
    ("ssoEnabled", "\"on\""),
    ("mfaEnabled", "[]"),
    ("note", "{}"),
    ("planId", "[[]]"),
];
