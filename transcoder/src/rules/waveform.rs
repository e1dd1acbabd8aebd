//! A waveform in the form that the BBC's audiowaveform made common: the least and the greatest value of each stretch of
//! samples, as numbers of eight bits.

use serde::Serialize;

/// Stretches; when there are more, two become one.
const MOST: usize = 4096;
/// Samples of the first stretches.
const FINEST: u64 = 256;

/// Gathers while samples pass; bounded, however long the sound is.
#[derive(Clone, Debug)]
pub struct Waveform {
    sample_rate: u32,
    samples_per_pixel: u64,
    done: Vec<(f32, f32)>,
    open: (f32, f32),
    /// Samples in the open stretch.
    inside: u64,
    peak: f32,
}

/// Version 2 of the format, in JSON.
#[derive(Serialize)]
struct Data {
    version: u32,
    channels: u32,
    sample_rate: u32,
    samples_per_pixel: u64,
    bits: u32,
    length: usize,
    data: Vec<i8>,
}

impl Waveform {
    pub fn new(sample_rate: u32) -> Self {
        let done = Vec::with_capacity(MOST);
        Self { sample_rate, samples_per_pixel: FINEST, done, open: (0.0, 0.0), inside: 0, peak: 0.0 }
    }

    /// The next samples of the two channels, −1 to 1.
    pub fn add(&mut self, left: &[f32], right: &[f32]) {
        for (left, right) in left.iter().zip(right) {
            // What isn't a number is silence.
            let (low, high) = (left.min(*right).max(-1.0), left.max(*right).min(1.0));
            self.peak = self.peak.max(left.abs()).max(right.abs());
            self.open = (self.open.0.min(low), self.open.1.max(high));
            self.inside += 1;
            if self.inside == self.samples_per_pixel {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        self.done.push(self.open);
        (self.open, self.inside) = ((0.0, 0.0), 0);
        if self.done.len() == MOST {
            let pairs = self
                .done
                .chunks(2)
                .map(|pair| pair.iter().fold((0.0_f32, 0.0_f32), |sum, one| (sum.0.min(one.0), sum.1.max(one.1))));
            self.done = pairs.collect();
            self.samples_per_pixel *= 2;
        }
    }

    /// The greatest sample in hundredths of a decibel below full scale; `None` for silence.
    pub fn peak_centi_dbfs(&self) -> Option<i32> {
        (self.peak > 0.0 && self.peak.is_finite()).then(|| (2000.0 * self.peak.log10()).round() as i32)
    }

    pub fn json(mut self) -> Vec<u8> {
        if self.inside > 0 {
            self.close();
        }
        let number = |value: f32| (value * 127.0).round() as i8;
        let data = Data {
            version: 2,
            channels: 1,
            sample_rate: self.sample_rate,
            samples_per_pixel: self.samples_per_pixel,
            bits: 8,
            length: self.done.len(),
            data: self.done.iter().flat_map(|(low, high)| [number(*low), number(*high)]).collect(),
        };
        serde_json::to_vec(&data).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Waveform};

    fn value(waveform: Waveform) -> serde_json::Value {
        serde_json::from_slice(&waveform.json()).expect("JSON")
    }

    #[test]
    fn stretches_hold_extremes_of_both_channels() {
        let mut waveform = Waveform::new(48_000);
        waveform.add(&[0.5; 256], &[-1.0; 256]);
        waveform.add(&[0.0, f32::NAN], &[0.25, 0.0]);
        assert_eq!(waveform.peak_centi_dbfs(), Some(0));
        let value = value(waveform);
        assert_eq!(
            (&value["version"], &value["length"], &value["samples_per_pixel"]),
            (&2.into(), &2.into(), &256.into())
        );
        assert_eq!(value["data"], serde_json::json!([-127, 64, 0, 32]));
    }

    #[test]
    fn long_sounds_stay_small() {
        let mut waveform = Waveform::new(48_000);
        let loud = [1.0; 1024];
        (0..20_000).for_each(|_| waveform.add(&loud, &loud));
        let value = value(waveform);
        let length = value["length"].as_u64().expect("a number");
        assert!(
            length <= MOST as u64 && length * value["samples_per_pixel"].as_u64().expect("a number") >= 20_000 * 1024
        );
        assert_eq!(Waveform::new(48_000).peak_centi_dbfs(), None);
    }
}
