//! Where people reach this node, and from which origins a browser may write to it.

use url::Url;

#[derive(Clone, Debug)]
pub struct Site {
    /// The public address, without a trailing slash in `to_string` form: see [`Site::link`].
    base: Url,
    origins: Vec<String>,
}

impl Site {
    /// `url` is what the operator set; without it the address the server listens on is meant.
    pub fn new(url: Option<&Url>, listen: std::net::SocketAddr) -> Self {
        let base = url.cloned().unwrap_or_else(|| listen_url(listen));
        let mut origins = vec![base.origin().ascii_serialization()];
        // On loopback a browser may have been pointed at any of the machine's own names.
        if url.is_none() && (listen.ip().is_loopback() || listen.ip().is_unspecified()) {
            for host in ["127.0.0.1", "[::1]", "localhost"] {
                let origin = format!("http://{host}:{}", listen.port());
                if !origins.contains(&origin) {
                    origins.push(origin);
                }
            }
        }
        Self { base, origins }
    }

    pub fn url(&self) -> &Url {
        &self.base
    }

    /// The public address of a path that starts with a slash.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }

    /// Whether a browser at this origin is on our own pages.
    pub fn is_own_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|own| own == origin)
    }

    pub fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }
}

/// The address to print and open for a socket; a wildcard address is reached over loopback.
pub fn listen_url(listen: std::net::SocketAddr) -> Url {
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
            assert!(site.is_own_origin(own), "{own}");
        }
        for other in ["http://127.0.0.1", "https://localhost:8080", "http://localhost:8081", "null", ""] {
            assert!(!site.is_own_origin(other), "{other}");
        }
        assert_eq!(site.link("/upload"), "http://127.0.0.1:8080/upload");
    }

    #[test]
    fn configured_address_is_the_only_origin() {
        let url = Url::parse("https://media.example/").unwrap();
        let site = Site::new(Some(&url), "127.0.0.1:8080".parse().unwrap());
        assert!(site.is_own_origin("https://media.example"));
        assert!(!site.is_own_origin("http://127.0.0.1:8080"));
        assert_eq!(site.link("/@a"), "https://media.example/@a");
    }
}
