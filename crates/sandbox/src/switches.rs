//! What is not known of the real API: a switch for each guess.

use chrono::{DateTime, Utc};

/// The most records of a page; `Cap(None)` is no cap. 10,000 is second-hand, 1,000 is recommended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap(pub Option<u32>);

/// How ids are spelled. They are compared letter by letter, whatever they look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ids {
    /// A UUID in lower case, with hyphens.
    #[default]
    Uuid,
    /// The same in capitals.
    Capitals,
    /// The same without hyphens.
    Bare,
    /// A number of up to nine digits.
    Number,
    /// A text that is no UUID, with a letter that JSON must escape.
    Text,
}

/// How answers are compressed for clients that accept gzip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coding {
    /// `gzip`.
    #[default]
    Gzip,
    /// Not at all.
    Identity,
    /// `GZIP`.
    Capitals,
    /// `x-gzip`.
    Old,
    /// `gzip`, in two members.
    TwoMembers,
}

/// What a cursor remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cursors {
    /// The last record given: nothing is skipped or repeated when records come and go.
    #[default]
    Keyed,
    /// How many records were given: an insertion before it makes one come twice, a removal makes one be skipped.
    Offset,
}

/// What the API does with a cursor that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BadCursor {
    /// The first page again, as one published client leads to believe.
    #[default]
    StartAgain,
    /// A GraphQL error.
    Error,
}

/// How a list ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListEnd {
    /// `endCursor` is null on the last page.
    #[default]
    NullCursor,
    /// `endCursor` is that of the last record.
    Cursor,
    /// The last record's page says that there is more; an empty page with a null `endCursor` follows.
    EmptyPage,
}

/// What `totalCount` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Totals {
    /// How many records there are.
    #[default]
    True,
    /// Null.
    Null,
    /// An estimate that is too low.
    Rough,
    /// How many records are on the page.
    Page,
}

/// What stands in `extensions.warnings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WarningStyle {
    /// Sentences.
    #[default]
    Strings,
    /// Objects with `code` and `message`.
    Objects,
    /// Nothing, whatever happens.
    None,
}

/// What the API does with conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filters {
    /// They are read and ignored.
    pub ignored: bool,
    /// One that holds is enough.
    pub any_of: bool,
    /// How addresses are compared with `UserFilter.emails`.
    pub emails: EmailMatch,
    /// Which memberships `UserFilter.teamIds` counts.
    pub teams: TeamMatch,
    /// How team names are compared with `TeamsFilter.name`.
    pub names: NameMatch,
    /// An empty list is no condition, instead of one that nobody meets.
    pub empty_is_everybody: bool,
    /// Only so many values of a list are looked at.
    pub cut_lists: Option<usize>,
    /// A longer list than this is refused.
    pub refuse_lists: Option<usize>,
}

/// How addresses are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmailMatch {
    /// Letter by letter.
    #[default]
    Exact,
    /// Without regard to case.
    AnyCase,
    /// The address begins with the value, without regard to case.
    Prefix,
    /// The address contains the value, without regard to case.
    Part,
}

/// Which memberships a filter on teams counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TeamMatch {
    /// Inherited ones too.
    #[default]
    Any,
    /// Only those with `isDirect` true.
    Direct,
    /// Whoever is in all of the teams.
    All,
}

/// How team names are compared: a pattern in the real API, of rules unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameMatch {
    /// The name contains the text.
    #[default]
    Substring,
    /// The same, without regard to case.
    AnyCaseSubstring,
    /// The name begins with the text.
    Prefix,
    /// The name is the text.
    Exact,
}

/// Who may ask for `__schema` and `__type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Introspection {
    /// Whoever has a key.
    #[default]
    WithKey,
    /// Anybody.
    Open,
    /// Whoever has a key, but nothing is told of input types, and `__schema` is refused.
    Partly,
    /// Nobody.
    Off,
}

/// How instants are written: half past nine of the first of February 2021, for example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dates {
    /// `2021-02-01T09:30:00.000Z`
    #[default]
    Zulu,
    /// `2021-02-01T11:30:00.000+0200`
    Offset,
    /// `2021-02-01T09:30:00.000+00`
    HourOffset,
    /// `2021-02-01T09:30:00.000`
    NoZone,
    /// `2021-02-01T09:30Z`
    NoSeconds,
    /// `2021-02-01`
    Bare,
    /// `1612171800`
    Seconds,
    /// `1612171800000`
    Milliseconds,
    /// The first user's `lastLogin` is a year that PostgreSQL cannot store.
    Unstorable,
}

impl Dates {
    /// What is left of an instant that is written so.
    pub fn kept(self, instant: DateTime<Utc>) -> DateTime<Utc> {
        let unit = match self {
            Self::NoSeconds => 60_000,
            Self::Bare => 86_400_000,
            Self::Seconds => 1_000,
            _ => 1,
        };
        let kept = instant.timestamp_millis().div_euclid(unit) * unit;
        DateTime::from_timestamp_millis(kept).unwrap_or_default()
    }
}

/// How counts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Numbers {
    /// `10`
    #[default]
    Plain,
    /// `10.0`
    Decimal,
}

/// Whose words validation errors are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorStyle {
    /// Those of graphql-js: the real service is said to run on Node.
    #[default]
    GraphqlJs,
    /// Those of graphql-java.
    GraphqlJava,
    /// Those of Hot Chocolate.
    HotChocolate,
    /// Those of async-graphql.
    AsyncGraphql,
    /// Something that names nothing.
    Mute,
}
