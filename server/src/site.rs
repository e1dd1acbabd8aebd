//! Where people reach this node, and from which origins a browser may write to it.

use std::net::SocketAddr;

use url::Url;

#[derive(Clone, Debug)]
pub struct Site {
    /// The public address, without a trailing slash in `to_string` form: see [`Site::link`].
    base: Url,
    /// The address of the socket itself, for this machine's own programs.
    socket: Url,
    /// Where a browser shows our pages.
    origins: Vec<String>,
    /// Where else a program on this machine may be connected to us.
    local: Vec<String>,
    /// Listening everywhere, without an address to be known by.
    any_ip_port: Option<u16>,
}

impl Site {
    /// `url` is what the operator set; without it the address the server listens on is meant.
    pub fn new(url: Option<&Url>, listen: SocketAddr) -> Self {
        let base = url.cloned().unwrap_or_else(|| listen_url(listen));
        let everywhere = listen.ip().is_unspecified();
        let mut local = Vec::new();
        if listen.ip().is_loopback() || everywhere {
            local.extend(["127.0.0.1", "[::1]", "localhost"].map(|host| format!("http://{host}:{}", listen.port())));
        }
        let mut origins = vec![base.origin().ascii_serialization()];
        if url.is_none() {
            // On loopback a browser may have been pointed at any of the machine's own names.
            origins.append(&mut local.clone());
        }
        let socket = listen_url(listen);
        Self { base, socket, origins, local, any_ip_port: (url.is_none() && everywhere).then(|| listen.port()) }
    }

    /// As it is where this machine's own programs have a socket of their own.
    pub fn with_inner(self, inner: SocketAddr) -> Self {
        Self { socket: listen_url(inner), ..self }
    }

    pub fn url(&self) -> &Url {
        &self.base
    }

    pub fn local_url(&self) -> &Url {
        &self.socket
    }

    /// The public address of a path that starts with a slash.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }

    /// Whether a browser at this origin is on our own pages. `host` is the request's `Host` header, which counts where
    /// we listen everywhere and have no address to be known by.
    pub fn is_own_origin(&self, origin: &str, host: Option<&str>) -> bool {
        self.origins.iter().any(|own| own == origin) || host.is_some_and(|host| self.is_own_ip(origin, host))
    }

    /// Whether a program that signs in may say it is connected to this origin.
    pub fn may_sign_in_at(&self, origin: &str, host: Option<&str>) -> bool {
        self.is_own_origin(origin, host) || self.local.iter().any(|local| local == origin)
    }

    /// Whether a request's `Host` is one of this machine's own names for us.
    pub fn is_local_host(&self, host: &str) -> bool {
        self.local.iter().any(|local| local.strip_prefix("http://") == Some(host))
    }

    /// The origin is the very number and port that the request was sent to. A name wouldn't do: whoever owns it may
    /// point it at us.
    fn is_own_ip(&self, origin: &str, host: &str) -> bool {
        let same = origin.strip_prefix("http://") == Some(host);
        same && host.parse::<SocketAddr>().is_ok_and(|address| Some(address.port()) == self.any_ip_port)
    }

    /// Whether only this machine's own people reach this node.
    pub fn is_loopback(&self) -> bool {
        match self.base.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback() && self.any_ip_port.is_none(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback() && self.any_ip_port.is_none(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    pub fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }
}

/// An address that an operator may give a node. The log takes its name for good from the first one, so what can't be
/// the root of a site is refused before anything is made.
pub fn public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("it isn't an address ({error}); {EXAMPLE}"))?;
    let surplus = [
        ("a user", !url.username().is_empty() || url.password().is_some()),
        ("a path", !matches!(url.path(), "" | "/")),
        ("a query", url.query().is_some()),
        ("a fragment", url.fragment().is_some()),
    ];
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("people reach a node by http or https, not by {}; {EXAMPLE}", url.scheme()));
    }
    match surplus.into_iter().find(|(_, is_there)| *is_there) {
        Some((part, _)) => Err(format!("a node's address can't have {part}; {EXAMPLE}")),
        None => Ok(url),
    }
}

const EXAMPLE: &str = "it looks like https://video.example.org";

/// The address to print and open for a socket; a wildcard address is reached over loopback.
pub fn listen_url(listen: SocketAddr) -> Url {
    let mut shown = listen;
    if listen.ip().is_unspecified() {
        shown.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    Url::parse(&format!("http://{shown}")).expect("a socket address makes a URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_goes_by_three_names() {
        let site = Site::new(None, "127.0.0.1:8080".parse().unwrap());
        for own in ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"] {
            assert!(site.is_own_origin(own, None), "{own}");
        }
        for other in ["http://127.0.0.1", "https://localhost:8080", "http://localhost:8081", "null", ""] {
            assert!(!site.is_own_origin(other, None), "{other}");
        }
        assert_eq!(site.link("/upload"), "http://127.0.0.1:8080/upload");
    }

    #[test]
    fn only_the_root_of_a_site_is_a_nodes_address() {
        for good in ["https://media.example", "http://192.0.2.7:8080/", "http://[2001:db8::1]", "HTTPS://Media.Example"]
        {
            assert_eq!(public_url(good).map(|url| url.path().to_owned()), Ok("/".to_owned()), "{good}");
        }
        for (bad, part) in [
            ("ftp://media.example", "not by ftp"),
            ("file:///srv", "not by file"),
            ("media.example:8080", "not by media.example"),
            ("media.example", "isn't an address"),
            ("http://", "isn't an address"),
            ("http://media.example/sub", "a path"),
            ("http://media.example//", "a path"),
            ("http://ann@media.example", "a user"),
            ("http://:secret@media.example", "a user"),
            ("http://media.example?", "a query"),
            ("http://media.example/#top", "a fragment"),
        ] {
            let sentence = public_url(bad).unwrap_err();
            assert!(sentence.contains(part) && sentence.ends_with("https://video.example.org"), "{bad}: {sentence}");
        }
    }

    #[test]
    fn listening_everywhere_goes_by_the_number_that_was_called() {
        let site = Site::new(None, "0.0.0.0:8080".parse().unwrap());
        let own = |origin, host| site.is_own_origin(origin, Some(host));
        assert!(own("http://192.0.2.7:8080", "192.0.2.7:8080"));
        assert!(own("http://[2001:db8::1]:8080", "[2001:db8::1]:8080"));
        assert!(own("http://localhost:8080", "localhost:8080"));
        assert!(!own("http://192.0.2.8:8080", "192.0.2.7:8080"), "another machine's page");
        assert!(!own("http://elsewhere.example:8080", "elsewhere.example:8080"), "a name pointed at us");
        assert!(!own("http://192.0.2.7:8081", "192.0.2.7:8081"));
    }

    #[test]
    fn configured_address_is_the_only_origin() {
        let url = Url::parse("https://media.example/").unwrap();
        let site = Site::new(Some(&url), "127.0.0.1:8080".parse().unwrap());
        assert!(site.is_own_origin("https://media.example", None));
        assert!(!site.is_own_origin("http://127.0.0.1:8080", None));
        assert!(site.may_sign_in_at("http://127.0.0.1:8080", None));
        assert!(!site.may_sign_in_at("http://127.0.0.1:8081", None));
        assert_eq!(site.link("/@a"), "https://media.example/@a");
    }
}
