//! The committed vectors: they are what the generator writes today, and this crate reads them as they say. The
//! TypeScript twin reads the same files.
#![allow(clippy::unwrap_used)]

#[path = "../examples/make_vectors/cases/mod.rs"]
mod cases;

use pinreel_records::growing::{EMPTY_CHAIN, extend};
use pinreel_records::{
    Growing, Located, Name, Piece, PublicKey, Purpose, SessionStatement, Signed, base64url, cbor, slug_from_title,
};
use serde_json::Value as Json;

fn read(name: &str) -> Json {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list<'a>(json: &'a Json, path: &str) -> &'a Vec<Json> {
    let list = json.pointer(path).and_then(Json::as_array).unwrap();
    assert!(!list.is_empty(), "{path} has cases");
    list
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("{name} of {json}"))
}

fn bytes(json: &Json, name: &str) -> Vec<u8> {
    base64url::decode(text(json, name)).unwrap()
}

fn array<const N: usize>(json: &Json, name: &str) -> [u8; N] {
    bytes(json, name).try_into().unwrap()
}

#[test]
fn the_files_are_what_the_generator_writes() {
    for (name, text) in cases::files() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(
            committed == text,
            "{name}: run `cargo run -p pinreel-records --example make_vectors` and look at the diff"
        );
    }
}

#[test]
fn cbor() {
    let file = read("cbor.json");
    let limit = |name: &str| file["limits"][name].as_u64().unwrap() as usize;
    let limits = cbor::Limits { bytes: limit("bytes"), depth: limit("depth"), values: limit("values") };
    let hex = |case: &Json| data_encoding::HEXLOWER.decode(text(case, "hex").as_bytes()).unwrap();
    for case in list(&file, "/valid") {
        let value = cbor::decode(&hex(case), limits).unwrap();
        assert_eq!(cbor::encode(&value), hex(case), "{case}");
        // An independent implementation agrees.
        let oracle: ipld_core::ipld::Ipld = serde_ipld_dagcbor::from_slice(&hex(case)).unwrap();
        assert_eq!(serde_ipld_dagcbor::to_vec(&oracle).unwrap(), hex(case), "{case}");
    }
    for case in list(&file, "/invalid") {
        assert_eq!(cbor::decode(&hex(case), limits).unwrap_err().name(), text(case, "error"), "{case}");
    }
}

#[test]
fn records() {
    let file = read("records.json");
    let signed = |case: &Json| Signed { header_bytes: bytes(case, "header"), body_bytes: bytes(case, "body") };
    for case in list(&file, "/valid") {
        let record = signed(case).verify().unwrap();
        assert_eq!(record.id.to_string(), text(case, "id"));
        assert_eq!(record.header.kind, text(case, "kind"));
        assert_eq!(record.body.encode(&record.salt), bytes(case, "body"));
        assert_eq!(record.header.encode(), bytes(case, "header"));
    }
    for case in list(&file, "/invalid") {
        let error = signed(case).verify().unwrap_err();
        assert_eq!((error.code(), error.name()), (text(case, "code"), text(case, "error")), "{}", case["why"]);
    }
}

#[test]
fn signatures() {
    for case in list(&read("signatures.json"), "/cases") {
        let key = PublicKey::from_bytes(array(case, "key"));
        let holds = key.verify(Purpose::Record, &bytes(case, "payload"), &array(case, "signature"));
        assert_eq!((holds, key.is_usable()), (case["holds"] == true, case["usable"] == true), "{}", case["why"]);
        let expected = ["right", "empty payload", "the key has a part of order 8, and the equation holds"];
        assert_eq!(holds, expected.contains(&text(case, "why")), "{}", case["why"]);
    }
}

#[test]
fn sessions() {
    let file = read("sessions.json");
    let now = file["now"].as_u64().unwrap();
    for case in list(&file, "/valid") {
        let origins = [text(case, "origin")];
        SessionStatement::verify(&bytes(case, "statement"), &array(case, "sig"), &origins, now).unwrap();
    }
    for case in list(&file, "/invalid") {
        let site = [text(&file, "site")];
        let error = SessionStatement::verify(&bytes(case, "statement"), &array(case, "sig"), &site, now).unwrap_err();
        assert_eq!(error.code(), text(case, "code"), "{}", case["why"]);
    }
}

#[test]
fn growing_streams() {
    let file = read("growing.json");
    let mut chain = EMPTY_CHAIN;
    for link in list(&file, "/chain") {
        let piece =
            |piece: &Json| Piece { cid: text(piece, "cid").parse().unwrap(), ticks: piece["ticks"].as_u64().unwrap() };
        chain = extend(&chain, &list(link, "/step").iter().map(piece).collect::<Vec<_>>());
        assert_eq!(chain, array(link, "chain"));
    }
    for case in list(&file, "/valid") {
        let growing = Growing::verify(&bytes(case, "statement"), &array(case, "sig")).unwrap();
        let told = (growing.revision, growing.segments, growing.ended);
        assert_eq!(
            told,
            (case["revision"].as_u64().unwrap(), case["segments"].as_u64().unwrap(), case["ended"] == true)
        );
        assert_eq!((growing.chain, *growing.key.as_bytes()), (array(case, "chain"), array(case, "key")));
    }
    for case in list(&file, "/invalid") {
        let error = Growing::verify(&bytes(case, "statement"), &array(case, "sig")).unwrap_err();
        assert_eq!(error.code(), text(case, "code"), "{}", case["why"]);
    }
    for pair in list(&file, "/next") {
        let of = |name: &str| Growing::verify(&bytes(&pair[name], "statement"), &array(&pair[name], "sig")).unwrap();
        assert_eq!(of("after").adds_to(&of("before")), pair["adds"] == true, "{}", pair["why"]);
    }
}

#[test]
fn names_and_addresses() {
    let file = read("names.json");
    for case in list(&file, "/names/valid") {
        let name = Name::parse(text(case, "input")).unwrap();
        assert_eq!(name.as_str(), text(case, "normal"));
        assert!(Name::is_normal(name.as_str()));
    }
    for case in list(&file, "/names/invalid") {
        assert_eq!(Name::parse(text(case, "input")).unwrap_err().code(), text(case, "error"), "{case}");
    }
    for case in list(&file, "/slugs") {
        assert_eq!(slug_from_title(text(case, "title")).map(|slug| slug.to_string()).as_deref(), case["slug"].as_str());
    }
    for case in list(&file, "/addresses/valid") {
        let address = Located::parse(text(case, "input")).unwrap().address;
        assert_eq!((address.to_string().as_str(), address.path().as_str()), (text(case, "text"), text(case, "path")));
        assert_eq!(text(case, "text").parse(), Ok(address.clone()));
        assert_eq!(text(case, "path").parse(), Ok(address));
    }
    for case in list(&file, "/addresses/invalid") {
        assert_eq!(Located::parse(text(case, "input")).unwrap_err().code(), text(case, "error"), "{case}");
    }
}
