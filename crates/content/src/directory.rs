//! Directories: one block while they fit into [`limits::DIRECTORY_BYTES`], sharded ([`crate::hamt`]) above that.

use bytes::Bytes;

use crate::{
    Error, Link, Result,
    address::{Digest, dag_pb_cid, sha256},
    dagpb, hamt, limits, unixfs,
};

/// A directory's blocks, its root last, and how a parent links to it.
pub(crate) struct Directory {
    pub(crate) blocks: Vec<(Digest, Bytes)>,
    pub(crate) link: Link,
}

/// How a parent links to a directory of these entries, in any order; nothing is stored.
///
/// # Errors
/// [`Error::NameInvalid`], [`Error::NameTwice`], [`Error::NamesCollide`].
pub fn hash_directory<'a>(entries: impl IntoIterator<Item = (&'a str, Link)>) -> Result<Link> {
    Ok(encode(entries)?.link)
}

/// Encodes a directory; entries may come in any order and are sorted by the bytes of their names.
pub(crate) fn encode<'a>(entries: impl IntoIterator<Item = (&'a str, Link)>) -> Result<Directory> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    if let Some(twice) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Error::NameTwice(twice[0].0.to_owned()));
    }
    entries.iter().try_for_each(|(name, _)| check_name(name))?;
    let size_bytes: usize = entries.iter().map(|(name, link)| dagpb::link_bytes(&link.cid, name, link.tsize)).sum();
    if size_bytes + unixfs::DIRECTORY.len() + 2 > limits::DIRECTORY_BYTES {
        let (blocks, link) = hamt::encode(&entries)?;
        return Ok(Directory { blocks, link });
    }
    let mut block = Vec::with_capacity(size_bytes + 4);
    for (name, link) in &entries {
        dagpb::push_link(&mut block, &link.cid, name, link.tsize);
    }
    dagpb::push_data(&mut block, &unixfs::DIRECTORY);
    let digest = sha256(&block);
    let tsize = block.len() as u64 + entries.iter().map(|(_, link)| link.tsize).sum::<u64>();
    let link = Link { cid: dag_pb_cid(digest), tsize };
    Ok(Directory { blocks: vec![(digest, block.into())], link })
}

fn check_name(name: &str) -> Result<()> {
    let wrong = name.is_empty() || name.len() > limits::NAME_BYTES || name == "." || name == "..";
    if wrong || name.contains(['/', '\0']) { Err(Error::NameInvalid(name.to_owned())) } else { Ok(()) }
}
