//! Makes the content store's pins what the tables say.

use pinreel_content::{Cid, Error, Pin, Store};
use tokio::task::spawn_blocking;

use crate::app::App;
use crate::{log, media, pinning};

use super::gather::{gather, taken_back};
use super::high_water;
use super::model::{Changes, changes};

/// Why pins were left as they are. Nothing is removed then.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(
        "the database's log has {found} entries, but this data folder has seen {seen}: is it an older backup, or another \
         node's? Nothing is removed until the log is whole again"
    )]
    ShorterLog { found: i64, seen: i64 },
    #[error("the database holds what can't be read ({0}); nothing is removed")]
    Unreadable(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("the data folder can't be used ({0})")]
    Folder(#[from] std::io::Error),
    #[error("the content store failed ({0})")]
    Store(#[from] Error),
    #[error("the task died ({0})")]
    Died(#[from] tokio::task::JoinError),
}

/// Pins what is wanted, unpins what isn't, and withdraws what is public without reason; what was erased leaves Kubo too.
pub async fn reconcile(app: &App) -> Result<(), Refused> {
    let (found, seen) = (log::store::size(&app.database).await?, high_water::seen(app)?);
    if found < seen {
        return Err(Refused::ShorterLog { found, seen });
    }
    high_water::note(app, found)?;
    // The store first: whoever pins or publishes meanwhile isn't taken for somebody who no longer wants to.
    let store = app.store.clone();
    let (pins, public) = spawn_blocking(move || Ok::<_, Error>((store.pins()?, store.public_roots()?))).await??;
    let mut changes = changes(gather(app).await?, &pins, &public);
    changes.hide(&taken_back(app).await?, &public);
    let withdrawn: Vec<String> = changes.withdraw.iter().map(Cid::to_string).collect();
    let (store, now_ms) = (app.store.clone(), app.clock.now_ms().unsigned_abs());
    spawn_blocking(move || apply(&store, changes, now_ms)).await??;
    if !withdrawn.is_empty() {
        // Somebody may have published one of them again after we asked who wants it.
        let shown: Vec<Cid> = gather(app).await?.into_iter().filter(|one| one.public).map(|one| one.cid).collect();
        let store = app.store.clone();
        spawn_blocking(move || publish(&store, shown)).await??;
        let store = app.store.clone();
        let private = spawn_blocking(move || still_private(&store, withdrawn)).await??;
        pinning::unwant(&app.database, &private, app.clock.now_ms()).await?;
    }
    let store = app.store.clone();
    let erased = spawn_blocking(move || store.pins_are_complete().and_then(|()| store.erased())).await??;
    let erased: Vec<String> = erased.iter().map(Cid::to_string).collect();
    pinning::unwant(&app.database, &erased, app.clock.now_ms()).await?;
    media::end_jobs_of(app, &erased).await?;
    Ok(())
}

fn apply(store: &Store, changes: Changes, now_ms: u64) -> Result<(), Error> {
    for one in changes.pin {
        let pin =
            Pin { cid: one.cid, owner: one.owner, reason: one.reason.to_owned(), since_ms: now_ms, until_ms: None };
        match store.pin(&pin) {
            Ok(_) => {}
            // The row outlives its bytes when the operator erased them, or a disk lost them: `verify` tells.
            Err(error @ (Error::BlockMissing(_) | Error::Erased(_))) => {
                tracing::debug!(%error, owner = pin.owner, "what should be kept isn't there");
            }
            Err(error) => return Err(error),
        }
    }
    for (cid, owner) in &changes.unpin {
        store.unpin(cid, owner)?;
    }
    for cid in changes.withdraw {
        store.withdraw(&cid)?;
        tracing::info!(%cid, "no longer published here");
    }
    publish(store, changes.publish)
}

/// Publishes what isn't public yet; what is gone can't be.
fn publish(store: &Store, roots: Vec<Cid>) -> Result<(), Error> {
    for root in roots {
        match if store.is_public(&root)? { Ok(()) } else { store.publish(&root).map(drop) } {
            Err(error @ (Error::BlockMissing(_) | Error::Erased(_))) => {
                tracing::debug!(%error, "what should be public isn't there");
            }
            other => other?,
        }
    }
    Ok(())
}

fn still_private(store: &Store, mut roots: Vec<String>) -> Result<Vec<String>, Error> {
    let public = store.public_roots()?;
    roots.retain(|root| public.iter().all(|cid| cid.to_string() != *root));
    Ok(roots)
}
