//! Putting playback folders together: once a film and all that lies beside it are made, and anew at each change until the
//! channel has published it.

use std::time::Duration;

use tokio::time::timeout;

use crate::app::App;
use crate::media::{self, Beside, JobState, Set};
use crate::signals::{Signal, wait_for};

use super::error::CompanionError;
use super::model::{Companion, Role};
use super::store::{self, Due};

/// A look at the table now and then, should a signal be lost.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Background task.
pub async fn run(app: App) {
    let mut signals = app.signals.subscribe();
    loop {
        if let Err(error) = compose_due(&app).await {
            tracing::warn!(%error, "can't put what lies beside a film into its folder now; trying again");
        }
        let woken = timeout(LOOK_EVERY, wait_for(&mut signals, |signal| *signal == Signal::Companions));
        tokio::select! {
            () = app.tasks.stop.cancelled() => return,
            _ = woken => {}
        }
    }
}

/// Looks at every upload beside which something has changed.
pub async fn compose_due(app: &App) -> Result<(), CompanionError> {
    for due in store::due(&app.database).await? {
        compose(app, &due).await?;
    }
    Ok(())
}

async fn compose(app: &App, due: &Due) -> Result<(), CompanionError> {
    let companions = store::of_upload(&app.database, due.upload).await?;
    let set = set(app, &companions).await?;
    let (Some(source), Some(set)) = (&due.source, set) else {
        // Whatever it waits for makes it due again.
        store::settle(&mut *app.database.acquire().await?, due).await?;
        return Ok(());
    };
    let whole =
        if set == Set::default() { None } else { media::build_whole(app, (&due.channel, source), &set).await? };
    let mut transaction = app.database.begin().await?;
    if !store::settle(&mut transaction, due).await? {
        return Ok(());
    }
    match &whole {
        Some(whole) => media::put_whole(&mut transaction, &due.channel, whole).await?,
        None if set == Set::default() => media::drop_wholes(&mut transaction, &due.channel, source).await?,
        // The film isn't made yet.
        None => {}
    }
    transaction.commit().await?;
    Ok(())
}

/// What is to be in the folder; nothing while something is still being made. What failed is left out.
async fn set(app: &App, companions: &[Companion]) -> Result<Option<Set>, CompanionError> {
    let jobs: Vec<_> = companions.iter().filter_map(|companion| companion.job).collect();
    let made = media::companions_of(&app.database, &jobs).await?;
    let mut set = Set::default();
    for companion in companions {
        let Some(made) = made.iter().find(|made| companion.job == Some(made.job)) else { return Ok(None) };
        match (made.state, &made.file) {
            (JobState::Complete, Some(file)) if companion.role == Role::Poster => set.poster = Some(file.clone()),
            (JobState::Complete, Some(file)) => set.captions.push(Beside {
                language: companion.language.clone(),
                label: companion.label.clone(),
                file: file.clone(),
            }),
            (JobState::Failed, _) => {}
            _ => return Ok(None),
        }
    }
    Ok(Some(set))
}
