//! A Kubo of the node's own (`--ipfs`): a repository in the data folder, its RPC on a free loopback port, no gateway.
//!
//! It takes part in the public network with Kubo's own defaults, but for its telemetry, which is off unless asked for, and
//! for its port where another Kubo of the machine has that. `PINREEL_IPFS_OFFLINE=1` keeps it to this machine, for
//! tests and for those who only want a second store.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Program, Signal, keep_running, small_environment};
use crate::data::{DataDir, private_dir};

/// How often the file is read in which Kubo says where its RPC is.
const POLL: Duration = Duration::from_millis(500);
/// The profile under which Kubo's own imports give the same CIDs as ours.
const PROFILE: &str = "unixfs-v1-2025";

#[derive(Debug, thiserror::Error)]
pub enum KuboError {
    #[error(
        "--ipfs needs the program `ipfs` (Kubo 0.42 or newer) on the PATH; install it, or set KUBO_API to one that runs."
    )]
    NotInstalled,
    #[error("The IPFS repository can't be made: {0}.")]
    Init(String),
    #[error("The IPFS repository {} can't be prepared ({source}).", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// A repository that is ready to run.
#[derive(Debug)]
pub struct Kubo {
    program: PathBuf,
    repository: PathBuf,
    offline: bool,
}

impl Kubo {
    /// Finds the program, and makes and configures the repository.
    pub async fn prepare(data: &DataDir, offline: bool) -> Result<Self, KuboError> {
        let program = on_path("ipfs").ok_or(KuboError::NotInstalled)?;
        let kubo = Self { program, repository: data.ipfs(), offline };
        if !kubo.repository.join("config").is_file() {
            kubo.init().await?;
        }
        kubo.configure().map_err(|source| KuboError::Io { path: kubo.repository.clone(), source })?;
        Ok(kubo)
    }

    /// Makes the repository beside its place and moves it there whole.
    async fn init(&self) -> Result<(), KuboError> {
        let draft = self.repository.with_extension("new");
        let io = |source| KuboError::Io { path: draft.clone(), source };
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(io)?;
        }
        private_dir(&draft).map_err(io)?;
        let mut init = self.command(&draft);
        init.args(["init", "--empty-repo", "--profile", PROFILE]);
        let outcome = init.output().await.map_err(io)?;
        if !outcome.status.success() {
            let said = String::from_utf8_lossy(&outcome.stderr);
            return Err(KuboError::Init(said.lines().last().unwrap_or("it said nothing").to_owned()));
        }
        fs::rename(&draft, &self.repository).map_err(io)
    }

    fn configure(&self) -> io::Result<()> {
        let path = self.repository.join("config");
        // Once it may meet the others again, it is as it was before.
        let online = self.repository.join("config.online");
        match (self.offline, online.is_file()) {
            (true, false) => crate::data::write_private(&online, &fs::read(&path)?)?,
            (false, true) => fs::rename(&online, &path)?,
            _ => {}
        }
        let mut config: Value = serde_json::from_slice(&fs::read(&path)?)?;
        adjust(&mut config, self.offline);
        if let Some(taken) = swarm_port(&config).filter(|port| !is_free(*port)) {
            let free = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?.local_addr()?.port();
            tracing::info!(taken, port = free, "another program has Kubo's port; ours takes a free one");
            move_swarm(&mut config, taken, free);
        }
        crate::data::write_private(&path, serde_json::to_string_pretty(&config)?.as_bytes())
    }

    fn command(&self, repository: &Path) -> Command {
        let mut command = Command::new(&self.program);
        small_environment(&mut command);
        command.env("IPFS_PATH", repository).env("HOME", repository).kill_on_drop(true);
        command.env("IPFS_TELEMETRY", std::env::var_os("IPFS_TELEMETRY").unwrap_or_else(|| "off".into()));
        command
    }

    /// Runs it until `stop`, and tells `address` where its RPC answers whenever that changes.
    pub async fn run(self, address: impl Fn(Option<Url>) + Send, stop: CancellationToken) {
        let api = self.repository.join("api");
        let daemon = || {
            // A killed Kubo leaves its address behind.
            match fs::remove_file(&api) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut command = self.command(&self.repository);
            command.kill_on_drop(false).args(["daemon", "--migrate=true"]);
            if self.offline {
                command.arg("--offline");
            }
            Ok(command)
        };
        let program = Program { name: "kubo", death: Signal::TERM };
        let watch = async {
            let mut told = None;
            loop {
                let found = fs::read_to_string(&api).ok().as_deref().and_then(rpc_url);
                if found != told {
                    tracing::info!(url = found.as_ref().map(Url::as_str), "the node's own Kubo");
                    address(found.clone());
                    told = found;
                }
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::select! {
            () = keep_running(program, daemon, stop) => {}
            () = watch => {}
        }
    }
}

/// Reads `/ip4/127.0.0.1/tcp/5001`.
fn rpc_url(multiaddress: &str) -> Option<Url> {
    let parts: Vec<_> = multiaddress.trim().split('/').collect();
    match parts[..] {
        ["", "ip4", ip, "tcp", port] => Url::parse(&format!("http://{ip}:{port}")).ok(),
        _ => None,
    }
}

fn adjust(config: &mut Value, offline: bool) {
    config["Addresses"]["API"] = json!("/ip4/127.0.0.1/tcp/0");
    config["Addresses"]["Gateway"] = json!([]);
    if offline {
        config["Addresses"]["Swarm"] = json!(["/ip4/127.0.0.1/tcp/0"]);
        config["Bootstrap"] = json!([]);
        config["Routing"] = json!({ "Type": "none" });
        config["AutoConf"]["Enabled"] = json!(false);
        config["AutoTLS"]["Enabled"] = json!(false);
        config["Discovery"]["MDNS"]["Enabled"] = json!(false);
        config["DNS"]["Resolvers"] = json!({});
        config["Ipns"]["DelegatedPublishers"] = json!([]);
        config["Routing"]["DelegatedRouters"] = json!([]);
        config["Gateway"]["NoFetch"] = json!(true);
    }
}

/// The TCP port on which other nodes of the network reach this one.
fn swarm_port(config: &Value) -> Option<u16> {
    let addresses = config["Addresses"]["Swarm"].as_array()?.iter().filter_map(Value::as_str);
    let ports = addresses.filter_map(|address| address.split_once("/tcp/")?.1.split('/').next()?.parse().ok());
    ports.into_iter().find(|port| *port != 0)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() && UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

fn move_swarm(config: &mut Value, from: u16, to: u16) {
    let Some(addresses) = config["Addresses"]["Swarm"].as_array_mut() else { return };
    for address in addresses {
        let Some(text) = address.as_str() else { continue };
        let moved = text.split('/').map(|part| if part == from.to_string() { to.to_string() } else { part.to_owned() });
        *address = json!(moved.collect::<Vec<_>>().join("/"));
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_file_is_read() {
        assert_eq!(rpc_url("/ip4/127.0.0.1/tcp/40123\n").unwrap().as_str(), "http://127.0.0.1:40123/");
        for other in ["", "/ip4/127.0.0.1/udp/1/quic-v1", "/unix/tmp/api", "/ip4/127.0.0.1/tcp/x"] {
            assert_eq!(rpc_url(other), None, "{other}");
        }
    }

    #[test]
    fn a_taken_port_is_left_to_who_has_it() {
        let mut config = json!({ "Addresses": { "Swarm": [
            "/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001", "/ip4/0.0.0.0/udp/4001/quic-v1/webtransport"
        ] } });
        assert_eq!(swarm_port(&config), Some(4001));
        move_swarm(&mut config, 4001, 5999);
        assert_eq!(swarm_port(&config), Some(5999));
        assert!(!config.to_string().contains("4001"), "{config}");
        let held = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        assert!(!is_free(held.local_addr().unwrap().port()));
        adjust(&mut config, true);
        assert_eq!(swarm_port(&config), None, "an offline one takes any");
    }

    #[test]
    fn being_offline_ends_with_the_wish() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        let made = json!({ "Addresses": { "Swarm": ["/ip4/0.0.0.0/tcp/0"] }, "Bootstrap": ["auto"] });
        fs::write(&config, made.to_string()).unwrap();
        let bootstrap = |offline| {
            let kubo = Kubo { program: PathBuf::new(), repository: folder.path().to_owned(), offline };
            kubo.configure().unwrap();
            serde_json::from_slice::<Value>(&fs::read(&config).unwrap()).unwrap()["Bootstrap"].clone()
        };
        assert_eq!([true, true, false, false].map(bootstrap), [json!([]), json!([]), json!(["auto"]), json!(["auto"])]);
    }

    #[test]
    fn identity_survives_configuration() {
        let mut config =
            json!({ "Identity": { "PeerID": "12D3" }, "Addresses": { "Gateway": "/ip4/127.0.0.1/tcp/8080" } });
        adjust(&mut config, true);
        assert_eq!(config["Identity"]["PeerID"], "12D3");
        assert_eq!(config["Addresses"]["Gateway"], json!([]));
        assert_eq!(config["Routing"]["Type"], "none");
    }
}
