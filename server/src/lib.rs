//! The Pinreel node: an axum gateway and API over a content store and a Postgres catalogue.
//!
//! One module a feature; inside a feature `model.rs` holds pure rules, `store.rs` all its SQL, `http.rs` its handlers
//! and `error.rs` its failures. A feature writes its own tables only and asks the others.

pub mod accounts;
pub mod app;
pub mod background;
pub mod catalogue;
pub mod claims;
pub mod cli;
pub mod clock;
pub mod companions;
pub mod config;
pub mod data;
pub mod database;
pub mod denylist;
pub mod fault;
pub mod gateway;
pub mod http;
pub mod identity;
pub mod log;
pub mod media;
pub mod metrics;
pub mod node;
pub mod pages;
pub mod pinning;
pub mod regular;
pub mod retention;
pub mod router;
pub mod routing;
pub mod sendfile;
pub mod serve;
pub mod signals;
pub mod site;
pub mod socket;
pub mod supervise;
#[cfg(test)]
pub mod testing;
pub mod uploads;
