//! All lists together: whether a block or a path is denied. Pure.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use multibase::Base;
use pinreel_content::{Cid, sha256};

use super::item::Target;
use super::parse::List;

/// What the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No rule is about it.
    Open,
    /// A rule allows it by name.
    Allowed,
    Denied(Denied),
}

/// By which rule something is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The list's name.
    pub list: Arc<str>,
    pub line: u32,
    /// For legal reasons.
    pub is_legal: bool,
}

/// The rules of all lists.
#[derive(Debug, Default)]
pub struct Rules {
    lists: Vec<Arc<str>>,
    by_hash: HashMap<Vec<u8>, Vec<PathRule>>,
    modern: HashMap<[u8; 32], Rule>,
    legacy: HashMap<[u8; 32], Rule>,
    count: usize,
    /// Whether any rule may be about a path.
    has_paths: bool,
    /// Another number for other rules.
    fingerprint: u64,
}

/// What a rule does; of two that match, the later one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    list: u32,
    line: u32,
    allows: bool,
    is_legal: bool,
}

#[derive(Debug)]
struct PathRule {
    path: String,
    is_prefix: bool,
    rule: Rule,
}

impl Rules {
    /// Later lists override earlier ones.
    pub fn of<'l>(lists: impl Iterator<Item = &'l List>) -> Self {
        let (mut rules, mut fingerprint) = (Self::default(), DefaultHasher::new());
        for list in lists {
            let number = u32::try_from(rules.lists.len()).unwrap_or(u32::MAX);
            rules.lists.push(list.name.as_str().into());
            for (line, item) in &list.items {
                let is_legal = item.is_legal.unwrap_or(list.is_legal);
                let rule = Rule { list: number, line: *line, allows: item.allows, is_legal };
                rules.add(&item.target, rule);
                item.hash(&mut fingerprint);
            }
        }
        rules.fingerprint = fingerprint.finish();
        rules
    }

    /// The same for the same rules, in the next process, too.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn add(&mut self, target: &Target, rule: Rule) {
        self.count += usize::from(*target != Target::Name);
        match target {
            Target::Content { hash, path, is_prefix } => {
                self.has_paths |= !path.is_empty();
                let place = self.by_hash.entry(hash.clone()).or_default();
                place.push(PathRule { path: path.clone(), is_prefix: *is_prefix, rule });
            }
            Target::Hashed { modern, legacy } => {
                self.has_paths = true;
                modern.map(|digest| self.modern.insert(digest, rule));
                legacy.map(|digest| self.legacy.insert(digest, rule));
            }
            Target::Name => {}
        }
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many rules there are, of those that are about content.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether something may be denied by its path that isn't by its CID. Of a hash that can't be told.
    pub fn has_paths(&self) -> bool {
        self.has_paths
    }

    /// Whether a block may be given.
    pub fn block(&self, cid: &Cid) -> Verdict {
        self.path(cid, &[])
    }

    /// Whether a path may be followed.
    pub fn path(&self, root: &Cid, names: &[String]) -> Verdict {
        if self.is_empty() {
            return Verdict::Open;
        }
        let path = names.join("/");
        let hash = root.hash().to_bytes();
        let named = self.by_hash.get(&hash).into_iter().flatten().filter(|rule| rule.matches(&path));
        let last = named.map(|rule| rule.rule).max();
        match last.max(self.hashed(root, &hash, &path)) {
            None => Verdict::Open,
            Some(rule) if rule.allows => Verdict::Allowed,
            Some(rule) => Verdict::Denied(Denied {
                list: self.lists.get(rule.list as usize).cloned().unwrap_or_default(),
                line: rule.line,
                is_legal: rule.is_legal,
            }),
        }
    }

    fn hashed(&self, root: &Cid, hash: &[u8], path: &str) -> Option<Rule> {
        let modern = (!self.modern.is_empty()).then(|| {
            let name = Base::Base58Btc.encode(hash);
            self.modern.get(&sha256(if path.is_empty() { name } else { format!("{name}/{path}") }.as_bytes()))
        });
        let legacy = (!self.legacy.is_empty()).then(|| {
            let v1 = Cid::new_v1(root.codec(), *root.hash());
            self.legacy.get(&sha256(format!("{v1}/{path}").as_bytes()))
        });
        modern.flatten().max(legacy.flatten()).copied()
    }
}

impl PathRule {
    fn matches(&self, path: &str) -> bool {
        if self.is_prefix { path.starts_with(&self.path) } else { path == self.path }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::denylist::parse::parse;

    fn rules(text: &str) -> Rules {
        let list = parse("test", text.as_bytes()).unwrap();
        assert!(list.faults.is_empty(), "{:?}", list.faults);
        Rules::of(std::iter::once(&list))
    }

    fn verdict(rules: &Rules, path: &str) -> Verdict {
        let mut parts = path.split('/').map(str::to_owned);
        let root = parts.next().unwrap().parse().unwrap();
        rules.path(&root, &parts.collect::<Vec<_>>())
    }

    fn is_denied(rules: &Rules, path: &str) -> bool {
        matches!(verdict(rules, path), Verdict::Denied(_))
    }

    /// The rules of the specification's own example.
    #[test]
    fn the_specification_s_examples() {
        let rules = rules(
            "/ipfs/bafybeihvvulpp4evxj7x7armbqcyg6uezzuig6jp3lktpbovlqfkuqeuoq\n\
             /ipfs/QmdWFA9FL52hx3j9EJZPQP1ZUH8Ygi5tLCX2cRDs6knSf8/*\n\
             /ipfs/Qmah2YDTfrox4watLCr3YgKyBwvjq8FJZEFdWY6WtJ3Xt2/test*\n\
             /ipfs/QmTuvSQbEDR3sarFAN9kAeXBpiBCyYYNxdxciazBba11eC/test/*\n\
             /ipfs/QmUboz9UsQBDeS6Tug1U8jgoFkgYxyYood9NDyVURAY9pK/blocked*\n\
             !/ipfs/QmUboz9UsQBDeS6Tug1U8jgoFkgYxyYood9NDyVURAY9pK/blockednot\n\
             !/ipfs/QmUboz9UsQBDeS6Tug1U8jgoFkgYxyYood9NDyVURAY9pK/blocked/not\n\
             !/ipfs/QmUboz9UsQBDeS6Tug1U8jgoFkgYxyYood9NDyVURAY9pK/blocked/exceptions*\n\
             /ipns/domain.example\n\
             //QmX9dhRcQcKUw3Ws8485T5a9dtjrSCQaUAHnG4iK9i4ceM\n\
             //d9d295bde21f422d471a90f2a37ec53049fdf3e5fa3ee2e8f20e10003da429e7\n\
             //3f8b9febd851873b3774b937cce126910699ceac56e72e64b866f8e258d09572\n\
             //QmSju6XPmYLG611rmK7rEeCMFVuL6EHpqyvmEU6oGx3GR8\n",
        );
        let denied = [
            "bafybeihvvulpp4evxj7x7armbqcyg6uezzuig6jp3lktpbovlqfkuqeuoq",
            // The same multihash under another codec.
            "bafkreihvvulpp4evxj7x7armbqcyg6uezzuig6jp3lktpbovlqfkuqeuoq",
            "QmdWFA9FL52hx3j9EJZPQP1ZUH8Ygi5tLCX2cRDs6knSf8",
            "QmdWFA9FL52hx3j9EJZPQP1ZUH8Ygi5tLCX2cRDs6knSf8/a/b",
            "Qmah2YDTfrox4watLCr3YgKyBwvjq8FJZEFdWY6WtJ3Xt2/test",
            "Qmah2YDTfrox4watLCr3YgKyBwvjq8FJZEFdWY6WtJ3Xt2/tester/x",
            "QmTuvSQbEDR3sarFAN9kAeXBpiBCyYYNxdxciazBba11eC/test/x",
            "QmUboz9UsQBDeS6Tug1U8jgoFkgYxyYood9NDyVURAY9pK/blocked",
            "QmUboz9UsQBDeS6Tug1U8jgoFkgYxyYood9NDyVURAY9pK/blocked/x",
            "QmVTF1yEejXd9iMgoRTFDxBv7HAz9kuZcQNBzHrceuK9HR",
            "bafybeidjwik6im54nrpfg7osdvmx7zojl5oaxqel5cmsz46iuelwf5acja",
            "bafybeiefwqslmf6zyyrxodaxx4vwqircuxpza5ri45ws3y5a62ypxti42e",
            "bafybeiefwqslmf6zyyrxodaxx4vwqircuxpza5ri45ws3y5a62ypxti42e/path",
            "bafybeihrw75yfhdx5qsqgesdnxejtjybscwuclpusvxkuttep6h7pkgmze/my/path",
        ];
        for path in denied {
            assert!(is_denied(&rules, path), "{path}");
        }
        let open = [
            "bafybeihvvulpp4evxj7x7armbqcyg6uezzuig6jp3lktpbovlqfkuqeuoq/x",
            "Qmah2YDTfrox4watLCr3YgKyBwvjq8FJZEFdWY6WtJ3Xt2",
            "Qmah2YDTfrox4watLCr3YgKyBwvjq8FJZEFdWY6WtJ3Xt2/other",
            "bafybeiefwqslmf6zyyrxodaxx4vwqircuxpza5ri45ws3y5a62ypxti42e/path2",
            "bafybeihrw75yfhdx5qsqgesdnxejtjybscwuclpusvxkuttep6h7pkgmze",
        ];
        for path in open {
            assert_eq!(verdict(&rules, path), Verdict::Open, "{path}");
        }
        for name in ["blockednot", "blocked/not", "blocked/exceptions", "blocked/exceptions1/x"] {
            let path = format!("QmUboz9UsQBDeS6Tug1U8jgoFkgYxyYood9NDyVURAY9pK/{name}");
            assert_eq!(verdict(&rules, &path), Verdict::Allowed, "{path}");
        }
    }

    #[test]
    fn the_last_rule_wins_across_lists() {
        const CID: &str = "QmdWFA9FL52hx3j9EJZPQP1ZUH8Ygi5tLCX2cRDs6knSf8";
        let one =
            parse("one", format!("hints:\n  reason: legal\n---\n!/ipfs/{CID}\n/ipfs/{CID}\n").as_bytes()).unwrap();
        let two = parse("two", format!("!/ipfs/{CID}\n").as_bytes()).unwrap();
        let denied = Verdict::Denied(Denied { list: "one".into(), line: 5, is_legal: true });
        assert_eq!(verdict(&Rules::of([&one].into_iter()), CID), denied);
        assert_eq!(verdict(&Rules::of([&one, &two].into_iter()), CID), Verdict::Allowed);
        assert_eq!(
            verdict(&Rules::of([&two, &one].into_iter()), CID),
            Verdict::Denied(Denied { list: "one".into(), line: 5, is_legal: true })
        );
    }

    proptest! {
        /// A rule for a path denies exactly that path, whatever the names hold.
        #[test]
        fn paths_are_exact(a in "[^/*!\\s%]{1,8}", b in "[^/*!\\s%]{1,8}") {
            const CID: &str = "QmdWFA9FL52hx3j9EJZPQP1ZUH8Ygi5tLCX2cRDs6knSf8";
            let encoded = percent_encoding::utf8_percent_encode(&a, percent_encoding::NON_ALPHANUMERIC);
            let rules = rules(&format!("/ipfs/{CID}/{encoded}\n"));
            let root: Cid = CID.parse().unwrap();
            let one = |name: &String| rules.path(&root, std::slice::from_ref(name));
            prop_assert!(matches!(one(&a), Verdict::Denied(_)));
            prop_assert_eq!(one(&b) == Verdict::Open, a != b);
            prop_assert_eq!(rules.path(&root, &[a, b]), Verdict::Open);
            prop_assert_eq!(rules.block(&root), Verdict::Open);
        }
    }
}
