//! What this node refuses to give: compact denylists (IPIP-383), `*.deny` files that the operator puts beside the data.
//!
//! What always holds: a rule is asked before any content is looked up, by multihash, so that neither the version nor the
//! codec of a CID gets around it; of the rules that match, the last one wins, in the order of the files' names and of
//! their lines. A changed file counts within seconds; one that can't be read keeps the rules it had, and is logged by
//! name and line. Owns no tables.

mod folders;
mod item;
mod parse;
mod rules;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

pub use self::folders::system_folders;
use self::folders::{Stamp, files_in, read_list};
use self::parse::List;
pub use self::rules::{Denied, Rules, Verdict};
use crate::app::App;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The lists in force. Cheap to clone; one for the process.
#[derive(Clone, Default)]
pub struct Denylists {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Files, and folders of files; later ones override earlier ones.
    places: Vec<PathBuf>,
    known: RwLock<Vec<Known>>,
    rules: RwLock<Arc<Rules>>,
}

/// A file as it was read last.
#[derive(Clone)]
struct Known {
    path: PathBuf,
    stamp: Stamp,
    list: Arc<List>,
}

impl Denylists {
    /// Reads what is there now. Blocks.
    pub fn open(places: Vec<PathBuf>) -> Self {
        let lists = Self { inner: Arc::new(Inner { places, ..Inner::default() }) };
        lists.refresh();
        lists
    }

    /// The rules in force.
    pub fn current(&self) -> Arc<Rules> {
        self.inner.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks for files that are new, changed or gone. Says whether anything is different now. Blocks.
    pub fn refresh(&self) -> bool {
        let before = self.inner.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        let paths: Vec<PathBuf> = self.inner.places.iter().flat_map(|place| files_in(place)).collect();
        let known: Vec<Known> = paths.into_iter().filter_map(|path| look(path, &before)).collect();
        let stamps = |known: &[Known]| known.iter().map(|one| (one.path.clone(), one.stamp)).collect::<Vec<_>>();
        if stamps(&known) == stamps(&before) {
            return false;
        }
        let rules = Rules::of(known.iter().map(|one| &*one.list));
        tracing::info!(lists = known.len(), rules = rules.len(), "denylists are in force");
        *self.inner.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        *self.inner.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        true
    }
}

/// A file as it is now; what was known of it where it hasn't changed or can't be read.
fn look(path: PathBuf, before: &[Known]) -> Option<Known> {
    let known = before.iter().find(|one| one.path == path);
    let stamp = match Stamp::of(&path) {
        Ok(stamp) => stamp,
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "a denylist can't be looked at; its last rules stay in force");
            return known.cloned();
        }
    };
    if let Some(known) = known
        && known.stamp == stamp
    {
        return Some(known.clone());
    }
    let list = match read_list(&path) {
        Ok(list) => Arc::new(list),
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "a denylist can't be used; its last rules stay in force");
            known.map_or_else(|| Arc::new(List::empty(name_of(&path))), |known| known.list.clone())
        }
    };
    for fault in &list.faults {
        tracing::warn!(path = %path.display(), line = fault.line, reason = %fault.reason, "a denylist's line is left out");
    }
    Some(Known { path, stamp, list })
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Keeps looking at the files.
pub fn start(app: &App) {
    let (lists, stop) = (app.denylists.clone(), app.tasks.stop.clone());
    app.tasks.spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = stop.cancelled() => return,
            }
            let lists = lists.clone();
            if let Err(error) = tokio::task::spawn_blocking(move || lists.refresh()).await {
                tracing::error!(%error, "looking at the denylists failed");
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{FileType, Mode};

    use super::*;

    const ONE: &str = "bafkreifkam6ns4aoolg3wedr4uzrs3kvq66p4pecirz6y2vlrngla62mxm";
    const TWO: &str = "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4";

    fn is_denied(lists: &Denylists, cid: &str) -> bool {
        matches!(lists.current().block(&cid.parse().unwrap()), Verdict::Denied(_))
    }

    #[test]
    fn changes_count_and_broken_files_keep_their_rules() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.deny");
        let lists = Denylists::open(vec![folder.path().to_owned(), folder.path().join("absent")]);
        assert!(lists.current().is_empty());

        fs::write(&path, format!("/ipfs/{ONE}\n")).unwrap();
        assert!(lists.refresh());
        assert!(is_denied(&lists, ONE) && !is_denied(&lists, TWO));
        assert!(!lists.refresh(), "nothing has changed");

        fs::write(&path, format!("/ipfs/{ONE}\n/ipfs/{TWO}\n")).unwrap();
        assert!(lists.refresh());
        assert!(is_denied(&lists, ONE) && is_denied(&lists, TWO));

        fs::write(&path, b"version: 2\n---\n").unwrap();
        lists.refresh();
        assert!(is_denied(&lists, ONE) && is_denied(&lists, TWO), "the last good rules stay");
        assert!(!lists.refresh(), "a broken file is complained about once");

        fs::write(folder.path().join("b.deny"), format!("!/ipfs/{TWO}\n")).unwrap();
        fs::write(folder.path().join("ignored.txt"), format!("!/ipfs/{ONE}\n")).unwrap();
        assert!(lists.refresh());
        assert!(is_denied(&lists, ONE) && !is_denied(&lists, TWO), "a later list overrides");

        // Another list of the same length and time in the same file, and a pipe, at which nobody waits.
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, format!("/ipfs/{ONE}\n#")).unwrap();
        let touch = || fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
        touch();
        assert!(lists.refresh());
        let other = fs::read_to_string(&path).unwrap().replace(ONE, TWO);
        fs::write(&path, other).unwrap();
        touch();
        assert!(lists.refresh(), "neither size nor time tell");
        let pipe = folder.path().join("c.deny");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
        lists.refresh();
        assert!(!lists.refresh(), "it is complained about once");

        fs::remove_file(&path).unwrap();
        assert!(lists.refresh());
        assert!(!is_denied(&lists, ONE), "a list that is gone counts no more");
    }
}
