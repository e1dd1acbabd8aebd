//! Wholes: playback folders with a channel's companions in them.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{insert_rendition, signal};
use crate::media::model::Rendition;
use crate::signals::Signal;

/// Notes a whole of a channel in place of those before it that nobody has been told of. The same again changes nothing.
pub async fn put_whole(connection: &mut PgConnection, channel: &str, whole: &Rendition) -> sqlx::Result<()> {
    drop_wholes(connection, channel, &whole.source, Some(&whole.recipe)).await?;
    let id = Uuid::now_v7();
    let made = sqlx::query!(
        "insert into job (id, source, recipe, source_bytes, file_name, media_type, state, created_ms, updated_ms, channel,
             purpose)
         select $1, $2, $3, source_bytes, file_name, media_type, 'complete', $4, $4, $5, 'whole'
         from job where source = $2 and purpose = 'renditions' order by created_ms desc limit 1
         on conflict (source, recipe) do nothing",
        id,
        whole.source,
        whole.recipe,
        whole.created_ms,
        channel,
    )
    .execute(&mut *connection)
    .await?;
    if made.rows_affected() == 0 {
        return Ok(());
    }
    // Locked as `mark_published` locks it, so that one of the two sees both.
    sqlx::query!("select id from job where source = $1 order by id for no key update", whole.source)
        .fetch_all(&mut *connection)
        .await?;
    let published = sqlx::query_scalar!(
        r#"select exists (select from published_by where source = $1 and channel = $2) as "published!""#,
        whole.source,
        channel,
    )
    .fetch_one(&mut *connection)
    .await?;
    insert_rendition(connection, id, whole, published).await?;
    sqlx::query!("insert into whole_root (root, channel, job) values ($1, $2, $3)", whole.root, channel, id)
        .execute(&mut *connection)
        .await?;
    // Put together once more, byte for byte, of what another worker made.
    sqlx::query!("delete from withdrawn_root where root = $1", whole.root).execute(&mut *connection).await?;
    signal(connection, Signal::Job(whole.source.clone())).await?;
    if published {
        signal(connection, Signal::Rendition).await?;
    }
    Ok(())
}

/// Forgets a channel's wholes of a film that nobody has been told of, but the one of this recipe.
pub async fn drop_wholes(
    connection: &mut PgConnection,
    channel: &str,
    source: &str,
    but: Option<&str>,
) -> sqlx::Result<()> {
    let dropped = sqlx::query_scalar!(
        "delete from rendition using job
         where job.id = rendition.job and job.source = $1 and job.channel = $2 and purpose = 'whole'
             and rendition.state = 'private' and job.recipe is distinct from $3
         returning job.id",
        source,
        channel,
        but,
    )
    .fetch_all(&mut *connection)
    .await?;
    if dropped.is_empty() {
        return Ok(());
    }
    sqlx::query!("delete from job where id = any ($1)", &dropped).execute(&mut *connection).await?;
    signal(connection, Signal::Job(source.to_owned())).await
}

/// Forgets a whole whose rendition is gone. False: this job isn't one.
pub async fn forget_whole(connection: &mut PgConnection, job: Uuid) -> sqlx::Result<bool> {
    let done = sqlx::query!("delete from job where id = $1 and purpose = 'whole'", job).execute(connection).await?;
    Ok(done.rows_affected() == 1)
}

/// The root of a channel's newest whole of a film.
pub async fn whole_of(pool: &PgPool, channel: &str, source: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select rendition.root from rendition join whole_root on whole_root.job = rendition.job
         where source = $1 and channel = $2 order by created_ms desc limit 1",
        source,
        channel,
    )
    .fetch_optional(pool)
    .await
}

/// Whose companions are in a root; nobody's for one that a worker made.
pub async fn channels_of_root(pool: &PgPool, root: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select channel from whole_root where root = $1", root).fetch_all(pool).await
}
