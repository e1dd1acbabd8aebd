//! The words of tus 1.0.0: its headers, read and written. No axum handlers, no state.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use data_encoding::{BASE64, BASE64_NOPAD};

pub const VERSION: &str = "1.0.0";
pub const EXTENSIONS: &str = "creation,creation-with-upload,termination,expiration";
pub const CHUNK_TYPE: &str = "application/offset+octet-stream";

pub const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
pub const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
pub const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
pub const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
pub const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// What a page of another origin may read of an answer; the session rules decide whether it may ask at all.
pub const EXPOSED: HeaderValue = HeaderValue::from_static(
    "location, tus-resumable, tus-version, tus-extension, tus-max-size, upload-offset, upload-length, upload-metadata, upload-expires",
);

const MAX_METADATA_BYTES: usize = 8 << 10;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TusError {
    #[error("Tus-Resumable must be {VERSION}.")]
    Version,
    #[error("{0} must be a whole number of bytes.")]
    Number(&'static str),
    #[error("Upload-Length is missing. An upload's length must be known when it is created.")]
    NoLength,
    #[error("Upload-Metadata isn't a list of “key base64(value)” pairs, at most 8 KiB long.")]
    Metadata,
    #[error("The body's Content-Type must be {CHUNK_TYPE}.")]
    ContentType,
}

/// Whether the client speaks our version; a missing header is as wrong as another version.
pub fn check_version(headers: &HeaderMap) -> Result<(), TusError> {
    match headers.get(TUS_RESUMABLE) {
        Some(version) if version.as_bytes() == VERSION.as_bytes() => Ok(()),
        _ => Err(TusError::Version),
    }
}

pub fn check_chunk_type(headers: &HeaderMap) -> Result<(), TusError> {
    if is_chunk(headers) { Ok(()) } else { Err(TusError::ContentType) }
}

/// Whether the body holds bytes of the upload.
pub fn is_chunk(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim().eq_ignore_ascii_case(CHUNK_TYPE))
}

/// The length of a new upload. Deferring it isn't offered: its room on the disk is reserved at creation.
pub fn upload_length(headers: &HeaderMap) -> Result<u64, TusError> {
    if headers.contains_key(UPLOAD_DEFER_LENGTH) {
        return Err(TusError::NoLength);
    }
    number(headers, &UPLOAD_LENGTH, "Upload-Length")?.ok_or(TusError::NoLength)
}

pub fn upload_offset(headers: &HeaderMap) -> Result<u64, TusError> {
    number(headers, &UPLOAD_OFFSET, "Upload-Offset")?.ok_or(TusError::Number("Upload-Offset"))
}

/// The body's length if the client announced it.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Digits only, and few enough that Postgres's bigint holds them.
fn number(headers: &HeaderMap, name: &HeaderName, label: &'static str) -> Result<Option<u64>, TusError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().map_err(|_| TusError::Number(label))?;
    let plain = values.next().is_none() && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| text.parse::<i64>().ok()).flatten().ok_or(TusError::Number(label))?;
    u64::try_from(number).map(Some).map_err(|_| TusError::Number(label))
}

/// What an upload says of itself; both are hints, to be cleaned and checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    pub filename: Option<String>,
    pub filetype: Option<String>,
}

pub fn metadata(headers: &HeaderMap) -> Result<Metadata, TusError> {
    let Some(value) = headers.get(UPLOAD_METADATA) else { return Ok(Metadata::default()) };
    let text = value.to_str().map_err(|_| TusError::Metadata)?;
    if text.len() > MAX_METADATA_BYTES {
        return Err(TusError::Metadata);
    }
    let mut metadata = Metadata::default();
    let mut seen = Vec::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, encoded) = pair.split_once(' ').unwrap_or((pair, ""));
        if seen.contains(&key) {
            return Err(TusError::Metadata);
        }
        seen.push(key);
        let bytes = base64(encoded.trim()).ok_or(TusError::Metadata)?;
        match key {
            "filename" | "name" if metadata.filename.is_none() || key == "filename" => {
                metadata.filename = Some(String::from_utf8_lossy(&bytes).into_owned());
            }
            "filetype" | "type" if metadata.filetype.is_none() || key == "filetype" => {
                metadata.filetype = Some(String::from_utf8_lossy(&bytes).into_owned());
            }
            _ => {}
        }
    }
    Ok(metadata)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.as_bytes()).or_else(|_| BASE64_NOPAD.decode(text.as_bytes())).ok()
}

/// The metadata as `HEAD` gives it back.
pub fn write_metadata(filename: &str, filetype: &str) -> HeaderValue {
    let text =
        format!("filename {},filetype {}", BASE64.encode(filename.as_bytes()), BASE64.encode(filetype.as_bytes()));
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("filename"))
}

/// A moment as HTTP writes it (RFC 9110 §5.6.7).
pub fn http_date(at_ms: i64) -> HeaderValue {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = at_ms.div_euclid(1000);
    let (days, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Howard Hinnant's civil_from_days: years begin in March, so that the leap day comes last.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 2 } else { month_from_march - 10 };
    let year = year_of_era + era * 400 + i64::from(month < 2);
    let name = |list: &[&'static str], at: i64| usize::try_from(at).ok().and_then(|at| list.get(at).copied());
    let text = format!(
        "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
        name(&DAYS, days.rem_euclid(7)).unwrap_or_default(),
        name(&MONTHS, month).unwrap_or_default(),
        clock / 3600,
        clock / 60 % 60,
        clock % 60
    );
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn versions() {
        assert_eq!(check_version(&headers(&[(TUS_RESUMABLE, "1.0.0")])), Ok(()));
        for wrong in [headers(&[]), headers(&[(TUS_RESUMABLE, "0.2.2")]), headers(&[(TUS_RESUMABLE, "1.0")])] {
            assert_eq!(check_version(&wrong), Err(TusError::Version));
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(upload_length(&headers(&[(UPLOAD_LENGTH, "0")])), Ok(0));
        assert_eq!(upload_length(&headers(&[(UPLOAD_LENGTH, "9223372036854775807")])), Ok(i64::MAX.unsigned_abs()));
        for wrong in ["-1", "+1", "1.5", "", "0x10", "9223372036854775808", "1 2"] {
            assert_eq!(
                upload_length(&headers(&[(UPLOAD_LENGTH, wrong)])),
                Err(TusError::Number("Upload-Length")),
                "{wrong}"
            );
        }
        assert_eq!(upload_length(&headers(&[])), Err(TusError::NoLength));
        assert_eq!(upload_length(&headers(&[(UPLOAD_DEFER_LENGTH, "1")])), Err(TusError::NoLength));
        assert_eq!(upload_offset(&headers(&[])), Err(TusError::Number("Upload-Offset")));
    }

    #[test]
    fn metadata_pairs() {
        let parse = |text| metadata(&headers(&[(UPLOAD_METADATA, text)]));
        let both = parse("filename Y2F0Lm1wNA==,filetype dmlkZW8vbXA0,is_confidential").unwrap();
        assert_eq!(both, Metadata { filename: Some("cat.mp4".into()), filetype: Some("video/mp4".into()) });
        assert_eq!(parse("name Y2F0,filename ZG9n").unwrap().filename.as_deref(), Some("dog"));
        assert_eq!(parse("").unwrap(), Metadata::default());
        for wrong in ["filename !!!", "a Y2F0,a Y2F0"] {
            assert_eq!(parse(wrong), Err(TusError::Metadata), "{wrong}");
        }
        let back = write_metadata("ca\"t,\n.mp4", "video/mp4");
        assert_eq!(
            metadata(&HeaderMap::from_iter([(UPLOAD_METADATA, back)])).unwrap().filename.unwrap(),
            "ca\"t,\n.mp4"
        );
    }

    #[test]
    fn dates() {
        for (at_ms, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_107_542_399_999, "Sun, 28 Feb 2100 23:59:59 GMT"),
        ] {
            assert_eq!(http_date(at_ms), expected);
        }
    }
}
