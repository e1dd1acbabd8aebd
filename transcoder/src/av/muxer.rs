//! One track of CMAF: an initialisation segment, then fragments that are cut where the caller says.
#![allow(unsafe_code)]

use std::io::Write;
use std::mem;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError};

use ffmpeg_next::format::context::{Output, StreamIo};
use ffmpeg_next::{Dictionary, Packet, Rational, codec, ffi, format};

use super::Error;

/// Not `cmaf`: it would use negative composition offsets, which ffmpeg's own reader plays late. The edit list that
/// takes the delay back is written by [`crate::rules::edits`], for the muxer only writes one after the first packets.
const FLAGS: &str = "empty_moov+default_base_moof+frag_custom+skip_trailer";

/// Writes one track into memory.
pub struct Muxer {
    output: Output,
    written: Shared,
}

/// The muxer's sink: bytes since they were last taken.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    /// What was written; room for about as much is made anew.
    fn take(&self) -> Vec<u8> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Vec::with_capacity(written.len());
        mem::replace(&mut written, next)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A muxer whose header isn't written yet.
struct Opening {
    output: Output,
    written: Shared,
}

impl Opening {
    fn new() -> Result<Self, Error> {
        let written = Shared::default();
        let output = format::output_to_stream(StreamIo::from_write(written.clone())?, None, Some("mp4"))?;
        Ok(Self { output, written })
    }

    /// Replaces what the only stream's parameters say to decoders.
    fn set_header(&mut self, header: &[u8]) -> Result<(), Error> {
        let size = i32::try_from(header.len()).map_err(|_| Error::InvalidData)?;
        // SAFETY: the stream was just added and owns its parameters. The old header is freed before the new one, which
        // is allocated with the padding that ffmpeg reads beyond the end, takes its place.
        unsafe {
            let parameters = (**(*self.output.as_mut_ptr()).streams).codecpar;
            ffi::av_freep((&raw mut (*parameters).extradata).cast());
            (*parameters).extradata_size = 0;
            let padded = header.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
            let copy = ffi::av_mallocz(padded).cast::<u8>();
            if copy.is_null() {
                return Err(Error::Other { errno: libc::ENOMEM });
            }
            ptr::copy_nonoverlapping(header.as_ptr(), copy, header.len());
            (*parameters).extradata = copy;
            (*parameters).extradata_size = size;
        }
        Ok(())
    }

    fn open(mut self, timescale: u32, language: Option<&str>) -> Result<(Muxer, Vec<u8>), Error> {
        let tick = Rational::new(1, i32::try_from(timescale).map_err(|_| Error::InvalidData)?);
        let mut stream = self.output.stream_mut(0).ok_or(Error::StreamNotFound)?;
        stream.set_time_base(tick);
        if let Some(language) = language {
            let mut metadata = Dictionary::new();
            metadata.set("language", language);
            stream.set_metadata(metadata);
        }
        // SAFETY: the stream was just added and its parameters belong to it. The tag is left to the muxer.
        unsafe { (*(*(*(*self.output.as_mut_ptr()).streams)).codecpar).codec_tag = 0 };
        let mut options = Dictionary::new();
        options.set("movflags", FLAGS);
        options.set("use_editlist", "0");
        options.set("brand", "cmfc");
        options.set("fflags", "+bitexact");
        options.set("video_track_timescale", &timescale.to_string());
        self.output.write_header_with(options)?;
        let mut muxer = Muxer { output: self.output, written: self.written };
        let header = muxer.drain();
        Ok((muxer, header))
    }
}

impl Muxer {
    /// A track of what `encoder` makes, and its header (`ftyp` and `moov`). Times are in `1 / timescale` s from here
    /// on.
    pub fn new(encoder: &codec::Context, timescale: u32, language: Option<&str>) -> Result<(Self, Vec<u8>), Error> {
        let mut output = Opening::new()?;
        output.output.add_stream_with(encoder)?;
        output.open(timescale, language)
    }

    /// A track of packets that were encoded elsewhere, of which `header` tells the decoder.
    pub fn of_copy(
        parameters: &codec::Parameters,
        header: &[u8],
        timescale: u32,
        language: Option<&str>,
    ) -> Result<(Self, Vec<u8>), Error> {
        let mut output = Opening::new()?;
        let mut stream = output.output.add_stream(None::<ffmpeg_next::Codec>)?;
        stream.set_parameters(parameters.clone());
        output.set_header(header)?;
        output.open(timescale, language)
    }

    /// Adds a packet. Its times must be set, its decoding time later than the last one's.
    pub fn write(&mut self, packet: &mut Packet) -> Result<(), Error> {
        packet.set_stream(0);
        packet.set_position(-1);
        packet.write(&mut self.output).map(drop)
    }

    /// Ends the fragment and gives its bytes.
    pub fn cut(&mut self) -> Result<Vec<u8>, Error> {
        // SAFETY: the context is open and its header written; a null packet asks for a flush.
        let code = unsafe { ffi::av_write_frame(self.output.as_mut_ptr(), ptr::null_mut()) };
        if code < 0 { Err(Error::from(code)) } else { Ok(self.drain()) }
    }

    fn drain(&mut self) -> Vec<u8> {
        // SAFETY: the I/O context lives as long as the output that owns it.
        unsafe { ffi::avio_flush((*self.output.as_mut_ptr()).pb) };
        self.written.take()
    }
}

impl Drop for Muxer {
    fn drop(&mut self) {
        // Frees what the muxer holds; with skip_trailer it writes nothing that is used.
        let _ = self.output.write_trailer();
    }
}
