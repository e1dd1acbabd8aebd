//! The names a worker may give its files: a closed grammar, so that no name can leave the publication's folder.
//!
//! `v<height>/` or `a<n>/`, in it `init.mp4` or `seg-00000.m4s`; and `poster.jpg`. Playlists are the server's own.

/// What a file is for, and so how large it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Init,
    Segment,
    Poster,
}

impl Kind {
    pub const fn max_bytes(self) -> u64 {
        match self {
            Self::Init => 1 << 20,
            // Four seconds of 2160p at five times its usual rate.
            Self::Segment => 128 << 20,
            Self::Poster => 8 << 20,
        }
    }
}

/// The kind of a well-formed name, else nothing.
pub fn kind(name: &str) -> Option<Kind> {
    if name == "poster.jpg" {
        return Some(Kind::Poster);
    }
    let (folder, leaf) = name.split_once('/')?;
    if !is_folder(folder) {
        return None;
    }
    match leaf {
        "init.mp4" => Some(Kind::Init),
        _ => {
            let number = leaf.strip_prefix("seg-")?.strip_suffix(".m4s")?;
            (number.len() == 5 && is_digits(number)).then_some(Kind::Segment)
        }
    }
}

/// `v16` to `v99999`, `a0` to `a99`; no leading zeros, so that one folder has one name.
pub fn is_folder(folder: &str) -> bool {
    let (longest, number) = match folder.split_at_checked(1) {
        Some(("v", number)) => (5, number),
        Some(("a", number)) => (2, number),
        _ => return false,
    };
    !number.is_empty() && number.len() <= longest && is_digits(number) && (number == "0" || !number.starts_with('0'))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_names() {
        for (name, expected) in [
            ("v1080/init.mp4", Kind::Init),
            ("v1080/seg-00000.m4s", Kind::Segment),
            ("a0/seg-99999.m4s", Kind::Segment),
            ("a7/init.mp4", Kind::Init),
            ("poster.jpg", Kind::Poster),
        ] {
            assert_eq!(kind(name), Some(expected), "{name}");
        }
    }

    #[test]
    fn refuses_every_other_name() {
        for name in [
            "",
            "/",
            ".",
            "..",
            "../poster.jpg",
            "/poster.jpg",
            "poster.jpg/",
            "./poster.jpg",
            "poster.jpg\0",
            "Poster.jpg",
            "v1080",
            "v1080/",
            "v1080/media.m3u8",
            "master.m3u8",
            "v1080/../../x",
            "v1080//init.mp4",
            "v/init.mp4",
            "v01080/init.mp4",
            "v123456/init.mp4",
            "a100/init.mp4",
            "a-1/init.mp4",
            "b0/init.mp4",
            "v1080/seg-0.m4s",
            "v1080/seg-000000.m4s",
            "v1080/seg-0000a.m4s",
            "v1080/seg-+0001.m4s",
            "v1080/seg-00000.m4s/x",
            "v１080/init.mp4",
            "é0/init.mp4",
        ] {
            assert_eq!(kind(name), None, "{name:?}");
        }
    }
}
