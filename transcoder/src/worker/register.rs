//! `register`: buys this worker a key of its own with the operator's token, once.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use pinreel_runner::{PROTOCOL, Register};
use reqwest::Url;

use super::client::{Client, Trouble};
use super::{SOFTWARE, host};

/// Registers and writes the key to a file that only this user may read; the name that the server gave.
pub async fn register(server: Url, token: &str, name: Option<String>, path: &Path) -> Result<String, String> {
    let shown = path.display();
    // First the file: a key that can't be written would be lost.
    let file = File::options().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => format!("{shown} exists already, and may hold a key; name another file"),
        _ => format!("can't make the key's file {shown}: {error}"),
    })?;
    let body = Register { protocol: PROTOCOL, worker: name.unwrap_or_else(host), software: SOFTWARE.to_owned() };
    let registered = match Client::new(server) {
        Ok(client) => client.register(token.trim(), &body).await.map_err(|trouble| match trouble {
            Trouble::Refused { detail, .. } => detail,
            other => other.to_string(),
        }),
        Err(error) => Err(error.to_string()),
    };
    let written = registered.and_then(|registered| {
        let line = format!("{}\n", registered.key);
        let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_all());
        written.map(|()| registered.worker).map_err(|error| format!("can't write the key's file {shown}: {error}"))
    });
    if written.is_err() {
        // It holds no key.
        let _ = std::fs::remove_file(path);
    }
    written
}
