//! The API as it may be instead: each variant is a small patch of schema and behavior, with a name.
//!
//! What each rests on: the schema is inferred, and how filters, totals, cursors and dates behave is not published. A wrong
//! guess must cost a client a slower query or an error that says what to do, never a wrong answer.

use crate::{
    config::Config,
    faults::GrammarError,
    switches::{
        BadCursor, Cap, Coding, Cursors, Dates, EmailMatch, ErrorStyle, Ids, Introspection,
        ListEnd, NameMatch, Numbers, TeamMatch, Totals, WarningStyle,
    },
};

/// An API that is not the one that was guessed.
#[derive(Debug)]
pub struct Variant {
    /// For the command line and for tests.
    pub name: &'static str,
    /// What is different.
    pub what: &'static str,
    /// Changes of the schema: `-User.note` leaves out, `User.note=remark` renames, and anything else is for
    /// [`Config::extra`].
    pub schema: &'static [&'static str],
    /// Faults, in the words of the command line.
    pub faults: &'static [&'static str],
    /// Changes of behavior.
    pub behavior: fn(&mut Config),
}

impl Variant {
    /// The configuration with this variant's changes.
    pub fn apply(&self, mut config: Config) -> Result<Config, GrammarError> {
        for edit in self.schema {
            match edit.strip_prefix('-') {
                Some(path) => config.without.push(path.to_owned()),
                None if edit.contains('=') => config.rename.push((*edit).to_owned()),
                None => config.extra.push((*edit).to_owned()),
            }
        }
        for rule in self.faults {
            config.faults.push(rule.parse()?);
        }
        (self.behavior)(&mut config);
        Ok(config)
    }
}

/// The variant of this name.
pub fn variant(name: &str) -> Option<&'static Variant> {
    VARIANTS.iter().find(|variant| variant.name == name)
}

/// The API as it was guessed.
const GUESSED: Variant = Variant {
    name: "as-declared",
    what: "the API is as guessed",
    schema: &[],
    faults: &[],
    behavior: |_| {},
};

const fn both(
    name: &'static str,
    what: &'static str,
    schema: &'static [&'static str],
    behavior: fn(&mut Config),
) -> Variant {
    Variant {
        name,
        what,
        schema,
        behavior,
        ..GUESSED
    }
}

const fn schema(
    name: &'static str,
    what: &'static str,
    schema: &'static [&'static str],
) -> Variant {
    both(name, what, schema, GUESSED.behavior)
}

const fn behavior(name: &'static str, what: &'static str, behavior: fn(&mut Config)) -> Variant {
    both(name, what, &[], behavior)
}

const fn faults(
    name: &'static str,
    what: &'static str,
    faults: &'static [&'static str],
) -> Variant {
    Variant {
        name,
        what,
        faults,
        ..GUESSED
    }
}

/// A schema that is wrong in four ways, for the servers whose words differ.
const MISGUESSED: &[&str] = &[
    "UserFilter=UsersFilterInput",
    "User.mfaEnabled=hasMfa",
    "Query.users.after: ID",
    "-User.productIds",
];

/// Fields in snake_case.
const SNAKE_CASE: &[&str] = &[
    "User.psUserId=ps_user_id",
    "User.additionalEmails=additional_emails",
    "User.firstName=first_name",
    "User.lastName=last_name",
    "User.isOnAccount=is_on_account",
    "User.removedOn=removed_on",
    "User.lastLogin=last_login",
    "User.startedOn=started_on",
    "User.createdOn=created_on",
    "User.productIds=product_ids",
    "User.ssoEnabled=sso_enabled",
    "User.mfaEnabled=mfa_enabled",
    "User.currentSsoIdentifier=current_sso_identifier",
    "User.planId=plan_id",
    "PlanAdmin.psUserId=ps_user_id",
    "PlanAdmin.firstName=first_name",
    "PlanAdmin.lastName=last_name",
    "PlanAdmin.createdOn=created_on",
    "Team.parentTeamId=parent_team_id",
    "TeamUserEdge.isDirect=is_direct",
    "PlanInfo.planId=plan_id",
    "Product.purchasedLicenseCount=purchased_license_count",
];

/// People as an interface, which `User` implements.
const PERSON: &str = "interface Person { psUserId: ID id: ID! email: String additionalEmails: [String] firstName: String lastName: String startedOn: DateTime createdOn: DateTime note: String teams: TeamUserConnection isOnAccount: Boolean removedOn: DateTime lastLogin: DateTime currentSsoIdentifier: String ssoEnabled: Boolean planId: String mfaEnabled: Boolean productIds: [String] planUserId: String } extend type User implements Person { isKnown: Boolean }";

/// All of them.
#[rustfmt::skip]
pub static VARIANTS: &[Variant] = &[
    GUESSED,

    // Types of arguments and of filters.
    schema("filter-type", "the filters' types have other names", &["UserFilter=UsersFilterInput", "TeamsFilter=TeamFilterInput"]),
    schema("after-id", "`after` is an `ID`", &["Query.users.after: ID", "Query.planAdmins.after: ID", "Query.teams.after: ID"]),
    schema("first-required", "`first` is `Int!`", &["Query.users.first: Int!", "Query.planAdmins.first: Int!", "Query.teams.first: Int!"]),
    schema("filter-required", "`filter` must be given", &["Query.users.filter: UserFilter!", "Query.teams.filter: TeamsFilter!"]),
    schema("strict-lists", "lists of keys are `[ID!]` and `[String!]`", &["UserFilter.psUserIds: [ID!]", "UserFilter.emails: [String!]", "UserFilter.ids: [ID!]", "UserFilter.teamIds: [ID!]", "TeamsFilter.ids: [ID!]"]),
    schema("required-list", "the only filter is `psUserIds: [ID!]!`", &["UserFilter.psUserIds: [ID!]!", "-UserFilter.emails", "-UserFilter.ids", "-UserFilter.isOnAccount", "-UserFilter.teamIds"]),
    schema("emails-only", "the only filter is `emails`", &["-UserFilter.psUserIds", "-UserFilter.ids", "-UserFilter.isOnAccount", "-UserFilter.teamIds", "-TeamsFilter"]),
    schema("no-filters", "nothing can be filtered", &["-UserFilter", "-TeamsFilter"]),
    schema("filter-names", "the filters have names that nobody can guess", &["UserFilter.emails=mailIn", "UserFilter.psUserIds=keyIn", "UserFilter.ids=handleIn", "UserFilter.isOnAccount=licensed", "UserFilter.teamIds=groupIn"]),
    schema("unpaged-admins", "`planAdmins` takes no arguments", &["-Query.planAdmins.first", "-Query.planAdmins.after"]),
    schema("unpaged-teams", "`teams` takes only a filter", &["-Query.teams.first", "-Query.teams.after"]),
    schema("limit-argument", "`first` is called `limit`", &["Query.users.first=limit", "Query.planAdmins.first=limit", "Query.teams.first=limit"]),
    schema("required-argument", "`users` wants an argument that nobody knows", &["Query.users.plan: ID!"]),

    // Shapes of queries.
    schema("plan-connection", "`planInfo` is a connection without arguments", &["Query.planInfo: PlanInfoConnection", "type PlanInfoConnection { totalCount: Int nodes: [PlanInfo] pageInfo: PageInfo }"]),
    schema("plan-pages", "`planInfo` is a connection with arguments", &["Query.planInfo: PlanInfoConnection", "Query.planInfo.first: Int", "Query.planInfo.after: String", "type PlanInfoConnection { totalCount: Int nodes: [PlanInfo] edges: [PlanInfoEdge] pageInfo: PageInfo }", "type PlanInfoEdge { cursor: String node: PlanInfo }"]),
    schema("plan-list", "`planInfo` is a list", &["Query.planInfo: [PlanInfo]"]),
    schema("plan-argument", "`planInfo` wants the plan's id", &["Query.planInfo.planId: ID!"]),
    schema("plan-products", "`planInfo` is a list of products", &["Query.planInfo: [Product]"]),
    schema("plan-product-pages", "`planInfo` is a connection of products", &["Query.planInfo: ProductConnection", "Query.planInfo.first: Int", "Query.planInfo.after: String", "type ProductConnection { totalCount: Int nodes: [Product] pageInfo: PageInfo }"]),
    schema("plan-product-edges", "`planInfo` is a connection of products, with edges and no nodes", &["Query.planInfo: ProductConnection", "Query.planInfo.first: Int", "Query.planInfo.after: String", "type ProductConnection { totalCount: Int edges: [ProductEdge] pageInfo: PageInfo }", "type ProductEdge { cursor: String node: Product }"]),
    schema("product-nodes", "the plan's products are a connection with nodes", &["PlanInfo.products: ProductConnection", "type ProductConnection { totalCount: Int nodes: [Product] pageInfo: PageInfo }"]),
    schema("product-edges", "the plan's products are a connection with edges", &["PlanInfo.products: ProductConnection", "type ProductConnection { edges: [ProductEdge] pageInfo: PageInfo }", "type ProductEdge { cursor: String node: Product }"]),
    both("product-pages", "the plan's products are cut at one, unless more are wanted", &["PlanInfo.products: ProductConnection", "PlanInfo.products.first: Int", "type ProductConnection { nodes: [Product] pageInfo: PageInfo }"], |config| config.inner_page = Some(1)),
    schema("bare-pages", "the plan's products are a connection that does not say whether more follow", &["PlanInfo.products: ProductConnection", "type ProductConnection { nodes: [Product] }"]),
    schema("product-sizes", "the plan's products want to be told the size of their page", &["PlanInfo.products: ProductConnection", "PlanInfo.products.limit: Int!", "type ProductConnection { edges: [ProductEdge] pageInfo: PageInfo }", "type ProductEdge { node: Product }"]),
    schema("plan-bare", "`planInfo` has no products", &["-PlanInfo.products"]),
    schema("plan-absent", "there is no `planInfo`", &["-Query.planInfo"]),
    behavior("plan-forbidden", "this key may not read `planInfo`", |config| config.forbidden.push("planInfo".to_owned())),
    schema("admins-list", "`planAdmins` is a plain list", &["Query.planAdmins: [PlanAdmin]", "-Query.planAdmins.first", "-Query.planAdmins.after"]),
    schema("admins-absent", "there is no `planAdmins`", &["-Query.planAdmins"]),
    behavior("admins-forbidden", "this key may not read `planAdmins`", |config| config.forbidden.push("planAdmins".to_owned())),
    schema("teams-list", "`teams` is a plain list", &["Query.teams: [Team]", "-Query.teams.first", "-Query.teams.after"]),
    schema("teams-absent", "there is no `teams`", &["-Query.teams"]),
    behavior("teams-forbidden", "this key may not read `teams`", |config| config.forbidden.push("teams".to_owned())),
    schema("sets-list", "`planPermissionSets` is a plain list", &["Query.planPermissionSets: [PlanPermissionSet]", "-Query.planPermissionSets.first", "-Query.planPermissionSets.after"]),
    schema("no-sets", "there is no `planPermissionSets`", &["-Query.planPermissionSets"]),
    schema("users-list", "`users` is a plain list", &["Query.users: [User]", "-Query.users.first", "-Query.users.after"]),
    schema("edges-only", "connections have edges, and no nodes", &["-UserConnection.nodes", "-PlanAdminConnection.nodes", "-TeamConnection.nodes"]),
    schema("nodes-only", "connections have nodes, and no edges", &["-UserConnection.edges", "-PlanAdminConnection.edges", "-TeamConnection.edges"]),
    schema("type-names", "types have other names", &["User=PlanUser", "Team=Group", "PlanAdmin=Administrator", "PlanInfo=Plan", "UserConnection=PlanUsers", "DateTime=Timestamp"]),
    schema("plan-wrapped", "`planInfo` holds the plan in a field of its own", &["Query.planInfo: PlanHolder", "type PlanHolder { plan: PlanInfo }"]),
    schema("never-null", "connections, pages, lists and totals are never null", &["Query.users: UserConnection!", "Query.teams: TeamConnection!", "Query.planInfo: PlanInfo!", "UserConnection.nodes: [User!]!", "UserConnection.totalCount: Int!", "UserConnection.pageInfo: PageInfo!", "PageInfo.hasNextPage: Boolean!", "TeamConnection.nodes: [Team!]!", "PlanInfo.products: [Product!]!", "User.teams: TeamUserConnection!"]),
    schema("interface", "people are an interface", &[PERSON, "UserConnection.nodes: [Person]", "UserEdge.node: Person"]),
    behavior("no-aliases", "a query under another name than its own is refused", |config| (config.refuses_aliases, config.invalid_document_status) = (true, 400)),

    // Totals.
    schema("no-totals", "connections have no `totalCount`", &["-UserConnection.totalCount", "-PlanAdminConnection.totalCount", "-TeamConnection.totalCount"]),
    both("null-totals", "`totalCount` is null", &["PlanAdminConnection.totalCount: Int"], |config| config.totals = Totals::Null),
    behavior("rough-totals", "`totalCount` is an estimate that is too low", |config| config.totals = Totals::Rough),
    behavior("page-totals", "`totalCount` counts the page", |config| config.totals = Totals::Page),
    schema("text-totals", "`totalCount` is a text", &["UserConnection.totalCount: String", "PlanAdminConnection.totalCount: String!", "TeamConnection.totalCount: String"]),

    // Keys.
    both("number-ids", "ids are numbers", &["User.psUserId: Int", "User.id: Int!", "PlanAdmin.psUserId: Int!", "Team.id: Int", "Team.parentTeamId: Int", "UserFilter.psUserIds: [Int]", "UserFilter.ids: [Int]", "UserFilter.teamIds: [Int]", "TeamsFilter.ids: [Int]"], |config| config.ids = Ids::Number),
    both("long-ids", "ids are of a type for long numbers", &["scalar Long", "User.psUserId: Long", "User.id: Long!", "PlanAdmin.psUserId: Long!", "Team.id: Long", "Team.parentTeamId: Long", "UserFilter.psUserIds: [Long]", "UserFilter.ids: [Long]", "UserFilter.teamIds: [Long]", "TeamsFilter.ids: [Long]"], |config| config.ids = Ids::Number),
    behavior("text-ids", "ids are no UUIDs", |config| config.ids = Ids::Text),
    behavior("capital-ids", "ids are in capitals, and compared letter by letter", |config| config.ids = Ids::Capitals),
    behavior("bare-ids", "ids have no hyphens, and are compared letter by letter", |config| config.ids = Ids::Bare),
    schema("only-id", "people have an `id`, and no `psUserId`", &["-User.id", "-UserFilter.ids", "User.psUserId=id", "PlanAdmin.psUserId=id", "UserFilter.psUserIds=ids"]),
    schema("no-old-id", "people have no `id`", &["-User.id", "-UserFilter.ids"]),
    behavior("null-id", "the `psUserId` of one person is null", |config| config.nameless_user = true),

    // Fields.
    schema("product-ids-text", "`productIds` is a text", &["User.productIds: String"]),
    schema("no-product-ids", "there is no `productIds`", &["-User.productIds"]),
    schema("team-nodes", "memberships are `teams { nodes }` only", &["-TeamUserConnection.edges"]),
    schema("team-list", "memberships are a plain list of teams", &["User.teams: [Team]"]),
    schema("team-names", "memberships are `teamNames` only", &["-User.teams", "-User.team"]),
    schema("no-memberships", "memberships are not told", &["-User.teams", "-User.team", "-User.teamNames"]),
    schema("field-names", "fields have names that can be guessed", &["User.mfaEnabled=isMfaEnabled", "User.ssoEnabled=isSsoEnabled"]),
    schema("strange-names", "fields have names that nobody can guess", &["User.mfaEnabled=hasMfa", "User.lastLogin=seenAt", "User.note=remark", "Team.parentTeamId=above"]),
    schema("no-last-login", "there is no `lastLogin`", &["-User.lastLogin"]),
    schema("no-is-on-account", "there is no `isOnAccount`", &["-User.isOnAccount", "-UserFilter.isOnAccount"]),
    schema("few-fields", "people have a key, an address and a name", &["-User.additionalEmails", "-User.startedOn", "-User.createdOn", "-User.note", "-User.removedOn", "-User.lastLogin", "-User.currentSsoIdentifier", "-User.ssoIdentifiers", "-User.ssoEnabled", "-User.planId", "-User.mfaEnabled", "-User.planUserId"]),
    behavior("beta-field", "a plain key may not ask for `mfaEnabled`", |config| config.beta.push("User.mfaEnabled".to_owned())),
    schema("snake-case", "fields are written in snake_case", SNAKE_CASE),
    schema("product-objects", "held products are objects", &["-User.productIds", "User.products: [Product]"]),
    schema("membership-pages", "memberships want to be told the size of their page", &["User.teams.first: Int!"]),
    both("membership-cut", "memberships are cut at one, unless more are wanted", &["User.teams.first: Int"], |config| config.inner_page = Some(1)),
    schema("membership-kind", "memberships want an argument that nobody knows", &["User.teams.kind: String!"]),
    schema("held-nodes", "held products are a connection of objects", &["-User.productIds", "User.products: ProductConnection", "type ProductConnection { nodes: [Product] pageInfo: PageInfo }"]),
    schema("user-wrapped", "each node holds the person in a field of its own", &["type Seat { seatNumber: Int user: User }", "UserConnection.nodes: [Seat]", "-UserConnection.edges"]),

    // Values.
    schema("truth-texts", "`isOnAccount` is a text", &["User.isOnAccount: String", "-UserFilter.isOnAccount"]),
    schema("date-objects", "some dates are objects", &["type Moment { iso: DateTime }", "User.lastLogin: Moment", "User.createdOn: Moment"]),
    behavior("dates-offset", "dates end in `+0200`", |config| config.dates = Dates::Offset),
    behavior("dates-hour-offset", "dates end in `+00`", |config| config.dates = Dates::HourOffset),
    behavior("dates-no-zone", "dates have no zone", |config| config.dates = Dates::NoZone),
    behavior("dates-no-seconds", "dates have no seconds", |config| config.dates = Dates::NoSeconds),
    behavior("dates-bare", "dates have no time", |config| config.dates = Dates::Bare),
    behavior("dates-seconds", "dates are seconds since 1970", |config| config.dates = Dates::Seconds),
    behavior("dates-milliseconds", "dates are milliseconds since 1970", |config| config.dates = Dates::Milliseconds),
    behavior("dates-unstorable", "one `lastLogin` is in a year that PostgreSQL cannot store", |config| config.dates = Dates::Unstorable),
    behavior("decimal-counts", "counts are written `10.0`", |config| config.numbers = Numbers::Decimal),
    schema("big-numbers", "a field that is not declared has numbers beyond 64 bits", &["scalar BigInt", "User.badge: BigInt"]),

    // Pages.
    behavior("refuse-over-100", "more than 100 records are refused", |config| config.refuse_over = Some(100)),
    behavior("cap-7", "pages are cut at 7 records, with a warning", |config| config.page_cap = Cap(Some(7))),
    behavior("silent-cap-7", "pages are cut at 7 records, without a word", |config| (config.page_cap, config.warnings) = (Cap(Some(7)), WarningStyle::None)),
    behavior("cursor-at-end", "the last page has an `endCursor`", |config| config.list_end = ListEnd::Cursor),
    behavior("empty-last-page", "a list ends in an empty page", |config| config.list_end = ListEnd::EmptyPage),
    behavior("bad-cursor-error", "an unknown cursor is an error", |config| config.bad_cursor = BadCursor::Error),
    behavior("number-cursors", "cursors hold a number", |config| config.cursors = Cursors::Offset),
    behavior("warning-objects", "warnings are objects, and each reply has one", |config| (config.warnings, config.key_expired) = (WarningStyle::Objects, true)),
    Variant { name: "many-warnings", what: "several warnings in each reply, and pages cut at 7", schema: &[], faults: &["*=warnings=[\"The field User.team is deprecated.\",\"Maintenance on Sunday.\"]"], behavior: |config| (config.key_expired, config.page_cap) = (true, Cap(Some(7))) },
    behavior("refuse-over-10", "more than 10 records are refused", |config| config.refuse_over = Some(10)),
    schema("no-page-info", "pages do not say whether more follow", &["-UserConnection.pageInfo", "-PlanAdminConnection.pageInfo", "-TeamConnection.pageInfo"]),
    schema("no-after", "pages cannot be continued", &["-Query.users.after", "-Query.planAdmins.after", "-Query.teams.after"]),

    // Conditions.
    schema("filter-list", "`filter` is a list of conditions", &["Query.users.filter: [UserFilter]", "Query.teams.filter: [TeamsFilter!]"]),
    schema("filter-operators", "filters are objects with operators", &["input OneOf { in: [String] }", "UserFilter.emails: OneOf", "UserFilter.psUserIds: OneOf", "UserFilter.ids: OneOf", "UserFilter.teamIds: OneOf", "TeamsFilter.ids: OneOf"]),
    schema("filter-enum", "`isOnAccount` is compared with an enum", &["enum Standing { ON OFF }", "UserFilter.isOnAccount: Standing"]),
    schema("filter-text", "`isOnAccount` is compared with a text", &["UserFilter.isOnAccount: String"]),
    schema("filter-one", "keys and addresses are compared one at a time", &["UserFilter.psUserIds: ID", "UserFilter.emails: String", "UserFilter.ids: String", "UserFilter.teamIds: String", "TeamsFilter.ids: ID"]),
    behavior("filters-ignored", "filters are taken, and ignored", |config| config.filters.ignored = true),
    behavior("email-any-case", "addresses are compared without case", |config| config.filters.emails = EmailMatch::AnyCase),
    behavior("email-prefix", "addresses are compared by their beginning", |config| config.filters.emails = EmailMatch::Prefix),
    behavior("email-part", "addresses are compared by a part", |config| config.filters.emails = EmailMatch::Part),
    behavior("filters-or", "filters are joined by OR", |config| config.filters.any_of = true),
    behavior("teams-direct", "`teamIds` counts only direct members", |config| config.filters.teams = TeamMatch::Direct),
    behavior("teams-all", "`teamIds` means all of the teams", |config| config.filters.teams = TeamMatch::All),
    behavior("name-any-case", "team names are compared by a part, without case", |config| config.filters.names = NameMatch::AnyCaseSubstring),
    behavior("name-prefix", "team names are compared by their beginning", |config| config.filters.names = NameMatch::Prefix),
    behavior("name-exact", "team names are compared letter by letter", |config| config.filters.names = NameMatch::Exact),
    behavior("empty-list-everybody", "an empty list is no condition", |config| config.filters.empty_is_everybody = true),
    behavior("cut-lists", "only the first 100 keys of a list are looked at", |config| config.filters.cut_lists = Some(100)),
    behavior("refuse-lists", "a list of more than 50 keys is refused", |config| config.filters.refuse_lists = Some(50)),

    // Words of errors, over a schema that is wrong in four ways.
    both("words-graphql-js", "a misguessed schema, in graphql-js's words", MISGUESSED, |config| config.invalid_document_status = 400),
    both("words-graphql-java", "a misguessed schema, in graphql-java's words", MISGUESSED, |config| config.error_style = ErrorStyle::GraphqlJava),
    both("words-hot-chocolate", "a misguessed schema, in Hot Chocolate's words", MISGUESSED, |config| (config.error_style, config.invalid_document_status) = (ErrorStyle::HotChocolate, 400)),
    both("words-async-graphql", "a misguessed schema, in async-graphql's words", MISGUESSED, |config| config.error_style = ErrorStyle::AsyncGraphql),
    both("words-apollo-router", "a misguessed schema, with the codes and status of Apollo Router", MISGUESSED, |config| (config.error_codes, config.invalid_document_status) = (true, 400)),
    both("words-gqlgen", "a misguessed schema, with the codes and status of gqlgen", MISGUESSED, |config| (config.error_codes, config.invalid_document_status) = (true, 422)),
    both("words-none", "a misguessed schema, without a word why", MISGUESSED, |config| (config.error_style, config.invalid_document_status) = (ErrorStyle::Mute, 400)),

    both("words-500", "a misguessed schema, refused with status 500", MISGUESSED, |config| config.invalid_document_status = 500),
    both("words-500-codes", "a misguessed schema, refused with status 500 and codes", MISGUESSED, |config| (config.error_codes, config.error_style, config.invalid_document_status) = (true, ErrorStyle::GraphqlJava, 500)),

    // Telling the schema.
    faults("schema-400", "the schema is refused with status 400, in plain text", &["__schema=400,body='introspection is disabled'"]),
    faults("schema-403", "the schema is refused with status 403", &["__schema=403"]),
    faults("schema-500", "asking for the schema is an internal error", &["__schema=500,body='Internal Server Error'"]),
    faults("schema-page", "the schema is refused with a web page", &["__schema=html"]),
    faults("schema-null", "the schema is null", &["__schema=set=/data/__schema:null"]),
    faults("schema-deep", "the query for the schema is too deep", &["__schema=errors='Query depth limit exceeded: 11 is greater than the maximum of 7'"]),

    // HTTP.
    behavior("coding-capitals", "the coding is called `GZIP`", |config| config.coding = Coding::Capitals),
    behavior("coding-old", "the coding is called `x-gzip`", |config| config.coding = Coding::Old),
    behavior("coding-members", "a body comes in two gzip members", |config| config.coding = Coding::TwoMembers),
    behavior("coding-none", "nothing is compressed", |config| config.coding = Coding::Identity),
    faults("other-clock", "each third request is to wait until a date, by a clock years ahead", &["*@%3=429,retry-after='Mon, 05 Jan 2037 00:00:00 GMT',header='date:Mon, 05 Jan 2037 00:00:00 GMT'"]),
    faults("status-520", "a gateway answers each third request with 520", &["*@%3=520"]),
    faults("status-524", "a gateway answers each third request with 524", &["*@%3=524"]),
    faults("status-529", "a gateway answers each third request with 529", &["*@%3=529"]),

    // Changes while a list is read.
    Variant { name: "five-vanish", what: "five people vanish in front of a cursor that holds a number", schema: &[], faults: &["users@2=forget=5"], behavior: |config| config.cursors = Cursors::Offset },
    Variant { name: "five-vanish-five-join", what: "the same, and five join at the end", schema: &[], faults: &["users@2=forget=5,add-last=5"], behavior: |config| config.cursors = Cursors::Offset },

    // Combinations.
    both("other-api", "other types, other ids, no totals, epochs", &["UserFilter=UsersFilterInput", "Query.users.after: ID", "-UserConnection.totalCount", "User.psUserId=id", "-User.id", "-UserFilter.ids", "UserFilter.psUserIds=ids", "PlanAdmin.psUserId=id"], |config| (config.ids, config.dates) = (Ids::Capitals, Dates::Milliseconds)),
    both("open-introspection", "the schema is told without a key", &["UserFilter=UsersFilterInput"], |config| config.introspection = Introspection::Open),
];
