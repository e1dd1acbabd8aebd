//! Times as subtitle files write them.

/// `1:02:03,45`, `02:03.456`, `00:00:01`: hours may be missing, and what follows the seconds is a fraction of one.
pub fn time_ms(text: &str) -> Option<u64> {
    let (whole, fraction) = match text.split_once([',', '.']) {
        Some((whole, fraction)) => (whole, fraction),
        None => (text, "0"),
    };
    let parts: Vec<u64> = whole.split(':').map(|part| number(part, 4)).collect::<Option<_>>()?;
    let seconds = match parts[..] {
        [hours, minutes, seconds] if minutes < 60 && seconds < 60 => hours * 3600 + minutes * 60 + seconds,
        [minutes, seconds] if minutes < 60 && seconds < 60 => minutes * 60 + seconds,
        _ => return None,
    };
    let digits = u32::try_from(fraction.len()).ok()?;
    let fraction = number(fraction, 9)?;
    Some(seconds * 1000 + fraction * 1000 / 10_u64.pow(digits))
}

/// Both sides of `-->`, whatever follows them.
pub fn span_ms(line: &str) -> Option<(u64, u64)> {
    let (from, to) = line.split_once("-->")?;
    Some((time_ms(from.trim())?, time_ms(to.split_whitespace().next()?)?))
}

fn number(text: &str, most: usize) -> Option<u64> {
    let is_number = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{span_ms, time_ms};

    #[test]
    fn times_are_read_as_people_write_them() {
        let cases = [
            ("00:00:01,000", Some(1_000)),
            ("1:02:03.45", Some(3_723_450)),
            ("02:03.5", Some(123_500)),
            ("00:00:01", Some(1_000)),
            ("100:00:00.001", Some(360_000_001)),
            ("00:61:00,000", None),
            ("00:00:61,000", None),
            ("00:00:01,", None),
            ("00:00:-1,000", None),
            ("00:00:1e,000", None),
            ("1,000", None),
            ("", None),
            ("99999:00:00,000", None),
        ];
        for (text, ms) in cases {
            assert_eq!(time_ms(text), ms, "{text}");
        }
        assert_eq!(span_ms("00:01.000 --> 00:02.000 line:0"), Some((1_000, 2_000)));
        assert_eq!(span_ms("00:00:01,000-->00:00:02,000"), Some((1_000, 2_000)));
        assert_eq!(span_ms("00:00:01,000 -->"), None);
    }
}
