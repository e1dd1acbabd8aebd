//! How many requests one visitor may send: three budgets, each refilled steadily and holding a few seconds' worth.
//!
//! What always holds: programs of this machine that speak for themselves aren't limited, the node's own transcoder among
//! them; what is remembered of visitors is bounded ([`clients`]); a refusal says when to come again. Not here: how many
//! connections an address may have (`serve::listen`), and how much a channel may upload (`uploads`).

mod budget;
mod clients;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Once;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{self, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::{Quota, RateLimiter};

pub use budget::Budget;

use super::visitor::FORWARDED_FOR;
use super::{ApiError, Peer, Visitor, visitor};
use crate::app::App;
use clients::Clients;

/// A budget holds what it is refilled with in so many seconds.
const BURST_S: u32 = 10;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Requests that each visitor may send; 0 for as many as they like.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Rates {
    /// Requests a second that one visitor may read with, ten times that at once; 0 for no limit
    #[arg(long = "read-rate", value_name = "N", env = "PINREEL_READ_RATE", default_value_t = 100)]
    pub reads_per_second: u32,
    /// Writes a second that one visitor may send, ten times that at once; 0 for no limit
    #[arg(long = "write-rate", value_name = "N", env = "PINREEL_WRITE_RATE", default_value_t = 5)]
    pub writes_per_second: u32,
    /// Calls a minute that one visitor may sign in with (each time takes two), all at once if they like; 0 for no limit
    #[arg(long = "sign-in-rate", value_name = "N", env = "PINREEL_SIGN_IN_RATE", default_value_t = 60)]
    pub sign_ins_per_minute: u32,
}

type Limiter<C> = RateLimiter<IpAddr, Clients, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// What is left of everybody's budgets; one for the process.
pub struct Limits<C: Clock = DefaultClock> {
    clock: C,
    limiters: [Option<Limiter<C>>; Budget::ALL.len()],
}

impl Limits {
    pub fn new(rates: Rates) -> Self {
        Self::with_clock(rates, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Limits<C> {
    fn with_clock(rates: Rates, clock: C) -> Self {
        let limiters = Budget::ALL.map(|budget| {
            let quota = quota(budget, rates)?;
            Some(RateLimiter::new(quota, Clients::default(), clock.clone()))
        });
        Self { clock, limiters }
    }

    /// Takes one request out of a budget, or says how long to wait for it.
    fn take(&self, budget: Budget, from: IpAddr) -> Result<(), Duration> {
        let Some(limiter) = &self.limiters[budget as usize] else { return Ok(()) };
        limiter.check_key(&from).map_err(|early| early.wait_time_from(self.clock.now()))
    }
}

/// `None` for no limit.
fn quota(budget: Budget, rates: Rates) -> Option<Quota> {
    let (rate, burst, period) = match budget {
        Budget::Reads => (rates.reads_per_second, rates.reads_per_second.saturating_mul(BURST_S), SECOND),
        Budget::Writes => (rates.writes_per_second, rates.writes_per_second.saturating_mul(BURST_S), SECOND),
        Budget::SignIns => (rates.sign_ins_per_minute, rates.sign_ins_per_minute, MINUTE),
    };
    // Faster than once a nanosecond isn't limited either.
    Some(Quota::with_period(period.checked_div(rate)?)?.allow_burst(NonZeroU32::new(burst)?))
}

/// The answer to a request that exceeds its budget: 429 with `Retry-After`.
pub fn refused(app: &App, request: &Request) -> Option<Response> {
    let (budget, wait) = take(app, request).err()?;
    app.metrics.limited(budget);
    warn_of_proxy(request);
    Some(refusal(wait))
}

/// Takes a request out of its visitor's budget, if it has one left.
pub fn is_within_limits<B>(app: &App, request: &http::Request<B>) -> bool {
    take(app, request).is_ok()
}

fn take<B>(app: &App, request: &http::Request<B>) -> Result<(), (Budget, Duration)> {
    let from = visitor(request.extensions(), request.headers(), &app.config.trusted_proxy);
    let Visitor::Network(from) = from else { return Ok(()) };
    let budget = Budget::of(request.method(), request.uri().path());
    app.limits.take(budget, from).map_err(|wait| (budget, wait))
}

/// Says once if it seems that a proxy isn't trusted, so that all its visitors share one budget.
fn warn_of_proxy(request: &Request) {
    static SAID: Once = Once::new();
    let Some(Peer(peer)) = request.extensions().get() else { return };
    if is_near(*peer) && request.headers().contains_key(FORWARDED_FOR) {
        SAID.call_once(|| {
            tracing::warn!(%peer, "too many requests come through a proxy that isn't trusted: see --trusted-proxy");
        });
    }
}

/// In a network of one's own, where strangers aren't.
fn is_near(peer: IpAddr) -> bool {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

fn refusal(wait: Duration) -> Response {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let detail = format!(
        "Too many requests have come from your network; try again in {seconds} {}.",
        if seconds == 1 { "second" } else { "seconds" }
    );
    let mut response = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn rates(reads: u32, writes: u32, sign_ins: u32) -> Rates {
        Rates { reads_per_second: reads, writes_per_second: writes, sign_ins_per_minute: sign_ins }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// How many requests in a row are let through, up to 10,000.
    fn run<C: Clock + Clone>(limits: &Limits<C>, budget: Budget, from: &str) -> usize {
        (0..10_000).take_while(|_| limits.take(budget, address(from)).is_ok()).count()
    }

    #[test]
    fn budgets_are_apart_and_so_are_visitors() {
        let limits = Limits::with_clock(rates(3, 2, 6), FakeRelativeClock::default());
        assert_eq!(run(&limits, Budget::Reads, "192.0.2.1"), 30);
        assert_eq!(run(&limits, Budget::Writes, "192.0.2.1"), 20);
        assert_eq!(run(&limits, Budget::SignIns, "192.0.2.1"), 6);
        assert_eq!(run(&limits, Budget::Reads, "192.0.2.2"), 30);
        assert_eq!(run(&limits, Budget::Reads, "192.0.2.1"), 0);
    }

    #[test]
    fn budgets_refill_and_a_refusal_says_when() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::with_clock(rates(4, 2, 6), clock.clone());
        run(&limits, Budget::Reads, "192.0.2.1");
        let wait = limits.take(Budget::Reads, address("192.0.2.1")).unwrap_err();
        assert_eq!(wait, Duration::from_millis(250));
        clock.advance(wait);
        assert_eq!(run(&limits, Budget::Reads, "192.0.2.1"), 1);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(run(&limits, Budget::Reads, "192.0.2.1"), 40, "never more than it holds");
        run(&limits, Budget::SignIns, "192.0.2.1");
        assert_eq!(limits.take(Budget::SignIns, address("192.0.2.1")), Err(Duration::from_secs(10)));
    }

    #[test]
    fn zero_is_no_limit() {
        let limits = Limits::with_clock(rates(0, 0, 0), FakeRelativeClock::default());
        for budget in Budget::ALL {
            assert_eq!(run(&limits, budget, "192.0.2.1"), 10_000);
        }
        let largest = Limits::with_clock(rates(u32::MAX, 1, 1), FakeRelativeClock::default());
        assert_eq!(run(&largest, Budget::Reads, "192.0.2.1"), 10_000);
    }

    #[test]
    fn waits_are_told_in_whole_seconds() {
        for (wait_ms, told) in [(1, "1"), (1000, "1"), (1001, "2"), (59_999, "60")] {
            let response = refusal(Duration::from_millis(wait_ms));
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(response.headers()[header::RETRY_AFTER], told);
        }
    }
}
