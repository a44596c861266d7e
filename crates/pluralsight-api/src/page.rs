//! Page after page, until everything was read: complete, or an error.

use serde_json::{Map, Value, json};

use crate::client::{Call, Client, Context};
use crate::document::{FieldPath, Operation};
use crate::error::Error;
use crate::reply::{Reply, Warning};
use crate::seen::Seen;

/// Bytes of a cursor; a longer one is a defect of the API, and would travel with every request.
const LONGEST_CURSOR: usize = 4_096;
/// Pages of one scan, unless the query says otherwise.
const MOST_PAGES: u64 = 100_000;
/// Warnings kept of one scan.
const MOST_WARNINGS: usize = 100;

/// How the API hands out records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Pages of `nodes`.
    Connection,
    /// One object; a list is taken, too.
    Object,
    /// A plain list; one object is taken, too.
    List,
}

/// What to do about an answer that is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    Error,
    /// Note it in [`Pages::findings`], and end.
    Warn,
}

/// Records to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSizes {
    /// On the first page.
    pub first: u32,
    /// On every further page.
    pub then: u32,
}

/// What to read.
#[derive(Clone, Debug)]
pub struct PageQuery {
    pub operation: Operation,
    pub document: String,
    /// Variables beside `first` and `after`.
    pub variables: Map<String, Value>,
    pub sizes: PageSizes,
    /// Path of the value that no two records share: one that comes twice is handed out once.
    pub key: Option<FieldPath>,
    pub shape: Shape,
    pub check: Completeness,
    /// Paths that are true where a list inside a record was cut.
    pub truncated: Vec<FieldPath>,
    pub max_pages: u64,
}

impl PageQuery {
    /// A query of `operation` whose document is still to be filled in.
    pub fn new(operation: Operation) -> PageQuery {
        PageQuery {
            operation,
            document: String::new(),
            variables: Map::new(),
            sizes: PageSizes { first: 100, then: 1_000 },
            key: None,
            shape: Shape::Connection,
            check: Completeness::Error,
            truncated: Vec::new(),
            max_pages: MOST_PAGES,
        }
    }
}

/// Records that came together.
#[derive(Clone, Debug)]
pub struct Page {
    /// From 1.
    pub number: u32,
    pub nodes: Vec<Value>,
    /// How many records there are in all, if the API says.
    pub total_count: Option<u64>,
    pub last: bool,
}

/// The pages of one query.
pub struct Pages {
    query: PageQuery,
    cursor: Option<String>,
    cursors: Seen,
    keys: Seen,
    number: u32,
    done: bool,
    /// Records received and handed out; the difference came twice.
    received: u64,
    unique: u64,
    totals: Option<(u64, u64)>,
    warnings: Vec<Warning>,
    findings: Vec<String>,
}

impl Pages {
    pub fn new(query: PageQuery) -> Pages {
        Pages {
            query,
            cursor: None,
            cursors: Seen::new(),
            keys: Seen::new(),
            number: 0,
            done: false,
            received: 0,
            unique: 0,
            totals: None,
            warnings: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// What the API said beside its data, each once.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What is wrong with the answer, under [`Completeness::Warn`].
    pub fn findings(&self) -> &[String] {
        &self.findings
    }

    /// The next page; `None` after the last. If the future is dropped, the next call asks for the same page again.
    ///
    /// # Errors
    /// Whatever kept the page from coming, or the answer from being complete.
    pub async fn next(&mut self, client: &Client, context: &Context<'_>) -> Result<Option<Page>, Error> {
        if self.done {
            return Ok(None);
        }
        let mut variables = self.query.variables.clone();
        if self.query.shape == Shape::Connection {
            let size = if self.number == 0 { self.query.sizes.first } else { self.query.sizes.then };
            variables.insert("first".to_owned(), json!(size));
            variables.insert("after".to_owned(), json!(self.cursor));
        }
        let call = Call { document: &self.query.document, variables };
        let reply = client.send(&call, context).await?;
        context.stats.page();
        self.take(reply)
    }

    /// Takes a reply as the next page.
    fn take(&mut self, mut reply: Reply) -> Result<Option<Page>, Error> {
        self.number += 1;
        for warning in reply.warnings.drain(..) {
            if self.warnings.len() < MOST_WARNINGS && !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        let field = self.query.operation.field();
        let answer = reply.data.get_mut(field).map(Value::take).unwrap_or_default();
        let page = match self.query.shape {
            Shape::Connection => self.connection_page(answer)?,
            Shape::Object | Shape::List => self.single_page(answer)?,
        };
        Ok(Some(page))
    }

    fn single_page(&mut self, answer: Value) -> Result<Page, Error> {
        self.done = true;
        let nodes = match answer {
            Value::Array(nodes) => nodes,
            node @ Value::Object(_) => vec![node],
            other => return Err(self.shape("", "an object or a list", &other)),
        };
        if let Some(node) = nodes.iter().find(|node| !node.is_object()) {
            return Err(self.shape("", "objects", node));
        }
        self.check_lists(&nodes)?;
        Ok(Page { number: self.number, nodes, total_count: None, last: true })
    }

    fn connection_page(&mut self, mut answer: Value) -> Result<Page, Error> {
        if !answer.is_object() {
            return Err(self.shape("", "a connection", &answer));
        }
        let nodes = match answer.get_mut("nodes").map(Value::take) {
            Some(Value::Array(nodes)) => nodes,
            other => return Err(self.shape("nodes", "a list", &other.unwrap_or_default())),
        };
        if let Some(node) = nodes.iter().find(|node| !node.is_object()) {
            return Err(self.shape("nodes", "objects", node));
        }
        let total_count = match answer.get("totalCount") {
            None | Some(Value::Null) => None,
            Some(total) => Some(total.as_u64().ok_or_else(|| self.shape("totalCount", "a number from 0", total))?),
        };
        if let Some(total) = total_count {
            let (least, most) = self.totals.unwrap_or((total, total));
            self.totals = Some((least.min(total), most.max(total)));
        }
        let info = answer.get("pageInfo").unwrap_or(&Value::Null);
        let more = match info.get("hasNextPage") {
            Some(Value::Bool(more)) => *more,
            other => return Err(self.shape("pageInfo.hasNextPage", "a Boolean", other.unwrap_or(&Value::Null))),
        };
        let empty = nodes.is_empty();
        self.received += nodes.len() as u64;
        self.check_lists(&nodes)?;
        let nodes = self.once_each(nodes);
        self.unique += nodes.len() as u64;
        if more {
            let cursor = info.get("endCursor").and_then(Value::as_str).map(str::to_owned);
            self.go_on(cursor, empty)?;
        } else {
            self.done = true;
            self.reconcile()?;
        }
        Ok(Page { number: self.number, nodes, total_count, last: self.done })
    }

    /// Moves on to the page behind `cursor`.
    fn go_on(&mut self, cursor: Option<String>, empty: bool) -> Result<(), Error> {
        let problem = match &cursor {
            None => Some("the API promises a further page but gives no cursor to it"),
            Some(cursor) if cursor.len() > LONGEST_CURSOR => Some("the cursor to the next page is longer than 4096 bytes"),
            Some(_) if empty => Some("an empty page promises a further one"),
            Some(cursor) if !self.cursors.insert(cursor) => Some("the cursor to the next page came before"),
            Some(_) if u64::from(self.number) >= self.query.max_pages => Some("there are more pages than one scan may read"),
            Some(_) => None,
        };
        match problem {
            Some(problem) => self.incomplete(problem),
            None => {
                self.cursor = cursor;
                Ok(())
            }
        }
    }

    /// Rows read must lie within the totals that the API stated while they were read: data may move meanwhile, but no
    /// movement explains more or fewer.
    fn reconcile(&mut self) -> Result<(), Error> {
        let Some((least, most)) = self.totals else { return Ok(()) };
        if (least..=most).contains(&self.unique) {
            return Ok(());
        }
        // Where nothing identifies a record, one that came twice cannot be told from two.
        if self.query.key.is_none() && self.received >= least && self.number > 1 {
            return Ok(());
        }
        self.incomplete(if self.unique < least { "records are missing" } else { "there are more records than the API counts" })
    }

    fn incomplete(&mut self, why: &str) -> Result<(), Error> {
        self.done = true;
        let error = Error::Incomplete {
            page: self.number,
            why: why.to_owned(),
            expected: self.totals.map(|(least, most)| if least == most { format!("{least} records") } else { format!("{least} to {most} records") }),
            got: self.totals.map(|_| self.unique),
        };
        match self.query.check {
            Completeness::Error => Err(error),
            Completeness::Warn => {
                self.findings.push(error.to_string());
                Ok(())
            }
        }
    }

    fn check_lists(&mut self, nodes: &[Value]) -> Result<(), Error> {
        for path in self.query.truncated.clone() {
            let cut = nodes.iter().any(|node| path.segments().iter().try_fold(node, |value, name| value.get(name)) == Some(&Value::Bool(true)));
            if cut {
                let before = self.done;
                self.incomplete(&format!("a list inside a record was cut ({path} is true)"))?;
                self.done = before;
            }
        }
        Ok(())
    }

    fn once_each(&mut self, nodes: Vec<Value>) -> Vec<Value> {
        let Some(key) = self.query.key.clone() else { return nodes };
        let mut nodes = nodes;
        nodes.retain(|node| match key.segments().iter().try_fold(node, |value, name| value.get(name)) {
            Some(Value::String(key)) => self.keys.insert(key),
            Some(Value::Number(key)) => self.keys.insert(&key.to_string()),
            _ => true,
        });
        nodes
    }

    fn shape(&self, below: &str, expected: &str, got: &Value) -> Error {
        let field = self.query.operation.field();
        Error::Shape {
            page: self.number,
            path: if below.is_empty() { field.to_owned() } else { format!("{field}.{below}") },
            expected: expected.to_owned(),
            got: kind(got).to_owned(),
        }
    }
}

/// Asks how many records there are, in one request.
///
/// # Errors
/// Whatever kept the number from coming.
pub async fn count(client: &Client, context: &Context<'_>, operation: &Operation, filter: Option<Value>) -> Result<u64, Error> {
    let document = operation.count_document(filter.is_some());
    let variables = filter.map(|filter| Map::from_iter([("filter".to_owned(), filter)])).unwrap_or_default();
    let reply = client.send(&Call { document: &document, variables }, context).await?;
    context.stats.page();
    let total = reply.data.get(operation.field()).and_then(|answer| answer.get("totalCount")).unwrap_or(&Value::Null);
    total.as_u64().ok_or_else(|| Error::Shape {
        page: 1,
        path: format!("{}.totalCount", operation.field()),
        expected: "a number from 0".to_owned(),
        got: kind(total).to_owned(),
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a Boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
