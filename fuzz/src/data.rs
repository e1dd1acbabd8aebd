//! Blocks of DAG-CBOR and DAG-JSON: their links.

use cid::Cid;
use pinreel_content::{DAG_CBOR, DAG_JSON, links_of_data, raw_cid, sha256};

pub fn run(block: &[u8]) {
    for codec in [DAG_CBOR, DAG_JSON] {
        let cid = Cid::new_v1(codec, *raw_cid(sha256(block)).hash());
        if let Ok(links) = links_of_data(&cid, block) {
            assert!(links.len() <= block.len(), "{} links in {} bytes", links.len(), block.len());
        }
    }
}
