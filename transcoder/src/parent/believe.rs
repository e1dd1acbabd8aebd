//! Why a child says that it failed. One that was taken over may lie: what it says of the machine, for which others would have
//! to wait, is believed only where its parent finds the same.

use std::io::{self, Write};
use std::path::Path;

use crate::failure::Failure;

/// Written to find out whether a disk takes anything.
const SAMPLE_BYTES: usize = 1 << 20;
/// Kept of a reason that isn't believed.
const REASON_CHARS: usize = 200;

/// What is to be told of a child that says this; `folder` is its own, and `weak` whether a fence with gaps is allowed.
pub async fn believed(told: Failure, folder: &Path, weak: bool) -> Failure {
    if !told.is_of_machine() {
        return told;
    }
    let is_so = match told.code.as_str() {
        "worker_disk" => write_sample(folder).is_err(),
        "sandbox_failed" => !super::probe().await.is_ok_and(|layers| layers.are_whole() || weak),
        // Of the rest of the machine a child sees nothing.
        _ => false,
    };
    if is_so {
        return told;
    }
    let reason: String = told.reason.chars().take(REASON_CHARS).collect();
    Failure::untrue(format!("its child says {}, of which nothing is seen here: {reason}", told.code))
}

/// The file has no name that a child could have taken before, and is gone when this returns.
fn write_sample(folder: &Path) -> io::Result<()> {
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&vec![0x5a; SAMPLE_BYTES])?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::believed;
    use crate::failure::Failure;

    #[tokio::test]
    async fn a_full_disk_is_believed_if_the_parent_finds_it_full() {
        let folder = tempfile::tempdir().expect("a folder");
        let full = Failure::disk(&Error::from(ErrorKind::StorageFull));
        let told = believed(full.clone(), folder.path(), false).await;
        assert_eq!((told.code.as_str(), told.retryable, told.is_of_machine()), ("transcoder_crashed", true, false));
        assert!(told.detail.is_some_and(|detail| detail.contains("worker_disk")));
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 0, "the sample stays");
        // Nothing can be written into a folder that isn't there.
        assert_eq!(believed(full.clone(), &folder.path().join("gone"), false).await, full);
    }

    #[tokio::test]
    async fn what_a_child_cannot_know_is_not_believed_and_what_it_says_of_its_file_is() {
        let folder = tempfile::tempdir().expect("a folder");
        for failure in [Failure::delivery(), Failure::of_machine("source_mismatch", "Other bytes.")] {
            assert_eq!(believed(failure, folder.path(), false).await.code, "transcoder_crashed");
        }
        for failure in [Failure::damaged(), Failure::copy_unfit(), Failure::internal("it panicked")] {
            assert_eq!(believed(failure.clone(), folder.path(), false).await, failure);
        }
    }
}
