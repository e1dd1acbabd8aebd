//! Who writes which upload right now: one at a time.
//!
//! A client whose connection broke comes back before its old request has noticed. So a writer that has been silent for
//! a while is asked to let go, and the newcomer waits for it; a writer whose bytes flow is left alone. Only whoever gives
//! the upload up ends every writer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::model::UploadId;

/// A writer without a byte for so long gives way to a newcomer.
const SILENCE: Duration = Duration::from_secs(2);
/// How long a newcomer waits for a writer whose bytes flow: a request that has just broken off ends within this.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a writer that was asked to let go may take to put down what it has.
const LET_GO: Duration = Duration::from_secs(10);

#[derive(Clone, Default)]
pub struct Writers {
    slots: Arc<Mutex<HashMap<UploadId, Arc<Slot>>>>,
}

struct Slot {
    last_byte: Mutex<Instant>,
    let_go: CancellationToken,
    /// Set before `let_go`, if it is for good.
    given_up: AtomicBool,
    gone: CancellationToken,
}

/// Why a writer has to let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetGo {
    /// A newcomer goes on with the upload.
    TakenOver,
    /// There will be no upload any more.
    GivenUp,
}

/// The right to write one upload, until it is dropped.
pub struct Lease {
    writers: Writers,
    id: UploadId,
    slot: Arc<Slot>,
}

/// Somebody else writes, and doesn't stop.
#[derive(Debug)]
pub struct Busy;

impl Writers {
    pub async fn acquire(&self, id: UploadId) -> Result<Lease, Busy> {
        loop {
            let slot = match self.try_acquire(id) {
                Ok(lease) => return Ok(lease),
                Err(slot) => slot,
            };
            let silent = lock(&slot.last_byte).elapsed() >= SILENCE;
            if silent {
                slot.let_go.cancel();
            }
            let patience = if slot.let_go.is_cancelled() { LET_GO } else { PATIENCE };
            timeout(patience, slot.gone.cancelled()).await.map_err(|_| Busy)?;
        }
    }

    /// For giving an upload up: ends whoever writes, and whoever was waiting to write next.
    pub async fn acquire_to_end(&self, id: UploadId) -> Result<Lease, Busy> {
        let deadline = Instant::now() + LET_GO;
        loop {
            let slot = match self.try_acquire(id) {
                Ok(lease) => return Ok(lease),
                Err(slot) => slot,
            };
            slot.given_up.store(true, Ordering::Release);
            slot.let_go.cancel();
            timeout_at(deadline, slot.gone.cancelled()).await.map_err(|_| Busy)?;
        }
    }

    /// For tidying up: never disturbs a writer.
    pub fn acquire_if_free(&self, id: UploadId) -> Option<Lease> {
        self.try_acquire(id).ok()
    }

    fn try_acquire(&self, id: UploadId) -> Result<Lease, Arc<Slot>> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.get(&id) {
            return Err(slot.clone());
        }
        let slot = Arc::new(Slot {
            last_byte: Mutex::new(Instant::now()),
            let_go: CancellationToken::new(),
            given_up: AtomicBool::new(false),
            gone: CancellationToken::new(),
        });
        slots.insert(id, slot.clone());
        Ok(Lease { writers: self.clone(), id, slot })
    }
}

impl Lease {
    pub fn id(&self) -> UploadId {
        self.id
    }

    /// Bytes came: whoever wants to write has to wait.
    pub fn touch(&self) {
        *lock(&self.slot.last_byte) = Instant::now();
    }

    /// Resolves when somebody else takes over.
    pub async fn let_go(&self) -> LetGo {
        self.slot.let_go.cancelled().await;
        if self.slot.given_up.load(Ordering::Acquire) { LetGo::GivenUp } else { LetGo::TakenOver }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        lock(&self.writers.slots).remove(&self.id);
        self.slot.gone.cancel();
    }
}

/// A panic of another holder leaves nothing half-done here.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;
    use uuid::Uuid;

    use super::*;

    const ID: UploadId = UploadId(Uuid::from_u128(1));

    #[tokio::test(start_paused = true)]
    async fn a_flowing_writer_is_left_alone() {
        let writers = Writers::default();
        let first = writers.acquire(ID).await.unwrap();
        assert!(writers.acquire(ID).await.is_err());
        assert!(!first.slot.let_go.is_cancelled());
        assert!(writers.acquire(UploadId(Uuid::from_u128(2))).await.is_ok(), "another upload isn't concerned");
        drop(first);
        assert!(writers.acquire(ID).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_writer_gives_way() {
        let writers = Writers::default();
        let first = writers.acquire(ID).await.unwrap();
        advance(SILENCE).await;
        let newcomer = tokio::spawn({
            let writers = writers.clone();
            async move { writers.acquire(ID).await.is_ok() }
        });
        assert_eq!(first.let_go().await, LetGo::TakenOver);
        drop(first);
        assert!(newcomer.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn giving_up_ends_a_flowing_writer() {
        let writers = Writers::default();
        let first = writers.acquire(ID).await.unwrap();
        let end = tokio::spawn({
            let writers = writers.clone();
            async move { writers.acquire_to_end(ID).await.is_ok() }
        });
        first.touch();
        assert_eq!(first.let_go().await, LetGo::GivenUp);
        drop(first);
        assert!(end.await.unwrap());
        let _stuck = writers.acquire(ID).await.unwrap();
        assert!(writers.acquire_to_end(ID).await.is_err(), "a writer that doesn't hear is waited for no longer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_touch_counts_as_life() {
        let writers = Writers::default();
        let first = writers.acquire(ID).await.unwrap();
        advance(SILENCE).await;
        first.touch();
        assert!(writers.acquire(ID).await.is_err());
        assert!(!first.slot.let_go.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stuck_writer_is_reported() {
        let writers = Writers::default();
        let _first = writers.acquire(ID).await.unwrap();
        advance(SILENCE).await;
        assert!(writers.acquire(ID).await.is_err());
    }
}
