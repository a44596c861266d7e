//! The first attempt at a page, begun while the page before it is still read.
//!
//! A page's cursor stands before its records. So the API can make the next page while the records of this one are
//! decoded, which takes about as long as a fast API takes.

use std::cell::RefCell;
use std::convert::Infallible;

use crate::begun::Begun;
use crate::client::{Call, Client, Context};
use crate::completeness::LONGEST_CURSOR;
use crate::json::{Kind, Scanner};
use crate::operation::Operation;
use crate::page_query::PageQuery;
use crate::records;
use crate::transport::{RawReply, Sent};

/// Bytes of a reply in which its cursor is looked for.
const HEAD: usize = 8 * 1024;

/// The page that was asked for before its turn, if one was.
#[derive(Default)]
pub(crate) struct Ahead<'a>(pub Option<Early<'a>>);

pub(crate) struct Early<'a> {
    pub after: String,
    pub size: u32,
    pub begun: Begun<'a>,
}

impl Ahead<'_> {
    /// Goes on with that page, as long as it is polled.
    pub async fn progress(&mut self) -> Infallible {
        if let Some(early) = &mut self.0 {
            early.begun.come().await;
        }
        std::future::pending().await
    }
}

/// How the page after this one is asked for.
pub(crate) struct Next<'p, 'a> {
    pub client: &'a Client,
    pub context: Context<'a>,
    pub query: &'p PageQuery,
    /// The cursor of this one.
    pub after: Option<&'p str>,
    pub size: u32,
    pub early: &'p RefCell<Option<Early<'a>>>,
}

impl Next<'_, '_> {
    /// Asks for it, if the reply tells its cursor at its start.
    pub async fn begin(&self, reply: &RawReply) {
        let operation = &self.query.operation;
        let cursor = cursor(reply, operation);
        let Some(after) = cursor.filter(|cursor| {
            self.after != Some(cursor)
                && cursor.len() <= LONGEST_CURSOR
                && self.query.limit.is_none()
        }) else {
            return;
        };
        let call = Call {
            operation: operation.name.as_str(),
            document: &self.query.document,
            operation_name: None,
            variables: operation.variables(self.size, Some(&after), self.query.filter.as_ref()),
        };
        let sent = Sent::default();
        if let Some(attempt) = self.client.attempt(&call, &self.context, sent.clone()) {
            let begun = Begun::new(attempt, sent).await;
            let size = self.size;
            self.early.replace(Some(Early { after, size, begun }));
        }
    }
}

/// The cursor of the page after the one that this reply holds, as its first bytes tell. Nothing is proved by it: the rest
/// may be broken, or say that there are errors.
fn cursor(reply: &RawReply, operation: &Operation) -> Option<String> {
    if reply.status != 200 {
        return None;
    }
    let head = reply.body.get(..HEAD).unwrap_or(&reply.body);
    let head = match std::str::from_utf8(head) {
        Ok(head) => head,
        Err(error) => std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?,
    };
    let mut scanner = Scanner::new(head);
    for name in ["data", operation.name.as_str()] {
        // Errors come before data where a server follows the specification's advice.
        if scanner.kind().ok()? != Kind::Object
            || !scanner.enter().ok()?
            || scanner.name().ok()? != name
        {
            return None;
        }
    }
    records::cursor_ahead(&mut scanner, operation)
}
