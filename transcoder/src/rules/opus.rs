//! Headers of Opus (RFC 7845, 5), which lie among the packets where one stream follows another. Pure.

/// Where a header has its number of channels, and its family of orders.
const CHANNELS: usize = 9;
const FAMILY: usize = 18;
/// Mono and stereo, which a decoder of either reads.
const SIMPLE: u8 = 0;

pub fn is_header(packet: &[u8]) -> bool {
    packet.starts_with(b"OpusHead") || packet.starts_with(b"OpusTags")
}

/// Whether one decoder reads streams with these headers. Nothing is known where one is cut off.
pub fn are_alike(one: &[u8], other: &[u8]) -> bool {
    let order = |head: &[u8]| match head.get(FAMILY) {
        Some(&SIMPLE) | None => Vec::new(),
        Some(_) => [&head[CHANNELS..=CHANNELS], &head[FAMILY..]].concat(),
    };
    order(one) == order(other)
}

#[cfg(test)]
mod tests {
    use super::are_alike;

    #[test]
    fn only_channels_matter() {
        let stereo = b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0";
        let later = b"OpusHead\x01\x02\0\0\x44\xac\0\0\x01\0\0";
        let surround = b"OpusHead\x01\x06\x38\x01\x80\xbb\0\0\0\0\x01\x04\x02\0\x04\x01\x02\x03\x05";
        let mono = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";
        assert!(are_alike(stereo, later) && are_alike(stereo, mono) && are_alike(surround, surround));
        assert!(!are_alike(stereo, surround) && !are_alike(surround, mono));
    }
}
