//! One line of a denylist: what it is about, and its hints.

use data_encoding::HEXLOWER_PERMISSIVE;
use percent_encoding::percent_decode_str;
use pinreel_content::{Cid, digest_of};

/// The multihash code of SHA-256.
const SHA2_256: u64 = 0x12;

/// A line that was understood.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    pub target: Target,
    /// The line begins with `!`: what matches is allowed.
    pub allows: bool,
    /// What its own hints say about legal reasons, if anything.
    pub is_legal: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A multihash, and a path below it without slashes around it.
    Content { hash: Vec<u8>, path: String, is_prefix: bool },
    /// The SHA-256 of `<base58 multihash>[/<path>]`, of `<CIDv1 in base32>/[<path>]`, or of either.
    Hashed { modern: Option<[u8; 32]>, legacy: Option<[u8; 32]> },
    /// A name that only matters where names are resolved.
    Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    #[error("it begins neither with /ipfs/, /ipns/ nor with //")]
    Unknown,
    #[error("it names no CID or multihash")]
    NoCid,
    #[error("it isn't UTF-8")]
    NotUtf8,
    #[error("its path isn't percent-encoded UTF-8")]
    Path,
    #[error("its hash is neither 64 hexadecimal digits nor a multihash in base58")]
    Hash,
    #[error("its hash is made by a function other than SHA-256, which isn't known here")]
    HashFunction,
}

/// Reads a line that isn't empty and isn't a comment.
pub fn parse(line: &str) -> Result<Item, ItemError> {
    let mut words = line.split_ascii_whitespace();
    let rule = words.next().unwrap_or_default();
    let (allows, rule) = rule.strip_prefix('!').map_or((false, rule), |rule| (true, rule));
    let is_legal = words
        .filter_map(|hint| hint.split_once([':', '=']))
        .filter_map(|(name, value)| is_legal(name, value))
        .next_back();
    let target = if let Some(hash) = rule.strip_prefix("//") {
        hashed(hash)?
    } else if let Some(rest) = rule.strip_prefix("/ipfs/") {
        content(rest)?
    } else if rule.starts_with("/ipns/") {
        Target::Name
    } else {
        return Err(ItemError::Unknown);
    };
    Ok(Item { target, allows, is_legal })
}

/// What a hint says about legal reasons: `reason:legal` (or any reason with that word), `status:451`, `status:410`.
pub fn is_legal(name: &str, value: &str) -> Option<bool> {
    match name {
        "reason" => Some(value.to_ascii_lowercase().contains("legal")),
        "status" | "gateway_status" => Some(value == "451"),
        _ => None,
    }
}

fn content(rest: &str) -> Result<Target, ItemError> {
    let (cid, path) = rest.split_once('/').unwrap_or((rest, ""));
    let hash = hash_of(cid).ok_or(ItemError::NoCid)?;
    let (path, is_prefix) = path.strip_suffix('*').map_or((path, false), |path| (path, true));
    let path = percent_decode_str(path).decode_utf8().map_err(|_| ItemError::Path)?;
    Ok(Target::Content { hash, path: path.trim_matches('/').to_owned(), is_prefix })
}

/// The multihash in a CID, or a bare one in base58.
fn hash_of(text: &str) -> Option<Vec<u8>> {
    match text.parse::<Cid>() {
        Ok(cid) => Some(cid.hash().to_bytes()),
        Err(_) => multihash(text).map(|hash| hash.to_bytes()),
    }
}

fn multihash(text: &str) -> Option<multihash::Multihash<64>> {
    let bytes = multibase::Base::Base58Btc.decode(text).ok()?;
    multihash::Multihash::from_bytes(&bytes).ok()
}

/// Both readings count where a text has both.
fn hashed(text: &str) -> Result<Target, ItemError> {
    let legacy = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
    let known = multihash(text);
    let modern = known.filter(|hash| hash.code() == SHA2_256).and_then(|hash| digest_of(&Cid::new_v1(0x55, hash)));
    match (known, modern, legacy) {
        (Some(_), None, None) => Err(ItemError::HashFunction),
        (None, None, None) => Err(ItemError::Hash),
        _ => Ok(Target::Hashed { modern, legacy }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V0: &str = "QmdWFA9FL52hx3j9EJZPQP1ZUH8Ygi5tLCX2cRDs6knSf8";

    fn path_of(line: &str) -> (String, bool) {
        match parse(line).unwrap().target {
            Target::Content { path, is_prefix, .. } => (path, is_prefix),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn paths() {
        for (rest, path, is_prefix) in [
            ("", "", false),
            ("/", "", false),
            ("/*", "", true),
            ("/test*", "test", true),
            ("/test/*", "test", true),
            ("/a/b/", "a/b", false),
            ("/a%20b%2Fc", "a b/c", false),
        ] {
            assert_eq!(path_of(&format!("/ipfs/{V0}{rest}")), (path.to_owned(), is_prefix), "{rest}");
        }
    }

    #[test]
    fn hints() {
        let legal = |hints: &str| parse(&format!("/ipfs/{V0} {hints}")).unwrap().is_legal;
        assert_eq!(legal(""), None);
        assert_eq!(legal("reason:legal"), Some(true));
        assert_eq!(legal("hint:x reason:malware"), Some(false));
        for hint in ["status:451", "status=451", "reason=legal", "gateway_status=451"] {
            assert_eq!(legal(hint), Some(true), "{hint}");
        }
        assert_eq!(legal("gateway_status=410"), Some(false));
        assert_eq!(legal("reason:Legal-order status:410"), Some(false), "the last one counts");
        assert!(parse(&format!("!/ipfs/{V0}")).unwrap().allows);
    }

    #[test]
    fn refused() {
        for (line, expected) in [
            ("/ipfs/", ItemError::NoCid),
            ("/ipfs/hello/x", ItemError::NoCid),
            ("/mime/image/*", ItemError::Unknown),
            ("nonsense", ItemError::Unknown),
            ("!", ItemError::Unknown),
            ("//nonsense", ItemError::Hash),
            ("//gW813G35CnLsy7gRYYHuf63hrz71U1xoLFDVeV7actx6oX", ItemError::HashFunction),
        ] {
            assert_eq!(parse(line), Err(expected), "{line}");
        }
        assert_eq!(parse(&format!("/ipfs/{V0}/%ff")), Err(ItemError::Path));
        assert_eq!(parse("/ipns/domain.example/x*").unwrap().target, Target::Name);
    }
}
