//! How often somebody may try AWS keys: each try calls AWS.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};

/// The bits of an IPv6 address that one client may choose from freely.
const OWN_BITS: u32 = 64;

/// A limit for each address.
pub(crate) struct LoginLimit<C: Clock = DefaultClock> {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl<C: Clock + Clone> LoginLimit<C> {
    /// So many a minute, all of them at once if they were not used before.
    pub(crate) fn new(a_minute: NonZeroU32, clock: C) -> Self {
        let limiter =
            RateLimiter::new(Quota::per_minute(a_minute), HashMapStateStore::default(), clock.clone());
        Self { limiter, clock }
    }

    /// Counts one more.
    ///
    /// # Errors
    ///
    /// How long to wait if there were too many.
    pub(crate) fn count(&self, peer: IpAddr) -> Result<(), Duration> {
        let counted = self.limiter.check_key(&client(peer));
        counted.map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Forgets addresses that have not tried for a while.
    pub(crate) fn forget(&self) {
        self.limiter.retain_recent();
    }
}

fn client(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> OWN_BITS << OWN_BITS).into(),
        address @ IpAddr::V4(_) => address,
    }
}

impl<C: Clock + Clone> fmt::Debug for LoginLimit<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginLimit").field("addresses", &self.limiter.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limit() -> (LoginLimit<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (LoginLimit::new(NonZeroU32::new(6).unwrap(), clock.clone()), clock)
    }

    #[test]
    fn each_address_has_its_own_and_gets_them_back() {
        let (limit, clock) = limit();
        let (ann, bob) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..6 {
            limit.count(ann).unwrap();
        }
        assert_eq!(limit.count(ann), Err(Duration::from_secs(10)));
        limit.count(bob).unwrap();
        clock.advance(Duration::from_secs(10));
        limit.count(ann).unwrap();
        assert!(limit.count(ann).is_err());
    }

    #[test]
    fn an_address_of_many_counts_once_and_is_forgotten() {
        let (limit, clock) = limit();
        for last in 0..6_u16 {
            limit.count(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, last, 0, 0, last).into()).unwrap();
        }
        assert!(limit.count("2001:db8:0:1::9".parse().unwrap()).is_err());
        limit.count("2001:db8:0:2::9".parse().unwrap()).unwrap();
        assert_eq!(format!("{limit:?}"), "LoginLimit { addresses: 2, .. }");
        clock.advance(Duration::from_secs(120));
        limit.forget();
        assert_eq!(limit.limiter.len(), 0);
    }
}
