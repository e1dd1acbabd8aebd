//! A secret that callers must present. Only its hash is kept in memory.

use pinreel_content::{Digest, sha256};

#[derive(Clone, Debug)]
pub struct Secret {
    digest: Digest,
}

impl Secret {
    pub fn of(text: &str) -> Self {
        Self { digest: sha256(text.as_bytes()) }
    }

    /// Takes the same time whatever was guessed.
    pub fn matches(&self, presented: &str) -> bool {
        let presented = sha256(presented.as_bytes());
        let differing = self.digest.iter().zip(presented).fold(0, |bits, (ours, theirs)| bits | (ours ^ theirs));
        std::hint::black_box(differing) == 0
    }
}
