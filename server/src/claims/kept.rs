//! Which bytes publications need.

use pinreel_content::Cid;

use crate::app::App;
use crate::media;

use super::announce::read;
use super::error::ClaimsError;
use super::store::kept;
use super::streams;

/// How many claims are looked at in one go.
const PAGE: i64 = 200;

/// A publication's newest version.
pub struct Kept {
    pub claim: String,
    pub source: Cid,
    /// Source, poster, captions and the approved playback folder, unless the operator withdrew that.
    pub files: Vec<Cid>,
}

/// The claims after this one, by id; none at the end.
pub async fn kept(app: &App, after: &str) -> Result<Vec<Kept>, ClaimsError> {
    let newest = kept::newest(&app.database, after, PAGE).await?;
    let streams: Result<Vec<_>, ClaimsError> =
        newest.into_iter().map(|version| Ok((version.claim, read(&version.header, &version.body)?.1))).collect();
    let streams = streams?;
    let roots: Vec<String> = streams.iter().filter_map(|(_, stream)| Some(stream.root?.to_string())).collect();
    let withdrawn = media::withdrawn_among(&app.database, &roots).await?;
    let kept = streams.into_iter().map(|(claim, stream)| {
        let root = stream.root.filter(|root| !withdrawn.contains(&root.to_string()));
        let files = streams::files_of(&stream).into_iter().chain(root).collect();
        Kept { claim, source: stream.source.cid, files }
    });
    Ok(kept.collect())
}
