//! Pinning at a Kubo, over its RPC.
