//! What a fault is: which requests it is about, when it applies, and what is done.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::Value;

use crate::organization::{Organization, scattered};

/// What happens to which requests.
#[derive(Debug, Clone)]
pub struct Rule {
    /// A root field such as `users`, or an `operationName`; `None` for any request, one that cannot be parsed included.
    pub operation: Option<String>,
    /// To which of those requests, counted from 1 since the rule was added.
    pub when: When,
    /// What is done to them.
    pub actions: Vec<Action>,
}

impl Rule {
    /// A rule with one action.
    pub fn new(operation: &str, when: When, action: Action) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            when,
            actions: vec![action],
        }
    }

    /// A rule for requests of any kind.
    pub fn any(when: When, action: Action) -> Self {
        Self {
            operation: None,
            when,
            actions: vec![action],
        }
    }

    /// The same rule with one more action.
    #[must_use]
    pub fn and(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }
}

/// When a rule applies. Requests are counted from 1, only those the rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// To each.
    Always,
    /// To the n-th alone.
    Nth(u64),
    /// To the first n.
    First(u64),
    /// To the n-th and all after it.
    From(u64),
    /// From one to another, both included.
    Between(u64, u64),
    /// To the n-th, the 2n-th, and so on.
    Every(u64),
    /// To one in n, by chance, but the same ones in each run.
    OneIn(u64),
}

impl When {
    pub(super) fn applies(self, number: u64) -> bool {
        match self {
            Self::Always => true,
            Self::Nth(n) => number == n,
            Self::First(n) => number <= n,
            Self::From(n) => number >= n,
            Self::Between(from, to) => (from..=to).contains(&number),
            Self::Every(n) => n > 0 && number.is_multiple_of(n),
            Self::OneIn(n) => n > 0 && scattered(number).is_multiple_of(n),
        }
    }
}

/// Where a body is cut: after so many bytes, or in its middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cut {
    /// After half of the bytes.
    #[default]
    Half,
    /// After so many bytes; at the end of a shorter body.
    After(usize),
}

/// At which end of the list of users something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Those who come first.
    First,
    /// Those who come last.
    Last,
}

/// Code to run while a request waits for its answer.
pub type Hook = Arc<dyn Fn(&Organization) + Send + Sync>;

/// One thing that goes wrong.
#[derive(Clone)]
#[non_exhaustive]
pub enum Action {
    /// Answers with this status instead.
    Status {
        /// HTTP status.
        code: u16,
        /// `Retry-After`, as it is to be sent: seconds, a date, nonsense.
        retry_after: Option<String>,
        /// The body; unset, a short JSON text.
        body: Option<String>,
    },
    /// Waits before the headers.
    Delay(Duration),
    /// Sends part of the body, then nothing, and keeps the connection open.
    StallBody(Cut),
    /// Sends the body in pieces of so many bytes, with a pause before each.
    SlowBody {
        /// Length of the pause.
        every: Duration,
        /// Size of the piece.
        bytes: usize,
    },
    /// Resets the connection (RST) instead of answering.
    ResetBeforeHeaders,
    /// Resets the connection (RST) within the body.
    ResetMidBody(Cut),
    /// Closes the connection (FIN) instead of answering.
    CloseBeforeHeaders,
    /// Closes the connection (FIN) within the body.
    CloseMidBody(Cut),
    /// Answers in order, then closes the connection without having said so.
    CloseAfter,
    /// Compresses the body and cuts it in its middle; the length in the header is that of what is sent.
    TruncatedGzip,
    /// Says a `content-length` that differs from the truth by so much.
    WrongContentLength(i64),
    /// Answers 200 with this body instead.
    Body {
        /// `content-type`.
        content_type: String,
        /// The body, not compressed.
        bytes: Vec<u8>,
    },
    /// Answers 200 with a body of so many bytes, valid JSON, made while it is sent.
    HugeBody(u64),
    /// The same, compressed: a few megabytes on the wire become so many bytes.
    GzipBomb(u64),
    /// Answers 200 with JSON nested so deep.
    DeepJson(usize),
    /// Answers with a redirect. `self` stands for the address of the request: a loop.
    Redirect {
        /// HTTP status.
        code: u16,
        /// `Location`.
        to: String,
    },
    /// Adds a header to the answer.
    Header {
        /// Name.
        name: String,
        /// Value.
        value: String,
    },
    /// Answers with these `errors`.
    GraphQlErrors {
        /// An array of GraphQL errors.
        errors: Value,
        /// Whether `data` stands beside them.
        with_data: bool,
    },
    /// Puts a value into the answer. A `*` in the JSON pointer is each element of a list; a key that is not there is added.
    PatchJson {
        /// JSON pointer (RFC 6901) into the answer: `/data/users/nodes/*/email`.
        pointer: String,
        /// What to put there.
        value: Value,
    },
    /// Takes a value out of the answer.
    RemoveJson {
        /// As in [`Action::PatchJson`].
        pointer: String,
    },
    /// Begins the page so many records early: the last ones of the page before come again.
    DuplicateRows(u64),
    /// Leaves the last records of the page out; cursor and `totalCount` stay as if they were there.
    DropRows(usize),
    /// Answers the cursor it was given, and says that there is more.
    RepeatCursor,
    /// Says that there is more, with `endCursor` null.
    NoCursorButNext,
    /// No records, and says that there is more.
    EmptyPageButNext,
    /// Says that this page is the last.
    LastPage,
    /// Null instead of the connection, without an error.
    NullConnection,
    /// Null instead of the record of this place on the page.
    NullNode(usize),
    /// This `totalCount`.
    TotalCount(i64),
    /// These in `extensions.warnings`, besides the true ones. Not an array: instead of them.
    Warnings(Value),
    /// From this request on, the key is refused.
    RevokeToken,
    /// From this request on, the key is accepted again.
    RestoreToken,
    /// So many people join before the request is answered.
    AddUsers {
        /// How many.
        count: u64,
        /// At which end of the list.
        end: End,
    },
    /// The API forgets so many people before the request is answered.
    ForgetUsers {
        /// How many.
        count: u64,
        /// At which end of the list.
        end: End,
    },
    /// So many people are taken off the plan before the request is answered.
    DeactivateUsers {
        /// How many of those who are on it.
        count: u64,
        /// At which end of the list.
        end: End,
    },
    /// Anything else. It runs before the request is answered, on a thread of its own.
    Run(Hook),
}

impl fmt::Debug for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}
