//! Whether a source's own stream can be its top rendition as it is: then it is copied, which costs a hundredth of
//! encoding and loses nothing. Pure: facts in, a reason out.
//!
//! What is copied plays wherever the encoder's own output does; whatever could surprise a player is encoded.

use pinreel_runner::{FrameRate, Preset};

use super::colour::Colour;
use super::h264::Sequence;
use super::ladder::{MIN_SIDE, Size, ladder, max_bits_per_second};
use super::rate::Pace;

/// Groups of pictures may be this long: segments are cut at their beginnings.
pub const MAX_GROUP_S: f64 = 4.0;
/// A segment may take this many times the average's cap, as an encoder's buffer allows.
const PEAK: u64 = 2;
/// Level 5.2: what phones decode.
const MAX_LEVEL: u8 = 52;
/// AAC up to a nominal 192 kb/s.
pub const MAX_SOUND_BITS_PER_SECOND: u64 = 200_000;
/// Below these, AAC often hides a second half of its spectrum, which its header doesn't tell.
const SOUND_RATES: [u32; 3] = [32_000, 44_100, 48_000];

/// A track may end so long before the others and still be copied: players have the rest loaded by then, and know that
/// nothing more comes.
pub const MAX_EARLY_S: f64 = 4.0;

/// Why a track is encoded rather than copied. Its text continues "Encoded, because".
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Misfit {
    #[error("it is coded as {0}")]
    Codec(String),
    #[error("its H.264 profile ({0}) is one that not every player takes")]
    Profile(u8),
    #[error("its H.264 level ({}.{}) is higher than phones decode", .0 / 10, .0 % 10)]
    Level(u8),
    #[error("its pixels are {0}, not 8-bit 4:2:0")]
    Pixels(String),
    #[error("the file doesn't tell what its pixels are")]
    Untold,
    #[error("its colours use the full range")]
    FullRange,
    #[error("its brightness goes beyond the ordinary (HDR)")]
    HighRange,
    #[error("its colours go beyond the ordinary (BT.2020)")]
    WideColours,
    #[error("its header and its container contradict each other")]
    Contradiction,
    #[error("it is interlaced")]
    Interlaced,
    #[error("it must be turned to stand upright")]
    Turned,
    #[error("its pixels aren't square")]
    PixelAspect,
    #[error("its size is {0}x{1}")]
    Size(u32, u32),
    #[error("it has more pictures a second than a rendition")]
    FrameRate,
    #[error("its header can't be understood")]
    Header,
    #[error("its parameters change on the way")]
    ParametersChange,
    #[error("its slices or units are of an unusual kind")]
    Units,
    #[error("it can only be entered every {0:.1} s")]
    LongGroups(f64),
    #[error("its pictures refer to others across the points where it can be entered")]
    OpenGroups,
    #[error("its pictures are decoded long before they are shown")]
    FarReordered,
    #[error("its pictures last unequally long and are decoded in another order, which players in a page get wrong")]
    Uneven,
    #[error("its times are out of order or fall together")]
    Times,
    #[error("it takes {0} kb/s where {1} are allowed")]
    Bitrate(u64, u64),
    #[error("an edit list cuts into it")]
    Edited,
    #[error("a part of it is damaged")]
    Damaged,
    #[error("it is encrypted")]
    Encrypted,
    #[error("it has {0} channels")]
    Channels(u32),
    #[error("it has {0} samples a second")]
    SampleRate(u32),
    #[error("it begins later than the picture")]
    Late,
    #[error("it ends before the rest of the file does")]
    Short,
    #[error("it has gaps")]
    Gaps,
    #[error("it is too short")]
    Empty,
}

/// What a container's header says of a picture track.
#[derive(Clone, Debug)]
pub struct PictureFacts {
    pub codec: String,
    pub pixels: String,
    pub colour: Colour,
    pub full_range: bool,
    pub interlaced: bool,
    pub turned: bool,
    pub aspect: (i32, i32),
    pub size: Size,
    pub pace: Pace,
    pub encrypted: bool,
    /// What its parameter sets say, and whether its slices are plain; `None` if unreadable.
    pub sets: Option<(Sequence, bool)>,
}

/// What all of its packets say.
#[derive(Clone, Debug)]
pub struct PictureFlow {
    pub bytes: u64,
    pub seconds: f64,
    /// Bytes and seconds of each segment as it would be cut.
    pub segments: Vec<(u64, f64)>,
}

/// What a container's header says of a sound track.
#[derive(Clone, Debug)]
pub struct SoundFacts {
    pub codec: String,
    /// ffmpeg's number; 1 is low complexity.
    pub profile: i32,
    pub channels: u32,
    pub sample_rate: u32,
    /// Whether the container holds its AudioSpecificConfig.
    pub has_config: bool,
    pub encrypted: bool,
}

const AAC_LOW: i32 = 1;

/// Whether the picture's header speaks for copying.
pub fn picture(facts: &PictureFacts, preset: &Preset) -> Result<(), Misfit> {
    let (size, top) = (facts.size, ladder(facts.size, &preset.ladder)[0]);
    let refusals = [
        (facts.encrypted, Misfit::Encrypted),
        (facts.codec != "h264", Misfit::Codec(facts.codec.clone())),
        (facts.pixels == "yuvj420p" || facts.full_range, Misfit::FullRange),
        (facts.pixels.is_empty(), Misfit::Untold),
        (facts.pixels != "yuv420p", Misfit::Pixels(facts.pixels.clone())),
        (facts.colour.is_bright(), Misfit::HighRange),
        (facts.colour.is_wide(), Misfit::WideColours),
        (facts.interlaced, Misfit::Interlaced),
        (facts.turned, Misfit::Turned),
        (facts.aspect.0 > 0 && facts.aspect.1 > 0 && facts.aspect.0 != facts.aspect.1, Misfit::PixelAspect),
        (top != size || size.short_side() < MIN_SIDE, Misfit::Size(size.width, size.height)),
        (facts.pace.every(size.short_side(), preset.max_frame_rate) != 1, Misfit::FrameRate),
    ];
    if let Some((_, misfit)) = refusals.into_iter().find(|(refused, _)| *refused) {
        return Err(misfit);
    }
    let (sequence, plain_slices) = facts.sets.ok_or(Misfit::Header)?;
    self::sequence(&sequence, plain_slices)
}

/// Whether its own header does, which a copy keeps, whatever the container says.
fn sequence(own: &Sequence, plain_slices: bool) -> Result<(), Misfit> {
    let refusals = [
        (![66, 77, 100].contains(&own.profile), Misfit::Profile(own.profile)),
        (own.level > MAX_LEVEL, Misfit::Level(own.level)),
        (!own.frames_only, Misfit::Interlaced),
        (own.aspect.is_some_and(|(width, height)| width != height), Misfit::PixelAspect),
        (own.full_range, Misfit::FullRange),
        (own.colour.is_bright(), Misfit::HighRange),
        (own.colour.is_wide(), Misfit::WideColours),
        (own.chroma != 1 || own.depth != 8, Misfit::Contradiction),
        (!plain_slices, Misfit::Units),
    ];
    refusals.into_iter().find(|(refused, _)| *refused).map_or(Ok(()), |(_, misfit)| Err(misfit))
}

/// The most bits a second that a copied picture may take: the encoder's own cap.
pub fn most(size: Size, rate: FrameRate, preset: &Preset) -> u64 {
    max_bits_per_second(size, rate, preset.max_kbits_per_second)
}

/// Whether its bitrate does: the average within `most`, each segment within the double.
pub fn flow(flow: &PictureFlow, most: u64) -> Result<(), Misfit> {
    let rate_of = |bytes: u64, seconds: f64| (bytes as f64 * 8.0 / seconds.max(0.04)) as u64;
    let average = rate_of(flow.bytes, flow.seconds);
    if average > most {
        return Err(Misfit::Bitrate(average / 1000, most / 1000));
    }
    // What is shorter than a second says nothing: its keyframe outweighs the rest.
    let long = flow.segments.iter().filter(|(_, seconds)| *seconds >= 1.0);
    let peak = long.map(|(bytes, seconds)| rate_of(*bytes, *seconds)).max().unwrap_or(0);
    if peak > most * PEAK { Err(Misfit::Bitrate(peak / 1000, most * PEAK / 1000)) } else { Ok(()) }
}

/// Whether the sound's header speaks for copying.
pub fn sound(facts: &SoundFacts) -> Result<(), Misfit> {
    let refusals = [
        (facts.encrypted, Misfit::Encrypted),
        (facts.codec != "aac", Misfit::Codec(facts.codec.clone())),
        (facts.profile != AAC_LOW, Misfit::Codec("AAC of another kind than LC".to_owned())),
        (!(1..=2).contains(&facts.channels), Misfit::Channels(facts.channels)),
        (!SOUND_RATES.contains(&facts.sample_rate), Misfit::SampleRate(facts.sample_rate)),
        (!facts.has_config, Misfit::Header),
    ];
    refusals.into_iter().find(|(refused, _)| *refused).map_or(Ok(()), |(_, misfit)| Err(misfit))
}

/// Whether the sound's bitrate does.
pub fn sound_flow(bytes: u64, seconds: f64) -> Result<(), Misfit> {
    let average = (bytes as f64 * 8.0 / seconds.max(0.1)) as u64;
    let most = MAX_SOUND_BITS_PER_SECOND;
    if average > most { Err(Misfit::Bitrate(average / 1000, most / 1000)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::{Colour, FrameRate, Misfit, Pace, PictureFacts, PictureFlow, Preset, Sequence, Size, SoundFacts};
    use crate::rules::colour::BT709;

    fn fitting() -> PictureFacts {
        PictureFacts {
            codec: "h264".into(),
            pixels: "yuv420p".into(),
            colour: BT709,
            full_range: false,
            interlaced: false,
            turned: false,
            aspect: (1, 1),
            size: Size { width: 1280, height: 720 },
            pace: Pace::Steady(FrameRate { num: 30, den: 1 }),
            encrypted: false,
            sets: Some((header(100, 31), true)),
        }
    }

    fn header(profile: u8, level: u8) -> Sequence {
        Sequence {
            profile,
            constraints: 0,
            level,
            chroma: 1,
            depth: 8,
            frames_only: true,
            aspect: None,
            full_range: false,
            colour: Colour::UNTOLD,
        }
    }

    /// Its own header, changed.
    fn own(facts: &mut PictureFacts, change: fn(&mut Sequence)) {
        if let Some((sequence, _)) = &mut facts.sets {
            change(sequence);
        }
    }

    #[test]
    fn pictures_fit_or_say_why_not() {
        type Change = fn(&mut PictureFacts);
        let fast = || Pace::Steady(FrameRate { num: 60, den: 1 });
        assert_eq!(fast().every(720, 60), 1);
        let cases: [(Change, Option<Misfit>); 43] = [
            (|_| {}, None),
            (|f| f.sets = Some((header(66, 30), true)), None),
            (|f| f.sets = Some((header(77, 40), true)), None),
            (|f| f.aspect = (0, 1), None),
            (|f| f.aspect = (7, 7), None),
            (|f| f.colour = Colour::UNTOLD, None),
            (|f| f.colour = Colour { primaries: 6, transfer: 6, matrix: 6 }, None),
            (|f| f.pace = Pace::Steady(FrameRate { num: 60, den: 1 }), None),
            (|f| f.pace = Pace::Varying(FrameRate { num: 12, den: 1 }), None),
            (|f| f.size = Size { width: 1080, height: 1920 }, None),
            (|f| f.codec = "hevc".into(), Some(Misfit::Codec("hevc".into()))),
            (|f| f.codec = "vp9".into(), Some(Misfit::Codec("vp9".into()))),
            (|f| f.pixels = "yuv420p10le".into(), Some(Misfit::Pixels("yuv420p10le".into()))),
            (|f| f.pixels = String::new(), Some(Misfit::Untold)),
            (|f| f.pixels = "yuv422p".into(), Some(Misfit::Pixels("yuv422p".into()))),
            (|f| f.pixels = "yuvj420p".into(), Some(Misfit::FullRange)),
            (|f| f.full_range = true, Some(Misfit::FullRange)),
            (|f| f.colour.transfer = 16, Some(Misfit::HighRange)),
            (|f| f.colour.transfer = 18, Some(Misfit::HighRange)),
            (|f| f.colour.primaries = 9, Some(Misfit::WideColours)),
            (|f| f.colour.matrix = 9, Some(Misfit::WideColours)),
            (|f| f.interlaced = true, Some(Misfit::Interlaced)),
            (|f| own(f, |s| s.frames_only = false), Some(Misfit::Interlaced)),
            (|f| own(f, |s| s.aspect = Some((1, 1))), None),
            (|f| own(f, |s| s.aspect = Some((2, 1))), Some(Misfit::PixelAspect)),
            (|f| own(f, |s| s.full_range = true), Some(Misfit::FullRange)),
            (|f| own(f, |s| s.colour.transfer = 16), Some(Misfit::HighRange)),
            (|f| own(f, |s| s.colour.primaries = 9), Some(Misfit::WideColours)),
            (|f| own(f, |s| s.depth = 10), Some(Misfit::Contradiction)),
            (|f| f.turned = true, Some(Misfit::Turned)),
            (|f| f.aspect = (16, 11), Some(Misfit::PixelAspect)),
            (|f| f.size = Size { width: 3840, height: 2160 }, Some(Misfit::Size(3840, 2160))),
            (|f| f.size = Size { width: 321, height: 241 }, Some(Misfit::Size(321, 241))),
            (|f| f.size = Size { width: 10, height: 8 }, Some(Misfit::Size(10, 8))),
            (|f| f.pace = Pace::Steady(FrameRate { num: 120, den: 1 }), Some(Misfit::FrameRate)),
            (
                |f| {
                    f.pace = Pace::Steady(FrameRate { num: 60, den: 1 });
                    f.size = Size { width: 640, height: 360 };
                },
                Some(Misfit::FrameRate),
            ),
            (|f| f.sets = None, Some(Misfit::Header)),
            (|f| f.sets = Some((header(88, 30), true)), Some(Misfit::Profile(88))),
            (|f| f.sets = Some((header(110, 30), true)), Some(Misfit::Profile(110))),
            (|f| f.sets = Some((header(244, 30), true)), Some(Misfit::Profile(244))),
            (|f| f.sets = Some((header(100, 60), true)), Some(Misfit::Level(60))),
            (|f| f.sets = Some((header(66, 30), false)), Some(Misfit::Units)),
            (|f| f.encrypted = true, Some(Misfit::Encrypted)),
        ];
        for (number, (change, wanted)) in cases.into_iter().enumerate() {
            let mut facts = fitting();
            change(&mut facts);
            assert_eq!(super::picture(&facts, &Preset::default()).err(), wanted, "case {number}: {facts:?}");
        }
    }

    #[test]
    fn a_preset_may_ask_for_less() {
        let picture = |preset: &Preset| super::picture(&fitting(), preset).err();
        let slow = Preset { max_frame_rate: 30, ..Preset::default() };
        assert_eq!(picture(&slow), None);
        let fast = PictureFacts { pace: Pace::Steady(FrameRate { num: 60, den: 1 }), ..fitting() };
        assert_eq!(super::picture(&fast, &slow).err(), Some(Misfit::FrameRate));
        let low = Preset { ladder: vec![480], ..Preset::default() };
        assert_eq!(picture(&low), Some(Misfit::Size(1280, 720)));
        let (size, rate) = (fitting().size, FrameRate { num: 30, den: 1 });
        assert_eq!(super::most(size, rate, &Preset { max_kbits_per_second: Some(900), ..low }), 900_000);
    }

    #[test]
    fn bitrates_stay_under_the_cap() {
        let size = Size { width: 1280, height: 720 };
        let rate = FrameRate { num: 30, den: 1 };
        // The cap is 3,041 kb/s, so 380,160 bytes a second.
        let cases = [
            (3_000_000, 10.0, vec![(1_200_000, 4.0)], None),
            (3_900_000, 10.0, vec![], Some(Misfit::Bitrate(3_120, 3_041))),
            (3_000_000, 10.0, vec![(3_100_000, 4.0)], Some(Misfit::Bitrate(6_200, 6_082))),
            (3_000_000, 10.0, vec![(900_000, 0.5)], None),
        ];
        for (bytes, seconds, segments, wanted) in cases {
            let flow = PictureFlow { bytes, seconds, segments };
            let most = super::most(size, rate, &Preset::default());
            assert_eq!(super::flow(&flow, most).err(), wanted, "{flow:?}");
        }
    }

    #[test]
    fn sounds_fit_or_say_why_not() {
        type Change = fn(&mut SoundFacts);
        let cases: [(Change, Option<Misfit>); 9] = [
            (|_| {}, None),
            (|f| f.channels = 1, None),
            (|f| f.channels = 6, Some(Misfit::Channels(6))),
            (|f| f.codec = "mp3".into(), Some(Misfit::Codec("mp3".into()))),
            (|f| f.profile = 4, Some(Misfit::Codec("AAC of another kind than LC".into()))),
            (|f| f.sample_rate = 22_050, Some(Misfit::SampleRate(22_050))),
            (|f| f.sample_rate = 96_000, Some(Misfit::SampleRate(96_000))),
            (|f| f.has_config = false, Some(Misfit::Header)),
            (|f| f.encrypted = true, Some(Misfit::Encrypted)),
        ];
        for (number, (change, wanted)) in cases.into_iter().enumerate() {
            let mut facts = SoundFacts {
                codec: "aac".into(),
                profile: 1,
                channels: 2,
                sample_rate: 48_000,
                has_config: true,
                encrypted: false,
            };
            change(&mut facts);
            assert_eq!(super::sound(&facts).err(), wanted, "case {number}");
        }
        assert_eq!(super::sound_flow(240_000, 10.0).err(), None);
        assert_eq!(super::sound_flow(400_000, 10.0).err(), Some(Misfit::Bitrate(320, 200)));
    }

    #[test]
    fn reasons_are_sentences_to_be_continued() {
        assert_eq!(Misfit::Level(52).to_string(), "its H.264 level (5.2) is higher than phones decode");
        assert_eq!(Misfit::LongGroups(10.0).to_string(), "it can only be entered every 10.0 s");
    }
}
