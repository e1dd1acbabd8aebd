//! Records: valid ones of every kind, with what they were made from, and invalid ones, each with one fault.

use pinreel_records::cbor::{self, DAG_CBOR, DAG_PB, Limits, MAX_INT, RAW, Value};
use pinreel_records::{
    AudioRung, Author, Body, Caption, Chapter, CommentPolicy, FrameRate, Genesis, Header, Home, KeyGrant, KeyHead,
    Link, Name, Profile, Purpose, ReasonCode, RecordId, Rendition, Scope, Signed, Source, Stream, Tombstone, Update,
    VideoRung, Visibility, content_cid,
};
use serde_json::{Value as Json, json};

use super::{b64, json_of, key};

const NOW: u64 = 1_700_000_000_000;
const SALT: [u8; 16] = [9; 16];
const WIDE: Limits = Limits { bytes: 1 << 20, depth: 32, values: 1 << 20 };

pub fn cases() -> Json {
    let valid: Vec<Json> = valid().iter().enumerate().map(|(index, body)| valid_case(body, index as u64)).collect();
    let mut invalid: Vec<Json> = invalid_bodies();
    invalid.extend(invalid_headers());
    json!({ "valid": valid, "invalid": invalid })
}

/// The record, what it was made from, and what it reads as.
fn valid_case(body: &Body, index: u64) -> Json {
    let author = author(index);
    let signed = author.sign(body, &SALT, NOW + index).expect("the case is valid");
    let header = Header::decode(&signed.header_bytes).expect("the case is valid");
    json!({
        "seed": b64(&author.key().seed()), "kind": header.kind, "channel": header.channel, "keys": header.keys,
        "seq": header.seq, "prev": header.prev, "at": header.at,
        "fields": json_of(&cbor::decode(&signed.body_bytes, WIDE).expect("the case is valid")),
        "id": signed.id(), "header": b64(&signed.header_bytes), "body": b64(&signed.body_bytes),
    })
}

/// Places of all sorts: the first record of a channel, the first of another key, one in a long chain.
fn author(index: u64) -> Author {
    let id = |text: &str| RecordId::of(text.as_bytes());
    let head = [None, Some(KeyHead { id: id("prev"), seq: 0 }), Some(KeyHead { id: id("prev"), seq: 69_999 })];
    Author::of(key(1), id("genesis"), id("keys"), head[index as usize % 3])
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("the cases' names are names")
}

fn stream() -> Stream {
    let source = Source {
        cid: content_cid(DAG_PB, b"source"),
        bytes: 158_008_374,
        media_type: "video/mp4".into(),
        file_name: None,
    };
    Stream::new(name("first"), "First", source)
}

fn full_stream() -> Stream {
    let id = |text: &str| RecordId::of(text.as_bytes());
    Stream {
        update: Some(Update { claim: id("claim"), replaces: id("version") }),
        name: name("日本語-2"),
        title: "日本語 & ‏עברית‎ 😀".into(),
        description: Some("Two\nlines\tand a tab.".into()),
        source: Source { file_name: Some("Mein Film (1).mp4".into()), ..stream().source },
        root: Some(content_cid(DAG_PB, b"root")),
        poster: Some(content_cid(RAW, b"poster")),
        tags: vec!["zebra".into(), "animals and men".into()],
        language: Some("zh-Hant-TW".into()),
        licence: Some("CC-BY-SA-4.0".into()),
        released_at: Some(-1_325_000_000_000),
        warning: Some("Flashing lights".into()),
        visibility: Visibility::Unlisted,
        comments: CommentPolicy::Off,
        captions: vec![Caption { language: "de".into(), cid: content_cid(RAW, b"de") }],
        chapters: vec![Chapter { at_ms: 0, title: "Start".into() }, Chapter { at_ms: 1, title: "End".into() }],
    }
}

fn genesis() -> Genesis {
    let home = Home { origin: "pinreel.example".parse().expect("a log's name"), key: key(200).public() };
    let scopes: [&[Scope]; 3] = [&Scope::ALL, &[Scope::Publish], &[Scope::Comment, Scope::Keys]];
    let mut keys: Vec<KeyGrant> = (1u8..4)
        .zip(scopes)
        .map(|(number, scopes)| KeyGrant { key: key(number).public(), scopes: scopes.iter().copied().collect() })
        .collect();
    keys.sort_by_key(|grant| grant.key);
    Genesis { home, keys, recovery: Some(key(50).public()) }
}

fn rendition() -> Rendition {
    let rung = |height, width, num, den| VideoRung {
        height,
        width,
        codecs: "avc1.640028".into(),
        peak_bandwidth: 4_000_000,
        average_bandwidth: 2_500_000,
        bytes: 12_345_678,
        frame_rate: FrameRate { num, den },
    };
    Rendition {
        source: content_cid(DAG_PB, b"source"),
        recipe: "h264-aac-1".into(),
        root: content_cid(DAG_PB, b"root"),
        worker: "worker-1.local".into(),
        video: vec![rung(1080, 1920, 30_000, 1001), rung(360, 640, 15_000, 1001)],
        audio: vec![AudioRung {
            codecs: "mp4a.40.2".into(),
            channels: 2,
            language: Some("en".into()),
            peak_bandwidth: 160_000,
            average_bandwidth: 128_000,
            bytes: 960_000,
        }],
        duration_ms: 60_095,
        poster: Some(content_cid(RAW, b"poster")),
        storyboard: Some(content_cid(RAW, b"storyboard")),
    }
}

fn profile() -> Profile {
    let link = |url: &str, title: Option<&str>| Link { url: url.into(), title: title.map(Into::into) };
    Profile {
        about: Some("About\nme".into()),
        avatar: Some(content_cid(RAW, b"avatar")),
        banner: Some(content_cid(DAG_PB, b"banner")),
        links: vec![link("https://example.org/~alice?q=1", Some("Home page")), link("http://example.org", None)],
        lightning: Some("alice@example.org".into()),
        ..Profile::new(name("straße"), "Alice 👩‍🚀")
    }
}

fn valid() -> Vec<Body> {
    let home = genesis().home;
    vec![
        Body::Genesis(Genesis::of_one_key(home, key(1).public())),
        Body::Genesis(genesis()),
        Body::Profile(Profile::new(name("alice"), "Alice")),
        Body::Profile(profile()),
        Body::Stream(Box::new(stream())),
        Body::Stream(Box::new(full_stream())),
        Body::Tombstone(Tombstone { target: RecordId::of(b"target"), reason: ReasonCode::Copyright }),
        Body::Rendition(rendition()),
        Body::Rendition(Rendition { video: vec![], audio: vec![], poster: None, storyboard: None, ..rendition() }),
        Body::Unknown { kind: "future-kind".into(), fields: Value::Map(vec![("anything".into(), Value::Bool(true))]) },
    ]
}

/// A change to a map: the field at a path gets a value, or goes.
fn changed(value: &Value, path: &[&str], to: Option<Value>) -> Value {
    match (value, path) {
        (Value::Map(entries), [name, rest @ ..]) => {
            let old = entries.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            let new = if rest.is_empty() { to } else { old.map(|old| changed(&old, rest, to)) };
            let others = entries.iter().filter(|(key, _)| key != name).cloned();
            Value::Map(others.chain(new.map(|new| ((*name).to_owned(), new))).collect())
        }
        (Value::List(items), [index, rest @ ..]) => {
            let index: usize = index.parse().expect("a list's index");
            let item =
                |(at, item): (usize, &Value)| if at == index { changed(item, rest, to.clone()) } else { item.clone() };
            Value::List(items.iter().enumerate().map(item).collect())
        }
        _ => to.unwrap_or(Value::Null),
    }
}

fn fields_of(body: &Body) -> Value {
    cbor::decode(&body.encode(&SALT), WIDE).expect("the case is valid")
}

/// A record whose body has these bytes, with everything else right.
fn around(kind: &str, body_bytes: Vec<u8>) -> Signed {
    let id = |text: &str| RecordId::of(text.as_bytes());
    let place = (kind != "genesis").then(|| (id("genesis"), id("keys")));
    let header = Header {
        kind: kind.to_owned(),
        channel: place.map(|place| place.0),
        key: key(1).public(),
        keys: place.map(|place| place.1),
        seq: 0,
        prev: None,
        at: NOW,
        body: RecordId::of(&body_bytes),
        sig: [0; 64],
    };
    Signed { header_bytes: header.signed(&key(1)).encode(), body_bytes }
}

fn refused(why: &str, signed: &Signed) -> Json {
    let error = signed.verify().expect_err(why);
    json!({
        "why": why, "code": error.code(), "error": error.name(),
        "header": b64(&signed.header_bytes), "body": b64(&signed.body_bytes),
    })
}

fn invalid_bodies() -> Vec<Json> {
    let bodies = [
        Body::Genesis(genesis()),
        Body::Profile(profile()),
        Body::Stream(Box::new(full_stream())),
        Body::Tombstone(Tombstone { target: RecordId::of(b"target"), reason: ReasonCode::Law }),
        Body::Rendition(rendition()),
    ];
    let mut cases = Vec::new();
    for body in &bodies {
        let (kind, fields) = (body.kind_name(), fields_of(body));
        let case = |why: String, value: &Value| refused(&why, &around(kind, cbor::encode(value)));
        for (path, to) in changes(kind) {
            let parts: Vec<&str> = path.split('.').collect();
            let what = to.as_ref().map_or("left out".to_owned(), |to| short(&json_of(to).to_string()));
            cases.push(case(format!("{kind}.{path}: {what}"), &changed(&fields, &parts, to)));
        }
        for (path, to) in common_changes() {
            cases.push(case(format!("{kind}: {path}"), &changed(&fields, &[path], to)));
        }
        cases.push(case(format!("{kind}: not a map"), &Value::List(vec![fields.clone()])));
    }
    let large = Value::Map(vec![("salt".into(), Value::bytes(&SALT)), ("x".into(), Value::bytes(&[0; 65_536]))]);
    cases.push(refused("a body over 64 KiB", &around("future-kind", cbor::encode(&large))));
    let mut float = around("future-kind", b"\xa2\x61x\xfb\x3f\xf8\0\0\0\0\0\0\x64salt\x50".to_vec());
    float.body_bytes.extend_from_slice(&SALT);
    cases.push(refused("a float in an unknown kind", &around("future-kind", float.body_bytes)));
    let unsorted = [b"\xa2\x64salt\x50".as_slice(), &SALT, b"\x61x\x01"].concat();
    cases.push(refused("keys out of order in an unknown kind", &around("future-kind", unsorted)));
    cases
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

fn common_changes() -> Vec<(&'static str, Option<Value>)> {
    vec![
        ("salt", None),
        ("salt", Some(Value::bytes(&[0; 15]))),
        ("salt", Some(Value::text("salt"))),
        ("extra", Some(Value::Null)),
        ("kind", Some(Value::text("stream"))),
    ]
}

fn changes(kind: &str) -> Vec<(&'static str, Option<Value>)> {
    match kind {
        "genesis" => genesis_changes(),
        "profile" => profile_changes(),
        "stream" => stream_changes(),
        "tombstone" => tombstone_changes(),
        _ => rendition_changes(),
    }
}

fn genesis_changes() -> Vec<(&'static str, Option<Value>)> {
    let text = |text: &str| Some(Value::text(text));
    let int = |value: i64| Some(Value::Int(value));
    let list = |items: Vec<Value>| Some(Value::List(items));
    let key_bytes = |number: u8| Value::bytes(key(number).public().as_bytes());
    let grant = |number: u8, scopes: &[&str]| {
        let scopes = Value::List(scopes.iter().map(|scope| Value::text(*scope)).collect());
        Value::Map(vec![("key".into(), key_bytes(number)), ("scopes".into(), scopes)])
    };
    vec![
        ("home", None),
        ("home", text("pinreel.example")),
        ("home.origin", text("Pinreel.example")),
        ("home.origin", text("pinreel.example:8080")),
        ("home.origin", text("")),
        ("home.key", None),
        ("home.key", Some(Value::bytes(&[1; 31]))),
        ("home.extra", int(1)),
        ("keys", None),
        ("keys", list(vec![])),
        ("keys", list(vec![grant(1, &["publish"]), grant(1, &["publish"])])),
        ("keys", list(vec![grant(1, &[])])),
        ("keys", list(vec![grant(1, &["publish", "keys"])])),
        ("keys", list(vec![grant(1, &["publish", "publish"])])),
        ("keys", list(vec![grant(1, &["sing"])])),
        ("keys.0.label", text("my phone")),
        ("keys.0.key", Some(Value::bytes(&[0; 32]))),
        ("keys.0.key", Some(Value::bytes(&[0xff; 32]))),
        ("recovery", Some(Value::bytes(&[1; 33]))),
        ("recovery", Some(key_bytes(1))),
        ("motto", text("words that would stay for ever")),
    ]
}

fn profile_changes() -> Vec<(&'static str, Option<Value>)> {
    let text = |text: &str| Some(Value::text(text));
    let int = |value: i64| Some(Value::Int(value));
    let link = |codec: u64| Some(Value::Link(content_cid(codec, b"x")));
    let list = |items: Vec<Value>| Some(Value::List(items));
    let long = |chars: usize| Some(Value::text("x".repeat(chars)));
    vec![
        ("handle", None),
        ("handle", text("Alice")),
        ("handle", text("a.b")),
        ("handle", text("cafe\u{301}")),
        ("name", None),
        ("name", text("")),
        ("name", text("two\nlines")),
        ("name", text("right to \u{202e}left")),
        ("name", long(101)),
        ("name", int(1)),
        ("about", text("")),
        ("about", text("bell\u{7}")),
        ("about", long(5001)),
        ("avatar", link(DAG_CBOR)),
        ("avatar", text("bafy")),
        ("banner", link(DAG_CBOR)),
        ("links", list(vec![])),
        ("links", list(vec![Value::text("https://example.org")])),
        ("links.0.url", text("javascript:alert(1)")),
        ("links.0.url", text("https://")),
        ("links.0.url", text("https://example.org/a b")),
        ("links.0.url", text("https://例え.jp")),
        ("links.0.url", None),
        ("links.0.rel", text("me")),
        ("lightning", text("alice")),
        ("lightning", text("alice@")),
    ]
}

fn tombstone_changes() -> Vec<(&'static str, Option<Value>)> {
    let text = |text: &str| Some(Value::text(text));
    let link = |codec: u64| Some(Value::Link(content_cid(codec, b"x")));
    vec![
        ("target", None),
        ("target", link(RAW)),
        ("reason", None),
        ("reason", text("because I say so")),
        ("note", text("words")),
    ]
}

fn rendition_changes() -> Vec<(&'static str, Option<Value>)> {
    let text = |text: &str| Some(Value::text(text));
    let int = |value: i64| Some(Value::Int(value));
    let link = |codec: u64| Some(Value::Link(content_cid(codec, b"x")));
    let list = |items: Vec<Value>| Some(Value::List(items));
    let long = |chars: usize| Some(Value::text("x".repeat(chars)));
    vec![
        ("source", None),
        ("source", link(DAG_CBOR)),
        ("recipe", text("H264")),
        ("recipe", text("")),
        ("recipe", long(65)),
        ("root", link(RAW)),
        ("worker", text("a worker")),
        ("worker", None),
        ("video", list(vec![])),
        ("video.0.height", int(0)),
        ("video.0.width", int(65_536)),
        ("video.0.codecs", text("avc1.640028,mp4a.40.2")),
        ("video.0.peak_bandwidth", int(-1)),
        ("video.0.average_bandwidth", None),
        ("video.0.frame_rate", int(25)),
        ("video.0.frame_rate.den", int(0)),
        ("video.0.note", text("words")),
        ("audio.0.channels", int(65)),
        ("audio.0.language", text("english!")),
        ("duration_ms", None),
        ("poster", link(DAG_CBOR)),
        ("storyboard", link(DAG_CBOR)),
    ]
}

fn stream_changes() -> Vec<(&'static str, Option<Value>)> {
    let text = |text: &str| Some(Value::text(text));
    let int = |value: i64| Some(Value::Int(value));
    let link = |codec: u64| Some(Value::Link(content_cid(codec, b"x")));
    let long = |chars: usize| Some(Value::text("x".repeat(chars)));
    let tags = |tags: &[&str]| Some(Value::List(tags.iter().map(|tag| Value::text(*tag)).collect()));
    let chapter = |at_ms| Value::Map(vec![("at_ms".into(), Value::Int(at_ms)), ("title".into(), Value::text("x"))]);
    vec![
        ("claim", None),
        ("replaces", None),
        ("claim", link(RAW)),
        ("name", text("First")),
        ("name", None),
        ("title", text("")),
        ("title", long(201)),
        ("title", text("a\u{0}b")),
        ("title", text("a\u{85}b")),
        ("title", None),
        ("description", long(20_001)),
        ("source", None),
        ("source", link(RAW)),
        ("source.cid", link(DAG_CBOR)),
        ("source.bytes", int(-1)),
        ("source.bytes", None),
        ("source.media_type", text("Video/MP4")),
        ("source.media_type", text("video")),
        ("source.media_type", text("video/mp4; codecs=x")),
        ("source.file_name", text("../../etc/passwd")),
        ("source.file_name", text("..")),
        ("source.file_name", text("a\\b")),
        ("source.file_name", long(256)),
        ("source.path", text("/home")),
        ("root", link(RAW)),
        ("poster", link(DAG_CBOR)),
        ("tags", tags(&[])),
        ("tags", tags(&["a", "b", "a"])),
        ("tags", tags(&[""])),
        ("tags", tags(&["x".repeat(51).as_str()])),
        (
            "tags",
            tags(&[
                "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18",
                "19", "20", "21",
            ]),
        ),
        ("tags", Some(Value::List(vec![Value::Int(1)]))),
        ("language", text("e")),
        ("language", text("en_US")),
        ("language", text("12-ab")),
        ("licence", text("a\nb")),
        ("released_at", text("1927")),
        ("warning", long(201)),
        ("visibility", None),
        ("visibility", text("secret")),
        ("comments", text("closed")),
        ("comments", None),
        ("captions.0.cid", None),
        ("captions.0.language", text("")),
        ("chapters", Some(Value::List(vec![chapter(5), chapter(5)]))),
        ("chapters", Some(Value::List(vec![chapter(-1)]))),
        ("chapters.1.title", None),
    ]
}

/// Records whose header has a fault, the body being right.
fn invalid_headers() -> Vec<Json> {
    let body = Body::Stream(Box::new(stream()));
    let right = around("stream", body.encode(&SALT));
    let fields = cbor::decode(&right.header_bytes, WIDE).expect("the case is valid");
    let mut cases = Vec::new();
    for (name, to) in header_changes() {
        // Signed again, so that the change is the only fault.
        let what = to.as_ref().map_or("left out".to_owned(), |to| short(&json_of(to).to_string()));
        let value = resigned(&changed(&fields, &[name], to));
        let signed = Signed { header_bytes: cbor::encode(&value), ..right.clone() };
        cases.push(refused(&format!("header.{name}: {what}"), &signed));
    }
    let tampered = |name: &str, to: Value| Signed {
        header_bytes: cbor::encode(&changed(&fields, &[name], Some(to))),
        ..right.clone()
    };
    let other = around("stream", Body::Stream(Box::new(full_stream())).encode(&SALT));
    let link = |text: &str| Value::Link(RecordId::of(text.as_bytes()).cid());
    cases.push(refused("lifted to another channel", &tampered("channel", link("other channel"))));
    cases.push(refused("another time", &tampered("at", Value::Int(1))));
    cases.push(refused("another key's name on it", &tampered("key", Value::bytes(key(2).public().as_bytes()))));
    cases.push(refused(
        "the body swapped, and its link",
        &tampered("body", Value::Link(RecordId::of(&other.body_bytes).cid())),
    ));
    cases.push(refused("the body swapped", &Signed { body_bytes: other.body_bytes, ..right.clone() }));
    cases.push(refused("no body", &Signed { body_bytes: vec![], ..right.clone() }));
    let payload = cbor::encode(&changed(&fields, &["sig"], None));
    let session = key(1).sign(Purpose::Session, &payload);
    cases.push(refused("signed for another purpose", &tampered("sig", Value::bytes(&session))));
    let bare = [right.header_bytes.clone(), vec![0]].concat();
    cases.push(refused("a byte after the header", &Signed { header_bytes: bare, ..right.clone() }));
    let wide = [&right.header_bytes[..], &[0; 1024]].concat();
    cases.push(refused("a header over 1 KiB", &Signed { header_bytes: wide, ..right }));
    let genesis = around("genesis", Body::Genesis(genesis()).encode(&SALT));
    let fields = cbor::decode(&genesis.header_bytes, WIDE).expect("the case is valid");
    for (name, to) in [("channel", link("x")), ("keys", link("x"))] {
        let value = resigned(&changed(&fields, &[name], Some(to)));
        let signed = Signed { header_bytes: cbor::encode(&value), ..genesis.clone() };
        cases.push(refused(&format!("a genesis with {name}"), &signed));
    }
    let later = changed(&changed(&fields, &["seq"], Some(Value::Int(1))), &["prev"], Some(link("x")));
    let signed = Signed { header_bytes: cbor::encode(&resigned(&later)), ..genesis };
    cases.push(refused("a genesis that isn't first", &signed));
    cases
}

/// The header with the signature that it needs, unless the change was to the signature.
fn resigned(fields: &Value) -> Value {
    let payload = cbor::encode(&changed(fields, &["sig"], None));
    match fields {
        Value::Map(entries)
            if entries
                .iter()
                .any(|(name, value)| name == "sig" && matches!(value, Value::Bytes(sig) if sig.len() == 64)) =>
        {
            changed(fields, &["sig"], Some(Value::bytes(&key(1).sign(Purpose::Record, &payload))))
        }
        _ => fields.clone(),
    }
}

fn header_changes() -> Vec<(&'static str, Option<Value>)> {
    let text = |text: &str| Some(Value::text(text));
    let int = |value: i64| Some(Value::Int(value));
    let link = |codec: u64| Some(Value::Link(content_cid(codec, b"x")));
    vec![
        ("v", None),
        ("v", int(2)),
        ("v", int(0)),
        ("kind", None),
        ("kind", text("")),
        ("kind", text("Stream")),
        ("kind", text("stream2")),
        ("kind", text("a-kind-of-twenty-five-let")),
        ("channel", None),
        ("channel", link(DAG_PB)),
        ("channel", Some(Value::Null)),
        ("key", None),
        ("key", Some(Value::bytes(&[1; 31]))),
        ("key", Some(Value::bytes(&[0; 32]))),
        ("keys", None),
        ("keys", link(RAW)),
        ("seq", None),
        ("seq", int(-1)),
        ("seq", int(1)),
        ("prev", link(DAG_CBOR)),
        ("prev", link(RAW)),
        ("at", None),
        ("at", int(-1)),
        ("at", text("now")),
        ("body", None),
        ("body", link(RAW)),
        ("sig", None),
        ("sig", Some(Value::bytes(&[0; 63]))),
        ("nonce", int(MAX_INT)),
        ("note", text("words of a stranger")),
    ]
}
