//! `pinreel verify`: rechecks a node's whole log, and what it shows of it, as a stranger would.

use std::collections::HashMap;
use std::process::ExitCode;

use pinreel_records::log::Entry;
use pinreel_records::{Body, BodyState, LogVerifier, RecordId, Signed, base64url};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::answer::{self, Failure};
use super::client::{Node, NodeInfo};

#[derive(clap::Args)]
pub struct Verify {
    /// The node to check
    #[arg(long, value_name = "URL")]
    node: Url,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

pub fn run(command: Verify) -> ExitCode {
    answer::run_checked(command.json, verify(&command))
}

#[derive(Debug, Deserialize)]
struct LogAnswer {
    size: u64,
    entries: Vec<LogEntry>,
}

#[derive(Debug, Deserialize)]
struct LogEntry {
    index: u64,
    received_ms: u64,
    header: String,
    body: Option<String>,
    state: String,
}

#[derive(Debug, Deserialize)]
struct Publications {
    items: Vec<Card>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Card {
    claim: RecordId,
    title: String,
    media_type: String,
    received_ms: u64,
}

/// What the log says that a claim is.
#[derive(Debug)]
struct Known {
    title: String,
    media_type: String,
    /// When the claim was made, not its newest version.
    received_ms: u64,
    erased: bool,
}

/// Something that doesn't hold.
#[derive(Debug)]
struct Fault {
    index: Option<u64>,
    code: String,
    message: String,
}

async fn verify(command: &Verify) -> Result<(bool, String, Value), Failure> {
    let node = Node::new(&command.node)?;
    let info: NodeInfo = node.get("/api/v1/node").await?;
    let mut verifier = LogVerifier::new(info.home()?, info.channel);
    let mut claims = HashMap::new();
    let mut faults = Vec::new();
    let mut next = 0;
    loop {
        let answer: LogAnswer = node.get(&format!("/api/v1/log?from={next}")).await?;
        if answer.entries.is_empty() {
            if next < answer.size {
                let message = format!("the log has {} entries, but answers none from {next} on", answer.size);
                faults.push(Fault { index: Some(next), code: "log_cut".into(), message });
            }
            break;
        }
        for entry in &answer.entries {
            next = next.max(entry.index + 1);
            take(&mut verifier, &mut claims, &mut faults, (entry, info.channel));
        }
    }
    let summary = verifier.finish();
    faults.extend(summary.faults.iter().map(|fault| Fault {
        index: Some(fault.index),
        code: fault.kind.code().to_owned(),
        message: fault.kind.to_string(),
    }));
    check_catalogue(&node, &claims, &mut faults).await?;

    let ok = faults.is_empty();
    let mut value = json!({
        "ok": ok, "records": summary.records, "channels": summary.channels, "withheld": summary.withheld,
    });
    let mut text = format!(
        "{} records of {} channels checked, {} withheld: {}",
        summary.records,
        summary.channels,
        summary.withheld,
        if ok { "everything holds." } else { "NOT everything holds." }
    );
    if !ok {
        value["faults"] = faults
            .iter()
            .map(|fault| json!({ "index": fault.index, "code": fault.code, "message": fault.message }))
            .collect();
        for fault in &faults {
            let place = fault.index.map_or("catalogue".to_owned(), |index| format!("entry {index}"));
            text.push_str(&format!("\n{place}: {}", fault.message));
        }
    }
    Ok((ok, text, value))
}

/// Feeds one entry to the verifier, and notes what it says of a claim.
fn take(
    verifier: &mut LogVerifier,
    claims: &mut HashMap<RecordId, Known>,
    faults: &mut Vec<Fault>,
    (entry, node_channel): (&LogEntry, RecordId),
) {
    let odd = |what: &str| Fault {
        index: Some(entry.index),
        code: "answer_odd".into(),
        message: format!("the node's answer can't be read: {what}"),
    };
    let Some(header) = base64url::decode(&entry.header) else {
        faults.push(odd("the header isn't base64url"));
        return;
    };
    let body = entry.body.as_deref().map(base64url::decode);
    let state = match (entry.state.as_str(), &body) {
        ("present", Some(Some(body))) => BodyState::Present(body),
        ("erased", None) => BodyState::Erased,
        ("withheld", None) => BodyState::Withheld,
        _ => {
            faults.push(odd("the body doesn't go with its state"));
            return;
        }
    };
    let id = RecordId::of(&header);
    if entry.index == 0 && id != node_channel {
        let message = "the log's first entry doesn't found the node's own channel".to_owned();
        faults.push(Fault { index: Some(0), code: "node_channel_wrong".into(), message });
    }
    verifier.feed(&Entry { index: entry.index, received_ms: entry.received_ms, header: &header, body: state });
    if let Some(Some(body)) = body {
        note(claims, Signed { header_bytes: header, body_bytes: body }, entry.received_ms);
    }
}

/// Keeps the newest words of each claim.
fn note(claims: &mut HashMap<RecordId, Known>, signed: Signed, received_ms: u64) {
    let Ok(record) = signed.verify() else { return };
    match record.body {
        Body::Stream(stream) => {
            let claim = stream.update.map_or(record.id, |update| update.claim);
            let first = claims.get(&claim);
            let erased = first.is_some_and(|known| known.erased);
            let received_ms = first.map_or(received_ms, |known| known.received_ms);
            let (title, media_type) = (stream.title, stream.source.media_type);
            claims.insert(claim, Known { title, media_type, received_ms, erased });
        }
        Body::Tombstone(tombstone) => {
            if let Some(known) = claims.get_mut(&tombstone.target) {
                known.erased = true;
            }
        }
        _ => {}
    }
}

/// What is shown must be what was signed.
async fn check_catalogue(
    node: &Node,
    claims: &HashMap<RecordId, Known>,
    faults: &mut Vec<Fault>,
) -> Result<(), Failure> {
    let mut path = "/api/v1/publications?limit=100".to_owned();
    loop {
        let page: Publications = node.get(&path).await?;
        for card in &page.items {
            let message = match claims.get(&card.claim) {
                None if is_logged(node, &card.claim).await? => continue,
                None => "is shown, but isn't in the log",
                Some(known) if known.erased => "is shown, but was erased",
                Some(known) if known.title != card.title => "is shown with a title that its channel didn't sign",
                Some(known) if known.media_type != card.media_type => "is shown with a media type nobody signed",
                Some(known) if known.received_ms != card.received_ms => "is shown with a time that isn't the log's",
                Some(_) => continue,
            };
            let message = format!("{} {message}", card.claim);
            faults.push(Fault { index: None, code: "catalogue_differs".into(), message });
        }
        match page.next {
            Some(next) => path = format!("/api/v1/publications?limit=100&after={next}"),
            None => return Ok(()),
        }
    }
}

/// Whether the log holds a record that it didn't hold a moment ago.
async fn is_logged(node: &Node, record: &RecordId) -> Result<bool, Failure> {
    match node.get::<LogEntry>(&format!("/api/v1/log/{record}")).await {
        Ok(entry) => Ok(base64url::decode(&entry.header).is_some_and(|header| RecordId::of(&header) == *record)),
        Err(error) if error.code() == "not_found" => Ok(false),
        Err(error) => Err(error.into()),
    }
}
