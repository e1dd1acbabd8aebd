//! Tokens, registration modes and what a session shows of itself.

use std::fmt;

use pinreel_records::base64url;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::clock::UnixMs;

/// How long a challenge may be answered.
pub const CHALLENGE_LIFE_MS: UnixMs = 60 * 1000;
/// How long a session lasts.
pub const SESSION_LIFE_MS: UnixMs = 30 * 24 * 3600 * 1000;
/// How long an invitation may be used.
pub const INVITATION_LIFE_MS: UnixMs = 14 * 24 * 3600 * 1000;

/// A secret of 32 random bytes that stands for a right. It is told once; only its hash is kept.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl Token {
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    pub fn parse(text: &str) -> Option<Self> {
        base64url::decode_array(text).map(Self)
    }

    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0).into())
    }

    /// The text to tell, once.
    pub fn reveal(&self) -> String {
        base64url::encode(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

/// Who may found a channel here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    Open,
    Invitation,
    Closed,
}

impl Registration {
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invitation => "invitation",
            Self::Closed => "closed",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Open, Self::Invitation, Self::Closed].into_iter().find(|mode| mode.name() == name)
    }
}

/// A session as its own page sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Genesis CID.
    pub channel: String,
    /// `null` until the channel has a profile.
    pub handle: Option<String>,
    pub name: String,
    pub operator: bool,
    /// ms since 1970.
    pub expires_at: UnixMs,
}
