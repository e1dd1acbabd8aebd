//! Making the next record of a key: the one way for the command line, the node and the tests.

use crate::body::{Body, Genesis, Kind, Salt};
use crate::chain::{Home, KeyHead};
use crate::error::RecordError;
use crate::header::Header;
use crate::id::{ChannelId, RecordId};
use crate::keys::SigningKey;
use crate::record::Signed;

/// What a key must know to sign its next record.
#[derive(Clone, Debug)]
pub struct Author {
    key: SigningKey,
    /// `None` until the genesis is accepted.
    place: Option<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    channel: ChannelId,
    keys: RecordId,
    head: Option<KeyHead>,
}

impl Author {
    /// A key without a channel: its first record must be a genesis.
    pub fn new(key: SigningKey) -> Author {
        Author { key, place: None }
    }

    /// A key of an existing channel, with the newest key state and the key's last header, as `GET /api/v1/keys/<key>`
    /// answers them.
    pub fn of(key: SigningKey, channel: ChannelId, keys: RecordId, head: Option<KeyHead>) -> Author {
        Author { key, place: Some(Place { channel, keys, head }) }
    }

    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    pub fn channel(&self) -> Option<ChannelId> {
        self.place.map(|place| place.channel)
    }

    pub fn head(&self) -> Option<KeyHead> {
        self.place.and_then(|place| place.head)
    }

    /// The genesis of a channel with this one key, at `home`.
    pub fn genesis(&self, home: Home) -> Body {
        Body::Genesis(Genesis::of_one_key(home, self.key.public()))
    }

    /// The next record, checked as any reader would check it. Store it before sending it, then call
    /// [`Author::accepted`] once the node has it.
    pub fn sign(&self, body: &Body, salt: &Salt, at_ms: u64) -> Result<Signed, RecordError> {
        let place = self.place.filter(|_| body.kind() != Some(Kind::Genesis));
        let head = place.and_then(|place| place.head);
        let body_bytes = body.encode(salt);
        let header = Header {
            kind: body.kind_name().to_owned(),
            channel: place.map(|place| place.channel),
            key: self.key.public(),
            keys: place.map(|place| place.keys),
            seq: head.map_or(0, |head| head.seq + 1),
            prev: head.map(|head| head.id),
            at: at_ms,
            body: RecordId::of(&body_bytes),
            sig: [0; 64],
        };
        let signed = Signed { header_bytes: header.signed(&self.key).encode(), body_bytes };
        signed.verify()?;
        Ok(signed)
    }

    /// The node has taken `signed`: the next record follows it.
    pub fn accepted(&mut self, signed: &Signed) {
        let id = signed.id();
        let head = KeyHead { id, seq: self.head().map_or(0, |head| head.seq + 1) };
        self.place = Some(match self.place {
            Some(place) => Place { head: Some(head), ..place },
            None => Place { channel: id, keys: id, head: Some(head) },
        });
    }
}
