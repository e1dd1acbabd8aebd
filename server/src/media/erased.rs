//! What it means for jobs that the operator erases a source.

use uuid::Uuid;

use super::model::AfterLease;
use super::store;
use crate::app::App;

const ERASED: &str = "The operator of this node has erased this file, so nothing is made of it.";

/// Ends what still waits or runs for these sources. A worker hears of it with its next report.
pub async fn end_jobs_of(app: &App, sources: &[String]) -> sqlx::Result<()> {
    let jobs: Vec<Uuid> = store::unfinished_of(&app.database, sources).await?;
    let now_ms = app.clock.now_ms();
    for job in jobs {
        let mut transaction = app.database.begin().await?;
        let then = AfterLease::GiveUp { code: "content_erased".to_owned(), reason: ERASED.to_owned() };
        if store::end_lease(&mut transaction, (job, None), &then, now_ms).await? {
            store::note(&mut transaction, job, "its file was erased by the operator", now_ms).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}
