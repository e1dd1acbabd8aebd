//! The IPFS project's own gateway cases, as a Kubo that passes its suite answered them, replayed through the router.
//!
//! There is no exception: every one of them is met.

use std::fs;
use std::path::PathBuf;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use bytes::Bytes;
use http_body_util::BodyExt;
use pinreel_content::Visibility;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::testing::{TestApp, skipped};

fn shared() -> Option<PathBuf> {
    let folder = match std::env::var_os("PINREEL_CONFORMANCE") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
    };
    if folder.join("gateway.jsonl").exists() {
        return Some(folder);
    }
    skipped("there is no shared/conformance/gateway.jsonl beside the repository");
    None
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

async fn send(test: &TestApp, case: &Value) -> Answer {
    let method: Method = case["method"].as_str().unwrap().parse().unwrap();
    let mut request = Request::builder().method(method).uri(case["path"].as_str().unwrap());
    for (name, value) in case["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    let (parts, body) = test.send(request.body(Body::empty()).unwrap()).await.into_parts();
    // A body that breaks off, where a block is missing, has no bytes to compare.
    let body = body.collect().await.map(|whole| whole.to_bytes()).unwrap_or_default();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// As the data's own `replay` compares.
fn differences(expected: &Value, answer: &Answer) -> Vec<String> {
    if expected["status"] != answer.status {
        return vec![format!("status {}, expected {}", answer.status, expected["status"])];
    }
    let mut found = Vec::new();
    for (name, value) in expected["headers"].as_object().unwrap_or(&Map::new()) {
        let value = value.as_str().unwrap_or_default();
        let got = answer.headers.get(name).map_or("", |got| got.to_str().unwrap_or_default());
        let same = match value.strip_suffix('*') {
            Some(start) => !got.is_empty() && got.starts_with(start),
            None => got == value,
        };
        if !same {
            found.push(format!("{name}: {got}, expected {value}"));
        }
    }
    if let Some(digest) = expected["body"]["sha256"].as_str() {
        let got = data_encoding::HEXLOWER.encode(&Sha256::digest(&answer.body));
        if got != digest {
            found.push(format!("{} bytes of body, expected {} others", answer.body.len(), expected["body"]["bytes"]));
        }
    }
    found
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_suite_s_own_cases(owner: PgPool) {
    let Some(shared) = shared() else { return };
    let test = TestApp::new(&owner);
    for fixture in fs::read_dir(shared.join("fixtures")).unwrap() {
        let car = fs::File::open(fixture.unwrap().path()).unwrap();
        test.app.store.import_car(std::io::BufReader::new(car), Visibility::Public).unwrap();
    }
    let cases = fs::read_to_string(shared.join("gateway.jsonl")).unwrap();
    let (mut met, mut wrong) = (0, Vec::new());
    for case in cases.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let found = differences(&case["expect"], &send(&test, &case).await);
        let what = format!("{} {} {}", case["method"], case["path"], case["headers"]);
        match found.is_empty() {
            true => met += 1,
            false => wrong.push(format!("{what}:\n    {}", found.join("\n    "))),
        }
    }
    eprintln!("{met} of {} gateway cases are met", cases.lines().count());
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}
