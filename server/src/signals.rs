//! What changed in the database, told to whoever waits in this process.
//!
//! A transaction says `pg_notify('pinreel', …)`; Postgres delivers it when, and only if, it commits. So a feature can
//! queue work in another's transaction and nobody has to remember to wake the worker afterwards. A signal is a hint and
//! can be lost with the connection: whoever waits also looks at the table at start and now and then.

use std::time::Duration;

use sqlx::PgConnection;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;

use crate::app::App;

/// Signals a slow listener may lag behind before it is told that it lost some.
const BACKLOG: usize = 1024;
const CHANNEL: &str = "pinreel";
const RETRY: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A job waits for a worker.
    Queue,
    /// The job of this source (a CID) changed: state, progress or result.
    Job(String),
    /// A rendition waits for the log.
    Rendition,
    /// A playback folder may have to be put together with what lies beside its film.
    Companions,
    /// A root waits for Kubo.
    Pin,
    /// Something is no longer to be shown or kept.
    TakenBack,
}

impl Signal {
    /// The payload that a transaction hands to `pg_notify('pinreel', …)`.
    pub fn payload(&self) -> String {
        match self {
            Self::Queue => "queue".to_owned(),
            Self::Job(source) => format!("job {source}"),
            Self::Rendition => "rendition".to_owned(),
            Self::Companions => "companions".to_owned(),
            Self::Pin => "pin".to_owned(),
            Self::TakenBack => "taken-back".to_owned(),
        }
    }

    fn parse(payload: &str) -> Option<Self> {
        match payload.split_once(' ') {
            Some(("job", source)) => Some(Self::Job(source.to_owned())),
            None if payload == "queue" => Some(Self::Queue),
            None if payload == "rendition" => Some(Self::Rendition),
            None if payload == "companions" => Some(Self::Companions),
            None if payload == "pin" => Some(Self::Pin),
            None if payload == "taken-back" => Some(Self::TakenBack),
            _ => None,
        }
    }
}

/// Tells everybody who waits, when and if this transaction commits.
pub async fn say(connection: &mut PgConnection, signal: &Signal) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify('pinreel', $1)", signal.payload()).execute(connection).await?;
    Ok(())
}

/// Cheap to clone; one for the process.
#[derive(Clone, Debug)]
pub struct Signals {
    sender: broadcast::Sender<Signal>,
}

impl Default for Signals {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0 }
    }
}

impl Signals {
    pub fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.sender.subscribe()
    }
}

/// Waits until `wanted` says yes to a signal, or until some were missed: then there may have been one.
pub async fn wait_for(receiver: &mut broadcast::Receiver<Signal>, wanted: impl Fn(&Signal) -> bool) {
    loop {
        match receiver.recv().await {
            Ok(signal) if wanted(&signal) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => return,
            // The sender lives in the app, which outlives every task; without it there is nothing to wait for.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Passes signals on until the node stops. A lost connection is made anew; listeners then hear every kind once.
pub async fn run(app: App) {
    loop {
        let outcome = tokio::select! {
            () = app.tasks.stop.cancelled() => return,
            outcome = listen(&app) => outcome,
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "signals from the database are interrupted");
        }
        tokio::select! {
            () = app.tasks.stop.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

async fn listen(app: &App) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(&app.database).await?;
    listener.listen(CHANNEL).await?;
    // Whatever was committed before the first LISTEN took hold.
    for signal in [Signal::Queue, Signal::Rendition, Signal::Companions, Signal::Pin] {
        let _ = app.signals.sender.send(signal);
    }
    // `None` means that the connection broke and messages may be lost: begin again.
    while let Some(notification) = listener.try_recv().await? {
        if let Some(signal) = Signal::parse(notification.payload()) {
            // Without listeners there is nobody to tell.
            let _ = app.signals.sender.send(signal);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_come_back() {
        let of_job = Signal::Job("bafy".to_owned());
        for signal in [Signal::Queue, of_job, Signal::Rendition, Signal::Companions, Signal::Pin] {
            assert_eq!(Signal::parse(&signal.payload()), Some(signal));
        }
        assert_eq!(Signal::parse("queue x"), None);
    }
}
