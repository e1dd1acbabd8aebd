//! Session statements: signing in to a node with a channel's key. Built here around the node's nonce, so that a node
//! can have nothing else signed. Only nodes read them.

import type { Bytes } from './base64url';
import { encode, Link } from './cbor';
import { publicKeyBytes, sign } from './keys';

/** How long a statement may be valid. */
export const MAX_SESSION_LIFE_MS = 60_000;

export interface SessionDraft {
  /** `scheme://host[:port]` as this page is connected: `location.origin`. */
  origin: string;
  /** The channel's id. */
  channel: string;
  /** The node's 32 bytes. */
  nonce: Uint8Array;
  /** Milliseconds since 1970, at most 60 seconds ahead. */
  expires: number;
  key: CryptoKeyPair;
}

export async function buildSession(draft: SessionDraft): Promise<{ statement: Bytes; sig: Bytes }> {
  const { origin, nonce, expires, key } = draft;
  const channel = new Link(draft.channel);
  const statement = encode({ origin, channel, key: await publicKeyBytes(key), nonce, expires });
  return { statement, sig: await sign('session', statement, key) };
}
