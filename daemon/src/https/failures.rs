use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long failures are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// How many of one address are answered with more than "later".
const OF_ONE: u32 = 10;
/// How many addresses are told apart; beyond that, all count as one.
const ADDRESSES: usize = 1_024;

/// Requests without a token that is worth anything. Whoever has one is never held up by those who have none.
#[derive(Debug)]
pub(crate) struct Failures(Mutex<Window>);

#[derive(Debug)]
struct Window {
    began: Instant,
    by_address: HashMap<IpAddr, u32>,
    others: u32,
}

impl Default for Failures {
    fn default() -> Self {
        Self(Mutex::new(Window { began: Instant::now(), by_address: HashMap::new(), others: 0 }))
    }
}

impl Failures {
    /// Counts one more of this address, and whether there were so many that it is to be told to wait.
    pub(crate) fn are_too_many(&self, peer: IpAddr) -> bool {
        let count = self.count(peer);
        if count == OF_ONE {
            tracing::warn!(%peer, "many requests without a valid token; no more of them are told of for a minute");
        } else if count < OF_ONE {
            tracing::warn!(%peer, "a request without a valid token");
        }
        count > OF_ONE
    }

    fn count(&self, peer: IpAddr) -> u32 {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.began.elapsed() > WINDOW {
            *window = Window { began: Instant::now(), by_address: HashMap::new(), others: 0 };
        }
        let is_full = window.by_address.len() >= ADDRESSES && !window.by_address.contains_key(&peer);
        let count = if is_full { &mut window.others } else { window.by_address.entry(peer).or_default() };
        *count = count.saturating_add(1);
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::{ADDRESSES, Failures, OF_ONE};

    #[test]
    fn one_address_does_not_hold_up_another_and_memory_is_bounded() {
        let failures = Failures::default();
        let (one, other) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        for _ in 0..OF_ONE {
            assert!(!failures.are_too_many(one));
        }
        assert!(failures.are_too_many(one));
        assert!(!failures.are_too_many(other));
        for number in 0..3_000_u32 {
            failures.are_too_many(std::net::Ipv4Addr::from(number).into());
        }
        assert!(failures.0.lock().unwrap().by_address.len() <= ADDRESSES);
        assert!(failures.are_too_many([10, 9, 9, 9].into()));
    }
}
