//! Pins without a Kubo; with a real one they are tested as a black box.

use sqlx::PgPool;
use tokio::net::TcpListener;
use url::Url;

use super::model::{MAX_ATTEMPTS, PinState, Role};
use super::{KuboAddress, pins_of, recent, store, unwant, want, worker};
use crate::app::{App, Parts};
use crate::testing::TestApp;

async fn wanted(test: &TestApp) -> String {
    let root = test.app.store.put_bytes(b"film").unwrap().cid.to_string();
    let mut connection = test.app.database.acquire().await.unwrap();
    for _ in 0..2 {
        want(&mut connection, (&root, Role::Source), "clip.mp4", test.app.clock.now_ms()).await.unwrap();
    }
    root
}

fn with_kubo(app: &App, url: &str) -> (App, Url) {
    let url: Url = url.parse().unwrap();
    (App::from(Parts { kubo: KuboAddress::new(Some(url.clone())), ..Parts::clone(app) }), url)
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn without_a_kubo_nothing_is_shown_but_kept(owner: PgPool) {
    let test = TestApp::new(&owner);
    let root = wanted(&test).await;
    assert_eq!(pins_of(&test.app, std::slice::from_ref(&root)).await.unwrap(), []);
    let (app, _) = with_kubo(&test.app, "http://127.0.0.1:1");
    let shown = pins_of(&app, std::slice::from_ref(&root)).await.unwrap();
    assert_eq!((shown.len(), shown[0].role, shown[0].state), (1, Role::Source, PinState::Pending));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_kubo_that_is_away_costs_no_attempt_and_is_asked_ever_more_rarely(owner: PgPool) {
    let test = TestApp::new(&owner);
    wanted(&test).await;
    // A port that was free a moment ago: nobody listens.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let (app, url) = with_kubo(&test.app, &format!("http://127.0.0.1:{port}"));
    let mut away = 0;
    let mut naps = Vec::new();
    for _ in 0..MAX_ATTEMPTS + 2 {
        naps.push(worker::step(&app, &url, &mut away).await.unwrap().as_secs());
    }
    assert_eq!(naps, [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30]);
    let pin = recent(&app).await.unwrap().remove(0);
    assert_eq!((pin.pin.state, pin.attempts), (PinState::Pending, 0));
    assert!(pin.pin.detail.unwrap().contains("could not be reached"));
}

/// A Kubo that says yes to everything and keeps nothing; this is what it lists as pinned.
async fn liar(listed: &str) -> String {
    let said = |text: &str| {
        let text = text.to_owned();
        axum::routing::post(move |body: axum::body::Body| async move {
            axum::body::to_bytes(body, 1 << 20).await.map(|_| text).map_err(|_| axum::http::StatusCode::BAD_REQUEST)
        })
    };
    let router = axum::Router::new()
        .route("/api/v0/version", said(r#"{"Version":"0.42.0"}"#))
        .route("/api/v0/dag/import", said(r#"{"Stats":{"BlockCount":1,"BlockBytesCount":4}}"#))
        .route("/api/v0/pin/add", said(r#"{"Pins":[]}"#))
        .route("/api/v0/pin/ls", said(listed))
        .route("/api/v0/block/get", said("what is asked for"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_kubo_that_lies_is_found_out_and_tried_again_later(owner: PgPool) {
    let test = TestApp::new(&owner);
    let root = wanted(&test).await;
    let all_pinned = format!(r#"{{"Keys":{{"{root}":{{"Type":"recursive","Name":"x"}}}}}}"#);
    let lies = [(r#"{"Keys":{}}"#, "doesn't name the one"), (&all_pinned, "have another hash")];
    for (attempt, (listed, found_out)) in (1..).zip(lies) {
        let (app, url) = with_kubo(&test.app, &liar(listed).await);
        worker::step(&app, &url, &mut 0).await.unwrap();
        let pin = recent(&app).await.unwrap().remove(0);
        assert_eq!((pin.pin.state, pin.attempts), (PinState::Pending, attempt));
        assert!(pin.pin.detail.as_ref().is_some_and(|detail| detail.contains(found_out)), "{pin:?}");
        assert_eq!(pin.next_try_ms, test.app.clock.now_ms() + super::model::pause_ms(attempt));
        test.advance_ms(super::model::pause_ms(attempt));
    }
    // What isn't named in a list isn't unpinned either.
    unwant(&test.app.database, &[root], test.app.clock.now_ms()).await.unwrap();
    let (app, url) = with_kubo(&test.app, &liar(r#"{"Pins":["bafkqaaa"]}"#).await);
    worker::step(&app, &url, &mut 0).await.unwrap();
    let pin = recent(&app).await.unwrap().remove(0);
    assert_eq!(pin.pin.state, PinState::Unwanted);
    assert!(pin.pin.detail.as_ref().is_some_and(|detail| detail.contains("isn't understood")), "{pin:?}");
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_root_that_cannot_be_read_is_given_up_and_may_be_tried_again(owner: PgPool) {
    let test = TestApp::new(&owner);
    let missing = pinreel_content::hash_bytes(b"not held").cid.to_string();
    let mut connection = test.app.database.acquire().await.unwrap();
    want(&mut connection, (&missing, Role::Hls), "clip.mp4", test.app.clock.now_ms()).await.unwrap();
    let id = recent(&test.app).await.unwrap()[0].id;
    for attempt in 1..=MAX_ATTEMPTS {
        let due = store::take_due(&test.app.database, test.app.clock.now_ms(), i64::MAX).await.unwrap();
        assert_eq!(due.unwrap().attempts, attempt - 1);
        worker::note(&test.app, (id, attempt - 1), worker::Outcome::Failed("Broken.".into())).await.unwrap();
        test.advance_ms(super::model::pause_ms(attempt));
    }
    let given_up = recent(&test.app).await.unwrap().remove(0);
    assert_eq!((given_up.pin.state, given_up.pin.detail.as_deref()), (PinState::Failed, Some("Broken.")));
    assert!(store::take_due(&test.app.database, i64::MAX - 1, i64::MAX).await.unwrap().is_none());

    assert!(store::retry(&mut connection, id, test.app.clock.now_ms()).await.unwrap());
    assert!(!store::retry(&mut connection, id + 1, test.app.clock.now_ms()).await.unwrap());
    assert!(store::take_due(&test.app.database, test.app.clock.now_ms(), i64::MAX).await.unwrap().is_some());
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn a_root_in_work_is_not_handed_out_twice_until_the_next_start(owner: PgPool) {
    let test = TestApp::new(&owner);
    wanted(&test).await;
    let now_ms = test.app.clock.now_ms();
    assert!(store::take_due(&test.app.database, now_ms, now_ms + 1_000).await.unwrap().is_some());
    assert!(store::take_due(&test.app.database, now_ms, now_ms + 1_000).await.unwrap().is_none());
    store::make_due(&test.app.database, now_ms).await.unwrap();
    assert!(store::take_due(&test.app.database, now_ms, now_ms + 1_000).await.unwrap().is_some());
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn what_is_withdrawn_is_to_be_unpinned_unless_it_is_published_again(owner: PgPool) {
    let test = TestApp::new(&owner);
    let (root, now_ms) = (wanted(&test).await, test.app.clock.now_ms());
    let id = recent(&test.app).await.unwrap()[0].id;
    unwant(&test.app.database, std::slice::from_ref(&root), now_ms).await.unwrap();
    let due = store::take_due(&test.app.database, now_ms, now_ms + 1_000).await.unwrap().unwrap();
    assert!(due.unwanted && due.root == root);
    worker::note(&test.app, (id, 0), worker::Outcome::Failed("Broken.".into())).await.unwrap();
    assert_eq!(
        recent(&test.app).await.unwrap()[0].pin.state,
        PinState::Unwanted,
        "a failure doesn't change what is wanted"
    );

    let mut connection = test.app.database.acquire().await.unwrap();
    want(&mut connection, (&root, Role::Source), "clip.mp4", now_ms).await.unwrap();
    worker::note(&test.app, (id, 0), worker::Outcome::Unpinned).await.unwrap();
    assert_eq!(recent(&test.app).await.unwrap()[0].pin.state, PinState::Pending, "wanted again meanwhile");

    unwant(&test.app.database, &[root], now_ms).await.unwrap();
    worker::note(&test.app, (id, 0), worker::Outcome::Pinned).await.unwrap();
    assert_eq!(recent(&test.app).await.unwrap()[0].pin.state, PinState::Unwanted, "unwanted again meanwhile");
    worker::note(&test.app, (id, 0), worker::Outcome::Unpinned).await.unwrap();
    assert!(recent(&test.app).await.unwrap().is_empty());
}
