//! From what is wanted and what is pinned to what has to change. Pure.

use std::collections::HashSet;

use pinreel_content::{Cid, Pin};

/// What a feature wants kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub cid: Cid,
    pub owner: String,
    pub reason: &'static str,
    /// Whether everybody may fetch it.
    pub public: bool,
}

/// The kinds of owners that the features of this node are; pins of others aren't ours to take away.
const OURS: [&str; 6] = ["upload:", "claim:", "rendition:", "preview:", "job:", "companion:"];

/// What has to change in the content store.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub pin: Vec<Wanted>,
    pub unpin: Vec<(Cid, String)>,
    /// Roots that should be public and aren't.
    pub publish: Vec<Cid>,
    /// Roots of ours that are public and that nobody wants in public any more.
    pub withdraw: Vec<Cid>,
}

/// Compares what is wanted with what is pinned and what is public.
pub fn changes(wanted: Vec<Wanted>, pins: &[Pin], public: &[Cid]) -> Changes {
    let is_ours = |owner: &str| OURS.iter().any(|kind| owner.starts_with(kind));
    let (mut ours, mut foreign) = (HashSet::new(), HashSet::new());
    for pin in pins {
        if is_ours(&pin.owner) {
            ours.insert(pin.cid)
        } else {
            foreign.insert(pin.cid)
        };
    }
    ours.extend(wanted.iter().map(|one| one.cid));
    let shown: HashSet<Cid> = wanted.iter().filter(|one| one.public).map(|one| one.cid).collect();
    let public: HashSet<Cid> = public.iter().copied().collect();
    // What the operator pinned or imported was made public by the operator.
    let is_to_hide = |cid: &&Cid| ours.contains(*cid) && !shown.contains(*cid) && !foreign.contains(*cid);

    let named: HashSet<(Cid, String)> = wanted.iter().map(|one| (one.cid, one.owner.clone())).collect();
    let pinned: HashSet<(Cid, &str)> = pins.iter().map(|pin| (pin.cid, pin.owner.as_str())).collect();
    let unwanted = pins.iter().filter(|pin| is_ours(&pin.owner) && !named.contains(&(pin.cid, pin.owner.clone())));
    Changes {
        unpin: unwanted.map(|pin| (pin.cid, pin.owner.clone())).collect(),
        publish: shown.difference(&public).copied().collect(),
        withdraw: public.iter().filter(is_to_hide).copied().collect(),
        pin: wanted.into_iter().filter(|one| !pinned.contains(&(one.cid, one.owner.as_str()))).collect(),
    }
}

impl Changes {
    /// Hides these as well, as far as they are public: the operator took them back, whoever wanted them shown.
    pub fn hide(&mut self, taken_back: &HashSet<Cid>, public: &[Cid]) {
        let known: HashSet<Cid> = self.withdraw.iter().copied().collect();
        let more = public.iter().filter(|cid| taken_back.contains(*cid) && !known.contains(*cid));
        self.withdraw.extend(more.copied());
    }
}

#[cfg(test)]
mod tests {
    use pinreel_content::{raw_cid, sha256};

    use super::*;

    fn cid(name: &str) -> Cid {
        raw_cid(sha256(name.as_bytes()))
    }

    fn wanted(name: &str, owner: &str, public: bool) -> Wanted {
        Wanted { cid: cid(name), owner: owner.to_owned(), reason: "a test", public }
    }

    fn pin(name: &str, owner: &str) -> Pin {
        Pin { cid: cid(name), owner: owner.to_owned(), reason: String::new(), since_ms: 0, until_ms: None }
    }

    fn cids(names: &[&str]) -> Vec<Cid> {
        names.iter().map(|name| cid(name)).collect()
    }

    fn sorted(mut cids: Vec<Cid>) -> Vec<Cid> {
        cids.sort();
        cids
    }

    #[test]
    fn only_differences_change() {
        let pins = [pin("a", "claim:1"), pin("b", "upload:1")];
        let same = vec![wanted("a", "claim:1", true), wanted("b", "upload:1", false)];
        assert_eq!(changes(same.clone(), &pins, &cids(&["a"])), Changes::default());
        assert_eq!(changes(same.clone(), &pins, &[]).publish, cids(&["a"]));
        let more = [same, vec![wanted("c", "job:1", false)]].concat();
        assert_eq!(changes(more, &pins, &cids(&["a"])).pin, [wanted("c", "job:1", false)]);
    }

    #[test]
    fn what_nobody_wants_is_unpinned_and_withdrawn() {
        let pins = [pin("a", "claim:1"), pin("a", "upload:1"), pin("b", "claim:2"), pin("c", "operator")];
        let public = cids(&["a", "b", "c", "published by nobody we know"]);
        let found = changes(vec![wanted("a", "upload:1", false)], &pins, &public);
        assert_eq!(found.unpin, [(cid("a"), "claim:1".to_owned()), (cid("b"), "claim:2".to_owned())]);
        assert_eq!(sorted(found.withdraw), sorted(cids(&["a", "b"])));
        assert_eq!((found.pin, found.publish), (vec![], vec![]));
    }

    #[test]
    fn what_is_kept_in_private_is_withdrawn_too() {
        let found = changes(vec![wanted("a", "rendition:1", false)], &[pin("a", "rendition:1")], &cids(&["a"]));
        assert_eq!((found.unpin, found.withdraw), (vec![], cids(&["a"])));
    }

    #[test]
    fn what_was_taken_back_is_hidden_even_before_it_was_pinned() {
        let public = cids(&["a", "b", "c"]);
        let mut found = changes(vec![wanted("a", "rendition:1", false)], &[], &public);
        found.hide(&HashSet::from([cid("a"), cid("b"), cid("not public")]), &public);
        assert_eq!(sorted(found.withdraw), sorted(cids(&["a", "b"])));
    }

    #[test]
    fn what_another_claim_or_the_operator_shows_stays_public() {
        let pins = [pin("a", "claim:1"), pin("a", "claim:2"), pin("b", "claim:1"), pin("b", "import")];
        let found = changes(vec![wanted("a", "claim:2", true)], &pins, &cids(&["a", "b"]));
        assert_eq!((found.unpin.len(), found.withdraw), (2, vec![]));
    }
}
