//! Server-sent events: the upload at once, then each time that it or its job has changed, at most once a second.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

use super::own;
use crate::accounts::Session;
use crate::app::App;
use crate::http::ApiResult;
use crate::signals::Signal;
use crate::uploads::model::UploadId;
use crate::uploads::view::{UploadView, view};

const AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// Proxies cut connections that are silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Tells an upload at once and on each change, as `event: upload`
#[utoipa::path(
    get, path = "/api/v1/uploads/{id}/events", tag = "uploads", params(("id" = String, Path)),
    responses((status = 200, content_type = "text/event-stream", body = UploadView))
)]
pub async fn events(
    State(app): State<App>,
    session: Session,
    Path(id): Path<String>,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let channel = session.channel.to_string();
    let upload = own(&app, &channel, &id).await?;
    let watch = Watch {
        uploads: app.uploads.changes.subscribe(),
        jobs: app.signals.subscribe(),
        id: upload.id,
        channel,
        last: None,
        next_at: Instant::now(),
        app,
    };
    let events = stream::unfold(watch, |mut watch| async move {
        let view = watch.next().await?;
        let event = Event::default().event("upload").json_data(&view).unwrap_or_default();
        Some((Ok(event), watch))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// One page that watches one upload.
struct Watch {
    app: App,
    uploads: broadcast::Receiver<UploadId>,
    jobs: broadcast::Receiver<Signal>,
    id: UploadId,
    channel: String,
    last: Option<UploadView>,
    next_at: Instant,
}

impl Watch {
    /// The next state that differs from the last one told; `None` when the upload is gone or the node stops.
    async fn next(&mut self) -> Option<UploadView> {
        loop {
            if self.last.is_some() {
                let stop = self.app.tasks.stop.clone();
                tokio::select! {
                    () = stop.cancelled() => return None,
                    () = self.changed() => {}
                }
            }
            sleep_until(self.next_at).await;
            self.next_at = Instant::now() + AT_MOST_EVERY;
            let upload = own(&self.app, &self.channel, &self.id.to_string()).await.ok()?;
            let now = view(&self.app, upload).await.ok()?;
            if self.last.as_ref() != Some(&now) {
                self.last = Some(now.clone());
                return Some(now);
            }
        }
    }

    /// Waits until something about this upload was said, or something may have been missed.
    async fn changed(&mut self) {
        let last = self.last.as_ref();
        let source = last.and_then(|last| last.source.as_deref());
        let has_companions = last.is_some_and(|last| !last.companions.is_empty());
        loop {
            tokio::select! {
                told = self.uploads.recv() => match told {
                    Ok(id) if id != self.id => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                    Ok(_) | Err(RecvError::Lagged(_)) => return,
                },
                told = self.jobs.recv() => match told {
                    Ok(Signal::Job(job)) if source == Some(job.as_str()) => return,
                    Ok(Signal::Companions) if has_companions => return,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                },
            }
        }
    }
}
