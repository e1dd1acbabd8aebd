//! Work on the blocking pool that takes its turn: walks through folders and files need memory while they run, and their
//! threads keep some of it for a while, so that many at once would cost more than they bring.

use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};

/// More than a disk answers faster.
const AT_ONCE: usize = 16;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Runs `work` on the blocking pool, at most [`AT_ONCE`] at a time. Work that has begun goes on to its end, whoever waits
/// for it.
pub async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    // Nobody closes it.
    let turn = TURNS.acquire().await.ok();
    spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    })
    .await
}
