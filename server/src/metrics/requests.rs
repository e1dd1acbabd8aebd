//! Requests, by the route that answered them.
//!
//! The numbers of the gateway are found when the node starts, those of any other route at its first request. A route
//! is its template (`/api/v1/uploads/{id}`), so there are as many as the router has, whatever is asked for.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};

use super::traffic::{Sent, counted, sent};
use super::{Metrics, register};

const GATEWAY: &str = "/ipfs/{*path}";
/// Pages, the web app's files, and addresses that there aren't.
const OTHER: &str = "other";
const METHODS: [(&str, Method); 7] = [
    ("GET", Method::GET),
    ("HEAD", Method::HEAD),
    ("POST", Method::POST),
    ("PUT", Method::PUT),
    ("PATCH", Method::PATCH),
    ("DELETE", Method::DELETE),
    ("OPTIONS", Method::OPTIONS),
];
/// Whatever else somebody made up, behind those above.
const METHOD_OTHER: &str = "other";
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
/// In seconds: from an answer out of memory to a call that is given up.
const BUCKETS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

pub struct Requests {
    total: IntCounterVec,
    seconds: HistogramVec,
    gateway: Route,
    others: RwLock<HashMap<String, Arc<Route>>>,
    /// Bytes of bodies from outside.
    uploaded: IntCounter,
    delivered: IntCounter,
}

/// The numbers of one route.
struct Route {
    name: String,
    seconds: Histogram,
    /// By method and class of status, each made at its first answer.
    total: [[OnceLock<IntCounter>; CLASSES.len()]; METHODS.len() + 1],
    received: Option<IntCounter>,
    sent: Option<Sent>,
}

impl Requests {
    pub fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &str| register(registry, IntCounter::new(name, help));
        let total = register(
            registry,
            IntCounterVec::new(
                Opts::new(
                    "pinreel_http_requests_total",
                    "Answers, by the route's template, method and class of status.",
                ),
                &["route", "method", "status"],
            ),
        );
        let seconds = register(
            registry,
            HistogramVec::new(
                HistogramOpts::new(
                    "pinreel_http_request_seconds",
                    "Time from a request's head to its answer's head, by the route's template.",
                )
                .buckets(BUCKETS.to_vec()),
                &["route"],
            ),
        );
        let gateway = Route {
            name: GATEWAY.to_owned(),
            seconds: seconds.with_label_values(&[GATEWAY]),
            total: Default::default(),
            received: None,
            sent: Some(Sent {
                bytes: counter("pinreel_gateway_sent_bytes_total", "Bytes of content that the gateway has sent."),
                broken: counter(
                    "pinreel_gateway_broken_answers_total",
                    "Answers of the gateway that broke off, since a block was missing, damaged or not to be given.",
                ),
            }),
        };
        Self {
            uploaded: counter("pinreel_uploads_received_bytes_total", "Bytes of uploads that came in."),
            delivered: counter(
                "pinreel_transcoding_received_bytes_total",
                "Bytes of renditions that transcoders delivered.",
            ),
            total,
            seconds,
            gateway,
            others: RwLock::default(),
        }
    }

    fn other(&self, name: &str) -> Arc<Route> {
        if let Some(known) = self.others.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return known.clone();
        }
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        let made = || {
            Arc::new(Route {
                name: name.to_owned(),
                seconds: self.seconds.with_label_values(&[name]),
                total: Default::default(),
                received: match name {
                    "/api/v1/uploads" | "/api/v1/uploads/{id}" => Some(self.uploaded.clone()),
                    "/runner/v1/jobs/{job}/files/{*name}" => Some(self.delivered.clone()),
                    _ => None,
                },
                sent: None,
            })
        };
        others.entry(name.to_owned()).or_insert_with(made).clone()
    }
}

impl Route {
    fn measured(&self, total: &IntCounterVec, method: usize, response: Response, begun: Instant) -> Response {
        self.seconds.observe(begun.elapsed().as_secs_f64());
        let class = usize::from(response.status().as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        let method_name = METHODS.get(method).map_or(METHOD_OTHER, |(name, _)| *name);
        let made = || total.with_label_values(&[self.name.as_str(), method_name, CLASSES[class]]);
        self.total[method][class].get_or_init(made).inc();
        match &self.sent {
            Some(counters) => response.map(|body| sent(body, counters)),
            None => response,
        }
    }
}

/// Measures a request.
pub async fn measure(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let requests = &metrics.0.requests;
    let other;
    let route = if request.uri().path().starts_with("/ipfs/") {
        &requests.gateway
    } else {
        other = requests.other(request.extensions().get().map_or(OTHER, MatchedPath::as_str));
        &*other
    };
    let method = number_of(request.method());
    let request = match &route.received {
        Some(received) => request.map(|body| counted(body, received)),
        None => request,
    };
    let response = next.run(request).await;
    route.measured(&requests.total, method, response, begun)
}

fn number_of(method: &Method) -> usize {
    METHODS.iter().position(|(_, known)| known == method).unwrap_or(METHODS.len())
}

impl Metrics {
    /// Measures an answer of the gateway that came the short way.
    pub fn known(&self, method: &Method, response: Response, begun: Instant) -> Response {
        let requests = &self.0.requests;
        requests.gateway.measured(&requests.total, number_of(method), response, begun)
    }
}
