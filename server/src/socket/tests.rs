//! What the operator asks through the socket of a running node.

use std::io::Write;

use bytes::Bytes;
use pinreel_content::car::{frame, header};
use pinreel_content::{CarRoom, Cid, raw_cid, sha256};
use sqlx::PgPool;

use super::client::{Imported, Node, SocketError};
use super::operation::{Answer, DamagedLeaf, Event, Fault, Item, Operation};
use super::start;
use crate::claims::tests as claims;
use crate::media::tests::fake;
use crate::testing::{START_MS, TestApp};

fn block(text: &str) -> (Cid, Vec<u8>) {
    (raw_cid(sha256(text.as_bytes())), text.as_bytes().to_vec())
}

async fn node(test: &TestApp) -> Node {
    Node::connect(test.app.data.root()).await.unwrap().expect("the node listens")
}

async fn import(test: &TestApp, car: &[u8]) -> Result<Imported, SocketError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(car).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    node(test).await.import(("a b&c.car", Some(car.len() as u64)), tokio::fs::File::from_std(file), |_| {}).await
}

/// Does something and gives what was found besides the answer.
async fn operate(test: &TestApp, operation: Operation) -> Result<(Answer, Vec<Item>), SocketError> {
    let mut items = Vec::new();
    let on_event = |event| {
        if let Event::Item(item) = event {
            items.push(item);
        }
    };
    let answer = node(test).await.operate(&operation, on_event).await?;
    Ok((answer, items))
}

fn code<T: std::fmt::Debug>(outcome: Result<T, SocketError>) -> String {
    match outcome {
        Err(SocketError::Refused(Fault { code, .. })) => code,
        other => panic!("must be refused: {other:?}"),
    }
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn foreign_roots_become_public_and_are_pinned(owner: PgPool) {
    let test = TestApp::new(&owner);
    start(&test.app);
    let (a, b) = (block("a"), block("b"));
    let car = [header(&[a.0, b.0]), frame(&a.0, &a.1), frame(&b.0, &b.1)].concat();
    for _ in 0..2 {
        let imported = import(&test, &car).await.unwrap();
        assert_eq!((imported.roots, imported.blocks, imported.bytes), (vec![a.0.to_string(), b.0.to_string()], 2, 2));
    }
    assert!(test.app.store.is_public(&b.0).unwrap());
    let pins = test.app.store.pins().unwrap();
    assert_eq!(pins.len(), 2);
    assert_eq!((pins[0].owner.as_str(), pins[0].reason.as_str()), ("import", "a b&c.car"));
    assert_eq!(pins[0].since_ms, START_MS as u64);
    test.app.tasks.finish().await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_bad_car_is_refused_with_offset_and_cid(owner: PgPool) {
    let test = TestApp::new(&owner);
    start(&test.app);
    let (good, claimed) = (block("good"), block("claimed"));
    let start_of_bad = header(&[good.0]).len() + frame(&good.0, &good.1).len();
    let refused = async |car: &[u8]| match import(&test, car).await {
        Err(SocketError::Refused(Fault { code, message })) if code == "car_refused" => message,
        other => panic!("must be refused: {other:?}"),
    };
    let car = [header(&[good.0]), frame(&good.0, &good.1), frame(&claimed.0, b"another")].concat();
    // More than what fits into the socket's buffers follows, so that the answer comes while we still send.
    let car = [car, vec![0; 8 << 20]].concat();
    let message = refused(&car).await;
    assert!(message.contains(&claimed.0.to_string()), "{message}");
    assert!(message.contains(&format!("byte {start_of_bad}")), "{message}, expected {start_of_bad}");
    assert!(!test.app.store.holds(&claimed.0).unwrap());

    let message = refused(&car[..start_of_bad - 1]).await;
    assert!(message.contains("middle of a block") && message.contains(&good.0.to_string()), "{message}");
    for other in [b"GIF89a".as_slice(), b"Dear reader,\n", &[0xff; 20]] {
        assert!(refused(other).await.starts_with("This is not a CAR file"), "{other:?}");
    }
    for cut in [b"".as_slice(), &[0xa2; 3], &car[..1], &car[..20]] {
        let message = refused(cut).await;
        let end = format!("middle of its header, at byte {}", cut.len());
        assert!(message.contains(&end), "{message}");
    }
    let stray = [header(&[good.0]), frame(&good.0, &good.1), frame(&claimed.0, &claimed.1)].concat();
    let message = refused(&stray).await;
    assert!(message.contains(&format!("byte {start_of_bad}")) && message.contains(&claimed.0.to_string()), "{message}");
    assert!(!test.app.store.is_public(&good.0).unwrap() && test.app.store.pins().unwrap().is_empty());
    test.app.tasks.finish().await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_was_published_just_now_is_among_the_pins(owner: PgPool) {
    let test = claims::node(&owner).await;
    start(&test.app);
    let mut ann = claims::Creator::new(&test, 1, "ann").await;
    let film = claims::public_file(&test, b"a film");
    let id = ann.publish(&test, &claims::claim("film", &film)).await;
    let unpin = Operation::Unpin { cid: film.cid.to_string(), owner: "operator".to_owned() };
    assert_eq!(operate(&test, unpin).await.unwrap().0, Answer::Done { changed: false });
    assert!(test.app.store.is_public(&film.cid).unwrap(), "there was no such pin, so nothing is taken back");
    let (_, pins) = operate(&test, Operation::Pins).await.unwrap();
    let [Item::Pin(pin)] = &pins[..] else { panic!("{pins:?}") };
    assert_eq!((pin.cid.clone(), pin.owner.clone()), (film.cid.to_string(), format!("claim:{id}")));
    ann.publish(&test, &claims::erase(id)).await;
    let (Answer::Stat { pins, .. }, _) = operate(&test, Operation::Stat).await.unwrap() else { panic!("no counts") };
    assert_eq!(pins, 0);
    test.app.tasks.finish().await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_was_imported_goes_with_its_last_pin(owner: PgPool) {
    let test = TestApp::new(&owner);
    start(&test.app);
    let good = block("foreign");
    let car = [header(&[good.0]), frame(&good.0, &good.1)].concat();
    import(&test, &car).await.unwrap();
    let unpin = |owner: &str| Operation::Unpin { cid: good.0.to_string(), owner: owner.to_owned() };
    let keep = Operation::Pin { cid: good.0.to_string(), reason: "mine".into(), for_ms: None };
    operate(&test, keep).await.unwrap();
    operate(&test, unpin("import")).await.unwrap();
    assert!(test.app.store.is_public(&good.0).unwrap(), "another still keeps it");
    operate(&test, unpin("operator")).await.unwrap();
    assert!(!test.app.store.is_public(&good.0).unwrap());

    test.app.store.erase(&good.0, START_MS as u64).unwrap();
    let refused = import(&test, &car).await.unwrap_err();
    assert!(refused.to_string().contains(&format!("{} in the CAR file, at byte", good.0)), "{refused}");
    assert_eq!(code::<Imported>(Err(refused)), "erased");
    test.app.tasks.finish().await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn pins_are_made_listed_and_taken_away(owner: PgPool) {
    let test = TestApp::new(&owner);
    start(&test.app);
    let file = test.app.store.put_bytes(b"a file").unwrap().cid.to_string();
    let pin = |for_ms| Operation::Pin { cid: file.clone(), reason: "mine".to_owned(), for_ms };
    assert_eq!(operate(&test, pin(None)).await.unwrap().0, Answer::Done { changed: true });
    assert_eq!(operate(&test, pin(Some(5))).await.unwrap().0, Answer::Done { changed: false });
    let (_, pins) = operate(&test, Operation::Pins).await.unwrap();
    let [Item::Pin(pin)] = &pins[..] else { panic!("{pins:?}") };
    assert_eq!(
        (pin.owner.as_str(), pin.reason.as_str(), pin.until_ms),
        ("operator", "mine", Some(START_MS as u64 + 5))
    );
    assert!(!pin.expired);
    test.advance_ms(5);
    let (_, pins) = operate(&test, Operation::Pins).await.unwrap();
    assert!(matches!(&pins[..], [Item::Pin(pin)] if pin.expired), "{pins:?}");

    std::fs::write(test.app.data.root().join("log-size"), "1000000\n").unwrap();
    let (_, pins) = operate(&test, Operation::Pins).await.unwrap();
    assert!(matches!(&pins[..], [Item::Stale(why), Item::Pin(_)] if why.contains("older backup")), "{pins:?}");
    let unpin = |owner: &str| Operation::Unpin { cid: file.clone(), owner: owner.to_owned() };
    assert_eq!(operate(&test, unpin("import")).await.unwrap().0, Answer::Done { changed: false });
    assert_eq!(operate(&test, unpin("operator")).await.unwrap().0, Answer::Done { changed: true });
    let absent = Operation::Pin { cid: block("absent").0.to_string(), reason: String::new(), for_ms: None };
    assert_eq!(code(operate(&test, absent).await), "not_held");
    assert_eq!(code(operate(&test, Operation::Erase { cid: "bafy".to_owned() }).await), "cid_malformed");
    test.app.tasks.finish().await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn damage_is_told_and_mended_and_collections_answer(owner: PgPool) {
    let test = TestApp::new(&owner);
    start(&test.app);
    let stored = test.app.store.put_bytes(b"a file").unwrap();
    let (cid, name) = (stored.cid, stored.cid.to_string());
    std::fs::write(test.blob_file(&cid), b"a fire").unwrap();
    let verify = || operate(&test, Operation::Verify { mib_per_second: Some(1000) });
    let (answer, items) = verify().await.unwrap();
    assert_eq!(answer, Answer::Verified { files: 1, bytes: 6 });
    let leaf = DamagedLeaf { file: cid.to_string(), leaf: cid.to_string(), offset: 0, size_bytes: 6 };
    assert_eq!(items, [Item::Damaged(leaf)]);
    let restore = async |bytes: &'static [u8]| node(&test).await.restore(&name, Bytes::from_static(bytes)).await;
    assert_eq!(code(restore(b"a fire").await), "block_refused");
    assert!(restore(b"a file").await.unwrap());
    assert!(verify().await.unwrap().1.is_empty());

    // Only what has been there for an hour goes, whatever the time that is given.
    let (answer, _) = operate(&test, Operation::Collect { grace_ms: Some(0) }).await.unwrap();
    assert!(matches!(answer, Answer::Collected { fresh_files: 1, fresh_blocks: 0, fresh_bytes: 6, .. }), "{answer:?}");
    let (answer, _) = operate(&test, Operation::Collect { grace_ms: None }).await.unwrap();
    assert!(matches!(answer, Answer::Collected { waiting: 1, removed_files: 0, .. }), "{answer:?}");
    let (answer, _) = operate(&test, Operation::Erase { cid: cid.to_string() }).await.unwrap();
    assert!(matches!(answer, Answer::Collected { removed_files: 1, .. }), "{answer:?}");
    let (answer, _) = operate(&test, Operation::Stat).await.unwrap();
    assert!(matches!(answer, Answer::Stat { files: 0, erased: 1, .. }), "{answer:?}");
    test.app.tasks.finish().await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn erasing_a_film_names_what_was_made_of_it(owner: PgPool) {
    let test = TestApp::new(&owner);
    start(&test.app);
    let source = fake::upload(&test, b"film", "video/mp4").await;
    fake::Worker::new(&test).work().await;
    let root = fake::job(&test, &source).await.root.unwrap();
    let (_, items) = operate(&test, Operation::Erase { cid: source }).await.unwrap();
    assert_eq!(items, [Item::Made(root.clone())]);
    operate(&test, Operation::Erase { cid: root.clone() }).await.unwrap();
    let (_, items) = operate(&test, Operation::Erase { cid: root }).await.unwrap();
    assert!(items.is_empty(), "nothing was made of a root: {items:?}");
    let inline = Operation::Erase { cid: "bafkqaaa".to_owned() };
    assert_eq!(code(operate(&test, inline).await), "cid_is_content");
    test.app.tasks.finish().await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn an_export_is_whole_or_an_error(owner: PgPool) {
    let test = TestApp::new(&owner);
    start(&test.app);
    let store = &test.app.store;
    let content = [7, 8, 9].map(|byte| vec![byte; 1 << 20]).concat();
    let file = store.put_bytes(&content).unwrap();
    let root = store.put_directory([("file", file.into())]).unwrap().cid;
    let export = async |root: Cid| {
        let mut pieces = node(&test).await.export(&root.to_string()).await?;
        let mut car = Vec::new();
        while let Some(piece) = pieces.next().await {
            car.extend_from_slice(&piece?);
        }
        Ok(car)
    };
    let car = export(root).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let other = pinreel_content::Store::open(folder.path()).unwrap();
    let imported = super::client::import_car(&other, 1, ("it", CarRoom::default()), &car[..]).unwrap();
    assert_eq!(imported.roots, [root.to_string()]);
    assert_eq!(code(export(block("absent").0).await), "not_held");
    let holes = store.put_directory([("gone", pinreel_content::hash_bytes(b"gone").into())]).unwrap().cid;
    let error = export(holes).await.map(drop).unwrap_err();
    assert!(matches!(&error, SocketError::Refused(fault) if fault.code == "not_held"), "{error:?}");

    let damaged = [&content[..(2 << 20) + 9], &[0], &content[(2 << 20) + 10..]].concat();
    std::fs::write(test.blob_file(&file.cid), damaged).unwrap();
    let error = export(root).await.map(drop).unwrap_err();
    let leaf = raw_cid(sha256(&content[2 << 20..])).to_string();
    assert!(matches!(&error, SocketError::Refused(fault) if fault.code == "damaged"), "{error:?}");
    assert!(error.to_string().contains(&leaf), "{error}");
    // A reader that knows nothing of trailers gets a file that ends in the middle of a block.
    let mut pieces = node(&test).await.export(&root.to_string()).await.unwrap();
    let mut car = Vec::new();
    while let Some(Ok(piece)) = pieces.next().await {
        car.extend_from_slice(&piece);
    }
    let cut = other.import_car(&car[..], pinreel_content::Visibility::Private);
    assert!(cut.is_err_and(|error| error.to_string().contains("middle of a block")));
    test.app.tasks.finish().await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_node_that_stops_refuses(owner: PgPool) {
    let test = TestApp::new(&owner);
    start(&test.app);
    test.app.store.put_bytes(&vec![7; 64 << 20]).unwrap();
    // One that only looks is broken off; at a MiB a second it would take a minute.
    let waiting = node(&test).await;
    let verifying = node(&test).await.operate(&Operation::Verify { mib_per_second: Some(1) }, |event| {
        if matches!(event, Event::Progress { .. }) {
            test.app.tasks.stop.cancel();
        }
    });
    assert_eq!(
        code(tokio::time::timeout(std::time::Duration::from_secs(20), verifying).await.unwrap()),
        "node_stopping"
    );
    match waiting.operate(&Operation::Stat, |_| {}).await {
        Err(SocketError::Refused(fault)) => assert_eq!(fault.code, "node_stopping"),
        Err(SocketError::Http(_) | SocketError::Io(_) | SocketError::BrokenOff) => {}
        other => panic!("{other:?}"),
    }
    test.app.tasks.finish().await;
    assert!(Node::connect(test.app.data.root()).await.unwrap().is_none());
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn roots_that_are_not_there_are_told_and_what_cannot_fit_is_not_begun(owner: PgPool) {
    let test = TestApp::new(&owner);
    start(&test.app);
    let (here, absent) = (block("here"), block("absent"));
    let car = [header(&[absent.0, here.0]), frame(&here.0, &here.1)].concat();
    let imported = import(&test, &car).await.unwrap();
    assert_eq!((imported.roots, imported.absent), (vec![here.0.to_string()], vec![absent.0.to_string()]));

    let nothing = tokio::io::empty();
    let huge = node(&test).await.import(("huge.car", Some(1 << 60)), nothing, |_| {}).await;
    assert_eq!(code(huge), "disk_full");
    test.app.tasks.finish().await;
}
