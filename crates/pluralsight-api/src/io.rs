//! A thread for the network.
//!
//! The process that embeds this crate may have only one thread that does its own work, and signals that only that thread
//! may handle. So everything that waits for the network runs here: the thread blocks every signal before it begins, owns a
//! tokio runtime and the clients, and hears of nothing but jobs. What a job sends comes back through a [`Feed`], and a
//! descriptor becomes readable then, so that the other side can wait for it beside whatever else it waits for.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow};
use tokio::sync::{mpsc, oneshot};

use crate::client::Client;
use crate::connecting;
use crate::error::Error;
use crate::settings::Settings;
use crate::wake::Wake;

/// Clients kept: as many different settings as one process will sensibly use.
const CLIENTS: usize = 8;
/// How long a thread that looks up a host name is kept for the next look-up.
const LOOK_UP_THREAD: Duration = Duration::from_secs(1);

type Job = Box<dyn FnOnce(Rc<Clients>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// The thread. It ends when this is dropped, as soon as it hears of it; nobody waits for that.
pub struct Io {
    jobs: mpsc::UnboundedSender<Job>,
    wake: Arc<Wake>,
    given_up: Arc<GivenUp>,
}

/// Whether the thread has let go of the job that was given up last.
type GivenUp = Mutex<Option<Arc<AtomicBool>>>;

/// The clients, each with its connection, by their settings.
struct Clients(RefCell<Vec<(Settings, Rc<Client>)>>);

impl Clients {
    fn get(&self, settings: &Settings) -> Result<Rc<Client>, Error> {
        let mut clients = self.0.borrow_mut();
        if let Some(position) = clients.iter().position(|(known, _)| known == settings) {
            let entry = clients.remove(position);
            let client = Rc::clone(&entry.1);
            clients.push(entry);
            return Ok(client);
        }
        let client = Rc::new(Client::new(settings)?);
        if clients.len() >= CLIENTS {
            clients.remove(0);
        }
        clients.push((settings.clone(), Rc::clone(&client)));
        Ok(client)
    }
}

impl Io {
    /// Starts the thread. Fails if the system has no thread or descriptor left.
    pub fn start() -> std::io::Result<Io> {
        let wake = Arc::new(Wake::new()?);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(2)
            // A server that floods the connection keeps its task busy for as long as it is let: every turn of it is
            // followed by a look at the time.
            .event_interval(1)
            .thread_keep_alive(LOOK_UP_THREAD)
            .build()?;
        let (jobs, inbox) = mpsc::unbounded_channel();
        // A thread begins with the mask of the one that starts it, so that no signal can reach the new one.
        let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        let started = std::thread::Builder::new()
            .name("pluralsight-io".to_owned())
            .spawn({
                let wake = Arc::clone(&wake);
                move || {
                    connecting::watch_by(wake);
                    serve(&runtime, inbox);
                }
            });
        mask.thread_set_mask()?;
        started?;
        Ok(Io {
            jobs,
            wake,
            given_up: Arc::default(),
        })
    }

    /// Whether the thread still hears: it has let go of the job that was given up last. A server that never pauses can
    /// hold it in a loop; then another [`Io`] has to be started in its place.
    pub fn hears(&self) -> bool {
        lock(&self.given_up)
            .as_ref()
            .is_none_or(|let_go| let_go.load(Ordering::Acquire))
    }

    /// The descriptor that becomes readable when a job has sent something, or has ended.
    pub fn descriptor(&self) -> RawFd {
        self.wake.0.as_fd().as_raw_fd()
    }

    /// Makes the descriptor unreadable until something more happens.
    pub fn clear(&self) {
        self.wake.clear();
    }

    pub(crate) fn wake(&self) -> Arc<Wake> {
        Arc::clone(&self.wake)
    }

    /// Begins a job with the client for these settings. It goes on until it ends by itself, or the feed is dropped.
    pub fn begin<T, J>(&self, settings: Settings, job: J) -> Feed<T>
    where
        T: Send + 'static,
        J: AsyncFnOnce(Result<Rc<Client>, Error>, Line<T>) + Send + 'static,
    {
        let shared = Arc::new(Shared {
            items: Mutex::new(VecDeque::new()),
            has_ended: AtomicBool::new(false),
        });
        let (demands, demanded) = mpsc::unbounded_channel();
        let (cancel, cancelled) = oneshot::channel();
        let let_go = Arc::new(AtomicBool::new(false));
        let end = End {
            shared: Arc::clone(&shared),
            wake: Arc::clone(&self.wake),
            let_go: Arc::clone(&let_go),
        };
        let line = Line {
            shared: Arc::clone(&shared),
            wake: Arc::clone(&self.wake),
            demanded,
        };
        let task: Job = Box::new(move |clients| {
            Box::pin(async move {
                let _end = end;
                let client = clients.get(&settings);
                tokio::select! {
                    biased;
                    _ = cancelled => {}
                    () = job(client, line) => {}
                }
            })
        });
        // If the thread has ended, the job ends with it, and the feed says so.
        let _ = self.jobs.send(task);
        Feed {
            shared,
            demands,
            _cancel: cancel,
            let_go,
            wake: Arc::clone(&self.wake),
            given_up: Arc::clone(&self.given_up),
        }
    }
}

/// The thread's life.
fn serve(runtime: &tokio::runtime::Runtime, mut inbox: mpsc::UnboundedReceiver<Job>) {
    let clients = Rc::new(Clients(RefCell::default()));
    let local = tokio::task::LocalSet::new();
    local.block_on(runtime, async move {
        while let Some(job) = inbox.recv().await {
            tokio::task::spawn_local(job(Rc::clone(&clients)));
        }
    });
}

struct Shared<T> {
    items: Mutex<VecDeque<T>>,
    has_ended: AtomicBool,
}

/// The job's side of a feed.
pub struct Line<T> {
    shared: Arc<Shared<T>>,
    wake: Arc<Wake>,
    demanded: mpsc::UnboundedReceiver<Demand>,
}

/// One more item is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// When it stops being of use.
    pub deadline: Option<Instant>,
}

impl<T> Line<T> {
    /// Waits until one more item is wanted; `None` if none ever will be.
    pub async fn demand(&mut self) -> Option<Demand> {
        self.demanded.recv().await
    }

    /// Hands an item over. There is no bound but what was demanded.
    pub fn send(&self, item: T) {
        lock(&self.shared.items).push_back(item);
        self.wake.wake();
    }
}

/// Notes the end of a job, however it comes: it has ended, was given up, panicked, or was never begun.
struct End<T> {
    shared: Arc<Shared<T>>,
    wake: Arc<Wake>,
    let_go: Arc<AtomicBool>,
}

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        self.shared.has_ended.store(true, Ordering::Release);
        self.let_go.store(true, Ordering::Release);
        self.wake.wake();
    }
}

/// What a job sends. Dropping it ends the job, and with it whatever request is under way.
pub struct Feed<T> {
    shared: Arc<Shared<T>>,
    demands: mpsc::UnboundedSender<Demand>,
    _cancel: oneshot::Sender<()>,
    let_go: Arc<AtomicBool>,
    wake: Arc<Wake>,
    given_up: Arc<GivenUp>,
}

impl<T> Drop for Feed<T> {
    fn drop(&mut self) {
        if !self.has_ended() {
            *lock(&self.given_up) = Some(Arc::clone(&self.let_go));
        }
    }
}

/// What there is to take.
#[derive(Debug)]
pub enum Taken<T> {
    Item(T),
    /// Nothing yet.
    Pending,
    /// Nothing any more.
    Ended,
}

impl<T> Feed<T> {
    /// Asks for one more item.
    pub fn demand(&self, demand: Demand) {
        // If the job has ended, so has the feed.
        let _ = self.demands.send(demand);
    }

    /// The descriptor that becomes readable when something was sent, by this job or by another one of its thread, or
    /// when what it does has changed.
    pub fn descriptor(&self) -> RawFd {
        self.wake.0.as_fd().as_raw_fd()
    }

    /// Makes the descriptor unreadable until something more happens. To be called before [`Feed::take`].
    pub fn clear(&self) {
        self.wake.clear();
    }

    /// Whether [`Feed::take`] would bring an item, or say that there is none any more.
    pub fn is_ready(&self) -> bool {
        self.has_ended() || !lock(&self.shared.items).is_empty()
    }

    /// The next item, without waiting for it.
    pub fn take(&self) -> Taken<T> {
        // Before the items are looked at: what was sent before the end is there then.
        let has_ended = self.has_ended();
        match lock(&self.shared.items).pop_front() {
            Some(item) => Taken::Item(item),
            None if has_ended => Taken::Ended,
            None => Taken::Pending,
        }
    }

    fn has_ended(&self) -> bool {
        self.shared.has_ended.load(Ordering::Acquire)
    }
}

/// Nothing that holds the lock can panic.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
