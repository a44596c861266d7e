//! What the server's connections share.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    config::Config,
    engine::Engine,
    faults::Faults,
    organization::Organization,
    record::{Log, Recorded},
    schema::SchemaError,
    tls::Tls,
};

pub(crate) type Observer = Box<dyn Fn(&Recorded) + Send + Sync>;

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) organization: Organization,
    pub(crate) log: Log,
    pub(crate) faults: Faults,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<Tls>,
    pub(crate) revoked: AtomicBool,
    pub(crate) live: RwLock<Arc<Live>>,
    pub(crate) observer: Mutex<Option<Observer>>,
}

/// What can be changed while the server runs; a request sees one of it.
pub(crate) struct Live {
    pub(crate) config: Arc<Config>,
    pub(crate) engine: Engine,
}

impl Live {
    pub(crate) fn new(config: Config) -> Result<Arc<Self>, SchemaError> {
        let config = Arc::new(config);
        Ok(Arc::new(Self {
            engine: Engine::new(Arc::clone(&config))?,
            config,
        }))
    }
}

impl Shared {
    pub(crate) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/graphql", self.address)
    }

    pub(crate) fn revoke(&self, revoked: bool) {
        self.revoked.store(revoked, Ordering::SeqCst);
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::SeqCst)
    }

    pub(crate) fn observe(&self, request: Option<Recorded>) {
        let observer = self.observer.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(observer), Some(request)) = (&*observer, request) {
            observer(&request);
        }
    }
}
