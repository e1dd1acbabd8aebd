//! What this node counts and measures, for a Prometheus to read at `/metrics`. docs/metrics.md says what each number is.
//!
//! What always holds: a request costs a few additions to atomics that were found beforehand; what must be looked up in
//! the store or the database is looked up when somebody reads, bounded in time ([`figures`]), and a part that can't be
//! told takes no other with it; only this machine and whoever has the token may read. Owns no tables: it asks the
//! features.

mod figures;
mod http;
mod requests;
#[cfg(test)]
mod tests;
mod traffic;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::app::App;
use crate::http::Budget;

pub use requests::measure;

use figures::Looked;
use requests::Requests;

/// A label, its values, and the numbers behind them.
type Series<'s> = (&'static str, &'s [(&'s str, f64)]);

/// The node's counters. Cheap to clone; one for the process.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Requests,
    limited: [IntCounter; Budget::ALL.len()],
    connections: IntGauge,
    connections_refused: IntCounter,
    looked: Looked,
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        let limited = register(
            &registry,
            IntCounterVec::new(
                Opts::new(
                    "pinreel_http_limited_total",
                    "Requests that were refused with 429, by the budget they exceeded.",
                ),
                &["budget"],
            ),
        );
        registry.register(Box::new(ProcessCollector::for_self())).expect("no other has these names");
        let build = register(
            &registry,
            Gauge::with_opts(
                Opts::new("pinreel_build_info", "1; the label is this program's version.")
                    .const_label("version", env!("CARGO_PKG_VERSION")),
            ),
        );
        build.set(1.0);
        Self(Arc::new(Inner {
            requests: Requests::new(&registry),
            limited: Budget::ALL.map(|budget| limited.with_label_values(&[budget.name()])),
            connections: register(&registry, IntGauge::new("pinreel_connections", "Connections that are open.")),
            connections_refused: register(
                &registry,
                IntCounter::new(
                    "pinreel_connections_refused_total",
                    "Connections that were closed at once, since their address has too many.",
                ),
            ),
            looked: Looked::default(),
            registry,
        }))
    }
}

impl Metrics {
    /// Counts a connection until what is given back is dropped.
    pub fn connected(&self) -> Connected {
        self.0.connections.inc();
        Connected(self.0.connections.clone())
    }

    pub fn connection_refused(&self) {
        self.0.connections_refused.inc();
    }

    pub fn limited(&self, budget: Budget) {
        self.0.limited[budget as usize].inc();
    }
}

pub struct Connected(IntGauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

pub fn routes() -> Router<App> {
    Router::new().route("/metrics", get(http::show))
}

/// Registers what is made right here: its name is well-formed and its own.
fn register<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let collector = made.expect("the name and the labels are well-formed");
    registry.register(Box::new(collector.clone())).expect("no other has this name");
    collector
}
