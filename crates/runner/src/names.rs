//! The grammar of delivered files' names.

/// Files that one job may deliver: eight rungs and eight languages of 13 hours in segments of 4 s are fewer.
pub const MAX_FILES: usize = 200_000;
/// Longer names are refused.
pub const MAX_NAME_BYTES: usize = 96;

/// Whether `name` is a path that a worker may deliver: one or two parts of `[a-z0-9][a-z0-9.-]*` joined by `/`.
/// So `init.mp4`, `v720/seg-00000.m4s`; never `..`, a leading dot, an empty part or a third level.
pub fn is_file_name(name: &str) -> bool {
    name.len() <= MAX_NAME_BYTES && name.split('/').count() <= 2 && name.split('/').all(is_part)
}

fn is_part(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    part.bytes().next().is_some_and(plain) && part.bytes().all(|byte| plain(byte) || byte == b'.' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::{MAX_NAME_BYTES, is_file_name};

    #[test]
    fn names_stay_inside_their_root() {
        for good in ["poster.jpg", "v720/init.mp4", "v720/seg-00000.m4s", "a0/seg-00012.m4s"] {
            assert!(is_file_name(good), "{good}");
        }
        let long = "a".repeat(MAX_NAME_BYTES + 1);
        for bad in
            ["", "/", "v720/", "/init.mp4", "../x", "v720/..", ".x", "a/b/c", "V720/x", "a b", "a\\b", "-x", &long]
        {
            assert!(!is_file_name(bad), "{bad}");
        }
    }
}
