//! CODECS strings (RFC 6381) from an encoder's extradata.

/// `avc1.PPCCLL` from an H.264 sequence parameter set, in avcC form or behind Annex B start codes.
pub fn avc1(extradata: &[u8]) -> Option<String> {
    let bytes = if extradata.first() == Some(&1) { extradata.get(1..4)? } else { sps(extradata)?.get(1..4)? };
    Some(format!("avc1.{:02x}{:02x}{:02x}", bytes[0], bytes[1], bytes[2]))
}

/// AAC-LC.
pub const AAC_LC: &str = "mp4a.40.2";

fn sps(annex_b: &[u8]) -> Option<&[u8]> {
    const SPS: u8 = 7;
    let starts = annex_b.windows(3).enumerate().filter(|(_, w)| *w == [0, 0, 1]).map(|(at, _)| at + 3);
    starts.filter_map(|at| annex_b.get(at..)).find(|nal| nal.first().is_some_and(|byte| byte & 0x1f == SPS))
}

#[cfg(test)]
mod tests {
    use super::avc1;

    #[test]
    fn both_forms_of_extradata_are_read() {
        assert_eq!(avc1(&[1, 0x64, 0, 0x1f, 0xff]).as_deref(), Some("avc1.64001f"));
        assert_eq!(avc1(&[0, 0, 0, 1, 9, 0, 0, 1, 0x67, 0x42, 0xc0, 0x0d]).as_deref(), Some("avc1.42c00d"));
        assert_eq!(avc1(&[0, 0, 0, 1, 0x68, 1, 2, 3]), None);
        assert_eq!(avc1(&[]), None);
        assert_eq!(avc1(&[1, 2]), None);
    }
}
