//! How many connections one address may have open: nobody can take them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::http::network;

/// Enough for a school behind one address; a proxy on this machine isn't counted.
pub const MOST_EACH: usize = 256;

/// Counts open connections by where they come from.
#[derive(Clone, Default)]
pub struct Visitors {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection that is counted until this is dropped.
pub struct Visit {
    visitors: Visitors,
    from: Option<IpAddr>,
}

impl Visitors {
    /// `None` when this address has enough of them.
    pub fn enter(&self, from: IpAddr) -> Option<Visit> {
        if from.is_loopback() {
            return Some(Visit { visitors: self.clone(), from: None });
        }
        let from = network(from);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(from).or_default();
        if *count >= MOST_EACH {
            return None;
        }
        *count += 1;
        Some(Visit { visitors: self.clone(), from: Some(from) })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let Some(from) = self.from else { return };
        let mut open = self.visitors.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                open.remove(&from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_room_for_others() {
        let visitors = Visitors::default();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut visits: Vec<_> = (0..MOST_EACH).map(|_| visitors.enter(address("192.0.2.1")).unwrap()).collect();
        assert!(visitors.enter(address("192.0.2.1")).is_none());
        assert!(visitors.enter(address("::ffff:192.0.2.1")).is_none(), "the same one, spelt otherwise");
        assert!(visitors.enter(address("192.0.2.2")).is_some());
        assert!(visitors.enter(address("127.0.0.1")).is_some());
        visits.pop();
        assert!(visitors.enter(address("192.0.2.1")).is_some());
        drop(visits);
        assert!(visitors.open.lock().unwrap().is_empty());
        let one =
            (0..MOST_EACH).map(|n| visitors.enter(address(&format!("2001:db8::{n:x}"))).unwrap()).collect::<Vec<_>>();
        assert!(visitors.enter(address("2001:db8::ffff:1")).is_none(), "one network");
        drop(one);
    }
}
