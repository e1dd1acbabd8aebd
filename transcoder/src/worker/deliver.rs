//! Delivering a job's files while the rest is still being made.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::{TryStreamExt, stream};
use pinreel_runner::FileRef;
use tokio::sync::mpsc::{Receiver, Sender};

use super::client::{JobClient, Sent, Trouble, insist};
use super::grow::Told;
use super::job::Stop;
use super::report::Report;
use super::room::Room;
use crate::failure::Failure;
use crate::parent::folder::{Folder, Found};

/// Deliveries at a time.
const AT_ONCE: usize = 4;
/// How often within its limit a delivery is looked at.
const LOOKS: u32 = 20;

/// Delivers every file that `names` brings until it is closed, and tells of each: what was delivered, by name. A file of
/// which nothing more arrives within `limit` ends the try.
pub async fn deliver(
    (client, report, limit): (&JobClient, &Report, Duration),
    (folder, room): (&Folder, &Room),
    names: Receiver<String>,
    told: Sender<Told>,
) -> Result<HashMap<String, FileRef>, Stop> {
    let (done, told) = (RefCell::new(HashMap::new()), &told);
    let names = stream::unfold(names, |mut names| async move { names.recv().await.map(|name| (Ok(name), names)) });
    names
        .try_for_each_concurrent(AT_ONCE, |name| async {
            let found = folder.find(&name).map_err(Stop::Failed)?;
            // Others are on their way, and stall or don't: it isn't this one that does.
            let _taken = room.take(found.bytes()).await;
            let sent = Sent::default();
            let delivery = deliver_one(client, found, &sent);
            let file = unless_stalled((report, limit), || sent.bytes(), delivery).await.map_err(Stop::Failed)??;
            done.borrow_mut().insert(name, file.clone());
            // Whoever listens may have given up; the job goes on.
            let _ = told.send(Told::Delivered(file)).await;
            Ok(())
        })
        .await?;
    Ok(done.into_inner())
}

async fn deliver_one(client: &JobClient, found: Found, sent: &Sent) -> Result<FileRef, Stop> {
    let (file, bytes) = found.read().map_err(Stop::Failed)?;
    let put = insist("delivering a file", || client.put(&file, bytes.clone(), sent)).await;
    match put {
        Ok(()) => Ok(file),
        Err(Trouble::Lost) => Err(Stop::Lost),
        Err(trouble) => Err(Stop::Failed(refused(&trouble))),
    }
}

/// The server takes whatever an honest child makes: what it refuses of a job's files, or of their result, is its child's
/// doing.
pub fn refused(trouble: &Trouble) -> Failure {
    Failure::untrue(trouble.to_string())
}

/// Brings something to the server, or fails once nothing more of it goes for `limit`, though the server answers.
pub async fn unless_stalled<T>(
    (report, limit): (&Report, Duration),
    sent: impl Fn() -> u64,
    delivery: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::select! {
        done = delivery => Ok(done),
        () = stall(sent, || report.is_answered(), limit) => Err(Failure::delivery()),
    }
}

/// Ends once `sent` hasn't grown for `limit`. A server that is away is waited for: it could take nothing else either.
async fn stall(sent: impl Fn() -> u64, is_answered: impl Fn() -> bool, limit: Duration) {
    let (mut furthest, mut since) = (0, Instant::now());
    while since.elapsed() < limit {
        tokio::time::sleep(limit / LOOKS).await;
        let now = sent();
        if now > furthest || !is_answered() {
            (furthest, since) = (now, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::put;
    use pinreel_runner::{Lease, Preset, RECIPE, Source, Task};
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::{Stop, deliver, stall};
    use crate::parent::folder::Folder;
    use crate::worker::client::{Client, JobClient};
    use crate::worker::report::Report;
    use crate::worker::room::Room;

    const LIMIT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_delivery_may_be_slow_or_wait_for_a_server_that_is_away_but_not_stand_still() {
        let sent = Cell::new(0);
        let grows = || {
            sent.set(sent.get() + 1);
            sent.get()
        };
        assert!(timeout(LIMIT * 5, stall(grows, || true, LIMIT)).await.is_err(), "it went forward");
        assert!(timeout(LIMIT * 5, stall(|| 7, || false, LIMIT)).await.is_err(), "nobody was there");
        assert!(timeout(LIMIT * 50, stall(|| 7, || true, LIMIT)).await.is_ok(), "it waits for ever");
    }

    /// A job of a server with these routes.
    async fn job(routes: Router) -> JobClient {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = format!("http://{}", listener.local_addr().expect("bound")).parse().expect("an address");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::new(server).expect("a client").job(Lease {
            job: "job".into(),
            epoch: 1,
            token: "token".into(),
            source: Source { cid: String::new(), bytes: 0, file_name: String::new(), media_type: String::new() },
            task: Task::Renditions,
            recipe: RECIPE.into(),
            preset: Preset::default(),
            lease_ms: 1000,
        })
    }

    /// Delivers these files, of a byte or more, until one stalls; how many arrived.
    async fn until_one_stalls(job: &JobClient, files: &[&str], room: &Room) -> usize {
        let (made, report) = (tempfile::tempdir().expect("a folder"), Report::new(1));
        let folder = Folder::open(made.path()).expect("opened");
        let (names, waiting) = mpsc::channel(9);
        let (told, mut telling) = mpsc::channel(9);
        for name in files {
            std::fs::write(made.path().join(name), name).expect("written");
            names.send((*name).to_owned()).await.expect("taken");
        }
        let stopped = timeout(LIMIT * 50, deliver((job, &report, LIMIT), (&folder, room), waiting, told)).await;
        let Err(Stop::Failed(failure)) = stopped.expect("it waits for ever") else { panic!("it was delivered") };
        assert_eq!((failure.code.as_str(), failure.retryable), ("delivery_stalled", true));
        let mut arrived = 0;
        while telling.recv().await.is_some() {
            arrived += 1;
        }
        arrived
    }

    #[tokio::test]
    async fn a_file_that_never_arrives_is_the_machines_failure() {
        let routes = Router::new()
            .route("/runner/v1/jobs/job/files/poster.jpg", put(async || StatusCode::NO_CONTENT))
            .route("/runner/v1/jobs/job/files/video.mp4", put(pending::<StatusCode>));
        let arrived = until_one_stalls(&job(routes).await, &["poster.jpg", "video.mp4"], &Room::new()).await;
        assert_eq!(arrived, 1, "only the first arrives");
    }

    #[tokio::test]
    async fn a_file_for_which_there_is_no_room_waits() {
        let asked = Arc::new(AtomicU64::new(0));
        let counted = asked.clone();
        let never = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            pending::<StatusCode>()
        };
        let job = job(Router::new().route("/runner/v1/jobs/job/files/{name}", put(never))).await;
        let room = Room::new();
        // A mebibyte is left, which the first of them takes.
        let _taken = room.take(255 << 20).await;
        until_one_stalls(&job, &["poster.jpg", "chapters.vtt", "waveform.json"], &room).await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
