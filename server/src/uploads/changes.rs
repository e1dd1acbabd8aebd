//! Telling those who watch an upload that there is something new; what it is, they look up.

use tokio::sync::broadcast;

use super::model::UploadId;

/// Changes that a slow watcher may lag behind before it is told that it missed some.
const BACKLOG: usize = 1024;

#[derive(Clone)]
pub struct Changes {
    sender: broadcast::Sender<UploadId>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0 }
    }
}

impl Changes {
    pub fn tell(&self, id: UploadId) {
        // Without watchers there is nobody to tell.
        let _ = self.sender.send(id);
    }

    pub fn subscribe(&self) -> broadcast::Receiver<UploadId> {
        self.sender.subscribe()
    }
}
