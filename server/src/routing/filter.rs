//! `filter-addrs` and `filter-protocols` (IPIP-484). Pure.

use url::form_urlencoded;

use super::record::Peer;

/// Further names in one filter are ignored.
const MAX_NAMES: usize = 64;
/// What peers match of which nothing is known.
const UNKNOWN: &str = "unknown";

/// Names that are wanted, and names that aren't.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    wanted: Vec<String>,
    unwanted: Vec<String>,
}

impl Names {
    fn parse(text: &str) -> Self {
        let mut names = Self::default();
        let parts = text.split(',').map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty());
        for name in parts.take(MAX_NAMES) {
            match name.strip_prefix('!') {
                Some(name) => names.unwanted.push(name.to_owned()),
                None => names.wanted.push(name),
            }
        }
        names
    }

    fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }

    /// None of what isn't wanted, and something of what is.
    fn admit(&self, has: &[&str]) -> bool {
        let any_of = |names: &[String]| names.iter().any(|name| has.contains(&name.as_str()));
        !any_of(&self.unwanted) && (self.wanted.is_empty() || any_of(&self.wanted))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    addrs: Names,
    protocols: Names,
}

impl Filter {
    pub fn parse(raw_query: Option<&str>) -> Self {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(raw_query.unwrap_or_default().as_bytes()).take(MAX_NAMES) {
            match &*name {
                "filter-addrs" => filter.addrs = Names::parse(&value),
                "filter-protocols" => filter.protocols = Names::parse(&value),
                _ => {}
            }
        }
        filter
    }

    /// The peer with the addresses that are wanted, or `None` if it isn't.
    pub fn apply(&self, mut peer: Peer) -> Option<Peer> {
        let protocols = if peer.protocols.is_empty() { vec![UNKNOWN] } else { peer.protocols.clone() };
        if !self.protocols.admit(&protocols) {
            return None;
        }
        if self.addrs.is_empty() {
            return Some(peer);
        }
        if peer.addrs.is_empty() {
            return self.addrs.admit(&[UNKNOWN]).then_some(peer);
        }
        peer.addrs.retain(|address| self.addrs.admit(&address.protocols));
        (!peer.addrs.is_empty()).then_some(peer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::routing::record::Address;

    fn peer() -> Peer {
        let address =
            |text: &str, protocols: &[&'static str]| Address { text: text.to_owned(), protocols: protocols.to_vec() };
        Peer {
            schema: "peer",
            id: "id".to_owned(),
            addrs: vec![
                address("/dns/a.example/tcp/443/https", &["dns", "tcp", "https"]),
                address("/ip4/192.0.2.7/tcp/80/http", &["ip4", "tcp", "http"]),
            ],
            protocols: vec!["transport-ipfs-gateway-http"],
        }
    }

    fn addresses(query: &str) -> Option<usize> {
        Filter::parse(Some(query)).apply(peer()).map(|peer| peer.addrs.len())
    }

    #[test]
    fn table() {
        for (query, left) in [
            ("", Some(2)),
            ("filter-addrs=", Some(2)),
            ("filter-addrs=https", Some(1)),
            ("filter-addrs=HTTPS,webrtc", Some(1)),
            ("filter-addrs=tcp", Some(2)),
            ("filter-addrs=!http", Some(1)),
            ("filter-addrs=tcp,!https", Some(1)),
            ("filter-addrs=!tcp", None),
            ("filter-addrs=webtransport", None),
            ("filter-addrs=unknown", None),
            ("filter-protocols=transport-ipfs-gateway-http", Some(2)),
            ("filter-protocols=Transport-IPFS-Gateway-HTTP%2Cunknown", Some(2)),
            ("filter-protocols=transport-bitswap", None),
            ("filter-protocols=unknown", None),
            ("filter-protocols=!transport-bitswap", Some(2)),
            ("filter-protocols=!transport-ipfs-gateway-http", None),
            ("filter-protocols=transport-ipfs-gateway-http&filter-addrs=https", Some(1)),
        ] {
            assert_eq!(addresses(query), left, "{query}");
        }
        let nowhere = Peer { addrs: vec![], protocols: vec![], ..peer() };
        for (query, stays) in
            [("filter-addrs=unknown", true), ("filter-addrs=https", false), ("filter-protocols=unknown", true)]
        {
            assert_eq!(Filter::parse(Some(query)).apply(nowhere.clone()).is_some(), stays, "{query}");
        }
    }

    proptest! {
        #[test]
        fn hostile_filters_only_take_away(query in ".{0,200}") {
            if let Some(left) = Filter::parse(Some(&query)).apply(peer()) {
                prop_assert!(left.addrs.len() <= 2);
                prop_assert_eq!(left.protocols, peer().protocols);
            }
        }
    }
}
