//! A worker elsewhere makes itself known, once.

use serde::{Deserialize, Serialize};

/// Buys a key. The registration token comes in the header, as every token does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// [`crate::PROTOCOL`].
    pub protocol: u32,
    /// The name that it wishes to have: for operators, and in the public records of what it makes.
    pub worker: String,
    /// Program and version, such as `pinreel-transcoder/0.1.0`.
    pub software: String,
}

/// The worker is known from now on. Its key is told this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Its name as it is written from now on.
    pub worker: String,
    pub key: String,
}
