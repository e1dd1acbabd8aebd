//! What an operator can set, by flag or by environment. Parsed once; nothing below `app.rs` reads the environment.

use std::net::IpAddr;
use std::path::PathBuf;

use pinreel_runner::{Preset, PresetError};
use url::Url;

use crate::accounts::Registration;
use crate::http::{Network, Rates, Secret};
use crate::site;

#[derive(Clone, Debug, clap::Args)]
pub struct Config {
    /// Port to listen on
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// Folder for everything the node keeps
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The address people reach this node at, if a proxy stands before it
    #[arg(long, value_parser = site::public_url)]
    pub url: Option<Url>,
    /// Address or network of a proxy whose X-Forwarded-For is believed, besides this machine; may be given again
    #[arg(long, value_name = "ADDRESS", env = "PINREEL_TRUSTED_PROXY", value_delimiter = ',')]
    pub trusted_proxy: Vec<Network>,
    #[command(flatten)]
    pub rates: Rates,
    /// Token that reads /metrics from anywhere; without one only this machine's programs do
    #[arg(long, env = "PINREEL_METRICS_TOKEN", hide_env_values = true, value_parser = metrics_token)]
    pub metrics_token: Option<Secret>,
    /// Certificate chain for TLS on this port (PEM), read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "acme")]
    pub tls_cert: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Get certificates for the address in --url from Let's Encrypt; port 443 must reach this one
    #[arg(long)]
    pub acme: bool,
    /// Where the authority writes to before a certificate runs out
    #[arg(long, value_name = "ADDRESS", requires = "acme")]
    pub acme_email: Option<String>,
    /// Another ACME authority's directory
    #[arg(long, value_name = "URL", requires = "acme")]
    pub acme_directory: Option<Url>,
    /// Run a Kubo of the node's own from the `ipfs` on the PATH
    #[arg(long)]
    pub ipfs: bool,
    /// Keep that Kubo to this machine
    #[arg(long, hide = true, env = "PINREEL_IPFS_OFFLINE", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    pub ipfs_offline: bool,
    /// Folder of the built web app
    #[arg(long, value_name = "DIR", env = "PINREEL_WEB")]
    pub web: Option<PathBuf>,
    /// The transcoder to supervise, or `none`
    #[arg(long, value_name = "PROGRAM", env = "PINREEL_TRANSCODER")]
    pub transcoder: Option<PathBuf>,
    /// File with the secret that lets transcoders ask for jobs; one in the data folder is made otherwise
    #[arg(long, value_name = "FILE", env = "PINREEL_WORKER_TOKEN_FILE")]
    pub worker_token_file: Option<PathBuf>,
    /// Short sides of the pictures that are made, largest first
    #[arg(long, value_name = "SIDES", env = "PINREEL_LADDER", value_delimiter = ',', default_values_t = Preset::default().ladder)]
    pub ladder: Vec<u32>,
    /// Quality of the pictures as x264's CRF: lower is better and larger
    #[arg(long, env = "PINREEL_CRF", default_value_t = Preset::default().crf)]
    pub crf: u32,
    /// The most that a picture may take, in kbit/s; what its size allows unless this is less
    #[arg(long, value_name = "KBITS", env = "PINREEL_MAX_BITRATE")]
    pub max_bitrate: Option<u64>,
    /// The most frames a second
    #[arg(long, value_name = "FRAMES", env = "PINREEL_MAX_FRAME_RATE", default_value_t = Preset::default().max_frame_rate)]
    pub max_frame_rate: u32,
    /// The longest source that is transcoded, in hours
    #[arg(long, value_name = "HOURS", env = "PINREEL_MAX_HOURS", default_value_t = Preset::default().max_hours)]
    pub max_hours: u64,
    /// Postgres to use in place of a private one
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// RPC address of a Kubo that pins what this node stores
    #[arg(long, env = "KUBO_API")]
    pub kubo_api: Option<Url>,
    /// Token that this Kubo's RPC wants (API.Authorizations), if any
    #[arg(long, env = "KUBO_API_TOKEN", hide_env_values = true)]
    pub kubo_token: Option<String>,
    /// Who may found a channel, until the operator decides: open, invitation or closed
    #[arg(long, value_enum, env = "PINREEL_REGISTRATION")]
    pub registration: Option<Registration>,
    /// A denylist (IPIP-383), or a folder of them, besides those in the data folder and in /etc/ipfs/denylists
    #[arg(long, value_name = "PATH")]
    pub denylist: Vec<PathBuf>,
    /// Largest upload in bytes
    #[arg(long, env = "PINREEL_MAX_UPLOAD_BYTES", default_value_t = 64 << 30)]
    pub max_upload_bytes: u64,
    /// Bytes that the unfinished uploads of one channel may still await together; 10 GiB, or a quarter of the free room
    /// if that is more, unless this is set
    #[arg(long, env = "PINREEL_MAX_UNFINISHED_BYTES")]
    pub max_unfinished_bytes: Option<u64>,
    /// How many hours content stays after nothing wants it any more
    #[arg(long, value_name = "HOURS", env = "PINREEL_GC_GRACE_HOURS", default_value_t = 24)]
    pub gc_grace_hours: u64,
    /// How many MiB a second are read to look for damage in stored files
    #[arg(long, value_name = "MIB", env = "PINREEL_SCRUB_RATE", default_value_t = 8)]
    pub scrub_rate: u64,
}

/// The shortest token that nobody guesses, in characters.
const SHORTEST_TOKEN: usize = 16;

fn metrics_token(text: &str) -> Result<Secret, String> {
    if text.len() < SHORTEST_TOKEN {
        return Err("it is too short; make one with `openssl rand -hex 32`".to_owned());
    }
    Ok(Secret::of(text))
}

impl Config {
    /// How sources are to be transcoded.
    pub fn preset(&self) -> Result<Preset, PresetError> {
        let preset = Preset {
            ladder: self.ladder.clone(),
            crf: self.crf,
            max_kbits_per_second: self.max_bitrate,
            max_frame_rate: self.max_frame_rate,
            max_hours: self.max_hours,
        };
        preset.checked()
    }
}
