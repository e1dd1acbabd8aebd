//! `--captions` and `--poster`: what is put beside the upload before it is published. A run that is repeated sends nothing
//! twice; what can't be used is said before anything is signed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pinreel_content::{hash_bytes, parse_cid};
use pinreel_records::{Caption, Stream};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;

use super::upload::Upload;
use crate::cli::answer::Failure;
use crate::cli::client::{Node, Patience, may_pass};
use crate::cli::progress::Progress;

const ASK_EVERY: Duration = Duration::from_millis(500);

/// A captions file, with its language if one is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptionsFile {
    language: Option<String>,
    path: PathBuf,
}

/// A time of the film, or a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poster {
    At { ms: u64 },
    File(PathBuf),
}

/// What lies beside an upload, as the node shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Companion {
    id: String,
    role: String,
    file_name: String,
    language: Option<String>,
    at_ms: Option<u64>,
    sent: Option<String>,
    state: String,
    problem: Option<String>,
    notes: Vec<String>,
    file: Option<String>,
}

/// `film.de.srt` or `de=film.srt`.
pub fn captions(text: &str) -> Result<CaptionsFile, String> {
    let is_tag =
        |tag: &str| (2..=35).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match text.split_once('=') {
        Some((language, path)) if is_tag(language) && !path.is_empty() => {
            Ok(CaptionsFile { language: Some(language.to_owned()), path: path.into() })
        }
        _ if text.is_empty() => Err("name a file".to_owned()),
        _ => Ok(CaptionsFile { language: None, path: text.into() }),
    }
}

/// `1:23`, `1:02:03.5` or `12.5`; anything else is a file.
pub fn poster(text: &str) -> Result<Poster, String> {
    if text.is_empty() {
        return Err("name a file or a time".to_owned());
    }
    Ok(time_ms(text).map_or_else(|| Poster::File(text.into()), |ms| Poster::At { ms }))
}

fn time_ms(text: &str) -> Option<u64> {
    let parts: Vec<&str> = text.split(':').collect();
    let (last, before) = parts.split_last()?;
    let (whole, fraction) = last.split_once('.').unwrap_or((last, "0"));
    let number =
        |text: &str| (text.len() <= 6 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?;
    let seconds: u64 = number(whole)?;
    let fraction: u64 = number(&format!("{fraction:0<3}")).filter(|_| (1..=3).contains(&fraction.len()))?;
    let minutes = match before {
        [] => 0,
        _ if seconds >= 60 => return None,
        [minutes] => number(minutes)?,
        [hours, minutes] => number(hours)? * 60 + number(minutes).filter(|minutes| *minutes < 60)?,
        _ => return None,
    };
    Some((minutes * 60 + seconds) * 1000 + fraction)
}

/// Sends what isn't there yet, and waits until all of it is made ready. The upload as it is then.
pub async fn ensure(
    node: &Node,
    upload: Upload,
    (captions, poster): (&[CaptionsFile], Option<&Poster>),
    progress: &Progress,
) -> Result<Upload, Failure> {
    if captions.is_empty() && poster.is_none() {
        return Ok(upload);
    }
    let path = format!("/api/v1/uploads/{}", upload.id);
    let mut wanted = Vec::new();
    for file in captions {
        let language = file.language.as_deref();
        wanted.push(send_file(node, (&path, &upload), ("captions", &file.path, language)).await?);
    }
    match poster {
        Some(Poster::File(file)) => wanted.push(send_file(node, (&path, &upload), ("poster", file, None)).await?),
        Some(Poster::At { ms }) => wanted.push(send_time(node, (&path, &upload), *ms).await?),
        None => {}
    }
    settle(node, &path, &wanted, progress).await
}

/// The id of what was sent, now or by an earlier run.
async fn send_file(
    node: &Node,
    (upload_path, upload): (&str, &Upload),
    (role, file, language): (&str, &Path, Option<&str>),
) -> Result<String, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::new("file_unreadable", format!("{} can't be read ({error}).", file.display()));
    let bytes = tokio::fs::read(file).await.map_err(unreadable)?;
    let sent = hash_bytes(&bytes).cid.to_string();
    let is_same = |companion: &&Companion| {
        let as_said = language.is_none_or(|language| companion.language.as_deref() == Some(language));
        companion.role == role && companion.sent.as_deref() == Some(&sent) && companion.state != "failed" && as_said
    };
    if let Some(known) = upload.companions.iter().find(is_same) {
        return Ok(known.id.clone());
    }
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut query = vec![("role", role.to_owned()), ("file_name", name)];
    query.extend(language.map(|language| ("language", language.to_owned())));
    add(node, upload_path, &query, bytes).await
}

async fn send_time(node: &Node, (path, upload): (&str, &Upload), ms: u64) -> Result<String, Failure> {
    let is_same = |companion: &&Companion| companion.at_ms == Some(ms) && companion.state != "failed";
    if let Some(known) = upload.companions.iter().find(is_same) {
        return Ok(known.id.clone());
    }
    add(node, path, &[("role", "poster".to_owned()), ("at_ms", ms.to_string())], Vec::new()).await
}

async fn add(node: &Node, path: &str, query: &[(&str, String)], bytes: Vec<u8>) -> Result<String, Failure> {
    let mut patience = Patience::default();
    loop {
        let request = node.request(Method::POST, &format!("{path}/companions"))?.query(query);
        let request = request.header(CONTENT_TYPE, "application/octet-stream").body(bytes.clone());
        match node.send(request).await {
            Ok(response) => {
                let added: Companion = response.json().await.map_err(|error| Failure::new("node_odd", error))?;
                return Ok(added.id);
            }
            Err(error) if may_pass(&error) && patience.pause().await => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits until these are ready. One that can't be used ends the command, before anything is signed.
async fn settle(node: &Node, path: &str, wanted: &[String], progress: &Progress) -> Result<Upload, Failure> {
    let bar = progress.fraction("captions");
    loop {
        let upload: Upload = node.call_patiently(Method::GET, path, None).await?;
        let own: Vec<&Companion> = upload.companions.iter().filter(|one| wanted.contains(&one.id)).collect();
        if let Some(failed) = own.iter().find(|one| one.state == "failed") {
            let problem = failed.problem.clone();
            let message = problem.unwrap_or_else(|| format!("{} can't be used.", failed.file_name));
            return Err(Failure::new("companion_unusable", message));
        }
        let ready = own.iter().filter(|one| one.state == "ready").count();
        if ready == own.len() {
            own.iter().flat_map(|one| &one.notes).for_each(|note| eprintln!("Note: {note}"));
            return Ok(upload);
        }
        bar.set_fraction(ready as f64 / own.len() as f64);
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// Names in the record what lies beside its source.
pub fn name(stream: &mut Stream, companions: &[Companion]) {
    let cid = |companion: &Companion| companion.file.as_deref().and_then(parse_cid);
    let captions = companions.iter().filter(|one| one.role == "captions");
    stream.captions =
        captions.filter_map(|one| Some(Caption { language: one.language.clone()?, cid: cid(one)? })).collect();
    stream.poster = companions.iter().find(|one| one.role == "poster").and_then(cid);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let file =
            |language: Option<&str>, path: &str| CaptionsFile { language: language.map(Into::into), path: path.into() };
        for (text, expected) in [
            ("film.de.srt", file(None, "film.de.srt")),
            ("de=film.srt", file(Some("de"), "film.srt")),
            ("pt-BR=a=b.vtt", file(Some("pt-BR"), "a=b.vtt")),
            ("./a=b.vtt", file(None, "./a=b.vtt")),
        ] {
            assert_eq!(captions(text), Ok(expected), "{text}");
        }
        assert!(captions("").is_err());
        for (text, ms) in [
            ("1:23", Some(83_000)),
            ("1:02:03.5", Some(3_723_500)),
            ("12.25", Some(12_250)),
            ("90", Some(90_000)),
            ("1:60", None),
            ("1:60:00", None),
            ("poster.jpg", None),
            ("1.2345", None),
            ("1:2:3:4", None),
        ] {
            let expected = ms.map_or_else(|| Poster::File(text.into()), |ms| Poster::At { ms });
            assert_eq!(poster(text), Ok(expected), "{text}");
        }
    }
}
