//! The memory that deliveries may take, of all of a worker's jobs together: a file is held whole while it is sent, and a child
//! may write many that are as large as they may be.

use tokio::sync::{Semaphore, SemaphorePermit};

/// The largest file fits.
const MIB: usize = 256;
const MIB_BYTES: u64 = 1 << 20;

pub struct Room(Semaphore);

impl Room {
    pub fn new() -> Self {
        Self(Semaphore::new(MIB))
    }

    /// Waits until so many bytes fit, first come, first served; they are free again once the answer is dropped.
    pub async fn take(&self, bytes: u64) -> SemaphorePermit<'_> {
        let mib = u32::try_from(bytes.div_ceil(MIB_BYTES)).unwrap_or(u32::MAX).min(MIB as u32);
        self.0.acquire_many(mib).await.expect("nobody closes it")
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use pinreel_runner::FileKind;

    use super::{MIB, MIB_BYTES, Room};

    #[tokio::test]
    async fn as_much_as_fits_is_taken_and_the_next_waits() {
        let room = Room::new();
        let segment = FileKind::Segment.max_bytes();
        let first = room.take(segment).await;
        let _second = room.take(segment).await;
        let mut context = Context::from_waker(Waker::noop());
        let mut third = pin!(room.take(1));
        assert!(third.as_mut().poll(&mut context).is_pending(), "a byte counts as well");
        drop(first);
        assert!(third.as_mut().poll(&mut context).is_ready());
    }

    #[tokio::test]
    async fn the_largest_file_fits() {
        assert!(FileKind::Muxed.max_bytes() <= MIB as u64 * MIB_BYTES);
        let room = Room::new();
        drop(room.take(FileKind::Muxed.max_bytes()).await);
        assert_eq!(room.0.available_permits(), MIB);
    }
}
