//! Frames: counted references, and the few fields that `ffmpeg-next` reads through types that a file could break.
#![allow(unsafe_code)]

use ffmpeg_next::format::{Sample, sample};
use ffmpeg_next::frame;
use ffmpeg_next::{ChannelLayout, ffi};

use super::Error;
use crate::rules::colour::Colour;

/// A decoded or filtered picture. Cloning shares the pixels.
pub struct Picture(pub frame::Video);

/// What a filter graph must know of its input; a change means a new graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureFormat {
    pub width: i32,
    pub height: i32,
    /// `AVPixelFormat` as a number.
    pub pixel: i32,
    pub aspect: (i32, i32),
}

/// Another reference to the same sound.
pub fn share(sound: &frame::Audio) -> Result<frame::Audio, Error> {
    let mut copy = frame::Audio::empty();
    // SAFETY: both frames are valid and `copy` is blank; av_frame_ref leaves it blank when it fails.
    match unsafe { ffi::av_frame_ref(copy.as_mut_ptr(), sound.as_ptr()) } {
        code if code < 0 => Err(Error::from(code)),
        _ => Ok(copy),
    }
}

/// So many samples of silence, in stereo.
pub fn silence(samples: usize, rate: u32) -> frame::Audio {
    let mut sound = frame::Audio::new(Sample::F32(sample::Type::Planar), samples, ChannelLayout::STEREO);
    sound.set_rate(rate);
    (0..2).for_each(|channel| sound.plane_mut::<f32>(channel).fill(0.0));
    sound
}

/// Cuts planar floats off at `most` above and below zero, and makes silence of what is no number. Returns the greatest
/// there was.
pub fn limit(sound: &mut frame::Audio, most: f32) -> Result<f32, Error> {
    // SAFETY: the frame is valid; a failure leaves it as it was.
    let code = unsafe { ffi::av_frame_make_writable(sound.as_mut_ptr()) };
    if code < 0 {
        return Err(Error::from(code));
    }
    let mut greatest = 0.0_f32;
    for plane in 0..sound.planes() {
        for sample in sound.plane_mut::<f32>(plane) {
            greatest = if sample.is_nan() { f32::INFINITY } else { greatest.max(sample.abs()) };
            *sample = if sample.is_nan() { 0.0 } else { sample.clamp(-most, most) };
        }
    }
    Ok(greatest)
}

impl PictureFormat {
    /// Whether pixels are red, green and blue.
    pub fn is_rgb(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_RGB as u64)
    }

    /// Whether pixels may be transparent.
    pub fn has_alpha(self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_ALPHA as u64)
    }

    /// Whether pixels have no colour.
    pub fn is_grey(self) -> bool {
        self.description().is_some_and(|own| own.nb_components <= 2) && !self.has(ffi::AV_PIX_FMT_FLAG_PAL as u64)
    }

    fn has(self, flag: u64) -> bool {
        self.description().is_some_and(|own| own.flags & flag != 0)
    }

    fn description(self) -> Option<&'static ffi::AVPixFmtDescriptor> {
        // SAFETY: the number comes from a frame, so it is a pixel format of this library; its description is a static, or
        // null.
        unsafe {
            let format = std::mem::transmute::<i32, ffi::AVPixelFormat>(self.pixel);
            ffi::av_pix_fmt_desc_get(format).as_ref()
        }
    }
}

impl Picture {
    pub fn empty() -> Self {
        Self(frame::Video::empty())
    }

    /// Another reference to the same pixels, with properties of its own.
    pub fn share(&self) -> Result<Self, Error> {
        let mut copy = frame::Video::empty();
        // SAFETY: both frames are valid and `copy` is blank; av_frame_ref leaves it blank when it fails.
        match unsafe { ffi::av_frame_ref(copy.as_mut_ptr(), self.0.as_ptr()) } {
            code if code < 0 => Err(Error::from(code)),
            _ => Ok(Self(copy)),
        }
    }

    pub fn format(&self) -> PictureFormat {
        // SAFETY: the frame is valid; only plain integers are read.
        unsafe {
            let frame = &*self.0.as_ptr();
            let aspect = (frame.sample_aspect_ratio.num, frame.sample_aspect_ratio.den);
            PictureFormat { width: frame.width, height: frame.height, pixel: frame.format, aspect }
        }
    }

    /// Read as numbers: a file may hold values that the bindings' enumerations don't know.
    pub fn colour(&self) -> Colour {
        // SAFETY: the fields are C enumerations of an int's size; reading them as i32 is always defined.
        unsafe {
            let frame = self.0.as_ptr();
            Colour {
                primaries: (&raw const (*frame).color_primaries).cast::<i32>().read(),
                transfer: (&raw const (*frame).color_trc).cast::<i32>().read(),
                matrix: (&raw const (*frame).colorspace).cast::<i32>().read(),
            }
        }
    }

    /// The best known time, in the stream's ticks.
    pub fn time(&self) -> Option<i64> {
        self.0.timestamp().or(self.0.pts())
    }

    /// How long it is shown by its container's word, in the stream's ticks; 0 when unknown.
    pub fn duration(&self) -> i64 {
        self.0.packet().duration
    }

    /// Whether its decoder says that it is made of two fields.
    pub fn is_interlaced(&self) -> bool {
        // SAFETY: the frame is valid; only a plain integer is read.
        unsafe { (*self.0.as_ptr()).interlaced_frame != 0 }
    }

    /// A number that a filter noted.
    pub fn noted(&self, key: &str) -> Option<f64> {
        self.0.metadata().get(key)?.trim().parse().ok()
    }

    /// Whether closed captions (CEA-608 or 708) come with it.
    pub fn is_captioned(&self) -> bool {
        let kind = ffi::AVFrameSideDataType::AV_FRAME_DATA_A53_CC;
        // SAFETY: the frame is valid while it is borrowed; nothing is read through the result.
        unsafe { !ffi::av_frame_get_side_data(self.0.as_ptr(), kind).is_null() }
    }

    /// The ICC profile that its decoder found.
    pub fn profile(&self) -> Option<&[u8]> {
        // SAFETY: the frame is valid and owns its side data, whose bytes live as long as it; both are checked.
        unsafe {
            let kind = ffi::AVFrameSideDataType::AV_FRAME_DATA_ICC_PROFILE;
            let side = ffi::av_frame_get_side_data(self.0.as_ptr(), kind).as_ref()?;
            (!side.data.is_null()).then(|| std::slice::from_raw_parts(side.data, side.size))
        }
    }

    /// Changes a picture of planar green, blue and red, 8 bits each, row by row; a row has its pixels' red, green and blue
    /// one after the other. `None` if there is no memory for pixels of its own.
    pub fn map_rgb(&mut self, mut change: impl FnMut(&mut [u8])) -> Option<()> {
        // SAFETY: the frame is valid; a failure leaves it as it was.
        if unsafe { ffi::av_frame_make_writable(self.0.as_mut_ptr()) } < 0 {
            return None;
        }
        /// Where the planes' colours stand in a pixel.
        const PLANES: [usize; 3] = [1, 2, 0];
        let (width, height) = (self.0.width() as usize, self.0.height() as usize);
        let mut pixels = vec![0; width * PLANES.len()];
        for row in 0..height {
            for (plane, place) in PLANES.into_iter().enumerate() {
                let begin = row * self.0.stride(plane);
                let values = self.0.data(plane).get(begin..begin + width)?;
                pixels.chunks_exact_mut(PLANES.len()).zip(values).for_each(|(pixel, value)| pixel[place] = *value);
            }
            change(&mut pixels);
            for (plane, place) in PLANES.into_iter().enumerate() {
                let begin = row * self.0.stride(plane);
                let values = self.0.data_mut(plane).get_mut(begin..begin + width)?;
                pixels.chunks_exact(PLANES.len()).zip(values).for_each(|(pixel, value)| *value = pixel[place]);
            }
        }
        Some(())
    }

    /// Whether the decoder had to invent a part of it.
    pub fn is_damaged(&self) -> bool {
        self.0.is_corrupt() || self.0.has_decode_errors()
    }

    /// Gives it a time and says whether it must become a keyframe.
    pub fn stamp(&mut self, ticks: i64, key: bool) {
        self.0.set_pts(Some(ticks));
        let kind = if key { ffi::AVPictureType::AV_PICTURE_TYPE_I } else { ffi::AVPictureType::AV_PICTURE_TYPE_NONE };
        // SAFETY: the frame is valid; its fields aren't the shared pixels.
        unsafe { (*self.0.as_mut_ptr()).pict_type = kind };
    }

    /// A black picture of full-range 4:2:0.
    pub fn black(width: u32, height: u32) -> Result<Self, Error> {
        let mut picture = frame::Video::empty();
        // SAFETY: a blank frame gets its size and format before its buffers, whose allocation is checked.
        unsafe {
            let raw = picture.as_mut_ptr();
            (*raw).width = i32::try_from(width).map_err(|_| Error::InvalidData)?;
            (*raw).height = i32::try_from(height).map_err(|_| Error::InvalidData)?;
            (*raw).format = ffi::AVPixelFormat::AV_PIX_FMT_YUVJ420P as i32;
            match ffi::av_frame_get_buffer(raw, 0) {
                code if code < 0 => return Err(Error::from(code)),
                _ => {}
            }
        }
        for (plane, value) in [(0, 0), (1, 128), (2, 128)] {
            picture.data_mut(plane).fill(value);
        }
        Ok(Self(picture))
    }

    /// A picture of red, green, blue and an unused byte, row by row.
    pub fn opaque(width: u32, height: u32, pixels: &[u8]) -> Result<Self, Error> {
        let mut picture = frame::Video::empty();
        // SAFETY: a blank frame gets its size and format before its buffers, whose allocation is checked.
        unsafe {
            let raw = picture.as_mut_ptr();
            (*raw).width = i32::try_from(width).map_err(|_| Error::InvalidData)?;
            (*raw).height = i32::try_from(height).map_err(|_| Error::InvalidData)?;
            (*raw).format = ffi::AVPixelFormat::AV_PIX_FMT_RGB0 as i32;
            match ffi::av_frame_get_buffer(raw, 0) {
                code if code < 0 => return Err(Error::from(code)),
                _ => {}
            }
        }
        let (row_bytes, stride) = (width as usize * 4, picture.stride(0));
        let rows = picture.data_mut(0).chunks_mut(stride);
        for (to, from) in rows.zip(pixels.chunks_exact(row_bytes)) {
            to[..row_bytes].copy_from_slice(from);
        }
        Ok(Self(picture))
    }

    /// Copies a picture of 4:2:0 into this one, its upper left corner at an even place; what doesn't fit is left out.
    pub fn paste(&mut self, other: &Self, x: usize, y: usize) {
        for (plane, half) in [(0, 1), (1, 2), (2, 2)] {
            let (width, height) = (other.0.width() as usize / half, other.0.height() as usize / half);
            let (from, from_stride) = (other.0.data(plane), other.0.stride(plane));
            let to_stride = self.0.stride(plane);
            let to = self.0.data_mut(plane);
            for row in 0..height {
                let begin = (y / half + row) * to_stride + x / half;
                let source = from.get(row * from_stride..row * from_stride + width);
                if let (Some(source), Some(target)) = (source, to.get_mut(begin..begin + width)) {
                    target.copy_from_slice(source);
                }
            }
        }
    }

    /// Mean and deviation of the brightness, 0 to 255, of an 8-bit planar picture, from one pixel in 8 by 8.
    pub fn brightness(&self) -> (f64, f64) {
        let (width, height) = (self.0.width() as usize, self.0.height() as usize);
        let (stride, plane) = (self.0.stride(0), self.0.data(0));
        let rows = (0..height).step_by(8).filter_map(|row| plane.get(row * stride..row * stride + width));
        let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for value in rows.flat_map(|row| row.iter().step_by(8)).map(|byte| f64::from(*byte)) {
            count += 1.0;
            sum += value;
            squares += value * value;
        }
        let mean = sum / f64::max(count, 1.0);
        (mean, (squares / f64::max(count, 1.0) - mean * mean).max(0.0).sqrt())
    }

    /// How much neighbouring pixels differ, on average: what is blurred has little. From one row in 8.
    pub fn sharpness(&self) -> f64 {
        let (width, height) = (self.0.width() as usize, self.0.height() as usize);
        let (stride, plane) = (self.0.stride(0), self.0.data(0));
        let rows = (0..height).step_by(8).filter_map(|row| plane.get(row * stride..row * stride + width));
        let (mut count, mut sum) = (0_u64, 0_u64);
        for pair in rows.flat_map(|row| row.windows(2)) {
            count += 1;
            sum += u64::from(pair[0].abs_diff(pair[1]));
        }
        sum as f64 / count.max(1) as f64
    }
}
