//! Which kinds of files are read, and in which words the others are refused.

use crate::av::input::{Limits, Refusal};
use crate::av::{Error, is_out_of_memory};
use crate::failure::Failure;

/// Pictures with more pixels than this are refused: 8K and some.
pub const MAX_PIXELS: u64 = 67_000_000;
/// A file may hold this many tracks.
pub const MAX_STREAMS: usize = 32;
/// Bytes looked at to find out what a file is.
pub const PROBE_BYTES: u32 = 20_000_000;

/// Fonts and the like that Matroska files carry along; nothing is made of them.
pub const MAX_ATTACHMENTS: usize = 100;

pub const LIMITS: Limits = Limits {
    streams: MAX_STREAMS,
    attachments: MAX_ATTACHMENTS,
    probe_bytes: PROBE_BYTES,
    max_pixels: MAX_PIXELS,
    decoders: &DECODERS,
};

/// The codecs that can be read here.
pub fn codecs() -> Vec<String> {
    crate::av::decoder::codecs(&DECODERS)
}

/// ffmpeg's names of the decoders that may run: what cameras, phones, editors and recorders write. What isn't here is
/// refused by name: each decoder is a way in.
pub const DECODERS: [&str; 94] = [
    // Pictures.
    "h264",
    "hevc",
    "vp8",
    "libvpx",
    "vp9",
    "libvpx-vp9",
    "libdav1d",
    "libaom-av1",
    "av1",
    "mpeg1video",
    "mpeg2video",
    "mpegvideo",
    "mpeg4",
    "msmpeg4v1",
    "msmpeg4v2",
    "msmpeg4",
    "h263",
    "h263p",
    "flv",
    "wmv1",
    "wmv2",
    "wmv3",
    "vc1",
    "theora",
    "prores",
    "dnxhd",
    "dvvideo",
    "mjpeg",
    "ffv1",
    "huffyuv",
    "ffvhuff",
    "utvideo",
    "rawvideo",
    "v210",
    "qtrle",
    "png",
    "apng",
    "gif",
    "cfhd",
    "svq1",
    "svq3",
    "cinepak",
    "jpeg2000",
    "libopenjpeg",
    "bmp",
    "webp",
    "vp6",
    "vp6f",
    // Sound.
    "aac",
    "aac_latm",
    "mp3",
    "mp3float",
    "mp2",
    "mp2float",
    "ac3",
    "eac3",
    "opus",
    "libopus",
    "vorbis",
    "libvorbis",
    "flac",
    "alac",
    "wmav1",
    "wmav2",
    "wmapro",
    "amrnb",
    "amrwb",
    "dca",
    "truehd",
    "mlp",
    "ape",
    "wavpack",
    "adpcm_ms",
    "adpcm_ima_wav",
    "adpcm_ima_qt",
    "gsm",
    "pcm_s16le",
    "pcm_s16be",
    "pcm_s24le",
    "pcm_s24be",
    "pcm_s32le",
    "pcm_f32le",
    "pcm_u8",
    "pcm_s8",
    "pcm_alaw",
    "pcm_mulaw",
    "pcm_bluray",
    "pcm_dvd",
    // Texts.
    "subrip",
    "srt",
    "ass",
    "ssa",
    "webvtt",
    "mov_text",
];

/// ffmpeg's names of the formats that hold picture and sound themselves and name no other file.
pub const ALLOWED: [&str; 29] = [
    "mov,mp4,m4a,3gp,3g2,mj2",
    "matroska,webm",
    "avi",
    "mpegts",
    "mpeg",
    "mpegvideo",
    "flv",
    "asf",
    "ogg",
    "wav",
    "w64",
    "mp3",
    "aac",
    "flac",
    "aiff",
    "caf",
    "mxf",
    "gif",
    "m4v",
    "h264",
    "hevc",
    "ivf",
    "ac3",
    "eac3",
    "amr",
    "ape",
    "wv",
    "yuv4mpegpipe",
    "dv",
];

const POINTERS: [&str; 8] = ["concat", "hls", "dash", "sdp", "rtsp", "applehttp", "imf", "webm_dash_manifest"];

/// A file of so many bytes needs no more memory than there is to be opened.
const SMALL_BYTES: u64 = 1 << 20;

/// The failure that a file ends in which can't be opened.
pub fn refused(refusal: Refusal, bytes: u64) -> Failure {
    match refusal {
        _ if bytes == 0 => Failure::of_file("file_empty", "The file is empty."),
        Refusal::Unknown => Failure::not_media(),
        Refusal::NotAllowed(name) if POINTERS.contains(&name.as_str()) => Failure::pointer(&name),
        Refusal::NotAllowed(name) if name.ends_with("_pipe") || name == "image2" || name == "ico" => {
            Failure::still_image()
        }
        Refusal::NotAllowed(name) if name == "tty" || name == "lrc" || name == "srt" || name == "ass" => {
            Failure::not_media()
        }
        Refusal::NotAllowed(name) => Failure::format(&name),
        Refusal::TooManyStreams => Failure::too_many_streams(MAX_STREAMS),
        // Readers say the same of a small file whose header ends too early.
        Refusal::Unreadable(error) if is_out_of_memory(error) && bytes > SMALL_BYTES => Failure::out_of_memory(),
        Refusal::Unreadable(error) if is_out_of_memory(error) => Failure::incomplete(),
        // What the mp4 and matroska readers say when the index is missing.
        Refusal::Unreadable(Error::InvalidData | Error::Eof) => Failure::incomplete(),
        Refusal::Unreadable(_) => Failure::damaged(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusal, refused};

    const NO_MEMORY: crate::av::Error = crate::av::Error::Other { errno: libc::ENOMEM };

    #[test]
    fn every_refusal_has_its_code() {
        let named = |name: &str| Refusal::NotAllowed(name.to_owned());
        let cases = [
            (Refusal::Unknown, "not_media"),
            (named("concat"), "format_not_allowed"),
            (named("hls"), "format_not_allowed"),
            (named("png_pipe"), "still_image"),
            (named("tty"), "not_media"),
            (named("rm"), "format_unsupported"),
            (Refusal::TooManyStreams, "too_many_streams"),
            (Refusal::Unreadable(crate::av::Error::InvalidData), "file_incomplete"),
            (Refusal::Unreadable(NO_MEMORY), "file_incomplete"),
        ];
        for (refusal, code) in cases {
            assert_eq!(refused(refusal, 1).code, code);
        }
        assert_eq!(refused(Refusal::Unreadable(NO_MEMORY), 2 << 20).code, "out_of_memory");
        assert_eq!(refused(Refusal::Unknown, 0).code, "file_empty");
    }
}
