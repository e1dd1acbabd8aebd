//! base64url without padding: the only form in which bytes stand in our JSON, URLs and key files.

use data_encoding::BASE64URL_NOPAD;

/// The text of `bytes`, without padding.
pub fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// The bytes of `text`; `None` for any other alphabet, for padding, and for stray bits at the end.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

/// The bytes of `text` if they are exactly `N`.
pub fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}
