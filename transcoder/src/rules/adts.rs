//! AAC as broadcasts carry it: each packet begins with a header of its own (ISO/IEC 13818-7, ADTS), and no track has one.

/// What an mp4 file's track says in place of those headers: an AudioSpecificConfig.
pub type Config = [u8; 2];

/// The object type of AAC-LC.
const LOW: u8 = 2;
/// Without a checksum, and with one.
const HEADER_BYTES: [usize; 2] = [7, 9];

/// The configuration that a packet's header stands for, and the frame behind it. `None` for what isn't a single frame of
/// AAC-LC in a usual arrangement of channels.
pub fn frame(packet: &[u8]) -> Option<(Config, &[u8])> {
    let header: &[u8; 7] = packet.first_chunk()?;
    let is_adts = header[0] == 0xff && header[1] & 0xf6 == 0xf0;
    let object_type = (header[2] >> 6) + 1;
    let rate_index = header[2] >> 2 & 0xf;
    let channels = (header[2] & 1) << 2 | header[3] >> 6;
    let length = usize::from(header[3] & 3) << 11 | usize::from(header[4]) << 3 | usize::from(header[5] >> 5);
    let more_frames = header[6] & 3;
    let is_usual = object_type == LOW && rate_index < 13 && (1..=2).contains(&channels) && more_frames == 0;
    let checksum = usize::from(header[1] & 1 == 0);
    let frame = packet.get(HEADER_BYTES[checksum]..)?;
    let config = [object_type << 3 | rate_index >> 1, (rate_index & 1) << 7 | channels << 3];
    (is_adts && is_usual && length == packet.len() && !frame.is_empty()).then_some((config, frame))
}

#[cfg(test)]
mod tests {
    use super::frame;

    /// 48 kHz stereo, eleven bytes in all.
    const PACKET: [u8; 11] = [0xff, 0xf1, 0x4c, 0x80, 0x01, 0x7f, 0xfc, 1, 2, 3, 4];

    #[test]
    fn a_header_becomes_a_configuration() {
        assert_eq!(frame(&PACKET), Some(([0x11, 0x90], &[1, 2, 3, 4][..])));
        let mut checked = PACKET;
        checked[1] = 0xf0;
        assert_eq!(frame(&checked), Some(([0x11, 0x90], &[3, 4][..])), "behind a checksum");
    }

    #[test]
    fn other_packets_are_refused() {
        for (at, bits) in [(0, 1), (1, 0x10), (1, 2), (2, 0x80), (2, 0x30), (3, 0x40), (3, 0xc0), (5, 0x20), (6, 1)] {
            let mut other = PACKET;
            other[at] ^= bits;
            let is_mono = at == 3 && bits == 0xc0;
            assert_eq!(frame(&other).is_some(), is_mono, "byte {at} with {bits:#x}");
        }
        assert_eq!(frame(&PACKET[..6]), None);
        assert_eq!(frame(&PACKET[..7]), None);
        assert_eq!(frame(&[]), None);
    }
}
