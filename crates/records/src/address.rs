//! Addresses of channels and claims: `[/]@handle[@origin][/slug][:hex]` and `/c/<claim id>`, bare, percent-encoded, or
//! as the URL of a node's page. What is displayed parses to the same address again.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::header::Origin;
use crate::id::{ClaimId, RecordId};
use crate::names::{Name, NameError};

/// The longest address.
const MAX_BYTES: usize = 4096;
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// What an address names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A channel, or with a slug or a prefix one of its claims.
    Named { handle: Name, origin: Option<Origin>, slug: Option<Name>, prefix: Option<ClaimPrefix> },
    /// `/c/<claim id>`, which never changes.
    Claim(ClaimId),
}

/// The first digits of a claim id's digest: 1 to 64 of lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimPrefix(String);

/// An address and, if it came as a URL, the node (`scheme://host[:port]`) whose page that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub node: Option<String>,
    pub address: Address,
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("an address reads @handle, @handle/name or /c/<claim id>")]
    Form,
    #[error("the percent-encoding is broken")]
    Encoding,
    #[error("after the colon stand 1 to 64 hex digits of the claim id")]
    Prefix,
    #[error("after the second @ stands the name of a log: a-z, 0-9, dot and hyphen")]
    Origin,
    #[error("after /c/ stands a claim id")]
    ClaimId,
    #[error("{0}")]
    Name(#[from] NameError),
}

impl AddressError {
    /// A stable word for answers and test vectors.
    pub fn code(self) -> &'static str {
        match self {
            AddressError::Form => "address_form",
            AddressError::Encoding => "address_encoding",
            AddressError::Prefix => "address_prefix",
            AddressError::Origin => "address_origin",
            AddressError::ClaimId => "address_claim_id",
            AddressError::Name(error) => error.code(),
        }
    }
}

impl ClaimPrefix {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn matches(&self, claim: &ClaimId) -> bool {
        claim.digest_hex().starts_with(&self.0)
    }
}

impl FromStr for ClaimPrefix {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<ClaimPrefix, AddressError> {
        let right = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if right { Ok(ClaimPrefix(text.to_ascii_lowercase())) } else { Err(AddressError::Prefix) }
    }
}

impl Address {
    pub fn channel(handle: Name, origin: Option<Origin>) -> Address {
        Address::Named { handle, origin, slug: None, prefix: None }
    }

    pub fn claim(handle: Name, origin: Option<Origin>, slug: Name) -> Address {
        Address::Named { handle, origin, slug: Some(slug), prefix: None }
    }

    /// The path of its page, percent-encoded: `/@handle/slug`.
    pub fn path(&self) -> String {
        match self {
            Address::Claim(claim) => format!("/c/{claim}"),
            Address::Named { handle, origin, slug, prefix } => {
                let encode = |name: &Name| utf8_percent_encode(name.as_str(), PATH).to_string();
                let origin = origin.as_ref().map_or(String::new(), |origin| format!("@{origin}"));
                let slug = slug.as_ref().map_or(String::new(), |slug| format!("/{}", encode(slug)));
                let prefix = prefix.as_ref().map_or(String::new(), |prefix| format!(":{}", prefix.0));
                format!("/@{}{origin}{slug}{prefix}", encode(handle))
            }
        }
    }
}

impl fmt::Display for Address {
    /// The form for people, not percent-encoded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Claim(claim) => write!(f, "/c/{claim}"),
            Address::Named { handle, origin, slug, prefix } => {
                write!(f, "@{handle}")?;
                origin.iter().try_for_each(|origin| write!(f, "@{origin}"))?;
                slug.iter().try_for_each(|slug| write!(f, "/{slug}"))?;
                prefix.iter().try_for_each(|prefix| write!(f, ":{}", prefix.0))
            }
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// An address without a node: bare or as the path of a page.
    fn from_str(text: &str) -> Result<Address, AddressError> {
        if text.len() > MAX_BYTES {
            return Err(AddressError::Form);
        }
        // Split first, decode then: an encoded slash never separates.
        let segments: Vec<String> = text.split('/').map(decode).collect::<Result<_, _>>()?;
        match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["", "c", id] => id.parse::<RecordId>().map(Address::Claim).map_err(|_| AddressError::ClaimId),
            ["", channel] | [channel] => named(channel, None),
            ["", channel, slug] | [channel, slug] => named(channel, Some(slug)),
            _ => Err(AddressError::Form),
        }
    }
}

impl Located {
    /// As [`Address::from_str`], or the http or https URL of a page on a node; its query and fragment are left out.
    pub fn parse(text: &str) -> Result<Located, AddressError> {
        let after_scheme = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let Some(rest) = after_scheme else {
            return Ok(Located { node: None, address: text.parse()? });
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let path_at = rest.find('/').ok_or(AddressError::Form)?;
        let (host, path) = rest.split_at(path_at);
        let plain =
            !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
        if !plain {
            return Err(AddressError::Form);
        }
        let scheme = &text[..text.len() - after_scheme.map_or(0, str::len)];
        Ok(Located { node: Some(format!("{scheme}{}", host.to_ascii_lowercase())), address: path.parse()? })
    }
}

fn decode(segment: &str) -> Result<String, AddressError> {
    let broken = segment.match_indices('%').any(|(at, _)| {
        let digits = segment.as_bytes().get(at + 1..at + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if broken {
        return Err(AddressError::Encoding);
    }
    Ok(percent_decode_str(segment).decode_utf8().map_err(|_| AddressError::Encoding)?.into_owned())
}

fn named(channel: &str, slug: Option<&str>) -> Result<Address, AddressError> {
    // The prefix stands at the end of whatever is last.
    let (last, prefix) = match slug.unwrap_or(channel).split_once(':') {
        Some((last, prefix)) => (last, Some(prefix.parse()?)),
        None => (slug.unwrap_or(channel), None),
    };
    let channel = if slug.is_some() { channel } else { last };
    let channel = channel.strip_prefix('@').ok_or(AddressError::Form)?;
    let (handle, origin) = match channel.split_once('@') {
        Some((handle, origin)) => (handle, Some(origin.to_ascii_lowercase())),
        None => (channel, None),
    };
    Ok(Address::Named {
        handle: Name::parse(handle)?,
        origin: origin.map(|origin| origin.parse()).transpose().map_err(|_| AddressError::Origin)?,
        slug: slug.map(|_| Name::parse(last)).transpose()?,
        prefix,
    })
}
