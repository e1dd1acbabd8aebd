//! What the features want kept, from their own tables.

use std::collections::HashSet;

use pinreel_content::{Cid, parse_cid};

use crate::app::App;
use crate::{claims, companions, media, uploads};

use super::model::Wanted;
use super::reconcile::Refused;

/// Everything, in one list; the tables are read page by page.
pub async fn gather(app: &App) -> Result<Vec<Wanted>, Refused> {
    let mut wanted = Vec::new();
    let (mut published, mut uploaded) = (HashSet::new(), HashSet::new());
    let mut after = String::new();
    loop {
        let page = claims::kept(app, &after).await.map_err(|error| Refused::Unreadable(error.to_string()))?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.claim);
        for version in page {
            published.insert(version.source);
            let owner = format!("claim:{}", version.claim);
            wanted.extend(version.files.into_iter().map(|cid| keep(cid, &owner, "part of a publication", true)));
        }
    }
    for (id, source) in uploads::stored_sources(&app.database).await? {
        let source = cid(&source)?;
        uploaded.insert(source);
        wanted.push(keep(source, &format!("upload:{id}"), "an upload", false));
    }
    for (id, file) in companions::kept(&app.database).await? {
        wanted.push(keep(cid(&file)?, &format!("companion:{id}"), "beside an upload", false));
    }
    for rendition in media::kept_renditions(&app.database).await? {
        let source = cid(&rendition.source)?;
        let shown = rendition.announced && published.contains(&source);
        if published.contains(&source) || uploaded.contains(&source) {
            wanted.push(keep(cid(&rendition.root)?, &format!("rendition:{}", rendition.job), "a rendition", shown));
        }
    }
    for preview in media::kept_previews(&app.database).await? {
        let source = cid(&preview.source)?;
        let shown = preview.announced && published.contains(&source);
        if published.contains(&source) || uploaded.contains(&source) {
            wanted.push(keep(cid(&preview.root)?, &format!("preview:{}", preview.job), "a preview", shown));
        }
    }
    for (job, file) in media::kept_files(&app.database).await? {
        wanted.push(keep(cid(&file)?, &format!("job:{job}"), "a file of a job that isn't done", false));
    }
    Ok(wanted)
}

/// What the operator took back: it is not to be shown, whatever made it public.
pub async fn taken_back(app: &App) -> Result<HashSet<Cid>, Refused> {
    media::withdrawn(&app.database).await?.iter().map(|root| cid(root)).collect()
}

fn keep(cid: Cid, owner: &str, reason: &'static str, public: bool) -> Wanted {
    Wanted { cid, owner: owner.to_owned(), reason, public }
}

fn cid(text: &str) -> Result<Cid, Refused> {
    parse_cid(text).ok_or_else(|| Refused::Unreadable(format!("{text} is no CID")))
}
