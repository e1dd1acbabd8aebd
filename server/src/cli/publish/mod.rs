//! `pinreel publish FILE`: from a file to a signed publication, by one command that can be run again at any point.
//!
//! Key and channel are made if there are none; the file is uploaded by tus, going on where an earlier run stopped; the
//! transcoding is waited for if wanted; the record is signed here and sent until the node has answered.

mod beside;
mod channel;
mod chapters;
mod description;
mod keys;
mod records;
mod state;
mod upload;
mod wait;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::HumanBytes;
use pinreel_content::parse_cid;
use pinreel_records::{Address, Body, Name, Source, Stream, slug_from_title};
use serde_json::{Value, json};
use url::Url;

use super::answer::{self, Failure};
use super::client::{Node, NodeInfo};
use crate::cli::progress::Progress;
use beside::{CaptionsFile, Poster};
use channel::{Me, Wish};
use keys::Keys;
use records::{PublishError, Receipt, Settled};
use state::What;
use upload::{LocalFile, Upload};
use wait::State;

/// Slugs tried before giving up.
const MAX_SLUGS: u32 = 20;
/// What a record allows.
const MAX_TITLE_CHARS: usize = 200;

#[derive(clap::Args)]
pub struct Publish {
    /// The file to publish
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The node to publish on
    #[arg(long, value_name = "URL")]
    node: Url,
    /// The channel to publish as; it is made if it isn't there
    #[arg(long, value_name = "@name", value_parser = handle)]
    channel: Option<Name>,
    /// Title; the file's name, if none is given
    #[arg(long)]
    title: Option<String>,
    /// The last part of the address; made from the title, if none is given
    #[arg(long, value_parser = name)]
    slug: Option<Name>,
    /// What stands below the film, a file of Markdown; - for standard input. A list of times in it ("0:00 Intro", one in a
    /// line) makes chapters
    #[arg(long, value_name = "FILE")]
    description: Option<PathBuf>,
    /// Captions to put beside the film: SubRip, ASS, SSA or WebVTT. The language is guessed from the file's name unless
    /// it is given; may be given again
    #[arg(long, value_name = "[LANG=]FILE", value_parser = beside::captions)]
    captions: Vec<CaptionsFile>,
    /// The poster: a picture (JPEG, PNG, WebP, AVIF, GIF), or a time of the film such as 1:23
    #[arg(long, value_name = "FILE|TIME", value_parser = beside::poster)]
    poster: Option<Poster>,
    /// Where the keys are kept
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// Wait for the transcoding before signing
    #[arg(long, value_enum, default_value_t = Wait::No)]
    wait: Wait,
    /// For a new channel where registration is by invitation
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    invitation: Option<String>,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Wait {
    /// Sign at once
    No,
    /// Until it can be watched, be it that the rest is still being made
    Playable,
    /// Until all renditions are done; the record approves them
    Complete,
}

fn handle(text: &str) -> Result<Name, String> {
    name(text.strip_prefix('@').unwrap_or(text))
}

fn name(text: &str) -> Result<Name, String> {
    text.parse().map_err(|error| format!("{error}"))
}

pub fn run(command: Publish) -> ExitCode {
    answer::run(command.json, publish(command))
}

async fn publish(command: Publish) -> Result<(String, Value), Failure> {
    let progress = Progress { is_shown: !command.json && std::io::stderr().is_terminal() };
    let mut node = Node::new(&command.node)?;
    let info: NodeInfo = node.get("/api/v1/node").await?;
    let file = upload::examine(&command.file, &progress).await?;
    if file.size_bytes > info.limits.upload_bytes {
        let (size, most) = (HumanBytes(file.size_bytes), HumanBytes(info.limits.upload_bytes));
        let message = format!("{} has {size}; this node takes files of up to {most}.", file.name);
        return Err(Failure::new("upload_too_large", message));
    }
    let title = title(&command, &file)?;
    let description = command.description.as_deref().map(description::read).transpose()?;
    let keys = command.keys.clone().map_or_else(keys::default_path, Ok)?;
    let wish = Wish { handle: command.channel.as_ref(), invitation: command.invitation.as_deref() };
    let (me, settled) = channel::ensure(&node, &info, &keys, wish).await?;
    if let Some(done) = settled.filter(|done| is_this(done, &file, &title)) {
        let state = if done.stream.root.is_some() { State::Complete } else { State::Processing };
        return Ok(published(&info, &me, &done.stream, (done.receipt, state)));
    }
    channel::sign_in(&mut node, &keys, &me).await?;
    let what = What { node: info.origin.clone(), channel: me.channel.to_string(), source: file.cid.to_string() };
    let upload = upload::ensure(&node, &what, &file, &progress).await?;
    let wished = (&command.captions[..], command.poster.as_ref());
    let upload = beside::ensure(&node, upload, wished, &progress).await?;
    let media_type = media_type(&upload);
    let (state, root, upload) = wait::outcome(&node, upload, command.wait, &progress).await?;

    let slug = command.slug.clone().or_else(|| slug_from_title(&title)).or_else(|| Name::parse("untitled").ok());
    let slug = slug.ok_or_else(|| Failure::usage("Give a name for the address with --slug."))?;
    let mut stream = Stream::new(slug, title, source(&file, media_type));
    stream.root = root.as_deref().and_then(parse_cid);
    beside::name(&mut stream, &upload.companions);
    if let Some(text) = &description {
        description::name(&mut stream, text, upload.job.as_ref().and_then(|job| job.duration_ms));
    }
    let receipt = sign(&node, &keys, &me, &mut stream).await?;
    if let Some(wished) = command.slug.as_ref().filter(|wished| **wished != stream.name) {
        eprintln!("Note: the name {wished} is taken in this channel; it is published as {}.", stream.name);
    }
    Ok(published(&info, &me, &stream, (receipt, state)))
}

/// Whether the record that an earlier run left unanswered is what this run is asked for.
fn is_this(settled: &Settled, file: &LocalFile, title: &str) -> bool {
    let stream = &settled.stream;
    stream.update.is_none() && stream.source.cid == file.cid && stream.title == title
}

fn title(command: &Publish, file: &LocalFile) -> Result<String, Failure> {
    let title = match &command.title {
        Some(title) => title.trim().to_owned(),
        None => {
            let stem = Path::new(&file.name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let line: String = stem.unwrap_or_default().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            line.trim().chars().take(MAX_TITLE_CHARS).collect()
        }
    };
    if title.is_empty() || title.chars().count() > MAX_TITLE_CHARS || title.contains(char::is_control) {
        return Err(Failure::usage(format!(
            "A title is one line of 1 to {MAX_TITLE_CHARS} characters; give one with --title."
        )));
    }
    Ok(title)
}

fn source(file: &LocalFile, media_type: String) -> Source {
    let is_plain = file.name.chars().count() <= 255 && !file.name.contains(char::is_control);
    let file_name = Some(file.name.clone()).filter(|name| is_plain && !name.is_empty());
    Source { cid: file.cid, bytes: file.size_bytes, media_type, file_name }
}

/// As the node found it in the bytes, in the form that records hold.
fn media_type(upload: &Upload) -> String {
    let essence = upload.media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence.contains('/') { essence } else { "application/octet-stream".to_owned() }
}

/// Signs and publishes; a name that is taken gets a number.
async fn sign(node: &Node, path: &Path, me: &Me, stream: &mut Stream) -> Result<Receipt, Failure> {
    let mut keys = Keys::open(path)?;
    // Another run may have ended between signing and hearing while this one was uploading.
    records::settle(node, &mut keys, &me.key).await?;
    for _ in 0..MAX_SLUGS {
        let body = Body::Stream(Box::new(stream.clone()));
        match records::publish(node, &mut keys, &me.key, &body, None).await {
            Ok(receipt) => return Ok(receipt),
            Err(PublishError::Refused(error)) if error.code() == "slug_taken" => {
                let free = error.extra("suggestion").and_then(Value::as_str).and_then(|text| text.parse().ok());
                match free {
                    Some(free) => stream.name = free,
                    None => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::new("slug_taken", "Every name tried was taken meanwhile; give one with --slug."))
}

fn published(info: &NodeInfo, me: &Me, stream: &Stream, (receipt, state): (Receipt, State)) -> (String, Value) {
    let path = Address::claim(me.handle.clone(), None, stream.name.clone()).path();
    let watch = format!("{}{path}", info.url.trim_end_matches('/'));
    let value = json!({
        "claim": receipt.id,
        "url": format!("@{}@{}/{}", me.handle, info.origin, stream.name),
        "watch": watch,
        "source": stream.source.cid.to_string(),
        "root": stream.root.map(|root| root.to_string()),
        "state": state.word(),
        "log": { "index": receipt.index },
    });
    (format!("Published “{}”: {watch}", stream.title), value)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        publish: Publish,
    }

    fn parse(arguments: &[&str]) -> Result<Publish, clap::Error> {
        Line::try_parse_from(["publish"].iter().chain(arguments)).map(|line| line.publish)
    }

    fn file(name: &str) -> LocalFile {
        let stored = pinreel_content::hash_bytes(b"x");
        LocalFile { path: name.into(), name: name.into(), size_bytes: 1, cid: stored.cid }
    }

    #[test]
    fn arguments() {
        let command = parse(&["a.mp4", "--node", "http://127.0.0.1:8080", "--channel", "@Ann"]).unwrap();
        assert_eq!(command.channel.as_ref().map(Name::as_str), Some("ann"));
        assert_eq!(command.wait, Wait::No);
        let invited = parse(&["a.mp4", "--node", "http://a", "--invitation", "-Nq_"]).unwrap();
        assert_eq!(invited.invitation.as_deref(), Some("-Nq_"), "a token may begin with any of its letters");
        assert_eq!(parse(&["a", "--node", "http://a", "--wait", "complete"]).unwrap().wait, Wait::Complete);
        for wrong in [
            vec!["a.mp4"],
            vec!["--node", "http://a"],
            vec!["a", "--node", "nowhere"],
            vec!["a", "--node", "http://a", "--wait", "long"],
            vec!["a", "--node", "http://a", "--channel", "a.b"],
            vec!["a", "--node", "http://a", "--slug", "a/b"],
            vec!["a", "b", "--node", "http://a"],
            vec!["a", "--node", "http://a", "--captions", ""],
            vec!["a", "--node", "http://a", "--poster", ""],
        ] {
            assert_eq!(parse(&wrong).err().map(|error| error.exit_code()), Some(2), "{wrong:?}");
        }
    }

    #[test]
    fn the_files_name_is_the_title_unless_one_is_given() {
        let of = |arguments: &[&str], name: &str| {
            let command = parse(&[&["f", "--node", "http://a"], arguments].concat()).unwrap();
            title(&command, &file(name))
        };
        assert_eq!(of(&[], "über den Wolken.mp4").unwrap(), "über den Wolken");
        assert_eq!(of(&[], ".hidden").unwrap(), ".hidden");
        assert_eq!(of(&[], &"x".repeat(300)).unwrap().len(), MAX_TITLE_CHARS);
        assert_eq!(of(&["--title", " T "], "a").unwrap(), "T");
        assert!(of(&["--title", "two\nlines"], "a").unwrap_err().is_usage);
        assert!(of(&["--title", ""], "a").unwrap_err().is_usage);
    }

    #[test]
    fn media_types_are_as_records_want_them() {
        for (told, kept) in [("video/MP4; codecs=x", "video/mp4"), ("", "application/octet-stream")] {
            let upload = Upload { media_type: told.into(), ..Upload::default() };
            assert_eq!(media_type(&upload), kept);
        }
    }
}
