//! ffmpeg, as far as this program uses it: safe wrappers over `ffmpeg-next` and the raw calls that it lacks.
//!
//! Everything `unsafe` of this binary's media code is in this folder. Nothing here decides anything: no ladders, no
//! names, no policy but the limits that are handed in.
#![allow(unsafe_code)]

pub mod decoder;
pub mod encoder;
pub mod filter;
pub mod frame;
pub mod input;
pub mod joint;
pub mod muxer;
pub mod packet;
pub mod subtitle;
pub mod track;

pub use ffmpeg_next::Error;

/// Starts ffmpeg's tables and keeps its log to what is fatal: files decide what it would say.
pub fn start() {
    // Only fails where ffmpeg was built without its network tables, which this program never uses.
    let _ = ffmpeg_next::init();
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
}

/// Gives the memory of ended decoders and encoders back to the system, which the C library would keep for others like
/// them. Call it where none follow.
pub fn give_memory_back() {
    // SAFETY: the allocator's own call, at any time from any thread.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0)
    };
}

/// Whether a call only says that it needs more input first.
pub fn is_again(error: Error) -> bool {
    matches!(error, Error::Other { errno } if errno == libc::EAGAIN)
}

/// Whether memory ran out.
pub fn is_out_of_memory(error: Error) -> bool {
    matches!(error, Error::Other { errno } if errno == libc::ENOMEM)
}
