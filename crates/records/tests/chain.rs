//! Every reason for which a verified record may not take its place, as a table; and the order in which they are told.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::{T0, home, key, profile, public};
use pinreel_records::chain::{self, MAX_SKEW_MS};
use pinreel_records::{
    Author, Body, ChannelState, Context, Genesis, Home, KeyGrant, KeyHead, PublicKey, RecordId, Scope, Scopes, Signed,
};

const SALT: [u8; 16] = [3; 16];

/// The place of a channel with one record, its genesis.
struct Place {
    home: Home,
    received_ms: u64,
    state: Option<ChannelState>,
    head: Option<KeyHead>,
    taken: BTreeSet<PublicKey>,
}

impl Place {
    fn check(&self, signed: &Signed) -> &'static str {
        let record = signed.verify().unwrap();
        let context = Context {
            home: &self.home,
            received_ms: self.received_ms,
            channel: self.state.as_ref(),
            head: self.head,
            taken: &self.taken,
        };
        chain::check(&record.header, &record.body, &context).map_or_else(|error| error.name(), |()| "ok")
    }

    fn state(&mut self) -> &mut ChannelState {
        self.state.as_mut().unwrap()
    }
}

fn founded() -> (Place, Author) {
    let mut author = Author::new(key(1));
    let body = author.genesis(home());
    let signed = author.sign(&body, &SALT, T0).unwrap();
    author.accepted(&signed);
    let Body::Genesis(genesis) = &body else { unreachable!() };
    let state = ChannelState::founded(signed.id(), genesis);
    let taken = BTreeSet::from([public(1)]);
    (Place { home: home(), received_ms: T0, state: Some(state), head: author.head(), taken }, author)
}

fn elsewhere() -> Home {
    Home { origin: "elsewhere.example".parse().unwrap(), ..home() }
}

type Change = fn(&mut Place);

#[test]
fn a_record_has_one_place() {
    let cases: [(&str, Change); 12] = [
        ("ok", |_| ()),
        ("ok", |place| place.received_ms = T0 + MAX_SKEW_MS),
        ("clock_skew", |place| place.received_ms = T0 + MAX_SKEW_MS + 1),
        ("clock_skew", |place| place.received_ms = T0 - MAX_SKEW_MS - 1),
        ("channel_unknown", |place| place.state = None),
        ("channel_unknown", |place| place.state().channel = RecordId::of(b"another")),
        ("home_wrong", |place| place.home = elsewhere()),
        ("home_wrong", |place| place.home.key = public(77)),
        ("keys_stale", |place| place.state().newest = RecordId::of(b"newer")),
        ("key_unknown", |place| place.state().keys.clear()),
        ("scope_missing", |place| {
            place.state().keys.insert(public(1), [Scope::Comment, Scope::Keys].into_iter().collect());
        }),
        ("chain_broken", |place| place.head = None),
    ];
    for (expected, change) in cases {
        let (mut place, author) = founded();
        change(&mut place);
        assert_eq!(place.check(&author.sign(&profile("alice"), &SALT, T0).unwrap()), expected);
    }
}

#[test]
fn chains_neither_fork_nor_skip() {
    let (mut place, mut author) = founded();
    let first = author.sign(&profile("alice"), &SALT, T0).unwrap();
    let twin = author.sign(&profile("alice2"), &SALT, T0).unwrap();
    author.accepted(&first);
    let third = author.sign(&profile("alice3"), &SALT, T0).unwrap();
    assert_eq!(place.check(&third), "chain_broken", "one is skipped");
    place.head = Some(KeyHead { id: first.id(), seq: 1 });
    assert_eq!(place.check(&twin), "chain_conflict", "the place is taken");
    assert_eq!(place.check(&third), "ok");
    place.head = Some(KeyHead { id: twin.id(), seq: 1 });
    assert_eq!(place.check(&third), "chain_broken", "it follows another one");
    place.head = Some(KeyHead { id: RecordId::of(b"later"), seq: 9 });
    assert_eq!(place.check(&third), "chain_conflict", "an old update replayed");
}

#[test]
fn a_second_key_starts_a_chain_of_its_own() {
    let (mut place, author) = founded();
    place.state().keys.insert(public(2), Scopes::ALL);
    place.head = None;
    let channel = author.channel().unwrap();
    let second = Author::of(key(2), channel, channel, None);
    assert_eq!(place.check(&second.sign(&profile("alice"), &SALT, T0).unwrap()), "ok");
}

fn genesis_of(keys: &[(u8, &[Scope])], home: Home) -> Signed {
    let mut keys: Vec<KeyGrant> = keys
        .iter()
        .map(|(number, scopes)| KeyGrant { key: public(*number), scopes: scopes.iter().copied().collect() })
        .collect();
    keys.sort_by_key(|grant| grant.key);
    Author::new(key(1)).sign(&Body::Genesis(Genesis { home, keys, recovery: None }), &SALT, T0).unwrap()
}

#[test]
fn a_genesis_is_signed_by_a_key_it_names() {
    let both = [Scope::Keys, Scope::Publish];
    let mut place = Place { home: home(), received_ms: T0, state: None, head: None, taken: BTreeSet::new() };
    let whole = genesis_of(&[(1, &both), (2, &[Scope::Comment])], home());
    assert_eq!(place.check(&whole), "ok");
    assert_eq!(place.check(&genesis_of(&[(2, &both)], home())), "key_unknown");
    assert_eq!(place.check(&genesis_of(&[(1, &[Scope::Publish])], home())), "scope_missing");
    assert_eq!(place.check(&genesis_of(&[(1, &[Scope::Keys])], home())), "scope_missing");
    assert_eq!(place.check(&genesis_of(&[(1, &both)], elsewhere())), "home_wrong");
    place.taken = BTreeSet::from([public(2)]);
    assert_eq!(place.check(&whole), "key_taken", "nobody's key is drawn into another channel");
    place.taken = BTreeSet::from([public(1)]);
    assert_eq!(place.check(&whole), "key_taken");
    place.head = Some(KeyHead { id: RecordId::of(b"own"), seq: 0 });
    assert_eq!(place.check(&whole), "chain_conflict", "a key founds one channel");
}

#[test]
fn the_first_reason_is_told() {
    let (mut place, author) = founded();
    place.received_ms = 0;
    place.head = None;
    place.state().keys.clear();
    place.state().newest = RecordId::of(b"newer");
    let signed = author.sign(&profile("alice"), &SALT, T0).unwrap();
    assert_eq!(place.check(&signed), "keys_stale");
    place.home = elsewhere();
    assert_eq!(place.check(&signed), "home_wrong");
}

#[test]
fn codes_are_the_apis() {
    let (mut place, author) = founded();
    let record = author.sign(&profile("alice"), &SALT, T0).unwrap().verify().unwrap();
    place.state = None;
    let context = Context { home: &place.home, received_ms: T0, channel: None, head: place.head, taken: &place.taken };
    assert_eq!(chain::check(&record.header, &record.body, &context).unwrap_err().code(), "key_unknown");
}
