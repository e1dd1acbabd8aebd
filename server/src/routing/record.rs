//! This node as a peer: an id that its key gives it, and the addresses of its gateway.

use multibase::Base;
use multihash::Multihash;
use pinreel_content::Cid;
use pinreel_records::PublicKey;
use serde::Serialize;
use url::{Host, Url};

/// The transfer protocol of a trustless gateway over HTTP.
const GATEWAY: &str = "transport-ipfs-gateway-http";
/// The codec of a public key in a CID.
const LIBP2P_KEY: u64 = 0x72;
/// What stands before an Ed25519 key in libp2p's message: the key's type, and its length.
const ED25519_HEAD: [u8; 4] = [0x08, 0x01, 0x12, 0x20];
/// The multihash code of data that is its own hash.
const IDENTITY: u64 = 0x00;
/// The multihash code of SHA-256.
const SHA2_256: u64 = 0x12;

/// A record of the schema `peer`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Peer {
    pub schema: &'static str,
    #[serde(rename = "ID")]
    pub id: String,
    #[serde(serialize_with = "as_texts")]
    pub addrs: Vec<Address>,
    pub protocols: Vec<&'static str>,
}

/// A multiaddr with the names of its protocols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub text: String,
    pub protocols: Vec<&'static str>,
}

fn as_texts<S: serde::Serializer>(addresses: &[Address], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(addresses.iter().map(|address| &address.text))
}

impl Peer {
    /// The node with this key, reached at this address.
    pub fn of(key: &PublicKey, url: &Url) -> Self {
        let id = Base::Base58Btc.encode(peer_hash(key).to_bytes());
        Self { schema: "peer", id, addrs: Vec::from_iter(address(url)), protocols: vec![GATEWAY] }
    }
}

/// A peer id: the identity hash of the key in libp2p's encoding.
pub fn peer_hash(key: &PublicKey) -> Multihash<64> {
    let encoded = [&ED25519_HEAD[..], key.as_bytes()].concat();
    Multihash::wrap(IDENTITY, &encoded).expect("36 bytes fit into 64")
}

/// Reads a peer id: a multihash in base58, or a CID with the codec of keys.
pub fn parse_peer(text: &str) -> Option<Multihash<64>> {
    let hash = if text.starts_with('1') || text.starts_with("Qm") {
        Multihash::from_bytes(&Base::Base58Btc.decode(text).ok()?).ok()?
    } else {
        *text.parse::<Cid>().ok().filter(|cid| cid.codec() == LIBP2P_KEY)?.hash()
    };
    is_of_a_key(&hash).then_some(hash)
}

/// Whether a hash can be a key's: short keys stand in it themselves, as libp2p's message of a type and the bytes, and
/// longer ones by their SHA-256.
fn is_of_a_key(hash: &Multihash<64>) -> bool {
    match (hash.code(), hash.digest()) {
        (IDENTITY, [0x08, 0..=3, 0x12, length, key @ ..]) => usize::from(*length) == key.len(),
        (SHA2_256, digest) => digest.len() == 32,
        _ => false,
    }
}

/// The multiaddr of an HTTP address, such as `/dns/video.example.org/tcp/443/https`.
fn address(url: &Url) -> Option<Address> {
    let (host, text) = match url.host()? {
        Host::Domain(name) => ("dns", name.to_owned()),
        Host::Ipv4(ip) => ("ip4", ip.to_string()),
        Host::Ipv6(ip) => ("ip6", ip.to_string()),
    };
    let scheme = if url.scheme() == "https" { "https" } else { "http" };
    let port = url.port_or_known_default()?;
    Some(Address { text: format!("/{host}/{text}/tcp/{port}/{scheme}"), protocols: vec![host, "tcp", scheme] })
}

#[cfg(test)]
mod tests {
    use pinreel_records::SigningKey;

    use super::*;

    #[test]
    fn addresses() {
        for (url, expected) in [
            ("https://video.example.org", "/dns/video.example.org/tcp/443/https"),
            ("http://192.0.2.7:8080/", "/ip4/192.0.2.7/tcp/8080/http"),
            ("https://[2001:db8::1]:8443", "/ip6/2001:db8::1/tcp/8443/https"),
        ] {
            assert_eq!(address(&Url::parse(url).unwrap()).unwrap().text, expected);
        }
    }

    #[test]
    fn ids_are_ed25519_peer_ids() {
        let key = SigningKey::from_seed([7; 32]).public();
        let peer = Peer::of(&key, &Url::parse("http://127.0.0.1:8080").unwrap());
        assert!(peer.id.starts_with("12D3KooW"), "{}", peer.id);
        let hash = peer_hash(&key);
        assert_eq!(parse_peer(&peer.id), Some(hash));
        let cid = Cid::new_v1(LIBP2P_KEY, hash);
        assert_eq!(parse_peer(&cid.to_string()), Some(hash));
        assert_eq!(parse_peer(&cid.to_string_of_base(Base::Base36Lower).unwrap()), Some(hash));
        for wrong in ["", "1", "12D3KooW", "12D3KooWNope", "hello", "bafkqaaa"] {
            assert_eq!(parse_peer(wrong), None, "{wrong}");
        }
    }

    /// The example of libp2p's specification of peer ids.
    #[test]
    fn the_specification_s_key_has_its_id() {
        let hash = parse_peer("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA").unwrap();
        assert_eq!(hash.code(), IDENTITY);
        assert_eq!(hash.digest()[..4], ED25519_HEAD);
        assert_eq!(hash.digest().len(), 36);
    }
}
