use super::*;

fn field(field: &str, on_type: Option<&str>) -> Refusal {
    Refusal::Field {
        field: field.to_owned(),
        on_type: on_type.map(str::to_owned),
        suggestions: Vec::new(),
    }
}

fn argument(argument: &str, field: Option<&str>) -> Refusal {
    Refusal::Argument {
        argument: argument.to_owned(),
        field: field.map(str::to_owned),
        suggestions: Vec::new(),
    }
}

fn missing(argument: &str, field: Option<&str>, of_type: Option<&str>) -> Refusal {
    Refusal::Missing {
        argument: argument.to_owned(),
        field: field.map(str::to_owned),
        of_type: of_type.map(str::to_owned),
    }
}

fn variable(
    variable: Option<&str>,
    argument: Option<&str>,
    given: Option<&str>,
    expected: Option<&str>,
) -> Refusal {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Refusal::Variable {
        variable: owned(variable),
        argument: owned(argument),
        given: owned(given),
        expected: owned(expected),
    }
}

fn composite(field: &str) -> Refusal {
    Refusal::Composite {
        field: field.to_owned(),
    }
}

fn leaf(field: &str) -> Refusal {
    Refusal::Leaf {
        field: field.to_owned(),
    }
}

fn value(field: &str) -> Refusal {
    Refusal::Value {
        field: field.to_owned(),
        expected: "Int".to_owned(),
    }
}

fn unknown_type(name: &str) -> Refusal {
    Refusal::Type {
        name: name.to_owned(),
        suggestions: Vec::new(),
    }
}

#[test]
fn a_refusal_is_read_in_the_words_of_any_server() {
    let user = Some("User");
    for (message, refusal) in [
        // graphql-js, gqlgen, Absinthe
        (
            r#"Cannot query field "mfaEnabled" on type "User"."#,
            field("mfaEnabled", user),
        ),
        (
            r#"Unknown argument "filter" on field "Query.users"."#,
            argument("filter", Some("users")),
        ),
        (
            r#"Unknown argument "filter" on field "users" of type "RootQueryType"."#,
            argument("filter", Some("users")),
        ),
        (r#"Unknown type "UserFilter"."#, unknown_type("UserFilter")),
        (
            r#"Field "planInfo" argument "planId" of type "ID!" is required, but it was not provided."#,
            missing("planId", Some("planInfo"), Some("ID!")),
        ),
        (
            r#"Field "teams" of type "[Team!]!" must have a selection of subfields. Did you mean "teams { ... }"?"#,
            composite("teams"),
        ),
        (
            r#"Field "teams" must not have a selection since type "String" has no subfields."#,
            leaf("teams"),
        ),
        (
            r#"Variable "$filter" of type "UserFilter" used in position expecting type "UsersFilterInput!"."#,
            variable(
                Some("filter"),
                None,
                Some("UserFilter"),
                Some("UsersFilterInput!"),
            ),
        ),
        (
            r#"Variable "$filter" got invalid value { ids: [] }; Field "ids" is not defined by type "UserFilter"."#,
            field("ids", Some("UserFilter")),
        ),
        (
            r#"Variable "$filter" got invalid value "x" at "filter.psUserIds[0]"; Int cannot represent non-integer value: "x""#,
            value("psUserIds"),
        ),
        (
            r#"Variable "$filter" got invalid value "x" at "filter.psUserIds[0]"; Expected type "Int"."#,
            value("psUserIds"),
        ),
        (
            r#"Variable "$filter" got invalid value 7 at "filter.psUserIds[0]"; Enum "Int" cannot represent non-string value: 7."#,
            value("psUserIds"),
        ),
        (
            r#"Variable "$filter" got invalid value "x" at "filter.psUserIds[0]"; Value "x" does not exist in "Int" enum."#,
            value("psUserIds"),
        ),
        (
            "could not coerce input field UserFilter.psUserIds: true to type Int",
            value("psUserIds"),
        ),
        (
            "In operation `Users, variable `$filter` of type `UserFilter` found as input to argument of type `UsersWhere`.",
            variable(Some("filter"), None, Some("UserFilter"), Some("UsersWhere")),
        ),
        (
            "Argument \"filter\" has invalid value $filter.\nIn field \"psUserIds\": Unknown field.",
            field("psUserIds", None),
        ),
        (
            r#"In argument "planId": Expected type "ID!", found null."#,
            missing("planId", None, Some("ID!")),
        ),
        // graphql-java
        (
            "Validation error (FieldUndefined@[users/nodes/x]) : Field 'x' in type 'User' is undefined",
            field("x", user),
        ),
        (
            "Validation error of type FieldUndefined: Field 'x' in type 'User' is undefined @ 'users/nodes/x'",
            field("x", user),
        ),
        (
            "Validation error (UnknownArgument@[users]) : Unknown field argument 'filter'",
            argument("filter", None),
        ),
        (
            "Validation error (UnknownType) : Unknown type 'UserFilter'",
            unknown_type("UserFilter"),
        ),
        (
            "Validation error of type UnknownType: Unknown type UserFilter",
            unknown_type("UserFilter"),
        ),
        (
            "Validation error (MissingFieldArgument@[planInfo]) : Missing field argument 'planId'",
            missing("planId", None, None),
        ),
        (
            "Validation error of type MissingFieldArgument: Missing field argument planId @ 'planInfo'",
            missing("planId", None, None),
        ),
        (
            "Validation error (SubselectionRequired@[users/nodes]) : Subselection required for type '[User]' of field 'nodes'",
            composite("nodes"),
        ),
        (
            "Validation error (SubselectionNotAllowed@[users/nodes/note]) : Subselection not allowed on leaf type 'String' of field 'note'",
            leaf("note"),
        ),
        (
            "Validation error of type SubSelectionNotAllowed: Sub selection not allowed on leaf type String of field note @ 'users/nodes/note'",
            leaf("note"),
        ),
        (
            "Validation error (VariableTypeMismatch@[users]) : Variable type 'UserFilter' does not match expected type '[UsersFilter!]'",
            variable(None, None, Some("UserFilter"), Some("[UsersFilter!]")),
        ),
        (
            "Validation error (VariableTypeMismatch@[users]) : Variable 'f' of type 'Int' does not match expected type 'UsersFilter'",
            variable(Some("f"), None, Some("Int"), Some("UsersFilter")),
        ),
        (
            "The variables input contains a field name 'psUserIds' that is not defined for input object type 'UserFilter' ",
            field("psUserIds", Some("UserFilter")),
        ),
        // graphql-ruby
        ("Field 'x' doesn't exist on type 'User'", field("x", user)),
        (
            "InputObject 'UserFilter' doesn't accept argument 'ids'",
            field("ids", Some("UserFilter")),
        ),
        (
            "Field 'users' doesn't accept argument 'filter'",
            argument("filter", Some("users")),
        ),
        (
            "UserFilter isn't a defined input type (on $filter)",
            unknown_type("UserFilter"),
        ),
        (
            "Field 'planInfo' is missing required arguments: planId",
            missing("planId", Some("planInfo"), None),
        ),
        (
            "Type mismatch on variable $filter and argument filter (UserFilter / [UsersFilter!])",
            variable(
                Some("filter"),
                Some("filter"),
                Some("UserFilter"),
                Some("[UsersFilter!]"),
            ),
        ),
        (
            "Field must have selections (field 'teams' returns Team but has no selections. Did you mean 'teams { ... }'?)",
            composite("teams"),
        ),
        (
            "Selections can't be made on scalars (field 'note' returns String but has selections [\"a\"])",
            leaf("note"),
        ),
        // graphql-dotnet, Sangria
        ("Cannot query field 'x' on type 'User'.", field("x", user)),
        (
            "Argument 'planId' of type 'ID!' is required for field 'planInfo' but not provided.",
            missing("planId", Some("planInfo"), Some("ID!")),
        ),
        (
            "Field 'teams' of type 'Team' must have a sub selection.",
            composite("teams"),
        ),
        (
            "Field 'note' of type 'String' must not have a sub selection",
            leaf("note"),
        ),
        // Hot Chocolate
        (
            "The field `x` does not exist on the type `User`.",
            field("x", user),
        ),
        (
            "The specified type `UserFilter` does not exist.",
            unknown_type("UserFilter"),
        ),
        (
            "The specified input object field `ids` does not exist.",
            field("ids", None),
        ),
        (
            "The argument `filter` does not exist.",
            argument("filter", None),
        ),
        (
            "The argument `planId` is required.",
            missing("planId", None, None),
        ),
        (
            "The variable `filter` is not compatible with the type of the current location.",
            variable(Some("filter"), None, None, Some("BesideIt!")),
        ),
        (
            "`teams` is an object, interface or union type field. Leaf selections on objects, interfaces, and unions without subfields are disallowed.",
            composite("teams"),
        ),
        (
            "`note` returns a scalar value. Selections on scalars or enums are never allowed, because they are the leaf nodes of any GraphQL query.",
            leaf("note"),
        ),
        // Apollo Router
        ("field `x` does not exist on `User`", field("x", user)),
        (
            "the argument `filter` is not supported by `Query.users`",
            argument("filter", Some("users")),
        ),
        (
            "cannot find type `UserFilter` in this document",
            unknown_type("UserFilter"),
        ),
        (
            "the required argument `Query.planInfo(planId:)` is not provided",
            missing("planId", Some("planInfo"), None),
        ),
        (
            "variable `$filter` of type `UserFilter` cannot be used for argument `where` of type `UsersWhere!`",
            variable(
                Some("filter"),
                Some("where"),
                Some("UserFilter"),
                Some("UsersWhere!"),
            ),
        ),
        // async-graphql, Juniper
        (
            r#"Unknown field "mfaEnabled" on type "User"."#,
            field("mfaEnabled", user),
        ),
        (
            r#"Invalid value for argument "filter", unknown field "psUserIds" of type "UserFilter""#,
            field("psUserIds", Some("UserFilter")),
        ),
        (
            r#"Invalid value for argument "filter.psUserIds.0", expected type "Int""#,
            value("psUserIds"),
        ),
        (
            r#"Variable "filter" of type "UserFilter" used in position expecting type "UsersFilterInput""#,
            variable(
                Some("filter"),
                None,
                Some("UserFilter"),
                Some("UsersFilterInput"),
            ),
        ),
        (
            r#"Field "planInfo" argument "planId" of type "ID!" is required but not provided"#,
            missing("planId", Some("planInfo"), Some("ID!")),
        ),
        // Hasura
        ("field 'x' not found in type: 'User'", field("x", user)),
        (
            "'users' has no argument named 'filter'",
            argument("filter", Some("users")),
        ),
        (
            "variable 'filter' is declared as 'UserFilter', but used where 'users_bool_exp' is expected",
            variable(
                Some("filter"),
                None,
                Some("UserFilter"),
                Some("users_bool_exp"),
            ),
        ),
    ] {
        assert_eq!(read(message, Some("BesideIt!")), Some(refusal), "{message}");
    }
}

#[test]
fn suggestions_are_names() {
    for (message, expected) in [
        (
            r#"Cannot query field "mfa" on type "User". Did you mean "mfaEnabled" or "isMfa"?"#,
            &["mfaEnabled", "isMfa"][..],
        ),
        (
            r#"Cannot query field "a" on type "U". Did you mean "b", "c", or "d"?"#,
            &["b", "c", "d"],
        ),
        (
            r#"Cannot query field "a" on type "U". Did you mean to use an inline fragment on "X"?"#,
            &["X"],
        ),
        (r#"Cannot query field "a" on type "U"."#, &[]),
    ] {
        let Some(Refusal::Field { suggestions, .. }) = read(message, None) else {
            panic!("{message}")
        };
        assert_eq!(suggestions, expected, "{message}");
    }
}

#[test]
fn whatever_else_a_server_says_is_no_refusal() {
    for message in [
        "",
        "Cannot query field ",
        "Unknown field \"a b\" on type \"User\"",
        "Unknown field \"x on type",
        "Field ä",
        "`",
        "''''",
        "The field User.email is in Beta; this key has no access.",
        "Request timed out",
        "Rate limit exceeded: at most 100 requests",
        "ÄÖÜ unknown type \u{0}",
    ] {
        assert_eq!(read(message, None), None, "{message}");
    }
}

#[test]
fn a_page_that_is_too_large_is_noticed_with_the_number_that_is_not() {
    for (message, asked, most) in [
        ("first must not exceed 100", 1_000, Some(100)),
        (
            "Requesting 1000 records on the `users` connection exceeds the `first` limit of 100 records.",
            1_000,
            Some(100),
        ),
        (
            "Argument \"first\" must be between 1 and 250.",
            1_000,
            Some(250),
        ),
        ("Page size 1,000 is too large (max 500)", 1_000, Some(500)),
        ("first: 1000 is greater than the maximum", 1_000, None),
    ] {
        assert_eq!(read_page_size(message, asked), Some(most), "{message}");
    }
    for (message, asked) in [
        ("Rate limit exceeded: at most 100 requests", 1_000),
        ("The maximum query depth of 10 is exceeded", 1_000),
        ("first must not exceed 100", 1),
        ("Something broke", 1_000),
    ] {
        assert_eq!(read_page_size(message, asked), None, "{message}");
    }
}
