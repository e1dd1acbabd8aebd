//! A small log in memory for tests: authors, homes and the entries that a node would have taken.
#![allow(dead_code, clippy::unwrap_used)]

use pinreel_records::cbor::{DAG_PB, RAW};
use pinreel_records::{
    Author, Body, BodyState, ChannelId, Entry, Home, LogVerifier, Name, Profile, PublicKey, ReasonCode, RecordId,
    Rendition, Signed, SigningKey, Source, Stream, Summary, Tombstone, Update, content_cid,
};

pub const T0: u64 = 1_700_000_000_000;

pub fn key(number: u8) -> SigningKey {
    SigningKey::from_seed([number; 32])
}

pub fn home() -> Home {
    Home { origin: "pinreel.example".parse().unwrap(), key: key(200).public() }
}

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub fn stream(slug: &str, title: &str) -> Stream {
    let source = Source {
        cid: content_cid(RAW, slug.as_bytes()),
        bytes: 1234,
        media_type: "video/mp4".into(),
        file_name: Some("clip.mp4".into()),
    };
    Stream::new(name(slug), title, source)
}

pub fn update(slug: &str, claim: RecordId, replaces: RecordId) -> Body {
    let update = Some(Update { claim, replaces });
    Body::Stream(Box::new(Stream { update, ..stream(slug, "Updated") }))
}

pub fn rendition() -> Body {
    Body::Rendition(Rendition {
        source: content_cid(RAW, b"source"),
        recipe: "h264-1".into(),
        root: content_cid(DAG_PB, b"root"),
        worker: "worker-1".into(),
        video: vec![],
        audio: vec![],
        duration_ms: 10_000,
        poster: None,
        storyboard: None,
    })
}

pub fn tombstone(target: RecordId) -> Body {
    Body::Tombstone(Tombstone { target, reason: ReasonCode::Withdrawn })
}

pub fn profile(handle: &str) -> Body {
    Body::Profile(Profile::new(name(handle), handle))
}

/// A channel's writer.
pub struct Writer {
    pub author: Author,
}

/// The log: what was written, with the state of each body.
#[derive(Default)]
pub struct Log {
    pub entries: Vec<(u64, Signed, char)>,
    pub node: Option<ChannelId>,
}

impl Log {
    /// A log whose first channel is the node's own.
    pub fn new() -> (Log, Writer) {
        let mut log = Log::default();
        let node = log.channel(1);
        log.node = node.author.channel();
        (log, node)
    }

    pub fn channel(&mut self, number: u8) -> Writer {
        let mut writer = Writer { author: Author::new(key(number)) };
        let genesis = writer.author.genesis(home());
        self.write(&mut writer, &genesis);
        writer
    }

    pub fn write(&mut self, writer: &mut Writer, body: &Body) -> RecordId {
        let at = T0 + self.entries.len() as u64 * 1000;
        let signed = writer.author.sign(body, &[7; 16], at).unwrap();
        writer.author.accepted(&signed);
        let id = signed.id();
        self.entries.push((at, signed, 'p'));
        id
    }

    /// Marks the bodies of these records as erased (`e`) or withheld (`w`).
    pub fn mark(&mut self, id: RecordId, state: char) {
        self.entries.iter_mut().filter(|(_, signed, _)| signed.id() == id).for_each(|entry| entry.2 = state);
    }

    pub fn verify(&self) -> Summary {
        let mut verifier = LogVerifier::new(home(), self.node.unwrap());
        for (index, (received_ms, signed, state)) in self.entries.iter().enumerate() {
            let body = match state {
                'e' => BodyState::Erased,
                'w' => BodyState::Withheld,
                _ => BodyState::Present(&signed.body_bytes),
            };
            let (index, received_ms) = (index as u64, *received_ms);
            verifier.feed(&Entry { index, received_ms, header: &signed.header_bytes, body });
        }
        verifier.finish()
    }

    pub fn faults(&self) -> Vec<(u64, &'static str)> {
        self.verify().faults.iter().map(|fault| (fault.index, fault.kind.code())).collect()
    }
}

pub fn public(number: u8) -> PublicKey {
    key(number).public()
}
