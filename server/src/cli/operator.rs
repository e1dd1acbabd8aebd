//! Acting as a node's operator, with `--data DIR`: through the socket of the node that serves the folder or, when none
//! does, on the folder itself, which is this command's alone for the while.

use std::fs::File;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use pinreel_content::{CarRoom, Store};

use super::answer::Failure;
use crate::clock::Clock;
use crate::data::{self, DataDir, DataError};
use crate::media::wish::{self, Wish};
use crate::socket::client::{self, Imported, Node, SocketError};
use crate::socket::operation::{self, Answer, Event, Fault, Operation};
use crate::uploads::SPARE_BYTES;

/// Which node's folder a command is about.
#[derive(Clone, Debug, clap::Args)]
pub struct Folder {
    /// Folder of the node's data
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl Folder {
    pub fn root(&self) -> Result<PathBuf, Failure> {
        self.data.clone().map_or_else(data::default_root, Ok).map_err(unusable)
    }
}

pub struct Operator {
    root: PathBuf,
    /// The folder itself, when no node runs.
    own: Option<(DataDir, Store)>,
}

impl Operator {
    /// Of a folder that a node uses.
    pub async fn of(root: &Path) -> Result<Self, Failure> {
        Self::by(root, DataDir::open_used).await
    }

    /// As [`Operator::of`], also of an empty folder, in which a node's content then begins.
    pub async fn of_used_or_empty(root: &Path) -> Result<Self, Failure> {
        Self::by(root, DataDir::open_used_or_empty).await
    }

    async fn by(root: &Path, open: fn(&Path) -> Result<DataDir, DataError>) -> Result<Self, Failure> {
        let mut operator = Self { root: root.to_owned(), own: None };
        if operator.node().await?.is_none() {
            let data = open(root).map_err(unusable)?;
            let store = Store::open(data.content()).map_err(Fault::from)?;
            operator.own = Some((data, store));
        }
        Ok(operator)
    }

    pub fn node_runs(&self) -> bool {
        self.own.is_none()
    }

    /// Does something; `on_event` hears of progress and of what is found.
    pub async fn operate(
        &self,
        operation: &Operation,
        mut on_event: impl FnMut(Event) + Send,
    ) -> Result<Answer, Failure> {
        match &self.own {
            None => Ok(self.running().await?.operate(operation, on_event).await?),
            Some((_, store)) => {
                let mut tell = |event| {
                    on_event(event);
                    true
                };
                Ok(operation::run(store, now_ms(), operation, &mut tell)?)
            }
        }
    }

    /// Imports a CAR file; `name` says why its roots are pinned, and `size_bytes` how long it is, if that is known.
    pub async fn import(
        &self,
        (name, size_bytes): (&str, Option<u64>),
        car: File,
        mut on_bytes: impl FnMut(u64) + Send + 'static,
    ) -> Result<Imported, Failure> {
        let Some((_, store)) = &self.own else {
            return Ok(self
                .running()
                .await?
                .import((name, size_bytes), tokio::fs::File::from_std(car), on_bytes)
                .await?);
        };
        let (store, name) = (store.clone(), name.to_owned());
        let room = CarRoom { spare_bytes: SPARE_BYTES, announced_bytes: size_bytes };
        let importing = tokio::task::spawn_blocking(move || {
            let car = Told { source: car, on_bytes: &mut on_bytes };
            client::import_car(&store, now_ms(), (&name, room), car)
        });
        let imported = importing.await.map_err(|error| Failure::new("internal", error))?;
        Ok(imported.map_err(Fault::from)?)
    }

    /// Gives the right bytes of a block; whether that was of use.
    pub async fn restore(&self, cid: &str, block: Bytes) -> Result<bool, Failure> {
        match &self.own {
            None => Ok(self.running().await?.restore(cid, block).await?),
            Some((_, store)) => Ok(operation::restore(store, cid, &block)?),
        }
    }

    /// The store itself, when no node runs.
    pub fn store(&self) -> Option<&Store> {
        self.own.as_ref().map(|(_, store)| store)
    }

    /// Asks the node of a folder about its jobs and workers. They are in its database, so it must run.
    pub async fn wish(root: &Path, wish: &Wish) -> Result<wish::Answer, Failure> {
        let absent = || {
            let text = format!("No node runs on {}; start it, and run the command again.", root.display());
            Failure::new("node_absent", text)
        };
        let node = Node::connect(root).await?.ok_or_else(absent)?;
        Ok(node.wish(wish).await?)
    }

    async fn node(&self) -> Result<Option<Node>, Failure> {
        Ok(Node::connect(&self.root).await?)
    }

    /// A fresh connection: each carries one request.
    pub async fn running(&self) -> Result<Node, Failure> {
        let gone = || Failure::new("node_stopping", "The node has just stopped; run the command again.");
        self.node().await?.ok_or_else(gone)
    }
}

struct Told<'a, R> {
    source: R,
    on_bytes: &'a mut dyn FnMut(u64),
}

impl<R: std::io::Read> std::io::Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.source.read(buffer)?;
        (self.on_bytes)(length as u64);
        Ok(length)
    }
}

fn now_ms() -> u64 {
    u64::try_from(Clock::System.now_ms()).unwrap_or_default()
}

/// Why a data folder can't be used by a command.
pub fn unusable(error: DataError) -> Failure {
    match error {
        DataError::Locked(path) => Failure::new(
            "data_folder_in_use",
            format!(
                "Another pinreel uses {}: a node that starts or stops, or another command. Try again when it is done.",
                path.display()
            ),
        ),
        other => Failure::new("data_folder", other),
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        // Which is seen before anything is done.
        let is_usage = fault.code == "cid_malformed";
        Self { is_usage, ..Self::new(&fault.code, fault.message) }
    }
}

impl From<SocketError> for Failure {
    fn from(error: SocketError) -> Self {
        match error {
            SocketError::Refused(fault) => fault.into(),
            SocketError::Source(_) => Self::new("file_unreadable", error),
            other => Self::new("node_socket", other),
        }
    }
}
