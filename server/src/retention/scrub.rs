//! Reads every file again, slowly, and mends what is damaged with the right bytes from Kubo, if there is one.
//!
//! A pass takes as long as the rate makes it, and the next one begins a week after the one before. It starts from the
//! beginning after a restart: a file that is read twice is none the worse.

use std::time::Duration;

use pinreel_content::{Cid, Damage, Scrubbed};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until};

use crate::app::App;
use crate::pinning;

const FIRST_AFTER: Duration = Duration::from_secs(900);
const EVERY: Duration = Duration::from_secs(7 * 24 * 3600);
const FILES_AT_ONCE: usize = 256;

pub async fn run(app: App) {
    let pass = async {
        sleep(FIRST_AFTER).await;
        loop {
            let begun = Instant::now();
            match pass(&app).await {
                Ok(found) if found.damaged + found.dropped > 0 => {
                    tracing::error!(
                        leaves = found.damaged,
                        blocks = found.dropped,
                        "stored bytes are damaged; see `pinreel store verify`"
                    );
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(error, "looking for damage broke off"),
            }
            sleep_until(begun + EVERY).await;
        }
    };
    tokio::select! {
        () = app.tasks.stop.cancelled() => {}
        () = pass => {}
    }
}

/// One look at everything.
pub(super) async fn pass(app: &App) -> Result<Scrubbed, String> {
    let store = app.store.clone();
    let mut total = blocking(move || store.scrub_nodes()).await?;
    let mut after: Option<Cid> = None;
    loop {
        let (store, from) = (app.store.clone(), after);
        let files = blocking(move || store.files_after(from.as_ref(), FILES_AT_ONCE)).await?;
        let Some(last) = files.last() else { break };
        after = Some(*last);
        for file in files {
            let (store, rate, stop) = (app.store.clone(), app.config.scrub_rate, app.tasks.stop.clone());
            let found = blocking(move || {
                store.scrub(&file, |bytes| {
                    if !stop.is_cancelled() {
                        std::thread::sleep(Duration::from_secs_f64(bytes as f64 / (rate.max(1) << 20) as f64));
                    }
                })
            });
            let found = found.await?;
            total.bytes += found.bytes;
            total.damaged += found.damaged;
        }
    }
    mend(app).await?;
    Ok(total)
}

/// Asks Kubo for the leaves that are damaged here.
async fn mend(app: &App) -> Result<(), String> {
    let store = app.store.clone();
    let damage: Vec<Damage> = blocking(move || store.damage()).await?;
    let Some(kubo) = app.kubo.get().and_then(|url| pinning::client(app, &url).ok()) else { return Ok(()) };
    for place in damage {
        match kubo.block(&place.leaf).await {
            Ok(bytes) => {
                let store = app.store.clone();
                if blocking(move || store.mend(&place.leaf, &bytes)).await? {
                    tracing::info!(file = %place.file, leaf = %place.leaf, "mended with bytes from Kubo");
                }
            }
            Err(error) => tracing::warn!(%error, leaf = %place.leaf, "Kubo can't mend a damaged leaf"),
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> pinreel_content::Result<T> + Send + 'static,
) -> Result<T, String> {
    match spawn_blocking(call).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
