//! The pure rules of transcoding: sizes, rates, instants, caps, names. No ffmpeg, no files, no clock.

pub mod adts;
pub mod beside;
pub mod boxes;
pub mod chapters;
pub mod clock;
pub mod codecs;
pub mod colour;
pub mod edits;
pub mod exif;
pub mod fits;
pub mod fragments;
pub mod h264;
pub mod heif;
pub mod ladder;
pub mod language;
pub mod marks;
pub mod opus;
pub mod rate;
pub mod sizes;
pub mod storyboard;
pub mod timeline;
pub mod turn;
pub mod vtt;
pub mod wav;
pub mod waveform;
pub mod webp;
