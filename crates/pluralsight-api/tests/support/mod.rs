//! A server that answers each request with a script of raw bytes, on a thread of its own, so that it goes on while the
//! client under test is not polled.

#![allow(dead_code)] // Each test file uses a part of this.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use pluralsight_api::{
    Argument, Call, Cell, Client, ColumnPlan, Context, Endpoint, Error, FieldPath, Name, Operation,
    Page, PageQuery, Pages, Reply, RetryBudget, Row, Selection, Settings, Shape, Stats, Take,
    Token,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub const TOKEN: &str = "canary-0123456789-abcdefghij";

/// One thing that the server does for a request.
#[derive(Clone, Debug)]
pub enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Says nothing more until the client goes away.
    Stall,
    /// Ends the connection in order.
    Close,
    /// Breaks the connection.
    Reset,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// From 1, over all connections.
    pub number: usize,
    /// From 1.
    pub connection: usize,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Value,
}

impl Request {
    pub fn variable(&self, name: &str) -> &Value {
        &self.body["variables"][name]
    }
}

type Handler = Box<dyn FnMut(&Request) -> Vec<Step> + Send>;

struct Shared {
    handler: Mutex<Handler>,
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    open: Mutex<usize>,
    closed: Condvar,
}

pub struct Server {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    pub fn start(handler: impl FnMut(&Request) -> Vec<Step> + Send + 'static) -> Server {
        Server::start_with(None, handler)
    }

    pub fn start_with(
        tls: Option<tokio_rustls::TlsAcceptor>,
        handler: impl FnMut(&Request) -> Vec<Step> + Send + 'static,
    ) -> Server {
        let shared = Arc::new(Shared {
            handler: Mutex::new(Box::new(handler)),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: Mutex::new(0),
            closed: Condvar::new(),
        });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (started, address) = std::sync::mpsc::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                started.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    () = accept(listener, tls, serving) => {}
                    _ = stopped => {}
                }
            });
        });
        Server {
            address: address.recv().unwrap(),
            shared,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Answers the n-th request with the n-th script, and every further one with the last.
    pub fn scripted(scripts: Vec<Vec<Step>>) -> Server {
        Server::start(move |request| scripts[request.number.min(scripts.len()) - 1].clone())
    }

    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.shared.requests.lock().unwrap().len()
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Waits until no connection is open.
    pub fn wait_until_closed(&self) {
        let open = self.shared.open.lock().unwrap();
        let (open, waited) = self
            .shared
            .closed
            .wait_timeout_while(open, Duration::from_secs(5), |open| *open > 0)
            .unwrap();
        assert!(!waited.timed_out(), "{open} connections are still open");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<tokio_rustls::TlsAcceptor>,
    shared: Arc<Shared>,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let connection = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let shared = Arc::clone(&shared);
        let tls = tls.clone();
        *shared.open.lock().unwrap() += 1;
        tokio::spawn(async move {
            match tls {
                None => {
                    serve(
                        stream,
                        |stream| stream.set_zero_linger().unwrap(),
                        connection,
                        &shared,
                    )
                    .await
                }
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, |_| {}, connection, &shared).await;
                    }
                }
            }
            *shared.open.lock().unwrap() -= 1;
            shared.closed.notify_all();
        });
    }
}

async fn serve<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(
    mut stream: S,
    reset: impl Fn(&S),
    connection: usize,
    shared: &Shared,
) {
    while let Some(mut request) = read_request(&mut stream).await {
        request.connection = connection;
        let steps = {
            let mut requests = shared.requests.lock().unwrap();
            request.number = requests.len() + 1;
            requests.push(request.clone());
            (shared.handler.lock().unwrap())(&request)
        };
        for step in steps {
            let carry_on = match step {
                Step::Send(bytes) => stream.write_all(&bytes).await.is_ok(),
                Step::Wait(duration) => {
                    tokio::time::sleep(duration).await;
                    true
                }
                Step::Stall => {
                    let mut sink = [0; 64];
                    while stream.read(&mut sink).await.is_ok_and(|read| read > 0) {}
                    false
                }
                Step::Close => {
                    let _ = stream.shutdown().await;
                    false
                }
                Step::Reset => {
                    reset(&stream);
                    false
                }
            };
            if !carry_on {
                return;
            }
        }
    }
}

async fn read_request<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(position) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break position + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request {
        number: 0,
        connection: 0,
        path,
        headers,
        body: serde_json::from_slice(&bytes[head_end..]).unwrap_or(Value::Null),
    })
}

/// A whole reply.
pub fn reply(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Vec<Step> {
    let body = body.as_ref();
    let mut bytes = format!(
        "HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut bytes = (bytes + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    vec![Step::Send(bytes)]
}

pub fn status(status: u16) -> Vec<Step> {
    reply(status, &[("content-type", "text/plain")], "no")
}

pub fn answer(value: &Value) -> Vec<Step> {
    reply(
        200,
        &[("content-type", "application/json")],
        value.to_string(),
    )
}

/// The answer of most tests here.
pub fn good() -> Vec<Step> {
    answer(&json!({"data": {"users": {"totalCount": 0}}}))
}

/// The start of a reply that says it has `length` bytes.
pub fn begun(length: usize, body: &[u8]) -> Step {
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    Step::Send(bytes)
}

pub fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// One page of users.
pub fn page(ids: &[&str], total: impl Into<Value>, next: Option<&str>) -> Value {
    let nodes: Vec<Value> = ids.iter().map(|id| json!({ "psUserId": id })).collect();
    json!({"data": {"users": {"totalCount": total.into(), "pageInfo": {"hasNextPage": next.is_some(), "endCursor": next}, "nodes": nodes}}})
}

/// Serves that many users, honoring `first` and `after`.
pub fn users(number: usize) -> impl FnMut(&Request) -> Vec<Step> + Send {
    move |request| {
        let start: usize = request
            .variable("after")
            .as_str()
            .map_or(0, |cursor| cursor.parse().unwrap());
        let first = request.variable("first").as_u64().unwrap_or(100) as usize;
        let end = (start + first).min(number);
        let ids: Vec<String> = (start..end).map(|id| format!("u{id}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let cursor = end.to_string();
        answer(&page(
            &ids,
            number,
            (end < number).then_some(cursor.as_str()),
        ))
    }
}

/// Settings with short waits.
pub fn settings(url: &str) -> Settings {
    Settings {
        endpoint: Endpoint::parse(url).unwrap(),
        connect_timeout: Duration::from_secs(2),
        request_timeout: Duration::from_secs(5),
        initial_backoff: Duration::from_millis(2),
        max_backoff: Duration::from_secs(3),
        ..Settings::default()
    }
}

/// A client and everything that a request needs.
pub struct Caller {
    pub client: Client,
    pub token: Token,
    pub stats: Stats,
    pub budget: RetryBudget,
    pub deadline: Option<Instant>,
}

impl Caller {
    pub fn new(server: &Server) -> Caller {
        Caller::with(&settings(&server.url()))
    }

    pub fn with(settings: &Settings) -> Caller {
        Caller::of(Client::new(settings).unwrap())
    }

    pub fn of(client: Client) -> Caller {
        Caller {
            client,
            token: Token::new(TOKEN).unwrap(),
            stats: Stats::default(),
            budget: RetryBudget::default(),
            deadline: None,
        }
    }

    pub fn context(&self) -> Context<'_> {
        Context {
            token: &self.token,
            stats: &self.stats,
            deadline: self.deadline,
            budget: &self.budget,
        }
    }

    pub async fn send(&self) -> Result<Reply, Error> {
        let call = Call {
            operation: "users",
            document: "query Users { users { totalCount } }",
            operation_name: None,
            variables: json!({}),
        };
        self.client.send(&call, &self.context()).await
    }

    pub async fn next(&self, pages: &mut Pages) -> Result<Option<Page>, Error> {
        pages.next(&self.client, &self.context()).await
    }

    /// Reads to the end: the ids of the records.
    pub async fn read(&self, pages: &mut Pages) -> Result<Vec<String>, Error> {
        let mut ids = Vec::new();
        while let Some(page) = self.next(pages).await? {
            ids.extend(page.rows.rows().map(id_of));
        }
        Ok(ids)
    }
}

/// Reads pages that are given as they are.
pub async fn read(
    query: PageQuery,
    pages: Vec<Value>,
) -> (Result<Vec<String>, Error>, Pages, Server) {
    let server = Server::scripted(pages.iter().map(answer).collect());
    let caller = Caller::new(&server);
    let mut pages = Pages::new(query);
    let outcome = caller.read(&mut pages).await;
    if let Err(error) = &outcome {
        texts(error);
    }
    (outcome, pages, server)
}

pub fn operation(name: &'static str, shape: Shape) -> Operation {
    Operation::new(Name::declared(name), shape)
}

/// The users, with their filter.
pub fn users_operation() -> Operation {
    Operation {
        filter: Some(Argument::declared("filter", "UserFilter")),
        ..operation("users", Shape::Connection)
    }
}

pub fn selection(paths: &[&str]) -> Selection {
    let paths: Vec<FieldPath> = paths.iter().map(|path| path.parse().expect(path)).collect();
    Selection::from_paths(&paths)
}

/// The id of a record of [`users_query`]; empty if it has none, or no text.
pub fn id_of(row: Row<'_>) -> String {
    match row.cell(0) {
        Cell::Json(json) => serde_json::from_str(json).unwrap_or_default(),
        _ => String::new(),
    }
}

pub fn users_query() -> PageQuery {
    PageQuery {
        columns: vec![ColumnPlan {
            take: Take::Json,
            ..ColumnPlan::one("psUserId".parse().unwrap())
        }],
        key: Some("psUserId".parse().unwrap()),
        ..PageQuery::new(users_operation(), &selection(&["psUserId", "email"]))
    }
}

/// Everything that a person may see of an error, which never holds the token.
pub fn texts(error: &Error) -> String {
    let text = format!(
        "{error}\n{}\n{}\n{error:?}",
        error.hint().unwrap_or_default(),
        error.detail().unwrap_or_default()
    );
    assert!(!text.contains("canary"), "{text}");
    text
}
