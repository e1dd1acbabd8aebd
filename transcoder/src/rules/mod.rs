//! The pure rules of transcoding: sizes, rates, instants, caps, names. No ffmpeg, no files, no clock.

pub mod clock;
pub mod codecs;
pub mod edits;
pub mod ladder;
pub mod language;
pub mod rate;
