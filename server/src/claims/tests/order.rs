//! One order for everything: no gaps, one winner for each place, nothing half done.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::*;

const TASKS: u8 = 64;

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn many_at_once_leave_no_gap(owner: PgPool) {
    let test = node(&owner).await;
    let mut founders: Vec<Creator> = (1..=TASKS).map(Creator::stranger).collect();
    let signed: Vec<Signed> = founders
        .iter_mut()
        .map(|founder| {
            let genesis = founder.author.genesis(test.app.identity.home());
            founder.sign(&genesis)
        })
        .collect();
    // Every second one is broken and leaves no hole where it would have stood.
    let broken: Vec<Signed> = signed
        .iter()
        .map(|signed| {
            let mut late = signed.clone();
            late.body_bytes.push(0);
            late
        })
        .collect();
    let answers = join_all(signed.iter().chain(&broken).map(|signed| send(&test, signed))).await;
    let taken: BTreeSet<i64> = answers.iter().filter_map(|(_, answer)| answer["index"].as_i64()).collect();
    assert_eq!(taken, (1..=i64::from(TASKS)).collect());

    let (_, log) = test.get("/api/v1/log?limit=500").await;
    let entries = log["entries"].as_array().unwrap();
    let indices: Vec<i64> = entries.iter().map(|entry| entry["index"].as_i64().unwrap()).collect();
    assert_eq!(indices, (0..=i64::from(TASKS)).collect::<Vec<_>>());
    assert!(entries.is_sorted_by_key(|entry| entry["received_ms"].as_i64().unwrap()));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn two_for_one_place(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    let (one, other) = (ann.sign(&claim("one", &file)), ann.sign(&claim("other", &file)));
    let (one, other) = tokio::join!(send(&test, &one), send(&test, &other));
    let statuses = BTreeSet::from([one.0.as_u16(), other.0.as_u16()]);
    assert_eq!(statuses, BTreeSet::from([201, 409]));
    let loser = if one.0 == StatusCode::CONFLICT { &one.1 } else { &other.1 };
    assert_eq!(loser["code"], "chain_conflict");

    // The same record twice at once: both hear the same.
    let mut bob = Creator::stranger(2);
    let genesis = bob.author.genesis(test.app.identity.home());
    let genesis = bob.sign(&genesis);
    let (one, other) = tokio::join!(send(&test, &genesis), send(&test, &genesis));
    assert_eq!(one.1, other.1);
    assert_eq!(BTreeSet::from([one.0.as_u16(), other.0.as_u16()]), BTreeSet::from([200, 201]));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_logs_time_never_runs_backwards(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    test.advance_ms(-120_000);
    let file = public_file(&test, b"a film");
    let signed = ann.sign(&claim("film", &file));
    let (_, answer) = send(&test, &signed).await;
    assert_eq!(answer["received_ms"], json!(NOW));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn entries_come_in_bounded_answers(owner: PgPool) {
    let test = node(&owner).await;
    let mut ann = Creator::new(&test, 1, "ann").await;
    let file = public_file(&test, b"a film");
    // Bodies of some 40 KB, more than one answer may hold together.
    for number in 0..130 {
        let mut long = stream(&format!("film-{number}"), &file);
        long.description = Some("ß".repeat(19_999) + "!");
        long.captions = vec![];
        ann.publish(&test, &Body::Stream(Box::new(long))).await;
    }
    let (mut from, mut seen) = (0, 0);
    while from < 133 {
        let (_, answer) = test.get(&format!("/api/v1/log?from={from}")).await;
        let entries = answer["entries"].as_array().unwrap();
        assert_eq!(answer["size"], 133);
        assert!(!entries.is_empty() && entries.len() < 133, "{}", entries.len());
        for entry in entries {
            assert_eq!(entry["index"], from);
            from += 1;
        }
        seen += 1;
    }
    assert!(seen < 6, "{seen} answers");
    assert_eq!(test.get("/api/v1/log?from=133").await.1["entries"], json!([]));
}

#[sqlx::test(migrator = "crate::database::MIGRATIONS")]
async fn the_application_cannot_rewrite_the_log(owner: PgPool) {
    let test = node(&owner).await;
    for statement in [
        "update log_entry set received_ms = 0",
        "delete from log_entry",
        "update log_body set body = ''",
        "delete from log_erasure",
        "truncate log_entry cascade",
        "delete from handle",
        "update handle set channel = ''",
        "delete from claim",
    ] {
        let error = sqlx::query(statement).execute(&test.app.database).await.unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{statement}: {error}");
    }
}
