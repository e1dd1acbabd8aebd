//! By whose leave content is given: what is published to the asker and what the denylists leave open, by the CID of each
//! block and by every path that leads to it.

use std::sync::{Arc, OnceLock};

use pinreel_content::{Cid, DAG_PB, Entries, Error, Gate, Kind, Store, Walk};

use super::answer::Ask;
use super::errors;
use super::look_up::Audience;
use crate::denylist::{Denied, Denylists, Rules, Verdict};
use crate::http::ApiError;

/// How many entries below a folder are looked at before it is called too large.
const MAX_ENTRIES: usize = 1_000_000;
/// How deep folders may lie in each other.
const MAX_DEPTH: usize = 512;

/// What one request may be given.
pub struct Leave {
    pub gate: Gate,
    pub way: Way,
    /// The first block that a rule kept back.
    kept_back: Arc<OnceLock<Denied>>,
}

impl Leave {
    /// What the rules say of the path as it was asked for, before anything is looked up.
    ///
    /// # Errors
    /// `denied`, `denied_legally`.
    pub fn ask_for(store: &Store, (rules, lists): (&Arc<Rules>, Denylists), ask: &Ask) -> Result<Self, ApiError> {
        let way = Way::from(ask.root, ask.segments.clone(), rules.clone());
        let allowed = match rules.path(&ask.root, &ask.segments) {
            Verdict::Denied(denied) => return Err(errors::denied(&denied)),
            // Opens the root that it begins at, too.
            Verdict::Allowed => Some(ask.root),
            Verdict::Open => None,
        };
        let kept_back = Arc::new(OnceLock::new());
        let gate = match (ask.audience, rules.is_empty()) {
            (Audience::Owner, true) => Gate::default(),
            (audience, _) => gate(store, audience, lists, (allowed, &kept_back)),
        };
        Ok(Self { gate, way, kept_back })
    }

    /// What the rules say of the same path as each folder on it has it.
    ///
    /// # Errors
    /// `denied`, `denied_legally`.
    pub fn follow(&mut self, walk: &Walk) -> Result<(), ApiError> {
        self.way.follow(walk);
        self.way.denied().map_or(Ok(()), |denied| Err(errors::denied(&denied)))
    }

    /// Refuses a folder as a whole if a rule is about the path of something below it.
    ///
    /// # Errors
    /// `denied`, `denied_legally`; `content_too_large` for a folder of which that can't be told.
    pub fn whole(&self, store: &Store, cid: &Cid) -> Result<(), ApiError> {
        let mut way = self.way.clone();
        match way.denied_below(store, &self.gate, cid).map_err(errors::of_comparison)? {
            Some(denied) => Err(errors::denied_below(&denied)),
            None => Ok(()),
        }
    }

    /// An error as whoever asked should see it: what a rule keeps back isn't merely absent.
    pub fn explain(&self, error: ApiError) -> ApiError {
        match self.kept_back.get() {
            Some(denied) if error.code == "not_held" => errors::denied(denied),
            _ => error,
        }
    }
}

fn gate(
    store: &Store,
    audience: Audience,
    lists: Denylists,
    (allowed, kept_back): (Option<Cid>, &Arc<OnceLock<Denied>>),
) -> Gate {
    let (store, kept_back) = (store.clone(), kept_back.clone());
    Gate::new(move |cid| {
        // As they are now: an answer may go on for hours.
        if allowed != Some(*cid)
            && let Verdict::Denied(denied) = lists.current().block(cid)
        {
            kept_back.get_or_init(|| denied);
            return Ok(false);
        }
        // Publishing a root publishes all below it, but a folder may also name what its maker merely knew the CID of.
        Ok(audience == Audience::Owner || store.is_public(cid)?)
    })
}

/// A path, and the folders that it leads through, from each of which the rules may know the rest of it.
#[derive(Clone)]
pub struct Way {
    rules: Arc<Rules>,
    names: Vec<String>,
    /// Each with the number of names that lead to it.
    folders: Vec<(Cid, usize)>,
}

impl Way {
    fn from(root: Cid, names: Vec<String>, rules: Arc<Rules>) -> Self {
        Self { rules, names, folders: vec![(root, 0)] }
    }

    fn follow(&mut self, walk: &Walk) {
        let reached = walk.reached.iter().enumerate();
        self.folders = reached.map(|(at, cid)| (*cid, at)).collect();
        // Several names may lead on within one block, whose path has all of them.
        self.folders.dedup_by_key(|(cid, _)| *cid);
    }

    /// The rule against this path; what allows the path from its root lets it through.
    fn denied(&self) -> Option<Denied> {
        if !self.rules.has_paths() {
            return None;
        }
        for (at, (folder, first)) in self.folders.iter().enumerate() {
            let names = self.names.get(*first..).unwrap_or_default();
            match self.rules.path(folder, names) {
                Verdict::Denied(denied) if !names.is_empty() => return Some(denied),
                Verdict::Allowed if at == 0 => return None,
                _ => {}
            }
        }
        None
    }

    /// A number for the rules, if there are any.
    pub fn fingerprint(&self) -> Option<u64> {
        (!self.rules.is_empty()).then(|| self.rules.fingerprint())
    }

    /// Whether a rule is against an entry of the folder at the end, by its CID or by a path to it.
    pub fn denies(&mut self, name: &str, cid: &Cid) -> bool {
        if matches!(self.rules.block(cid), Verdict::Denied(_)) {
            return true;
        }
        self.names.push(name.to_owned());
        let denied = self.denied();
        self.names.pop();
        denied.is_some()
    }

    /// The first rule against the path of something below the folder at the end.
    fn denied_below(&mut self, store: &Store, gate: &Gate, cid: &Cid) -> Result<Option<Denied>, Error> {
        if !self.rules.has_paths() {
            return Ok(None);
        }
        let (mut open, mut seen) = (Vec::from_iter(folder(store, gate, cid)?), 0);
        while let Some(entries) = open.last_mut() {
            let Some(entry) = entries.next().transpose()? else {
                open.pop();
                // The root's own folder has no name of its own here.
                if !open.is_empty() {
                    self.leave();
                }
                continue;
            };
            seen += 1;
            if seen > MAX_ENTRIES || open.len() > MAX_DEPTH {
                return Err(Error::DagTooLarge(*cid));
            }
            self.names.push(entry.name);
            if let Some(denied) = self.denied() {
                return Ok(Some(denied));
            }
            match folder(store, gate, &entry.cid)? {
                Some(below) => {
                    self.folders.push((entry.cid, self.names.len()));
                    open.push(below);
                }
                None => drop(self.names.pop()),
            }
        }
        Ok(None)
    }

    fn leave(&mut self) {
        self.folders.pop();
        self.names.pop();
    }
}

/// The entries of what is a folder and may be given.
fn folder(store: &Store, gate: &Gate, cid: &Cid) -> Result<Option<Entries>, Error> {
    if cid.codec() != DAG_PB || !gate.admits(cid)? {
        return Ok(None);
    }
    match store.stat(cid) {
        Ok(Some(node)) if matches!(node.kind, Kind::Directory) => store.entries(cid),
        // What is malformed or missing ends the answer where it comes to it.
        _ => Ok(None),
    }
}
