//! Which bytes publications need.

use pinreel_content::Cid;

use crate::app::App;

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
    /// Source, poster, captions and the approved playback folder.
    pub files: Vec<Cid>,
}

/// The claims after this one, by id; none at the end.
pub async fn kept(app: &App, after: &str) -> Result<Vec<Kept>, ClaimsError> {
    let newest = kept::newest(&app.database, after, PAGE).await?;
    newest
        .into_iter()
        .map(|version| {
            let (_, stream) = read(&version.header, &version.body)?;
            let files = streams::files_of(&stream).into_iter().chain(stream.root).collect();
            Ok(Kept { claim: version.claim, source: stream.source.cid, files })
        })
        .collect()
}
