//! What a budget remembers of each visitor: a number, for the latest so many of them.
//!
//! Whoever has so many addresses that their first ones are forgotten by then has as many budgets anyway.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;
use hashlink::LruCache;

/// Visitors that are remembered: 5 MiB at most for a budget.
const MOST: usize = 65_536;
/// So that threads seldom wait for each other.
const SHARDS: usize = 16;

pub struct Clients {
    shards: [Mutex<LruCache<IpAddr, Nanos>>; SHARDS],
    hasher: RandomState,
}

impl Default for Clients {
    fn default() -> Self {
        // Grows as it is filled.
        let shards = std::array::from_fn(|_| Mutex::new(LruCache::new(MOST / SHARDS)));
        Self { shards, hasher: RandomState::new() }
    }
}

impl StateStore for Clients {
    type Key = IpAddr;

    fn measure_and_replace<T, F, E>(&self, from: &IpAddr, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let shard = &self.shards[self.hasher.hash_one(from) as usize % SHARDS];
        let mut clients = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, later) = decide(clients.get(from).copied())?;
        clients.insert(*from, later);
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let clients = Clients::default();
        for number in 0..2 * MOST as u32 {
            let from = IpAddr::V4(number.into());
            let fresh = clients.measure_and_replace(&from, |before| Ok::<_, ()>((before.is_none(), Nanos::new(1))));
            assert_eq!(fresh, Ok(true));
        }
        let kept: usize = clients.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert_eq!(kept, MOST);
        let last = IpAddr::V4((2 * MOST as u32 - 1).into());
        let seen = clients.measure_and_replace(&last, |before| Ok::<_, ()>((before, Nanos::new(2))));
        assert_eq!(seen, Ok(Some(Nanos::new(1))));
    }
}
