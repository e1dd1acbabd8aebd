//! What to say of a source that is damaged or cut short, and when it is too bad to publish.

use crate::failure::Failure;

/// A truncated file is worth publishing if this much of it can be played.
const WORTHWHILE_SECONDS: f64 = 1.0;
/// So few broken ones never fail a job.
const FEW: u64 = 10;
/// One broken in so many, and it fails.
const ONE_IN: u64 = 20;
/// Holes of this length are told of: shorter pauses are also how some codecs write silence.
pub const LOST_MS: i64 = 500;

/// How many packets a track has, and how many of them don't come out of its decoder, or come out damaged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub packets: u64,
    pub broken: u64,
}

/// A few broken pictures, or packets of sound, are a warning; more than one in twenty, and the job fails. What `one` and
/// `many` of them are called, and what the warning says `then`.
pub fn judge(counts: Counts, (one, many): (&str, &str), then: &str) -> Result<Option<String>, Failure> {
    let Counts { packets, broken } = counts;
    // A picture may be damaged and an error as well.
    let broken = broken.min(packets);
    if broken > FEW && broken * ONE_IN > packets {
        let text = format!("{broken} of {packets} {many} in this file are broken: too many to publish it.");
        return Err(Failure::of_file("file_damaged", text));
    }
    Ok(match broken {
        0 => None,
        1 => Some(format!("One {one} in this file is broken; {then}.")),
        _ => Some(format!("{broken} {many} in this file are broken; {then}.")),
    })
}

/// What to say where so many milliseconds of something are missing in the middle; what is seen or heard `instead`.
pub fn lost(ms: i64, what: &str, instead: &str) -> Option<String> {
    (ms > 0).then(|| {
        let seconds = ms as f64 / 1e3;
        format!("About {seconds:.1} seconds of {what} are missing in this file; {instead}.")
    })
}

/// What to say of a file that ends before its header says; an error when next to nothing of it is there.
pub fn missing(expected: Option<f64>, played: f64) -> Result<Option<String>, Failure> {
    let Some(expected) = expected.filter(|expected| expected - played > f64::max(1.0, expected / 100.0)) else {
        return Ok(None);
    };
    if played < WORTHWHILE_SECONDS {
        let text =
            format!("The file says that it plays for {expected:.0} seconds, but less than one of them can be read.");
        return Err(Failure::of_file("file_truncated", text));
    }
    let text = format!("The end of the file is missing: {played:.0} of {expected:.0} seconds could be read.");
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use super::{Counts, judge, missing};

    #[test]
    fn one_in_twenty_is_too_many() {
        let cases =
            [((100, 0), Ok(false)), ((20, 10), Ok(true)), ((1000, 50), Ok(true)), ((1000, 51), Err("file_damaged"))];
        for ((packets, broken), wanted) in cases {
            let got = judge(Counts { packets, broken }, ("picture", "pictures"), "").map(|warning| warning.is_some());
            assert_eq!(got.map_err(|failure| failure.code), wanted.map_err(str::to_owned), "{packets} {broken}");
        }
    }

    #[test]
    fn a_second_is_worth_publishing() {
        let warns = |expected, played| missing(expected, played).map(|text| text.is_some()).map_err(|f| f.code);
        assert_eq!(warns(None, 0.2), Ok(false));
        assert_eq!(warns(Some(10.0), 9.5), Ok(false));
        assert_eq!(warns(Some(10.0), 5.0), Ok(true));
        assert_eq!(warns(Some(1000.0), 992.0), Ok(false));
        assert_eq!(warns(Some(10.0), 0.5), Err("file_truncated".to_owned()));
    }
}
