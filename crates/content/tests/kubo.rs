//! The Kubo client against addresses that are wrong, servers that misbehave, and (if one is given) a real Kubo.
#![allow(clippy::unwrap_used)]

mod common;

use ::bytes::Bytes;
use common::{MIB, bytes, skipped, store};
use pinreel_content::{
    Cid, Error, RAW, hash_bytes,
    kubo::{Kubo, KuboError},
    parse_cid,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

#[test]
fn addresses() {
    for right in
        ["http://127.0.0.1:5001", "http://[::1]:5001/", "http://u:p@kubo:5001/api/v0", "/ip4/127.0.0.1/tcp/5001"]
    {
        assert!(Kubo::new(right).is_ok(), "{right}");
    }
    for wrong in ["", "127.0.0.1:5001", "https://127.0.0.1:5001", "http://", "http://a b", "/ip4/127.0.0.1"] {
        assert!(matches!(Kubo::new(wrong), Err(KuboError::Address(_))), "{wrong}");
    }
}

/// A server that reads a request to its end and gives one answer, then hangs up.
async fn fake(answer: &'static str) -> Kubo {
    fake_by(move |_| answer.into()).await
}

/// As [`fake`], with an answer for each path and query.
async fn fake_by(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Kubo {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut piece = vec![0; 65536];
            // A form ends with its closing boundary and the last chunk; other requests have no body.
            let ended = |request: &[u8]| match request.starts_with(b"POST /api/v0/dag/import") {
                true => request.ends_with(b"0\r\n\r\n"),
                false => request.ends_with(b"\r\n\r\n"),
            };
            while !ended(&request) {
                match connection.read(&mut piece).await {
                    Ok(0) | Err(_) => break,
                    Ok(length) => request.extend_from_slice(&piece[..length]),
                }
            }
            let path = String::from_utf8_lossy(&request).split(' ').nth(1).unwrap_or_default().to_owned();
            let _ = connection.write_all(&answer(&path)).await;
        }
    });
    Kubo::new(&address).unwrap()
}

const REFUSAL: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: 42\r\n\
                       Connection: close\r\n\r\n{\"Message\":\"disk\",\"Code\":0,\"Type\":\"error\"}";
const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn failures_have_names() {
    let (_folder, store) = store();
    let root = store.put_bytes(b"content").unwrap().cid;

    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gone = Kubo::new(&format!("http://{gone}")).unwrap();
    assert!(matches!(gone.version().await, Err(KuboError::Unreachable { .. })));
    let refused = gone.import_and_pin(&root, store.car(&root), "name").await;
    assert!(matches!(refused, Err(KuboError::Unreachable { .. })), "{refused:?}");

    let full = fake(REFUSAL).await;
    let refused = full.import_and_pin(&root, store.car(&root), "name").await;
    assert!(matches!(&refused, Err(KuboError::Refused { reason, .. }) if reason == "disk"), "{refused:?}");

    let silent = fake(EMPTY).await;
    let unfinished = silent.import_and_pin(&root, store.car(&root), "name").await;
    assert!(matches!(unfinished, Err(KuboError::Unfinished { .. })), "{unfinished:?}");

    let hole = store.put_directory([("hole", hash_bytes(b"absent").into())]).unwrap();
    let missing = silent.import_and_pin(&hole.cid, store.car(&hole.cid), "name").await;
    assert!(matches!(missing, Err(KuboError::Content(Error::BlockMissing(_)))), "{missing:?}");
}

/// A Kubo that says these things of an import and of pins, and answers for each block with the bytes that `held` gives.
async fn saying(import: &str, listed: &str, held: impl Fn(&Cid) -> Option<Vec<u8>> + Send + Sync + 'static) -> Kubo {
    let (import, listed) = (import.to_owned(), listed.to_owned());
    fake_by(move |target| {
        let block = |arg: &str| held(&parse_cid(arg.split('&').next().unwrap()).unwrap());
        let body = match target.split_once('?') {
            Some(("/api/v0/block/get", query)) => match query.strip_prefix("arg=").and_then(block) {
                Some(block) => block,
                None => return REFUSAL.into(),
            },
            Some(("/api/v0/dag/import", _)) => import.clone().into(),
            Some(("/api/v0/pin/ls", _)) => listed.clone().into(),
            _ => r#"{"Pins":[]}"#.into(),
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        [head.into_bytes(), body].concat()
    })
    .await
}

/// What `pin/ls` says of a root that is pinned.
fn listing(root: &Cid) -> String {
    format!(r#"{{"Keys":{{"{root}":{{"Type":"recursive","Name":"name"}}}}}}"#)
}

#[tokio::test]
async fn what_kubo_says_it_did_is_checked() {
    let (_folder, store) = store();
    let root = store.put_bytes(b"content").unwrap().cid;
    let bring = async |import: &str, listed: &str| {
        let kubo = saying(import, listed, |_| Some(b"content".to_vec())).await;
        kubo.import_and_pin(&root, store.car(&root), "name").await
    };
    let listed = listing(&root);
    let right = r#"{"Stats":{"BlockCount":1,"BlockBytesCount":7}}"#;
    bring(right, &listed).await.unwrap();
    bring(r#"{"Stats":{}}"#, &listed).await.unwrap();

    for wrong in [r#"{"Stats":{"BlockCount":0,"BlockBytesCount":0}}"#, r#"{"Stats":{"BlockBytesCount":8}}"#] {
        let error = bring(wrong, &listed).await.unwrap_err();
        assert!(matches!(&error, KuboError::Miscounted { sent, .. } if sent.blocks == 1), "{error:?}");
        assert!(error.to_string().contains("1 blocks of 7 bytes were sent"), "{error}");
    }
    let failed = format!(r#"{{"Root":{{"Cid":{{"/":"{root}"}},"PinErrorMsg":"no such block"}}}}{}{right}"#, '\n');
    let error = bring(&failed, &listed).await.unwrap_err();
    assert!(matches!(&error, KuboError::Refused { reason, .. } if reason == "no such block"), "{error:?}");

    let another = hash_bytes(b"another").cid;
    let not_there = [
        r#"{"Keys":{}}"#.to_owned(),
        listed.replace("recursive", "indirect"),
        listed.replace(&root.to_string(), &another.to_string()),
    ];
    for listed in not_there {
        let error = bring(right, &listed).await.unwrap_err();
        assert!(matches!(&error, KuboError::Refused { reason, .. } if reason.contains("doesn't name")), "{error:?}");
    }
}

#[tokio::test]
async fn what_kubo_holds_is_read_back() {
    let (_folder, store) = store();
    let film = store.put_bytes(&bytes(1, 3 * MIB + 5)).unwrap();
    let small = store.put_bytes(b"small").unwrap();
    let root = store.put_directory([("film", film.into()), ("small", small.into())]).unwrap().cid;
    let pinning = async |held: fn(&Cid, Bytes) -> Option<Bytes>| {
        let theirs = store.clone();
        let held = move |cid: &Cid| held(cid, theirs.block(cid).unwrap().unwrap()).map(Vec::from);
        let kubo = saying(r#"{"Stats":{}}"#, &listing(&root), held).await;
        kubo.import_and_pin(&root, store.car(&root), "name").await
    };
    pinning(|_, block| Some(block)).await.unwrap();

    let nothing = pinning(|_, _| None).await.unwrap_err();
    assert!(
        matches!(&nothing, KuboError::NotHeld { block, reason } if *block == root && reason == "disk"),
        "{nothing:?}"
    );
    let without_leaves = pinning(|cid, block| (cid.codec() != RAW).then_some(block)).await.unwrap_err();
    assert!(matches!(&without_leaves, KuboError::NotHeld { block, .. } if block.codec() == RAW), "{without_leaves:?}");
    let other_bytes = pinning(|cid, block| Some(if cid.codec() == RAW { block.slice(1..) } else { block })).await;
    assert!(matches!(&other_bytes, Err(KuboError::WrongBytes(block)) if block.codec() == RAW), "{other_bytes:?}");
    let endless = pinning(|_, _| Some(vec![0; 3 * MIB].into())).await.unwrap_err();
    assert!(matches!(&endless, KuboError::NotHeld { reason, .. } if reason.contains("longer than")), "{endless:?}");
}

#[tokio::test]
async fn a_wrong_answer_is_refused_by_name() {
    let nonsense = fake("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello").await;
    let refused = nonsense.version().await;
    assert!(
        matches!(&refused, Err(KuboError::Refused { reason, .. }) if reason.contains("isn't understood")),
        "{refused:?}"
    );
    let cid = hash_bytes(b"another block").cid;
    assert!(matches!(nonsense.block(&cid).await, Err(KuboError::Content(Error::HashMismatch(wrong))) if wrong == cid));
    let endless = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", "x".repeat(100_000));
    let refused = fake(Box::leak(endless.into_boxed_str())).await.version().await;
    assert!(
        matches!(&refused, Err(KuboError::Refused { reason, .. }) if reason.contains("longer than")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_token_goes_with_every_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let kubo = Kubo::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    assert!(matches!(kubo.clone().with_token("a b"), Err(KuboError::Token)));
    let kubo = kubo.with_token("s3cret").unwrap();
    let asking = tokio::spawn(async move { kubo.version().await });
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut request = vec![0; 4096];
    let length = connection.read(&mut request).await.unwrap();
    let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
    assert!(request.contains("authorization: bearer s3cret\r\n"), "{request}");
    drop(connection);
    assert!(asking.await.unwrap().is_err());
}

/// Needs `PINREEL_TEST_KUBO_RPC=http://…`, an empty Kubo's RPC.
#[tokio::test]
async fn a_real_kubo_pins() {
    let Ok(address) = std::env::var("PINREEL_TEST_KUBO_RPC") else {
        skipped("PINREEL_TEST_KUBO_RPC names no Kubo");
        return;
    };
    let kubo = Kubo::new(&address).unwrap();
    assert!(kubo.version().await.unwrap().starts_with("0."));
    let (_folder, store) = store();
    let content = store.put_bytes(&bytes(1, 40 * MIB + 3)).unwrap();
    let small = store.put_bytes(b"small").unwrap();
    let root = store.put_directory([("large", content.into()), ("small", small.into())]).unwrap().cid;
    assert_eq!(kubo.pinned(&root).await.unwrap(), None);
    for _twice in 0..2 {
        kubo.import_and_pin(&root, store.car(&root), "a title: ü & more").await.unwrap();
        let pin = kubo.pinned(&root).await.unwrap().unwrap();
        assert_eq!((&pin.kind[..], &pin.name[..]), ("recursive", "a title: ü & more"));
    }
    assert_eq!(kubo.pinned(&content.cid).await.unwrap(), None, "pinned only through its root");
    assert_eq!(kubo.block(&small.cid).await.unwrap(), b"small");
    let lacking = kubo.read_back(&hash_bytes(b"nowhere").cid).await.unwrap_err();
    assert!(matches!(&lacking, KuboError::NotHeld { reason, .. } if reason.contains("not found")), "{lacking:?}");
    assert!(kubo.unpin(&root).await.unwrap());
    assert!(!kubo.unpin(&root).await.unwrap(), "it is gone already");
    assert_eq!(kubo.pinned(&root).await.unwrap(), None);
}
