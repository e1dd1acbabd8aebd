//! Going through a table of which nobody knows how far it can be read.

use std::cmp::Ordering;

use redb::{AccessGuard, Database, Key, ReadableDatabase, TableDefinition, Value};

use super::damage::guarded;

/// The rows of a table in one direction, as far as they can be read.
pub(super) struct Rows<K: Key + 'static, V: Value + 'static> {
    range: redb::Range<'static, K, V>,
    from_the_end: bool,
    last_key: Option<Vec<u8>>,
    /// Whether there would have been more.
    pub(super) broken: bool,
}

impl<K: Key + 'static, V: Value + 'static> Rows<K, V> {
    pub(super) fn open(
        old: &Database,
        definition: TableDefinition<'static, K, V>,
        from_the_end: bool,
    ) -> Result<Self, redb::Error> {
        let range = old.begin_read()?.open_table(definition)?.range::<K::SelfType<'_>>(..)?;
        Ok(Self { range, from_the_end, last_key: None, broken: false })
    }

    pub(super) fn next(&mut self) -> Option<(AccessGuard<'static, K>, AccessGuard<'static, V>)> {
        if self.broken {
            return None;
        }
        let next = guarded(|| if self.from_the_end { self.range.next_back() } else { self.range.next() });
        let Some(Some(Ok((key, value)))) = next else {
            self.broken = !matches!(next, Some(None));
            return None;
        };
        // Keys that don't rise (or fall) are those of a tree that has lost its order, and perhaps has no end.
        let wanted = if self.from_the_end { Ordering::Greater } else { Ordering::Less };
        let Some(this_key) = guarded(|| K::as_bytes(&key.value()).as_ref().to_vec()) else {
            self.broken = true;
            return None;
        };
        let order = self.last_key.as_ref().map(|last| guarded(|| K::compare(last, &this_key)));
        self.broken = order.is_some_and(|order| order != Some(wanted));
        self.last_key = Some(this_key);
        (!self.broken).then_some((key, value))
    }
}
