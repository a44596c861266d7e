//! The server's life: a thread and a runtime of its own, from [`Sandbox::start`] until the value is dropped.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    pin::pin,
    sync::{Arc, Mutex, PoisonError, RwLock, atomic::AtomicBool},
    thread::JoinHandle,
    time::Duration,
};

use axum::{Router, body::Body};
use chrono::{DateTime, Utc};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tower_service::Service;

use crate::{
    config::Config,
    connection::{Control, Stream, Tapped},
    faults::Faults,
    http,
    organization::{Organization, Origin},
    record::{Log, Recorded},
    schema::SchemaError,
    state::{Live, Shared},
    switches::Dates,
    tls::{Tls, TlsError},
};

/// A server that cannot be started, or a change that it cannot make.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is taken, or the system has no more threads or sockets.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[from] io::Error),
    /// The schema that the configuration describes does not hold together.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// No certificate could be made.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A running server. Dropping it closes the port and every connection.
pub struct Sandbox {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a server on 127.0.0.1. When this returns, it accepts connections.
    pub fn start(config: Config) -> Result<Self, Error> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, config.port.unwrap_or(0)))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let origin = Origin {
            users: config.users,
            seed: config.seed,
            now: config.now,
            teams: config.teams,
            ids: config.ids,
        };
        let tls = config.tls.map(Tls::new).transpose()?;
        let shared = Arc::new(Shared {
            organization: Organization::new(&origin),
            log: Log::default(),
            faults: Faults::default(),
            address,
            tls,
            revoked: AtomicBool::new(false),
            live: RwLock::new(Live::new(config)?),
            observer: Mutex::new(None),
        });
        let live = shared.live();
        let has_odd_date = live.config.dates == Dates::Unstorable;
        if has_odd_date || live.config.nameless_user {
            let first = shared.organization.user(0).ps_user_id;
            shared.organization.edit_user(&first, |user| {
                if has_odd_date {
                    user.last_login = Some(DateTime::<Utc>::MIN_UTC);
                }
                if live.config.nameless_user {
                    user.ps_user_id.clear();
                }
            });
        }
        for rule in &live.config.faults {
            shared.faults.add(rule.clone());
        }
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .thread_name("sandbox-worker")
            .enable_all()
            .build()?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("sandbox".to_owned())
            .spawn(move || {
                runtime.block_on(serve(listener, served, stopped));
                // Answers that wait or stall on purpose are not waited for.
                runtime.shutdown_timeout(Duration::from_secs(1));
            })?;
        Ok(Self {
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The address for clients: `http://127.0.0.1:PORT/graphql`, or `https` with TLS.
    pub fn url(&self) -> String {
        self.shared.url()
    }

    /// The authority that signed the server's certificate, in PEM, for clients to trust; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.shared.tls.as_ref().map(|tls| tls.ca_pem.as_str())
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The API key that is accepted now.
    pub fn token(&self) -> String {
        self.shared.live().config.token.clone()
    }

    /// The truth that the server serves. Its methods change it while the server runs.
    pub fn organization(&self) -> &Organization {
        &self.shared.organization
    }

    /// The requests since the start or the last [`Sandbox::reset`], in the order in which they came.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.log.all()
    }

    /// How many of them ask for this root field, such as `users`; those answered with a fault count too.
    pub fn count(&self, operation: &str) -> u64 {
        self.shared.log.count(operation)
    }

    /// How many there were, of any kind.
    pub fn total(&self) -> u64 {
        self.shared.log.total()
    }

    /// Forgets the requests. Connections and faults stay as they are.
    pub fn reset(&self) {
        self.shared.log.reset();
    }

    /// The configuration in force.
    pub fn config(&self) -> Config {
        Config::clone(&self.shared.live().config)
    }

    /// Changes the configuration for the requests that come from now on. The organization (`users`, `seed`, `now`,
    /// `teams`, `ids`), `port`, `tls` and `faults` stay as they were at the start.
    pub fn update(&self, change: impl FnOnce(&mut Config)) -> Result<(), Error> {
        let mut config = self.config();
        change(&mut config);
        let live = Live::new(config)?;
        *self
            .shared
            .live
            .write()
            .unwrap_or_else(PoisonError::into_inner) = live;
        Ok(())
    }

    /// Whether the API has this query, such as `planInfo`, by its name in the schema file, and a plain key may ask it.
    pub fn serves(&self, query: &str) -> bool {
        self.shared.live().engine.serves(query)
    }

    /// The faults in force; the handle changes them while the server runs.
    pub fn faults(&self) -> Faults {
        self.shared.faults.clone()
    }

    /// From now on the API key is refused, until [`Sandbox::restore_token`].
    pub fn revoke_token(&self) {
        self.shared.revoke(true);
    }

    /// Undoes [`Sandbox::revoke_token`], and the fault `revoke`.
    pub fn restore_token(&self) {
        self.shared.revoke(false);
    }

    /// Calls this for each request when its answer is ready. It runs on the server's threads and must not block.
    pub fn observe(&self, observer: impl Fn(&Recorded) + Send + Sync + 'static) {
        *self
            .shared
            .observer
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(Box::new(observer));
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let router = http::router(Arc::clone(&shared));
    let accept = async {
        loop {
            match listener.accept().await {
                Ok((socket, _)) => {
                    tokio::spawn(connection(socket, Arc::clone(&shared), router.clone()));
                }
                // Out of file descriptors, most likely: the next one may be free in a moment.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stopped => {}
    }
}

async fn connection(socket: TcpStream, shared: Arc<Shared>, router: Router) {
    let _ = socket.set_nodelay(true);
    let stream: Box<dyn Stream> = match &shared.tls {
        None => Box::new(socket),
        Some(tls) => match tls.acceptor.accept(socket).await {
            Ok(stream) => Box::new(stream),
            // The client does not like the certificate, which may be the point.
            Err(_) => return,
        },
    };
    let control = Arc::new(Control::default());
    let tapped = Tapped {
        stream,
        control: Arc::clone(&control),
    };
    let left = Arc::clone(&control);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Arc::clone(&control));
        router.clone().call(request)
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(None);
    // A client that leaves early and a fault that breaks the connection are no concern of the server's.
    let mut served = pin!(http.serve_connection(TokioIo::new(tapped), service));
    tokio::select! {
        _ = &mut served => return,
        () = left.left() => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}
