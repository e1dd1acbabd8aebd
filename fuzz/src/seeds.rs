//! A target's harness over its committed corpus, as an ordinary test. Included by the tests of the crates that it tries.

use std::path::Path;

/// Runs each file of the target's corpus.
pub fn each_seed(target: &str, run: impl Fn(&[u8])) {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("fuzz/corpus"));
    let corpus = corpora.into_iter().find(|folder| folder.is_dir()).unwrap().join(target);
    let mut seeds: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    assert!(seeds.len() >= 4, "{target} has {} seeds", seeds.len());
    for seed in seeds {
        // The name goes to the test's output, which is shown if it fails.
        eprintln!("{}", seed.display());
        run(&std::fs::read(&seed).unwrap());
    }
}
