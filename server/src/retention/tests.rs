//! Content through its life on a node: published, taken back, gone.

use pinreel_content::{Cid, Pin};
use sqlx::PgPool;

use super::{Refused, high_water, reconcile, scrub};
use crate::claims::tests::{Creator, claim, erase, is_public, node, public_file, stream, update};
use crate::pinning::{self, PinState};
use crate::testing::TestApp;

fn pins(test: &TestApp) -> Vec<(Cid, String)> {
    test.app.store.pins().unwrap().into_iter().map(|pin| (pin.cid, pin.owner)).collect()
}

/// What the node doesn't give any more, its Kubo shouldn't either.
#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_was_erased_is_taken_away_from_kubo(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let film = public_file(&test, b"a film");
    ann.publish(&test, &claim("film", &film)).await;
    reconcile(&test.app).await.unwrap();
    let states = async || {
        let pins = pinning::recent(&test.app).await.unwrap();
        let pins = pins.into_iter().map(|status| status.pin).filter(|pin| pin.root == film.cid.to_string());
        pins.map(|pin| pin.state).collect::<Vec<_>>()
    };
    assert_eq!(states().await, [PinState::Pending]);
    test.app.store.erase(&film.cid, 1).unwrap();
    reconcile(&test.app).await.unwrap();
    assert_eq!(states().await, [PinState::Unwanted]);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_publication_is_pinned_and_taken_back(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let (film, other) = (public_file(&test, b"a film"), public_file(&test, b"another"));
    let id = ann.publish(&test, &claim("film", &film)).await;
    let second = ann.publish(&test, &claim("other", &other)).await;
    reconcile(&test.app).await.unwrap();
    let mut expected = vec![(film.cid, format!("claim:{id}")), (other.cid, format!("claim:{second}"))];
    expected.sort();
    let mut found = pins(&test);
    found.sort();
    assert_eq!(found, expected);
    reconcile(&test.app).await.unwrap();
    assert_eq!(pins(&test).len(), 2, "nothing is pinned twice");

    ann.publish(&test, &erase(id)).await;
    reconcile(&test.app).await.unwrap();
    assert_eq!(pins(&test), [(other.cid, format!("claim:{second}"))]);
    assert!(!is_public(&test, &film.cid) && is_public(&test, &other.cid));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_replaced_version_is_not_kept_but_what_two_claims_show_is(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let (before, after) = (public_file(&test, b"before"), public_file(&test, b"after"));
    let id = ann.publish(&test, &claim("film", &before)).await;
    reconcile(&test.app).await.unwrap();
    ann.publish(&test, &update(id, id, stream("film", &after))).await;
    let again = ann.publish(&test, &claim("copy", &after)).await;
    reconcile(&test.app).await.unwrap();
    assert!(!is_public(&test, &before.cid) && is_public(&test, &after.cid));
    ann.publish(&test, &erase(again)).await;
    reconcile(&test.app).await.unwrap();
    assert!(is_public(&test, &after.cid), "the first claim still shows it");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_the_operator_pinned_stays(owner: PgPool) {
    let test = node(&owner).await;
    let file = public_file(&test, b"foreign");
    let pin = Pin { cid: file.cid, owner: "import".into(), reason: "a.car".into(), since_ms: 1, until_ms: None };
    test.app.store.pin(&pin).unwrap();
    reconcile(&test.app).await.unwrap();
    assert_eq!(pins(&test).len(), 1);
    assert!(is_public(&test, &file.cid));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_shorter_log_takes_nothing_away(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let film = public_file(&test, b"a film");
    ann.publish(&test, &claim("film", &film)).await;
    reconcile(&test.app).await.unwrap();
    let seen = high_water::seen(&test.app).unwrap();
    assert!(seen > 0);
    high_water::note(&test.app, seen + 5).unwrap();
    let refused = reconcile(&test.app).await;
    assert!(matches!(refused, Err(Refused::ShorterLog { found, .. }) if found == seen), "{refused:?}");
    assert_eq!(pins(&test).len(), 1);
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn damage_is_found_by_a_pass(owner: PgPool) {
    let test = node(&owner).await;
    let file = public_file(&test, &vec![7; 100_000]);
    assert_eq!(scrub::pass(&test.app).await.unwrap().damaged, 0);
    let path = test.blob_file(&file.cid);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[500] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(scrub::pass(&test.app).await.unwrap().damaged, 1);
    let (status, _) = test.get(&format!("/ipfs/{}?format=raw", file.cid)).await;
    assert!(status.is_server_error(), "{status}");
}
