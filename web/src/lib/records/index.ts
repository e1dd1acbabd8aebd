//! Records, signatures, sessions, names and addresses in the browser: the small twin of the Rust crate
//! `pinreel-records`. Both are held to `crates/records/vectors`; `docs/protocol.md` is the specification.
//! No dependencies.

export * from './address';
export * from './base64url';
export { Link, type Value, type ValueMap } from './cbor';
export * from './fault';
export * from './growing';
export { generateKey, isUsableKey, KeysUnavailable, publicKeyBytes, type Purpose, verify } from './keys';
export type * from './kinds';
export * from './names';
export * from './record';
export * from './session';
