//! What is measured of a sound while it passes: its loudness by EBU R 128, its greatest sample, its waveform.

use ffmpeg_next::frame;
use pinreel_runner::Loudness;

use super::rung::encoding;
use crate::av::filter::{Filter, SoundFormat};
use crate::av::frame::share;
use crate::failure::Failure;
use crate::rules::waveform::Waveform;

/// What ffmpeg says of silence.
const SILENCE_LUFS: f64 = -70.0;
/// Shorter sounds have no loudness range.
const RANGE_S: u64 = 10;

/// Measures stereo sound of floats, frame by frame.
pub struct Listener {
    meter: Option<Filter>,
    integrated_lufs: f64,
    range_lu: f64,
    waveform: Waveform,
    /// Samples.
    heard: u64,
    sample_rate: u32,
}

/// What was measured.
pub struct Heard {
    /// None for silence.
    pub loudness: Option<Loudness>,
    pub waveform: Waveform,
}

impl Listener {
    pub fn new(sample_rate: u32) -> Self {
        Self {
            meter: None,
            integrated_lufs: SILENCE_LUFS,
            range_lu: 0.0,
            waveform: Waveform::new(sample_rate),
            heard: 0,
            sample_rate,
        }
    }

    pub fn hear(&mut self, sound: &frame::Audio) -> Result<(), Failure> {
        if sound.is_planar() && sound.planes() >= 2 {
            self.waveform.add(sound.plane::<f32>(0), sound.plane::<f32>(1));
        }
        self.heard += sound.samples() as u64;
        if self.meter.is_none() {
            let format = SoundFormat::of(sound);
            let tick = (1, i32::try_from(format.rate).unwrap_or(i32::MAX));
            self.meter = Some(Filter::of_sound(&format, tick, "ebur128=metadata=1").map_err(encoding)?);
        }
        if let Some(meter) = &mut self.meter {
            // A pushed frame is taken away.
            let shared = share(sound).map_err(encoding)?;
            meter.push(&shared).map_err(encoding)?;
        }
        self.pull()
    }

    fn pull(&mut self) -> Result<(), Failure> {
        let Some(meter) = &mut self.meter else { return Ok(()) };
        while let Some(noted) = meter.pull_sound().map_err(encoding)? {
            let number = |key: &str| noted.metadata().get(key).and_then(|text| text.parse::<f64>().ok());
            self.integrated_lufs = number("lavfi.r128.I").unwrap_or(self.integrated_lufs);
            self.range_lu = number("lavfi.r128.LRA").unwrap_or(self.range_lu);
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<Heard, Failure> {
        if let Some(meter) = &mut self.meter {
            meter.end().map_err(encoding)?;
        }
        self.pull()?;
        // The range is one of stretches of three seconds: of fewer than a few it says nothing.
        let is_long = self.heard >= RANGE_S * u64::from(self.sample_rate);
        let range_lu = if is_long { self.range_lu } else { 0.0 };
        let centi = |value: f64| (value * 100.0).round() as i32;
        let peak = self.waveform.peak_centi_dbfs().filter(|_| self.integrated_lufs > SILENCE_LUFS);
        let loudness = peak.map(|peak_centi_dbfs| Loudness {
            integrated_centi_lufs: centi(self.integrated_lufs),
            range_centi_lu: centi(range_lu),
            peak_centi_dbfs,
        });
        Ok(Heard { loudness, waveform: self.waveform })
    }
}
