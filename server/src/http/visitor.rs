//! Who a request comes from: the address behind the connection, or the one that a proxy before this node tells.
//!
//! A proxy is believed only at an address that the operator trusts (this machine's own always are), and only as far as
//! it goes: of `X-Forwarded-For` the last address that isn't a trusted proxy's counts, which is what the first trusted
//! proxy has seen itself. What a visitor wrote into the header before stands further left and says nothing.

use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use axum::http::{Extensions, HeaderMap, HeaderName, header};

/// The other end of the connection; the listener puts it into each request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visitor {
    /// A program on this machine that speaks for nobody else.
    Own,
    /// Anybody else: an IPv4 address, or an IPv6 network of 64 bits.
    Network(IpAddr),
}

pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// What a proxy adds that doesn't tell for whom in our way; such a request is nobody's own either.
const TRACES: [HeaderName; 5] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
];

/// Who a request comes from. Without a [`Peer`] it is a stranger's.
pub fn visitor(extensions: &Extensions, headers: &HeaderMap, proxies: &[Network]) -> Visitor {
    let peer = extensions.get::<Peer>().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.0.to_canonical());
    let is_trusted = |address: IpAddr| address.is_loopback() || proxies.iter().any(|proxy| proxy.contains(address));
    if !is_trusted(peer) {
        return Visitor::Network(network(peer));
    }
    let told = headers.get_all(FORWARDED_FOR).iter().rev().filter_map(|value| value.to_str().ok());
    let mut hops = told.flat_map(|value| value.rsplit(',')).map(|hop| address(hop.trim()));
    let mut last = peer;
    loop {
        match hops.next() {
            Some(Some(hop)) if is_trusted(hop) => last = hop,
            Some(Some(hop)) => return Visitor::Network(network(hop)),
            // Nobody knows whom a proxy means that writes something else: it is taken at its own address.
            Some(None) => return Visitor::Network(network(last)),
            None => break,
        }
    }
    let is_passed_on = headers.contains_key(FORWARDED_FOR) || TRACES.iter().any(|name| headers.contains_key(name));
    if peer.is_loopback() && !is_passed_on { Visitor::Own } else { Visitor::Network(network(last)) }
}

/// An address as proxies write it: with or without a port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(inner, _)| inner);
    let parsed = bare.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()));
    parsed.map(|address: IpAddr| address.to_canonical())
}

/// One household has a whole IPv6 network of 64 bits.
pub fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

/// An address, or a network of them: `192.0.2.7`, `172.16.0.0/12`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    mask: u128,
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.bits
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "it isn't an address or a network; they look like 192.0.2.7 and 172.16.0.0/12".to_owned();
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(longest), str::parse::<u32>).map_err(|_| wrong())?;
        if length > longest {
            return Err(wrong());
        }
        let mask = u128::MAX.checked_shl(longest - length).unwrap_or(0);
        Ok(Self { bits: bits(address) & mask, mask })
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, headers: &[(&'static str, &str)], proxies: &[&str]) -> Visitor {
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        let proxies: Vec<Network> = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
        visitor(&extensions, &map, &proxies)
    }

    fn of(address: &str) -> Visitor {
        Visitor::Network(address.parse().unwrap())
    }

    #[test]
    fn what_comes_straight_counts_by_its_own_address() {
        assert_eq!(seen("127.0.0.1", &[], &[]), Visitor::Own);
        assert_eq!(seen("::1", &[], &[]), Visitor::Own);
        assert_eq!(seen("::ffff:127.0.0.1", &[], &[]), Visitor::Own);
        assert_eq!(seen("192.0.2.1", &[], &[]), of("192.0.2.1"));
        assert_eq!(seen("2001:db8:1:2:3::4", &[], &[]), of("2001:db8:1:2::"));
        assert_eq!(
            visitor(&Extensions::new(), &HeaderMap::new(), &[]),
            of("::"),
            "nobody is trusted for want of an address"
        );
    }

    #[test]
    fn strangers_cannot_say_who_they_are() {
        assert_eq!(seen("192.0.2.1", &[("x-forwarded-for", "127.0.0.1")], &[]), of("192.0.2.1"));
        assert_eq!(seen("192.0.2.1", &[("x-forwarded-for", "198.51.100.9")], &["192.0.2.2"]), of("192.0.2.1"));
    }

    #[test]
    fn a_trusted_proxy_tells_whom_it_has_seen() {
        let cases: [(&[(&str, &str)], &str); 7] = [
            (&[("x-forwarded-for", "198.51.100.9")], "198.51.100.9"),
            (&[("x-forwarded-for", "127.0.0.1, 198.51.100.9")], "198.51.100.9"),
            (&[("x-forwarded-for", "203.0.113.5"), ("x-forwarded-for", "198.51.100.9")], "198.51.100.9"),
            (&[("x-forwarded-for", "198.51.100.9, 172.18.0.3")], "198.51.100.9"),
            (&[("x-forwarded-for", "198.51.100.9:5123")], "198.51.100.9"),
            (&[("x-forwarded-for", "[2001:db8::7]:443")], "2001:db8::"),
            (&[("x-forwarded-for", "198.51.100.9, unknown")], "127.0.0.1"),
        ];
        for (headers, expected) in cases {
            let headers: Vec<_> = headers.iter().map(|(_, value)| ("x-forwarded-for", *value)).collect();
            assert_eq!(seen("127.0.0.1", &headers, &["172.18.0.0/16"]), of(expected), "{headers:?}");
        }
        assert_eq!(seen("172.18.0.2", &[("x-forwarded-for", "198.51.100.9")], &["172.18.0.0/16"]), of("198.51.100.9"));
        assert_eq!(seen("172.18.0.2", &[], &["172.18.0.0/16"]), of("172.18.0.2"));
    }

    #[test]
    fn what_was_passed_on_is_never_this_machine_s_own() {
        for name in ["x-forwarded-for", "x-real-ip", "forwarded", "via", "x-forwarded-proto", "x-forwarded-host"] {
            assert_eq!(seen("127.0.0.1", &[(name, "127.0.0.1")], &[]), of("127.0.0.1"), "{name}");
        }
    }

    #[test]
    fn networks_have_the_addresses_they_name() {
        let contains = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse::<IpAddr>().unwrap())
        };
        assert!(contains("192.0.2.7", "192.0.2.7") && !contains("192.0.2.7", "192.0.2.8"));
        assert!(contains("172.16.0.0/12", "172.31.255.1") && !contains("172.16.0.0/12", "172.32.0.1"));
        assert!(contains("0.0.0.0/0", "203.0.113.5") && !contains("0.0.0.0/0", "2001:db8::1"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1") && !contains("2001:db8::/32", "2001:db9::1"));
        assert!(contains("::/0", "2001:db8::1"));
        for wrong in ["", "localhost", "192.0.2.7/33", "192.0.2.7/-1", "2001:db8::/129", "192.0.2.7/8/9"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
