//! Which budget a request is taken from.

use axum::http::Method;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Whatever is cheap, or bounded elsewhere: content, pages, the API's reads, bytes of an upload that was admitted, a
    /// transcoder's calls.
    Reads,
    /// What makes or changes something, creating an upload too.
    Writes,
    /// What proves who somebody is: sessions, the operator's link.
    SignIns,
}

impl Budget {
    pub const ALL: [Self; 3] = [Self::Reads, Self::Writes, Self::SignIns];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::SignIns => "sign_ins",
        }
    }

    pub fn of(method: &Method, path: &str) -> Self {
        let is_read = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        let is_bytes = method == Method::PATCH && path.starts_with("/api/v1/uploads/");
        match path {
            _ if is_read || is_bytes || !path.starts_with("/api/") => Self::Reads,
            "/api/v1/session" | "/api/v1/session/challenge" | "/api/v1/operator" if method == Method::POST => {
                Self::SignIns
            }
            _ => Self::Writes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let cases = [
            (Method::GET, "/ipfs/bafkqaaa", Budget::Reads),
            (Method::GET, "/api/v1/session", Budget::Reads),
            (Method::HEAD, "/api/v1/uploads/1", Budget::Reads),
            (Method::OPTIONS, "/api/v1/session", Budget::Reads),
            (Method::PATCH, "/api/v1/uploads/1", Budget::Reads),
            (Method::PUT, "/runner/v1/jobs/1/files/a", Budget::Reads),
            (Method::POST, "/api/v1/uploads", Budget::Writes),
            (Method::DELETE, "/api/v1/uploads/1", Budget::Writes),
            (Method::DELETE, "/api/v1/session", Budget::Writes),
            (Method::POST, "/api/v1/claims", Budget::Writes),
            (Method::from_bytes(b"BREW").unwrap(), "/api/v1/claims", Budget::Writes),
            (Method::POST, "/api/v1/session/challenge", Budget::SignIns),
            (Method::POST, "/api/v1/session", Budget::SignIns),
            (Method::POST, "/api/v1/operator", Budget::SignIns),
        ];
        for (method, path, budget) in cases {
            assert_eq!(Budget::of(&method, path), budget, "{method} {path}");
        }
    }

    #[test]
    fn each_has_its_own_place() {
        for (place, budget) in Budget::ALL.into_iter().enumerate() {
            assert_eq!(budget as usize, place);
        }
    }
}
