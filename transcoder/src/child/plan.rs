//! From a file's tracks to what will be made of them. Pure: decides, but touches no packet.

use pinreel_runner::language::tag;
use pinreel_runner::{FrameRate, Preset};

use super::scan::Fits;
use crate::av::input::Source;
use crate::av::track::Track;
use crate::failure::Failure;
use crate::rules::clock::{Clock, rescale};
use crate::rules::fits::Misfit;
use crate::rules::ladder::{Size, ladder, max_bits_per_second};
use crate::rules::rate::Pace;
use crate::rules::turn::Turn;
use crate::rules::{ladder, language};

/// Subtitle tracks beyond this number are left out.
const MAX_CAPTIONS: usize = 16;
/// Sound tracks beyond this number are left out.
pub const MAX_SOUND_TRACKS: usize = 8;
/// The last frame is shown at most this long, whatever the file says.
const MAX_LAST_SECONDS: i64 = 60;
const MICROSECONDS: (i32, i32) = (1, 1_000_000);

/// All that a job makes.
pub struct Plan {
    pub picture: Option<PicturePlan>,
    pub sounds: Vec<SoundPlan>,
    /// Which of them is played unless somebody chooses: the first that its container says so of, or else the first.
    pub default_sound: usize,
    pub captions: Vec<CaptionPlan>,
    /// The attached picture to use as a poster when there is no moving one.
    pub cover: Option<Track>,
    /// The source's own first instant: what becomes 0.
    pub origin_us: i64,
    pub warnings: Vec<String>,
}

pub struct PicturePlan {
    pub track: Track,
    pub turn: Turn,
    pub clock: Clock,
    pub pace: Pace,
    /// As shown by the top rung.
    pub size: Size,
    /// What is encoded; best first.
    pub rungs: Vec<RungPlan>,
    /// Why the top rung is encoded.
    pub why: String,
    pub preset: Preset,
}

#[derive(Clone, Debug)]
pub struct RungPlan {
    pub name: String,
    pub size: Size,
    /// Keeps one point of the clock's grid in so many.
    pub every: u32,
    /// The grid's rate for this rung: what its encoder plans by.
    pub rate: FrameRate,
    /// What playlists say before it is measured: about so many frames come in a second.
    pub told: FrameRate,
    pub max_bits_per_second: u64,
    pub crf: u32,
}

pub struct SoundPlan {
    pub track: Track,
    pub name: String,
    pub language: Option<String>,
    pub label: String,
    pub sample_rate: u32,
    pub max_hours: u64,
    /// Why it is encoded.
    pub why: String,
}

pub struct CaptionPlan {
    pub track: Track,
    pub name: String,
    pub language: Option<String>,
    pub label: String,
    pub forced: bool,
}

impl Plan {
    pub fn of(tracks: &[Track], preset: &Preset) -> Result<Self, Failure> {
        use ffmpeg_next::media::Type;
        let moving = |track: &&Track| track.medium == Type::Video && !track.cover_art && track.width > 0;
        // One that its container says is to be played, and of several the largest: others are previews.
        let rank = |track: &Track| (track.default, u64::from(track.width) * u64::from(track.height));
        let best = tracks.iter().filter(moving).map(rank).max();
        let main = tracks.iter().filter(moving).find(|track| Some(rank(track)) == best);
        let heard: Vec<&Track> = tracks.iter().filter(|t| t.medium == Type::Audio && t.sample_rate > 0).collect();
        if main.is_none() && heard.is_empty() {
            return Err(Failure::nothing_inside());
        }
        let mut warnings = Vec::new();
        if heard.len() > MAX_SOUND_TRACKS {
            let all = heard.len();
            warnings.push(format!("The file holds {all} sound tracks; the first {MAX_SOUND_TRACKS} are kept."));
        }
        let heard = &heard[..heard.len().min(MAX_SOUND_TRACKS)];
        let used = main.iter().copied().chain(heard.iter().copied());
        let origin_us = used.filter_map(|t| Some(rescale(t.start?, pair(t), 1_000_000))).min().unwrap_or(0);
        let captions = captions(tracks, &mut warnings);
        let cover = main.is_none().then(|| tracks.iter().find(|track| track.cover_art).cloned()).flatten();
        Ok(Self {
            picture: main.map(|main| picture(main, heard, preset)).transpose()?,
            sounds: sounds(heard, preset),
            default_sound: heard.iter().position(|track| track.default).unwrap_or(0),
            captions,
            cover,
            origin_us,
            warnings,
        })
    }

    /// The clock of all renditions.
    pub fn clock(&self) -> Clock {
        match (&self.picture, self.sounds.first()) {
            (Some(picture), _) => picture.clock,
            (None, Some(sound)) => Clock::of_samples(sound.sample_rate),
            (None, None) => Clock::of_samples(48_000),
        }
    }

    /// Leaves packets of tracks that nothing is made of out of what is read.
    pub fn skip_unused(&self, source: &mut Source) {
        let picture = self.picture.iter().map(|picture| picture.track.index);
        let captions = self.captions.iter().map(|captions| captions.track.index);
        let used: Vec<usize> =
            picture.chain(self.sounds.iter().map(|sound| sound.track.index)).chain(captions).collect();
        for index in (0..source.tracks.len()).filter(|index| !used.contains(index)) {
            source.skip(index);
        }
    }

    /// Notes why what is encoded is.
    pub fn explain(&mut self, fits: &Fits) {
        let why = |misfit: &Misfit| format!("Encoded, because {misfit}.");
        if let (Some(picture), Err(misfit)) = (&mut self.picture, &fits.picture) {
            picture.why = why(misfit);
        }
        for (sound, fit) in self.sounds.iter_mut().zip(&fits.sounds) {
            sound.why = fit.as_ref().err().map(why).unwrap_or_default();
        }
    }

    /// A track's time in ticks of `1 / timescale` after the job's 0.
    pub fn since_origin(origin_us: i64, time: i64, tick: (i32, i32), timescale: u32) -> i64 {
        rescale(time, tick, timescale) - rescale(origin_us, MICROSECONDS, timescale)
    }
}

fn pair(track: &Track) -> (i32, i32) {
    (track.tick.numerator(), track.tick.denominator())
}

fn picture(track: &Track, heard: &[&Track], preset: &Preset) -> Result<PicturePlan, Failure> {
    let own = Size { width: track.width, height: track.height };
    if own.pixels() > super::formats::MAX_PIXELS {
        return Err(Failure::too_large_picture(own.width, own.height));
    }
    let turn = track.matrix.map_or(Turn::NONE, Turn::of);
    let aspect = (u32::try_from(track.aspect.0).unwrap_or(0), u32::try_from(track.aspect.1).unwrap_or(0));
    let sizes = ladder(own.displayed(aspect, turn.quarters % 2 == 1), &preset.ladder);
    let size = sizes[0];
    let heard_us = heard.iter().filter_map(|sound| sound.duration_us).max().unwrap_or(0);
    // A picture that stays while a song plays isn't made anew for each point of a grid.
    let stays = track.duration_us.is_some_and(|shown_us| shown_us < heard_us / 2);
    let pace = Pace::of(track.rates.0, track.rates.1);
    let pace = if stays { Pace::Varying(pace.rate()) } else { pace };
    let rungs: Vec<RungPlan> = sizes.into_iter().map(|size| rung(size, pace, preset)).collect();
    let common = rungs.iter().map(|rung| rung.every).max().unwrap_or(1);
    let clock = Clock::new(pace, common);
    Ok(PicturePlan { track: track.clone(), turn, clock, pace, size, rungs, why: String::new(), preset: preset.clone() })
}

fn rung(size: Size, pace: Pace, preset: &Preset) -> RungPlan {
    let every = pace.every(size.short_side(), preset.max_frame_rate);
    let rate = FrameRate { num: pace.grid().num, den: pace.grid().den * every };
    let max_bits_per_second = max_bits_per_second(size, rate, preset.max_kbits_per_second);
    let told = if let Pace::Varying(average) = pace { average } else { rate };
    RungPlan { name: rung_name(size), size, every, rate, told, max_bits_per_second, crf: preset.crf }
}

fn rung_name(size: Size) -> String {
    format!("v{}", size.short_side())
}

fn sounds(tracks: &[&Track], preset: &Preset) -> Vec<SoundPlan> {
    let said: Vec<_> = tracks.iter().map(|t| (t.language.as_deref().and_then(tag), t.title.clone())).collect();
    let labels = language::labels(&said, "Sound");
    let named = tracks.iter().zip(said).zip(labels).enumerate();
    named
        .map(|(at, ((track, (language, _)), label))| SoundPlan {
            track: (*track).clone(),
            name: format!("a{at}"),
            language,
            label,
            sample_rate: if track.sample_rate % 11025 == 0 { 44_100 } else { 48_000 },
            max_hours: preset.max_hours,
            why: String::new(),
        })
        .collect()
}

/// Subtitles of text; a note for those that are pictures.
fn captions(tracks: &[Track], warnings: &mut Vec<String>) -> Vec<CaptionPlan> {
    use ffmpeg_next::media::Type;
    let subtitles = || tracks.iter().filter(|track| track.medium == Type::Subtitle);
    if let Some(drawn) = subtitles().find(|track| !track.coding.text) {
        let codec = &drawn.codec;
        warnings.push(format!("Subtitles that are drawn as pictures ({codec}) are left out: they hold no text."));
    }
    let texts: Vec<&Track> = subtitles().filter(|track| track.coding.text).take(MAX_CAPTIONS).collect();
    let said: Vec<_> = texts.iter().map(|t| (t.language.as_deref().and_then(tag), t.title.clone())).collect();
    let labels = language::labels(&said, "Subtitles");
    let named = texts.into_iter().zip(said).zip(labels).enumerate();
    named
        .map(|(at, ((track, (language, _)), label))| CaptionPlan {
            name: format!("s{at}"),
            language,
            label,
            forced: track.forced,
            track: track.clone(),
        })
        .collect()
}

impl PicturePlan {
    /// The top rung's name.
    pub fn top_name(&self) -> String {
        rung_name(self.size)
    }

    /// How long the last picture is shown, in ticks: a frame, unless its container clearly says longer.
    pub fn last_length(&self, said: i64) -> i64 {
        let rate = self.pace.rate();
        let scale = i64::from(self.clock.timescale);
        let usual = (scale * i64::from(rate.den) / i64::from(rate.num.max(1))).max(1);
        let near = (said - usual).abs() * 2 <= usual;
        if said <= 0 || near { usual } else { said.min(MAX_LAST_SECONDS * scale) }
    }
}

/// The ladder's smallest side, for covers.
pub const SMALLEST: u32 = ladder::MIN_SIDE;
