//! Sound on its way to the encoder: samples come in frames of any length and leave in whole frames of the encoder's.

use ffmpeg_next::format::Sample;
use ffmpeg_next::format::sample::Type;
use ffmpeg_next::{ChannelLayout, frame};

/// Stereo samples that wait for a whole frame.
#[derive(Default)]
pub struct Fifo {
    channels: [Vec<f32>; 2],
    /// Samples that have left.
    sent: i64,
}

impl Fifo {
    /// Takes all samples of a frame of planar stereo floats.
    pub fn push(&mut self, sound: &frame::Audio) {
        for (at, channel) in self.channels.iter_mut().enumerate() {
            channel.extend_from_slice(sound.plane(at));
        }
    }

    /// The next frame of `length` samples, stamped with its place; `None` until there are enough.
    pub fn frame(&mut self, length: usize) -> Option<frame::Audio> {
        (self.channels[0].len() >= length).then(|| self.take(length))
    }

    /// What is left, at the end.
    pub fn rest(&mut self) -> Option<frame::Audio> {
        let left = self.channels[0].len();
        (left > 0).then(|| self.take(left))
    }

    fn take(&mut self, length: usize) -> frame::Audio {
        let mut sound = frame::Audio::new(Sample::F32(Type::Planar), length, ChannelLayout::STEREO);
        for (at, channel) in self.channels.iter_mut().enumerate() {
            let plane: &mut [f32] = sound.plane_mut(at);
            plane.copy_from_slice(&channel[..length]);
            channel.drain(..length);
        }
        sound.set_pts(Some(self.sent));
        self.sent += length as i64;
        sound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_leave_in_order_in_whole_frames() {
        let mut fifo = Fifo::default();
        let mut next = 0.0f32;
        for length in [700, 1, 1500, 300] {
            let mut sound = frame::Audio::new(Sample::F32(Type::Planar), length, ChannelLayout::STEREO);
            for sample in 0..length {
                sound.plane_mut::<f32>(0)[sample] = next;
                sound.plane_mut::<f32>(1)[sample] = -next;
                next += 1.0;
            }
            fifo.push(&sound);
        }
        let mut heard = Vec::new();
        while let Some(sound) = fifo.frame(1024) {
            assert_eq!((sound.samples(), sound.pts()), (1024, Some(heard.len() as i64)));
            assert_eq!(sound.plane::<f32>(1)[5], -sound.plane::<f32>(0)[5]);
            heard.extend_from_slice(sound.plane::<f32>(0));
        }
        let rest = fifo.rest().unwrap();
        assert_eq!(rest.samples(), 2501 - 2048);
        heard.extend_from_slice(rest.plane::<f32>(0));
        assert!(heard.iter().enumerate().all(|(at, sample)| *sample == at as f32));
        assert!(fifo.rest().is_none());
    }
}
