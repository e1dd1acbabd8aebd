//! dag-pb blocks, decoded by us and by `ipld-dagpb`.

use bytes::Bytes;
use ipld_dagpb::PbNode;
use pinreel_content::dagpb;

pub fn run(block: &[u8]) {
    let theirs = PbNode::from_bytes(Bytes::copy_from_slice(block));
    let Ok(node) = dagpb::decode(block) else { return };
    let theirs = theirs.unwrap_or_else(|error| panic!("they don't take what we take: {error}"));
    assert_eq!(node.data, theirs.data.as_deref());
    assert_eq!(node.links.len(), theirs.links.len());
    for (ours, theirs) in node.links.iter().zip(&theirs.links) {
        assert_eq!(ours.cid.to_string(), theirs.cid.to_string());
        assert_eq!((ours.name, ours.tsize), (theirs.name.as_deref(), theirs.size));
    }
    let mut canonical = Vec::new();
    for link in &node.links {
        dagpb::push_link(&mut canonical, &link.cid, link.name.unwrap_or_default(), link.tsize.unwrap_or_default());
    }
    if let Some(data) = node.data {
        dagpb::push_data(&mut canonical, data);
    }
    let again = dagpb::decode(&canonical).expect("what we encode we decode");
    assert_eq!((again.data, again.links.len()), (node.data, node.links.len()));
    for (again, before) in again.links.iter().zip(&node.links) {
        assert_eq!((again.cid, again.name), (before.cid, Some(before.name.unwrap_or_default())));
        assert_eq!(again.tsize, Some(before.tsize.unwrap_or_default()));
    }
}
