//! Pins: who wants a root kept, and why. What no pin leads to goes, after a while ([`super::collect`]).

use cid::Cid;
use redb::ReadableTable;

use super::{Store, index::Tables, lock};
use crate::{
    Digest, Error, Result,
    address::{digest_of, identity_data},
};

/// A wish to keep a root and everything below it. A root may have several, of different owners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub cid: Cid,
    /// Who wants it, such as `claim:bafy…` or `operator`; 1 to 200 characters of ASCII without spaces.
    pub owner: String,
    /// A few words for people.
    pub reason: String,
    /// In milliseconds since 1970.
    pub since_ms: u64,
    /// When the pin ends by itself; `None` for never.
    pub until_ms: Option<u64>,
}

impl Store {
    /// Keeps a root. The same owner's pin of the same root is replaced, but for its `since_ms`. Says whether it is new.
    ///
    /// # Errors
    /// [`Error::BlockMissing`] when the root isn't held, [`Error::Erased`], [`Error::PinOwner`].
    pub fn pin(&self, pin: &Pin) -> Result<bool> {
        let Some(digest) = digest_of(&pin.cid) else {
            return if identity_data(&pin.cid).is_some() { Ok(false) } else { Err(Error::HashUnsupported(pin.cid)) };
        };
        let plain = pin.owner.bytes().all(|byte| byte.is_ascii_graphic());
        if pin.owner.is_empty() || pin.owner.len() > 200 || !plain {
            return Err(Error::PinOwner(pin.owner.clone()));
        }
        // A collection that looked at the pins before this one must look again.
        let mut changes = lock(&self.inner.pins_added);
        let index = self.inner.index.read()?;
        if index.is_erased(&digest)? {
            return Err(Error::Erased(pin.cid));
        }
        if !index.holds(&digest)? {
            return Err(Error::BlockMissing(pin.cid));
        }
        *changes += 1;
        self.inner.index.write(|tables| {
            let key = key_of(&digest, &pin.owner);
            let before = tables.pins.get(key.as_slice())?.map(|row| row.value().2);
            let row = (
                &pin.cid.to_bytes()[..],
                pin.reason.as_str(),
                before.unwrap_or(pin.since_ms),
                pin.until_ms.unwrap_or_default(),
            );
            tables.pins.insert(key.as_slice(), row)?;
            tables.unreached.remove(&digest)?;
            Ok(before.is_none())
        })
    }

    /// Takes an owner's pin away; `false` if there was none. The content stays until nothing leads to it for the whole
    /// grace period.
    pub fn unpin(&self, cid: &Cid, owner: &str) -> Result<bool> {
        let Some(digest) = digest_of(cid) else { return Ok(false) };
        self.inner.index.write_freeing(|tables| Ok(tables.pins.remove(key_of(&digest, owner).as_slice())?.is_some()))
    }

    /// All pins, by their roots.
    pub fn pins(&self) -> Result<Vec<Pin>> {
        self.inner.index.read()?.pins()
    }

    /// Takes away what has ended by itself; what nobody keeps any more isn't shown either.
    pub(super) fn end_pins(&self, now_ms: u64) -> Result<()> {
        let (ended, lasting): (Vec<Pin>, Vec<Pin>) =
            self.pins()?.into_iter().partition(|pin| pin.until_ms.is_some_and(|until| until <= now_ms));
        for pin in ended {
            self.unpin(&pin.cid, &pin.owner)?;
            if lasting.iter().all(|other| other.cid.hash() != pin.cid.hash()) {
                self.withdraw(&pin.cid)?;
            }
        }
        Ok(())
    }
}

impl Tables<'_> {
    /// Takes every pin of a root away.
    pub(super) fn unpin_all(&mut self, digest: &Digest) -> Result<()> {
        // The digest is followed by an owner, of graphic characters only.
        let (from, to) = ([&digest[..], &[0]].concat(), [&digest[..], &[0xff]].concat());
        self.pins.retain_in::<&[u8], _>(from.as_slice()..to.as_slice(), |_, _| false)?;
        Ok(())
    }
}

fn key_of(digest: &Digest, owner: &str) -> Vec<u8> {
    [&digest[..], owner.as_bytes()].concat()
}

/// A pin as its row has it.
pub(super) fn pin_of(key: &[u8], (cid, reason, since_ms, until_ms): (&[u8], &str, u64, u64)) -> Result<Pin> {
    let owner = key.get(32..).map(|owner| String::from_utf8_lossy(owner).into_owned()).unwrap_or_default();
    let until_ms = (until_ms > 0).then_some(until_ms);
    Ok(Pin { cid: stored_cid(cid)?, owner, reason: reason.to_owned(), since_ms, until_ms })
}

/// A CID that this store has written into its index.
pub(super) fn stored_cid(bytes: &[u8]) -> Result<Cid> {
    Cid::try_from(bytes).map_err(|_| super::index::damaged("a row holds no CID"))
}
