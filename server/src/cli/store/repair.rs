//! Fetching the right bytes of damaged and missing blocks from gateways. They are checked before they are stored, so a
//! gateway may be anybody's.

use std::collections::HashSet;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use pinreel_content::limits::BLOCK_BYTES;
use reqwest::Method;
use url::Url;

use super::wrong::Wrong;
use crate::cli::answer::Failure;
use crate::cli::client::Node;
use crate::cli::operator::Operator;
use crate::socket::operation::{Event, Operation};

/// How often it is asked what is missing: each answer names a few blocks, which may lead to others.
const MOST_ROUNDS: usize = 100_000;

/// Repairs what can be repaired; gives what is still wrong, and how many blocks were put right.
pub async fn repair(operator: &Operator, gateways: &[Url], wrong: Wrong) -> Result<(Wrong, u64), Failure> {
    let gateways: Vec<Node> = gateways.iter().map(Node::new).collect::<Result<_, _>>()?;
    let (mut left, mut repaired) = (Wrong::default(), 0);
    let mut mended: HashSet<String> = HashSet::new();
    for leaf in wrong.damaged {
        // One leaf may be damaged in several files, and is mended in all of them at once.
        if mended.contains(&leaf.leaf) || mend(operator, &gateways, &leaf.leaf).await? {
            repaired += u64::from(mended.insert(leaf.leaf));
        } else {
            left.damaged.push(leaf);
        }
    }
    for cid in wrong.dropped {
        if mend(operator, &gateways, &cid).await? { repaired += 1 } else { left.dropped.push(cid) }
    }
    for _ in 0..MOST_ROUNDS {
        let mut missing = Wrong::default();
        let on_event = |event| {
            if let Event::Item(item) = event {
                missing.add(item);
            }
        };
        operator.operate(&Operation::Missing, on_event).await?;
        let before = repaired;
        left.missing = Vec::new();
        for cid in missing.missing {
            if mend(operator, &gateways, &cid).await? { repaired += 1 } else { left.missing.push(cid) }
        }
        if repaired == before {
            break;
        }
    }
    if repaired > 0 {
        operator.operate(&Operation::Republish, |_| {}).await?;
    }
    Ok((left, repaired))
}

async fn mend(operator: &Operator, gateways: &[Node], cid: &str) -> Result<bool, Failure> {
    for gateway in gateways {
        match fetch(gateway, cid).await {
            Ok(block) => match operator.restore(cid, block).await {
                Ok(changed) => return Ok(changed),
                Err(failure) if failure.code == "block_refused" => {
                    eprintln!("{} gave wrong bytes for {cid}.", gateway.origin());
                }
                // It stays wrong, and the rest is mended.
                Err(failure) if failure.code == "erased" => return Ok(false),
                Err(failure) => return Err(failure),
            },
            Err(reason) => eprintln!("{} doesn't give {cid}: {reason}.", gateway.origin()),
        }
    }
    Ok(false)
}

async fn fetch(gateway: &Node, cid: &str) -> Result<Bytes, String> {
    let request =
        gateway.request(Method::GET, &format!("/ipfs/{cid}?format=raw")).map_err(|failure| failure.message)?;
    let request = request.header("accept", "application/vnd.ipld.raw").timeout(std::time::Duration::from_secs(60));
    let response = request.send().await.map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!("it answered {}", response.status()));
    }
    let (mut block, mut pieces) = (BytesMut::new(), response.bytes_stream());
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| error.to_string())?;
        if block.len() + piece.len() > BLOCK_BYTES {
            return Err("it sends more than a block may have".to_owned());
        }
        block.extend_from_slice(&piece);
    }
    Ok(block.freeze())
}
