//! The web app's pages: one shell for all addresses, with a head that crawlers can read and the page's first data, so
//! that the app's first view asks for nothing.
//!
//! What always holds: everything put into the page is escaped for the place it stands in; each answer has a nonce of
//! its own, and no script runs without it. Deliberately absent: any rendering of the pages' bodies.

mod assets;
mod content;
mod head;
mod http;
mod shell;
#[cfg(test)]
mod tests;

pub use assets::{NoWebApp, WebDir, add_files};
pub use head::Head;
pub use http::fallback;
pub use shell::{Page, render};
