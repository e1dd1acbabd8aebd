//! All SQL of claims, a file for each group of tables.

pub mod channels;
pub mod claims;
pub mod kept;
pub mod outbox;
