//! Running a node: everything that `pinreel serve` brings up, in order, and takes down again.
//!
//! Data folder and port first, since they fail most often and cheapest; then the database; then the app and its
//! background tasks; then the address is printed. What can go wrong at start is told in one sentence each.

mod listen;

use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{App, Tasks};
use crate::clock::Clock;
use crate::config::Config;
use crate::data::{self, DataDir, DataError};
use crate::database::{self, MigrateError};
use crate::site::Site;
use crate::{background, router};

/// How long requests and tasks may take to end after the signal. The promise is 10 s for all processes together.
const GRACE: Duration = Duration::from_secs(6);

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Listen(#[from] listen::ListenError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error("The database address isn't one ({0}); DATABASE_URL looks like postgres://user@host/name.")]
    DatabaseUrl(#[source] sqlx::Error),
    #[error("Set DATABASE_URL to a Postgres database.")]
    NoDatabase,
    #[error("The server can't run ({0}).")]
    System(#[from] std::io::Error),
}

/// Serves until SIGINT or SIGTERM.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    let root = config.data.clone().map_or_else(data::default_root, Ok)?;
    let data = Arc::new(DataDir::open(&root)?);
    let listener = listen::bind(config.listen, config.port).await?;
    let address = listener.local_addr()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;

    let owner = owner_options(&config)?;
    database::migrate(&owner).await?;
    let app = App {
        database: database::pool(owner),
        clock: Clock::System,
        site: Arc::new(Site::new(config.url.as_ref(), address)),
        config: Arc::new(config),
        data,
        tasks: Tasks::default(),
    };
    background::start(&app);
    let server = listen::serve(listener, router::router(app.clone()), app.tasks.stop.clone());
    let server = tokio::spawn(server);
    announce(address).await?;

    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    let ended = async {
        app.tasks.finish().await;
        let _ = server.await;
    };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        tracing::warn!("some requests or tasks didn't end in time and are cut off");
    }
    app.database.close().await;
    Ok(())
}

fn owner_options(config: &Config) -> Result<PgConnectOptions, ServeError> {
    let url = config.database_url.as_deref().ok_or(ServeError::NoDatabase)?;
    PgConnectOptions::from_str(url).map_err(ServeError::DatabaseUrl)
}

/// Prints the ready line once the health check answers through the socket, as any visitor would see it.
async fn announce(address: std::net::SocketAddr) -> Result<(), ServeError> {
    let url = crate::site::listen_url(address);
    listen::wait_for_health(&url).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "ready: {}", url.as_str().trim_end_matches('/'))?;
    out.flush()?;
    Ok(())
}
