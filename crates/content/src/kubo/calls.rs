//! The calls of the RPC that are made.

use ipfs_api_prelude::ApiRequest;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct DagImport {
    pub(super) pin_roots: bool,
    pub(super) stats: bool,
}

impl ApiRequest for DagImport {
    const PATH: &'static str = "/dag/import";
}

#[derive(Serialize)]
pub(super) struct Version {}

impl ApiRequest for Version {
    const PATH: &'static str = "/version";
}

/// `block/get` of what Kubo holds itself: it asks nobody else.
#[derive(Serialize)]
pub(super) struct BlockGet {
    pub(super) arg: String,
    pub(super) offline: bool,
}

impl ApiRequest for BlockGet {
    const PATH: &'static str = "/block/get";
}

#[derive(Serialize)]
pub(super) struct PinRm {
    pub(super) arg: String,
    pub(super) recursive: bool,
}

impl ApiRequest for PinRm {
    const PATH: &'static str = "/pin/rm";
}

/// `pin/add` with a name, which the crate's own request lacks.
#[derive(Serialize)]
pub(super) struct PinAdd<'a> {
    pub(super) arg: String,
    pub(super) recursive: bool,
    pub(super) name: &'a str,
}

impl ApiRequest for PinAdd<'_> {
    const PATH: &'static str = "/pin/add";
}

/// `pin/ls` with names, which the crate's own request lacks.
#[derive(Serialize)]
pub(super) struct PinLs {
    pub(super) arg: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) names: bool,
}

impl ApiRequest for PinLs {
    const PATH: &'static str = "/pin/ls";
}
