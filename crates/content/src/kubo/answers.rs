//! What Kubo answers, and whether an import went through.

use std::collections::HashMap;

use serde::Deserialize;

use super::KuboError;
use crate::CarStats;

/// Whether the answer says that all of the import went through: its statistics come last, and only then.
pub(super) fn check_import(answer: &[u8], sent: CarStats) -> Result<(), KuboError> {
    let action = "import a DAG";
    let lines = answer.split(|byte| *byte == b'\n');
    let lines: Vec<ImportLine> = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    if let Some(reason) = lines.iter().filter_map(|line| line.root.as_ref()?.error.clone()).find(|it| !it.is_empty()) {
        return Err(KuboError::Refused { action, reason });
    }
    let stats = lines.into_iter().find_map(|line| line.stats).ok_or(KuboError::Unfinished { action })?;
    let counted = CarStats {
        blocks: stats.blocks.unwrap_or(sent.blocks),
        block_bytes: stats.block_bytes.unwrap_or(sent.block_bytes),
    };
    if counted == sent { Ok(()) } else { Err(KuboError::Miscounted { sent, counted }) }
}

#[derive(Deserialize)]
struct ImportLine {
    #[serde(rename = "Root")]
    root: Option<ImportRoot>,
    #[serde(rename = "Stats")]
    stats: Option<ImportStats>,
}

#[derive(Deserialize)]
struct ImportRoot {
    #[serde(rename = "PinErrorMsg")]
    error: Option<String>,
}

/// What a Kubo of an older version doesn't count isn't there.
#[derive(Deserialize)]
struct ImportStats {
    #[serde(rename = "BlockCount")]
    blocks: Option<u64>,
    #[serde(rename = "BlockBytesCount")]
    block_bytes: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct VersionAnswer {
    #[serde(rename = "Version")]
    pub(super) version: String,
}

#[derive(Deserialize)]
pub(super) struct PinLsAnswer {
    #[serde(rename = "Keys")]
    pub(super) keys: HashMap<String, PinLsEntry>,
}

#[derive(Deserialize)]
pub(super) struct PinLsEntry {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    #[serde(rename = "Name", default)]
    pub(super) name: String,
}
