//! The names a worker may give its files: a closed grammar, so that no name can leave the publication's folder. A server
//! takes no other, and a worker reads no other of its child's.
//!
//! `v<height>/` or `a<n>/`, in it `init.mp4` or `seg-00000.m4s`; `s<n>/captions.vtt`; `storyboard/`, in it `index.vtt` and
//! `sheet-000.jpg`; `preview/<width>.webp`; and beside them `poster.jpg`, `chapters.json`, `chapters.vtt`, `waveform.json` and `video.mp4`.
//! Playlists are the server's own.

/// Files that one job may deliver: eight rungs and eight languages of 13 hours in segments of 4 s are fewer.
pub const MAX_FILES: usize = 200_000;
/// No name is longer.
pub const MAX_NAME_BYTES: usize = 24;

/// What a file is for, and so how large it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Init,
    Segment,
    /// A poster, a preview, or a sheet of a storyboard.
    Picture,
    /// Captions, chapters, a storyboard's index, a waveform.
    Text,
    /// A rendition with its sound in one file.
    Muxed,
}

impl FileKind {
    pub const fn max_bytes(self) -> u64 {
        match self {
            Self::Init => 1 << 20,
            // Four seconds of 2160p at five times its usual rate.
            Self::Segment => 128 << 20,
            Self::Picture | Self::Text => 8 << 20,
            Self::Muxed => 256 << 20,
        }
    }
}

/// The kind of a well-formed name, else nothing.
pub fn kind(name: &str) -> Option<FileKind> {
    let Some((folder, leaf)) = name.split_once('/') else { return at_the_root(name) };
    match folder {
        "storyboard" if leaf == "index.vtt" => Some(FileKind::Text),
        "storyboard" => {
            let number = leaf.strip_prefix("sheet-")?.strip_suffix(".jpg")?;
            (number.len() == 3 && is_digits(number)).then_some(FileKind::Picture)
        }
        "preview" => is_number(leaf.strip_suffix(".webp")?, 5).then_some(FileKind::Picture),
        _ if is_captions(folder) => (leaf == "captions.vtt").then_some(FileKind::Text),
        _ if is_folder(folder) && leaf == "init.mp4" => Some(FileKind::Init),
        _ if is_folder(folder) => {
            let number = leaf.strip_prefix("seg-")?.strip_suffix(".m4s")?;
            (number.len() == 5 && is_digits(number)).then_some(FileKind::Segment)
        }
        _ => None,
    }
}

fn at_the_root(name: &str) -> Option<FileKind> {
    match name {
        "poster.jpg" => Some(FileKind::Picture),
        "chapters.json" | "chapters.vtt" | "waveform.json" => Some(FileKind::Text),
        "video.mp4" => Some(FileKind::Muxed),
        _ => None,
    }
}

/// `s0` to `s99`.
pub fn is_captions(folder: &str) -> bool {
    folder.strip_prefix('s').is_some_and(|number| is_number(number, 2))
}

/// `v16` to `v99999`, `a0` to `a99`; no leading zeros, so that one folder has one name.
pub fn is_folder(folder: &str) -> bool {
    match folder.split_at_checked(1) {
        Some(("v", number)) => is_number(number, 5),
        Some(("a", number)) => is_number(number, 2),
        _ => false,
    }
}

fn is_number(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.len() <= longest && is_digits(text) && (text == "0" || !text.starts_with('0'))
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
            ("v1080/init.mp4", FileKind::Init),
            ("v1080/seg-00000.m4s", FileKind::Segment),
            ("preview/320.webp", FileKind::Picture),
            ("a0/seg-99999.m4s", FileKind::Segment),
            ("a7/init.mp4", FileKind::Init),
            ("poster.jpg", FileKind::Picture),
            ("storyboard/index.vtt", FileKind::Text),
            ("storyboard/sheet-007.jpg", FileKind::Picture),
            ("s0/captions.vtt", FileKind::Text),
            ("chapters.json", FileKind::Text),
            ("chapters.vtt", FileKind::Text),
            ("waveform.json", FileKind::Text),
            ("video.mp4", FileKind::Muxed),
        ] {
            assert_eq!(kind(name), Some(expected), "{name}");
            assert!(name.len() <= MAX_NAME_BYTES, "{name}");
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
            "storyboard",
            "storyboard/sheet-7.jpg",
            "storyboard/poster.jpg",
            "s0/init.mp4",
            "s0/media.m3u8",
            "s00/captions.vtt",
            "a0/captions.vtt",
            "v１080/init.mp4",
            "é0/init.mp4",
        ] {
            assert_eq!(kind(name), None, "{name:?}");
        }
    }
}
