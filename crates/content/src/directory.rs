//! Directories of one block. Larger ones would be sharded (HAMT): refused by name until that is built.

use bytes::Bytes;

use crate::{
    Error, Link, Result,
    address::{Digest, dag_pb_cid, sha256},
    dagpb, limits, unixfs,
};

/// A directory's block and how a parent links to it.
pub(crate) struct Directory {
    pub(crate) digest: Digest,
    pub(crate) block: Bytes,
    pub(crate) link: Link,
}

/// Encodes a directory; entries may come in any order and are sorted by the bytes of their names.
pub(crate) fn encode<'a>(entries: impl IntoIterator<Item = (&'a str, Link)>) -> Result<Directory> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    if let Some(twice) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Error::NameTwice(twice[0].0.to_owned()));
    }
    let mut block = Vec::with_capacity(entries.len() * 64 + 4);
    for (name, link) in &entries {
        check_name(name)?;
        dagpb::push_link(&mut block, &link.cid, name, link.tsize);
    }
    dagpb::push_data(&mut block, &unixfs::DIRECTORY);
    if block.len() > limits::DIRECTORY_BYTES {
        return Err(Error::DirectoryTooLarge { entries: entries.len() });
    }
    let digest = sha256(&block);
    let tsize = block.len() as u64 + entries.iter().map(|(_, link)| link.tsize).sum::<u64>();
    Ok(Directory { digest, block: block.into(), link: Link { cid: dag_pb_cid(digest), tsize } })
}

fn check_name(name: &str) -> Result<()> {
    let wrong = name.is_empty() || name.len() > limits::NAME_BYTES || name == "." || name == "..";
    if wrong || name.contains(['/', '\0']) { Err(Error::NameInvalid(name.to_owned())) } else { Ok(()) }
}
