//! The verifier over whole logs: an honest one passes, and each dishonest change is found at its entry.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Log, home, key, profile, rendition, stream, tombstone, update};
use pinreel_records::{Author, Body, Home};

/// Node, two channels, a claim with an update, a rendition.
fn honest() -> (Log, [common::Writer; 3], [pinreel_records::RecordId; 2]) {
    let (mut log, mut node) = Log::new();
    let mut alice = log.channel(2);
    log.write(&mut alice, &profile("alice"));
    let mut bob = log.channel(3);
    log.write(&mut bob, &profile("bob"));
    let claim = log.write(&mut alice, &Body::Stream(Box::new(stream("first", "First"))));
    let second = log.write(&mut alice, &update("first", claim, claim));
    log.write(&mut node, &rendition());
    (log, [node, alice, bob], [claim, second])
}

#[test]
fn an_honest_log_passes() {
    let summary = honest().0.verify();
    assert_eq!(summary.faults, []);
    assert_eq!((summary.records, summary.channels, summary.withheld), (8, 3, 0));
}

#[test]
fn gaps_and_clocks_are_checked() {
    let (mut log, ..) = honest();
    log.entries[3].0 = common::T0;
    assert_eq!(log.faults(), [(3, "time_backwards")]);
    let (mut log, ..) = honest();
    log.entries[7].0 += 301_000;
    assert_eq!(log.faults(), [(7, "clock_skew")]);
    let (mut log, ..) = honest();
    log.entries.remove(6);
    // The second version is missing: nothing else depends on it.
    assert_eq!(log.faults(), []);
    let (mut log, ..) = honest();
    log.entries.remove(5);
    assert_eq!(log.faults(), [(5, "chain_broken")]);
}

#[test]
fn altered_bytes_are_found() {
    let (mut log, ..) = honest();
    log.entries[5].1.body_bytes[20] ^= 1;
    assert_eq!(log.faults()[0], (5, "body_mismatch"));
    let (mut log, ..) = honest();
    let last = log.entries[5].1.header_bytes.len() - 1;
    log.entries[5].1.header_bytes[last] ^= 1;
    assert!(matches!(log.faults()[0], (5, "signature_wrong" | "record_malformed")));
}

#[test]
fn renditions_are_the_nodes_only() {
    let (mut log, [_, mut alice, _], _) = honest();
    log.write(&mut alice, &rendition());
    assert_eq!(log.faults(), [(8, "rendition_foreign")]);
}

#[test]
fn claims_are_their_channels_and_updates_replace_the_newest() {
    let (mut log, [_, mut alice, mut bob], [claim, second]) = honest();
    log.write(&mut bob, &update("first", claim, second));
    log.write(&mut alice, &update("first", claim, claim));
    log.write(&mut alice, &Body::Stream(Box::new(stream("first", "Same name"))));
    let genesis = bob.author.channel().unwrap();
    log.write(&mut bob, &update("x", genesis, genesis));
    assert_eq!(
        log.faults()[..2],
        [(8, "claim_foreign"), (9, "claim_stale")],
        "the next ones of a faulty chain are faulty, too"
    );
    let (mut log, [_, mut alice, mut bob], _) = honest();
    log.write(&mut alice, &Body::Stream(Box::new(stream("first", "Same name"))));
    let genesis = bob.author.channel().unwrap();
    log.write(&mut bob, &update("x", genesis, genesis));
    assert_eq!(log.faults(), [(8, "slug_taken"), (9, "claim_unknown")]);
}

#[test]
fn a_slug_moves_with_its_claim() {
    let (mut log, [_, mut alice, _], [claim, second]) = honest();
    log.write(&mut alice, &update("renamed", claim, second));
    log.write(&mut alice, &Body::Stream(Box::new(stream("first", "Another"))));
    assert_eq!(log.faults(), []);
}

#[test]
fn handles_and_look_alikes_stay_with_their_channel() {
    let (mut log, [_, _, mut bob], _) = honest();
    log.write(&mut bob, &profile("аlice")); // Cyrillic а
    assert_eq!(log.faults(), [(8, "handle_taken")]);
    let (mut log, [_, mut alice, mut bob], _) = honest();
    log.write(&mut alice, &profile("carol"));
    log.write(&mut bob, &profile("alice"));
    assert_eq!(log.faults(), [(9, "handle_taken")], "a handle given up isn't given away");
}

#[test]
fn a_missing_body_needs_its_tombstone() {
    let (mut log, [_, mut alice, _], [claim, second]) = honest();
    log.mark(second, 'e');
    assert_eq!(log.faults(), [(6, "body_missing")]);
    log.write(&mut alice, &tombstone(claim));
    assert_eq!(log.faults(), [(6, "body_missing")], "a tombstone covers its target only");
    log.write(&mut alice, &tombstone(second));
    assert_eq!(log.faults(), []);
    log.mark(claim, 'e');
    assert_eq!(log.faults(), []);
    log.write(&mut alice, &update("again", claim, second));
    assert_eq!(log.faults(), [(10, "claim_erased")]);
}

#[test]
fn an_old_version_can_be_erased_and_the_claim_goes_on() {
    let (mut log, [_, mut alice, _], [claim, second]) = honest();
    log.write(&mut alice, &tombstone(claim));
    log.mark(claim, 'e');
    log.write(&mut alice, &update("first", claim, second));
    assert_eq!(log.faults(), []);
}

#[test]
fn tombstones_have_a_right_and_a_target() {
    let (mut log, [mut node, mut alice, mut bob], [claim, _]) = honest();
    log.write(&mut node, &tombstone(claim));
    assert_eq!(log.faults(), [], "the node may");
    log.write(&mut bob, &tombstone(claim));
    assert_eq!(log.faults(), [(9, "target_foreign")]);
    let genesis = alice.author.channel().unwrap();
    log.write(&mut alice, &tombstone(genesis));
    assert_eq!(log.faults()[1..], [(10, "target_permanent")]);
    let (mut log, [_, mut alice, _], _) = honest();
    log.write(&mut alice, &tombstone(pinreel_records::RecordId::of(b"nothing")));
    assert_eq!(log.faults(), [(8, "target_unknown")]);
}

#[test]
fn authority_records_keep_their_bodies() {
    let (mut log, [_, alice, _], _) = honest();
    log.mark(alice.author.channel().unwrap(), 'e');
    assert_eq!(log.faults()[0], (1, "body_required"));
}

#[test]
fn withheld_bodies_are_counted() {
    let (mut log, _, [_, second]) = honest();
    log.mark(second, 'w');
    let summary = log.verify();
    assert_eq!((summary.withheld, summary.faults), (1, vec![]));
}

#[test]
fn a_record_of_another_log_is_refused() {
    let (mut log, ..) = honest();
    let author = Author::new(key(9));
    let foreign = Home { origin: "elsewhere.example".parse().unwrap(), ..home() };
    let at = common::T0 + 8000;
    let signed = author.sign(&author.genesis(foreign), &[0; 16], at).unwrap();
    log.entries.push((at, signed, 'p'));
    assert_eq!(log.faults(), [(8, "home_wrong")]);
}

#[test]
fn an_unknown_kind_is_refused_for_now() {
    let (mut log, [_, mut alice, _], _) = honest();
    let fields = pinreel_records::cbor::Value::Map(vec![]);
    log.write(&mut alice, &Body::Unknown { kind: "comment".into(), fields });
    assert_eq!(log.faults(), [(8, "kind_unsupported")]);
}
