//! Imports through the socket of a running node.

use pinreel_content::car::{frame, header};
use pinreel_content::{Cid, raw_cid, sha256};
use sqlx::PgPool;

use super::client::{self, SocketError};
use super::start;
use crate::testing::TestApp;

fn block(text: &str) -> (Cid, Vec<u8>) {
    (raw_cid(sha256(text.as_bytes())), text.as_bytes().to_vec())
}

async fn import(test: &TestApp, car: &[u8]) -> Result<client::Imported, SocketError> {
    let node = client::connect(test.app.data.root()).await?.expect("the node listens");
    client::import(node, car).await
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn foreign_blocks_become_public(owner: PgPool) {
    let test = TestApp::new(&owner);
    start(&test.app);
    let (a, b) = (block("a"), block("b"));
    let car = [header(&[a.0]), frame(&a.0, &a.1), frame(&b.0, &b.1)].concat();
    for _ in 0..2 {
        let imported = import(&test, &car).await.unwrap();
        assert_eq!((imported.roots, imported.blocks, imported.bytes), (vec![a.0.to_string()], 2, 2));
    }
    assert!(test.app.store.is_public(&b.0).unwrap());
    test.app.tasks.finish().await;
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_bad_car_is_refused_with_offset_and_cid(owner: PgPool) {
    let test = TestApp::new(&owner);
    start(&test.app);
    let (good, claimed) = (block("good"), block("claimed"));
    let start_of_bad = header(&[good.0]).len() + frame(&good.0, &good.1).len();
    let car = [header(&[good.0]), frame(&good.0, &good.1), frame(&claimed.0, b"another")].concat();
    // More than what fits into the socket's buffers follows, so that the answer comes while we still send.
    let car = [car, vec![0; 4 << 20]].concat();
    let Err(SocketError::Refused { code, message }) = import(&test, &car).await else { panic!("must be refused") };
    assert_eq!(code, "car_refused");
    assert!(message.contains(&claimed.0.to_string()), "{message}");
    assert!(message.contains(&format!("byte {start_of_bad}")), "{message}, expected {start_of_bad}");
    assert!(!test.app.store.holds(&claimed.0).unwrap());

    let cut = &car[..start_of_bad - 1];
    let Err(SocketError::Refused { message, .. }) = import(&test, cut).await else { panic!("must be refused") };
    assert!(message.contains("middle of a block"), "{message}");
    test.app.tasks.finish().await;
}
