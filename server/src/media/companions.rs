//! What lies beside a film, as far as it is media: jobs of one file each, and the playback folder that holds the film
//! and a channel's companions together.
//!
//! The folder is put together by the node: the film's own, with a folder more for each captions file, another poster, and
//! a master playlist that names them. No byte of media is touched, so it costs a few small blocks.

use std::collections::HashSet;

use pinreel_content::{Link, Pin, Store, parse_cid};
use pinreel_runner::text::plain;
use pinreel_runner::{Preset, RECIPE, Task, names};
use sqlx::PgConnection;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::app::App;
use crate::clock::UnixMs;
use crate::database::Database;

use super::complete::borrowed;
use super::error::MediaError;
use super::measured::{Captions, File};
use super::model::{JobState, Rendition, Source};
use super::{playlist, store};

/// A master playlist is a few kilobytes.
const MAX_PLAYLIST_BYTES: u64 = 1 << 20;

/// How far a companion's job is.
#[derive(Clone, Debug, PartialEq)]
pub struct Companion {
    pub job: Uuid,
    pub state: JobState,
    /// Why it failed; doesn't name the file.
    pub reason: Option<String>,
    pub notes: Vec<String>,
    /// Once it is made.
    pub file: Option<CompanionFile>,
}

/// A companion's file in the content store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompanionFile {
    pub cid: String,
    pub size_bytes: u64,
    pub tsize_bytes: u64,
}

/// Captions to be put into a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    pub language: Option<String>,
    pub label: String,
    pub file: CompanionFile,
}

/// What of a channel's is to be in a film's playback folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// In the players' order.
    pub captions: Vec<Beside>,
    pub poster: Option<CompanionFile>,
}

/// Queues a companion; call it in the transaction that notes who wants it. Its job.
pub async fn enqueue_companion(
    connection: &mut PgConnection,
    (source, preset): (&Source, &Preset),
    task: Task,
    now_ms: UnixMs,
) -> sqlx::Result<Uuid> {
    let recipe = task.recipe().unwrap_or_else(|| preset.recipe());
    store::insert_companion(connection, source, (task, &recipe, preset), now_ms).await
}

/// How far these jobs are.
pub async fn companions_of(database: &Database, jobs: &[Uuid]) -> sqlx::Result<Vec<Companion>> {
    store::companions_of(database, jobs).await
}

/// Puts a film's folder together with a channel's companions; nothing while the film isn't made.
pub async fn build_whole(
    app: &App,
    (channel, source): (&str, &str),
    set: &Set,
) -> Result<Option<Rendition>, MediaError> {
    let Some(film) = store::rendition_of_source(&app.database, source).await? else { return Ok(None) };
    let recipe = recipe(&film.recipe, channel, set);
    let (content, wanted, base) = (app.store.clone(), set.clone(), film.clone());
    let since_ms = app.clock.now_ms().unsigned_abs();
    let build = spawn_blocking(move || {
        let root = build(&content, &base, &wanted)?;
        // Until the retention knows it by its job.
        let (owner, reason) = ("rendition:whole".to_owned(), "a rendition".to_owned());
        content.pin(&Pin { cid: root.cid, owner, reason, since_ms, until_ms: None })?;
        Ok::<_, MediaError>(root)
    })
    .await;
    let root = build.map_err(|error| MediaError::Store(error.to_string()))??;
    Ok(Some(Rendition {
        recipe,
        root: root.cid.to_string(),
        poster: set.poster.as_ref().map(|poster| poster.cid.clone()).or(film.poster),
        record: None,
        created_ms: app.clock.now_ms(),
        ..film
    }))
}

/// Notes what was built.
pub async fn put_whole(connection: &mut PgConnection, channel: &str, whole: &Rendition) -> sqlx::Result<()> {
    store::put_whole(connection, channel, whole).await
}

/// There is nothing beside the film any more.
pub async fn drop_wholes(connection: &mut PgConnection, channel: &str, source: &str) -> sqlx::Result<()> {
    store::drop_wholes(connection, channel, source, None).await
}

/// Names the film's recipe, the channel and everything that is put in: another set is another folder.
fn recipe(film: &str, channel: &str, set: &Set) -> String {
    let mut said = format!("{film}\n{channel}\n");
    for captions in &set.captions {
        let language = captions.language.as_deref().unwrap_or_default();
        said += &format!("captions {} {language} {}\n", captions.file.cid, captions.label);
    }
    if let Some(poster) = &set.poster {
        said += &format!("poster {}\n", poster.cid);
    }
    let digest = pinreel_content::sha256(said.as_bytes());
    let hex: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
    format!("{RECIPE}.beside-{hex}")
}

fn build(content: &Store, film: &Rendition, set: &Set) -> Result<Link, MediaError> {
    let root = parse_cid(&film.root).ok_or_else(|| MediaError::Store(format!("{} is no CID", film.root)))?;
    let lost = || MediaError::Store(format!("the folder {root} isn't held"));
    let held = content.list(&root)?.ok_or_else(lost)?;
    let mut entries: Vec<(String, Link)> =
        held.into_iter().map(|entry| (entry.name, Link { cid: entry.cid, tsize: entry.tsize })).collect();
    let taken: HashSet<String> = entries.iter().map(|(name, _)| name.clone()).collect();
    let free = (0..).map(|number| format!("s{number}")).filter(|name| !taken.contains(name));
    let mut captions = Vec::new();
    for (name, beside) in free.take_while(|name| names::is_captions(name)).zip(&set.captions) {
        let file =
            File { name: format!("{name}/captions.vtt"), cid: beside.file.cid.clone(), bytes: beside.file.size_bytes };
        let list = playlist::captions(&file, film.duration_ms.unsigned_abs());
        let list = content.put_bytes(list.as_bytes())?;
        let folder = [("captions.vtt", link(&beside.file)?), ("media.m3u8", list.into())];
        entries.push((name.clone(), content.put_directory(folder)?));
        let (language, label) = (beside.language.clone(), plain(&beside.label, 80));
        captions.push(Captions { name, language, label, forced: false, file });
    }
    let mut replace = |name: &str, link: Link| {
        entries.retain(|(other, _)| other != name);
        entries.push((name.to_owned(), link));
    };
    if let Some(poster) = &set.poster {
        replace("poster.jpg", link(poster)?);
    }
    let master = read(content, &root)?.ok_or_else(lost)?;
    let master = content.put_bytes(playlist::with_captions(&master, &captions).as_bytes())?;
    replace("master.m3u8", master.into());
    Ok(content.put_directory(borrowed(&entries))?)
}

/// The master playlist that this node wrote.
fn read(content: &Store, root: &pinreel_content::Cid) -> Result<Option<String>, MediaError> {
    let Some(step) = content.step(root, "master.m3u8")? else { return Ok(None) };
    let Some(file) = content.open_file(&step.cid)? else { return Ok(None) };
    if file.size_bytes() > MAX_PLAYLIST_BYTES {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(file.size_bytes()).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(String::from_utf8(bytes).ok())
}

fn link(file: &CompanionFile) -> Result<Link, MediaError> {
    let cid = parse_cid(&file.cid).ok_or_else(|| MediaError::Store(format!("{} is no CID", file.cid)))?;
    Ok(Link { cid, tsize: file.tsize_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_has_a_recipe_of_its_own_that_fits_its_record() {
        let file = |cid: &str| CompanionFile { cid: cid.to_owned(), size_bytes: 1, tsize_bytes: 1 };
        let one = |language: Option<&str>, label: &str| Beside {
            language: language.map(str::to_owned),
            label: label.to_owned(),
            file: file("a"),
        };
        let set = |captions: Vec<Beside>, poster: Option<&str>| Set { captions, poster: poster.map(file) };
        let mut recipes = HashSet::new();
        for (film, channel, set) in [
            ("f", "ann", set(vec![one(None, "x")], None)),
            ("g", "ann", set(vec![one(None, "x")], None)),
            ("f", "bob", set(vec![one(None, "x")], None)),
            ("f", "ann", set(vec![one(Some("de"), "x")], None)),
            ("f", "ann", set(vec![one(None, "y")], None)),
            ("f", "ann", set(vec![one(None, "x"), one(None, "x")], None)),
            ("f", "ann", set(vec![one(None, "x")], Some("b"))),
        ] {
            let recipe = recipe(film, channel, &set);
            assert!(recipe.len() <= 64 && recipe.starts_with("h264-aac-5.beside-"), "{recipe}");
            assert!(recipes.insert(recipe));
        }
    }
}
