//! Running a node: everything that `pinreel serve` brings up, in order, and takes down again.
//!
//! Data folder and port first, since they fail most often and cheapest; then the database; then the app and its
//! background tasks; then the address is printed. What can go wrong at start is told in one sentence each.

mod listen;

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use pinreel_content::Store;
use pinreel_runner::{Preset, PresetError};
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::{self, App, Tasks};
use crate::clock::Clock;
use crate::config::Config;
use crate::data::{self, DataDir, DataError};
use crate::database::private::{PrivateDatabase, PrivateError};
use crate::database::{self, MigrateError};
use crate::denylist::{self, Denylists};
use crate::gateway::Known;
use crate::http::Limits;
use crate::identity::{IdentityError, NodeIdentity};
use crate::media::{TokenError, WorkerToken};
use crate::metrics::Metrics;
use crate::pages::{NoWebApp, WebDir};
use crate::pinning::KuboAddress;
use crate::router::Answers;
use crate::signals::Signals;
use crate::site::Site;
use crate::supervise::kubo::{Kubo, KuboError};
use crate::supervise::transcoder::{self, NoTranscoder};
use crate::uploads::Uploads;
use crate::{accounts, background, claims};
use listen::tls::Tls;

/// How long requests and tasks may take to end after the signal. The promise is 10 s for all processes together.
const GRACE: Duration = Duration::from_secs(4);

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Listen(#[from] listen::ListenError),
    #[error(transparent)]
    Tls(#[from] listen::tls::TlsError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error("The database address isn't one ({0}); DATABASE_URL looks like postgres://user@host/name.")]
    DatabaseUrl(#[source] sqlx::Error),
    #[error(transparent)]
    Private(#[from] PrivateError),
    #[error("The content store can't be opened: {0}.")]
    Store(#[from] pinreel_content::Error),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Web(#[from] NoWebApp),
    #[error(transparent)]
    WorkerToken(#[from] TokenError),
    #[error(transparent)]
    Preset(#[from] PresetError),
    #[error(transparent)]
    Transcoder(#[from] NoTranscoder),
    #[error(transparent)]
    Kubo(#[from] KuboError),
    #[error(transparent)]
    Found(#[from] claims::FoundError),
    #[error("The server can't run ({0}).")]
    System(#[from] std::io::Error),
}

/// Serves until SIGINT or SIGTERM.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    // First what needs no folder: a mistyped option leaves nothing behind.
    let web = WebDir::find(config.web.as_deref())?;
    let transcoder = transcoder::find(config.transcoder.as_deref())?;
    let preset = config.preset()?;
    let worker_token = config.worker_token_file.as_deref().map(WorkerToken::load).transpose()?;
    let database = config.database_url.as_deref().map(owner_options).transpose()?;
    let root = config.data.clone().map_or_else(data::default_root, Ok)?;
    let data = Arc::new(DataDir::open_to_serve(&root)?);
    let listener = listen::bind(config.listen, config.port).await?;
    let kubo = match config.ipfs && config.kubo_api.is_none() {
        true => Some(Kubo::prepare(&data, config.ipfs_offline).await?),
        false => None,
    };
    let tasks = Tasks::default();
    tokio::spawn(stop_on_signal(
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        tasks.stop.clone(),
    ));

    if config.acme {
        // The certificate's key is kept there, from the first moment out of others' reach.
        data.make_keys()?;
    }
    let tls = Tls::start(&config, &data, &tasks)?;
    let parts = Parts { config, preset, data, listener, tls, tasks, web, worker_token, transcoder, kubo };
    if let Some(owner) = database {
        return run(parts, owner).await;
    }
    let private = tokio::select! {
        started = PrivateDatabase::start(&parts.data) => started?,
        // Its Postgres, if it has one already, ends with this process.
        () = parts.tasks.stop.cancelled() => return Ok(()),
    };
    let outcome = run(parts, private.options()).await;
    private.stop().await;
    outcome
}

struct Parts {
    config: Config,
    preset: Preset,
    data: Arc<DataDir>,
    listener: TcpListener,
    tls: Option<Tls>,
    tasks: Tasks,
    web: WebDir,
    /// One that was made elsewhere.
    worker_token: Option<WorkerToken>,
    transcoder: Option<PathBuf>,
    kubo: Option<Kubo>,
}

/// Everything between a database that answers and its last query.
async fn run(parts: Parts, owner: PgConnectOptions) -> Result<(), ServeError> {
    database::migrate(&owner).await?;
    let address = parts.listener.local_addr()?;
    let site = Site::new(parts.config.url.as_ref(), address);
    let inner = inner_listener(&parts).await?;
    let site = match &inner {
        Some(inner) => site.with_inner(inner.local_addr()?),
        None => site,
    };
    let store = open_store(&parts.data).await?;
    let identity = NodeIdentity::load_or_create(&parts.data, parts.config.url.as_ref())?;
    let worker_token = match parts.worker_token {
        Some(token) => token,
        None => WorkerToken::load_or_create(&parts.data.worker_token())?,
    };
    let app = App::from(app::Parts {
        identity: Arc::new(identity),
        database: database::pool(owner),
        clock: Clock::System,
        site: Arc::new(site),
        web: parts.web,
        kubo: KuboAddress::new(parts.config.kubo_api.clone()),
        denylists: open_denylists(&parts.config, &parts.data).await?,
        known: Known::default(),
        limits: Arc::new(Limits::new(parts.config.rates)),
        metrics: Metrics::default(),
        preset: Arc::new(parts.preset),
        config: Arc::new(parts.config),
        data: parts.data,
        store,
        worker_token: Arc::new(worker_token),
        signals: Signals::default(),
        tasks: parts.tasks,
        uploads: Uploads::default(),
    });
    claims::found(&app).await?;
    offer_operator_link(&app).await;
    background::start(&app);
    if let Some(program) = parts.transcoder {
        transcoder::start(&app, program);
    }
    if let Some(kubo) = parts.kubo {
        let address = app.kubo.clone();
        app.tasks.spawn(kubo.run(move |url| address.set(url), app.tasks.stop.clone()));
    }
    let stop = app.tasks.stop.clone();
    let is_plain = parts.tls.is_none();
    let answers = Answers::of(app.clone());
    let serve =
        |listener, tls| tokio::spawn(listen::serve(listener, tls, answers.clone(), app.metrics.clone(), stop.clone()));
    let servers = [Some(serve(parts.listener, parts.tls)), inner.map(|inner| serve(inner, None))];
    let announced = tokio::select! {
        announced = announce(&app, address, is_plain) => announced,
        () = stop.cancelled() => Ok(()),
    };
    if announced.is_ok() {
        stop.cancelled().await;
    }
    end(&app, servers.into_iter().flatten()).await;
    announced
}

/// Lets requests and tasks end, for a while.
async fn end(app: &App, servers: impl Iterator<Item = JoinHandle<()>>) {
    let ended = async {
        app.tasks.finish().await;
        for server in servers {
            let _ = server.await;
        }
    };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        tracing::warn!("some requests or tasks didn't end in time and are cut off");
    }
    let _ = tokio::time::timeout(Duration::from_secs(1), app.database.close()).await;
}

/// Where the node's own worker reaches a node that speaks TLS: with no certificate to trust, or to wait for.
async fn inner_listener(parts: &Parts) -> Result<Option<TcpListener>, ServeError> {
    match (&parts.tls, &parts.transcoder) {
        (Some(_), Some(_)) => Ok(Some(listen::bind(Ipv4Addr::LOCALHOST.into(), 0).await?)),
        _ => Ok(None),
    }
}

async fn stop_on_signal(mut interrupt: Signal, mut terminate: Signal, stop: CancellationToken) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    stop.cancel();
}

/// Opens the content store; after a crash that may take a moment, so not on an async thread.
async fn open_store(data: &DataDir) -> Result<Store, ServeError> {
    let folder = data.make_content()?;
    let opened = tokio::task::spawn_blocking(move || Store::open(folder)).await;
    Ok(opened.map_err(std::io::Error::other)??)
}

/// Lists for every IPFS program here come first, so that the node's own can make exceptions from them.
async fn open_denylists(config: &Config, data: &DataDir) -> Result<Denylists, ServeError> {
    let mut places = denylist::system_folders();
    for place in config.denylist.iter().filter(|place| !place.exists()) {
        tracing::warn!(path = %place.display(), "there is no denylist here, nor a folder of them, for now");
    }
    places.extend(config.denylist.iter().cloned());
    places.push(data.make_denylists()?);
    Ok(tokio::task::spawn_blocking(|| Denylists::open(places)).await.map_err(std::io::Error::other)?)
}

fn owner_options(url: &str) -> Result<PgConnectOptions, ServeError> {
    PgConnectOptions::from_str(url).map_err(ServeError::DatabaseUrl)
}

/// Tells the person who started a node without an operator how to become it.
async fn offer_operator_link(app: &App) {
    match accounts::offer_link(app).await {
        Ok(Some(link)) => {
            eprintln!("This node has no operator yet. Whoever opens this link first becomes it:\n\n    {link}\n")
        }
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "the operator's link could not be made"),
    }
}

/// Prints the ready line once the health check answers through the socket, as any visitor would see it. Behind TLS the
/// node's certificate may yet have to come, so its own address is printed at once.
async fn announce(app: &App, address: std::net::SocketAddr, is_plain: bool) -> Result<(), ServeError> {
    let mut url = crate::site::listen_url(address);
    if is_plain {
        listen::wait_for_health(&url).await?;
    } else if let Some(own) = &app.config.url {
        url = own.clone();
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready: {}", url.as_str().trim_end_matches('/'))?;
    out.flush()?;
    Ok(())
}
