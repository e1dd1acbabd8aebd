//! An mp4 file of several tracks that were encoded elsewhere, its index before its media.
#![allow(unsafe_code)]

use std::fs::File;

use ffmpeg_next::format::context::{Output, StreamIo};
use ffmpeg_next::{Dictionary, Packet, Rational, format};

use super::Error;
use super::track::Track;

/// Bytes of the index for each packet, and for all together: more than it ever takes.
const INDEX_BYTES: u64 = 40;
const HEADER_BYTES: u64 = 1 << 14;

/// A file being written.
pub struct Joint {
    output: Output,
    ticks: Vec<Rational>,
}

impl Joint {
    /// For so many packets of these tracks.
    pub fn new(file: File, tracks: &[&Track], packets: u64) -> Result<Self, Error> {
        let mut output = format::output_to_stream(StreamIo::from_write_seek(file)?, None, Some("mp4"))?;
        for track in tracks {
            let mut stream = output.add_stream(None::<ffmpeg_next::Codec>)?;
            stream.set_parameters(track.parameters.clone());
            stream.set_time_base(track.tick);
        }
        for number in 0..tracks.len() {
            // SAFETY: so many streams were just added, each with parameters of its own. The tag is left to the muxer.
            unsafe { (*(**(*output.as_mut_ptr()).streams.add(number)).codecpar).codec_tag = 0 };
        }
        let mut options = Dictionary::new();
        options.set("moov_size", &(HEADER_BYTES + packets * INDEX_BYTES).to_string());
        options.set("fflags", "+bitexact");
        output.write_header_with(options)?;
        let ticks = (0..tracks.len()).filter_map(|number| Some(output.stream(number)?.time_base())).collect();
        Ok(Self { output, ticks })
    }

    /// Adds a packet to a track. Those of one track come in order of decoding.
    pub fn write(&mut self, packet: &mut Packet, number: usize, tick: Rational) -> Result<(), Error> {
        let own = self.ticks.get(number).copied().ok_or(Error::StreamNotFound)?;
        packet.rescale_ts(tick, own);
        packet.set_stream(number);
        packet.set_position(-1);
        packet.write_interleaved(&mut self.output)
    }

    pub fn finish(mut self) -> Result<(), Error> {
        self.output.write_trailer()
    }
}
