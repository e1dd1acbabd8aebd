//! What a person does with their identity: make a channel, sign in, sign out, look at the key.

import { api, ApiError } from '../api/client';
import { untilAnswered } from '../api/patience';
import type { Session } from '../api/types';
import { buildSession, fromBase64url, generateKey, parseName, publicKeyBytes, toBase64url } from '../records';
import { account } from './account.svelte';
import { requireFree } from './handles';
import { append, nowMs } from './sign';
import { keys, type StoredKey } from './store';

export interface NewChannel {
  handle: string;
  name: string;
  invitation?: string | null;
}

/** Every step can be repeated: what an earlier try has reached is found and kept. */
export async function createChannel({ handle, name, invitation }: NewChannel): Promise<void> {
  const wanted = parseName(handle);
  const earlier = await keys.get();
  const known = earlier && (earlier.channel ?? (await channelOf(earlier)));
  if (!known) await requireFree(wanted);
  const key = earlier ?? (await makeKey());
  const channel = known ?? (await found(key, invitation ?? null));
  if (key.channel !== channel) await keys.put({ ...key, channel });
  account.mark(true);
  account.session ??= await openSession(key.pair, channel);
  if (!account.session.handle) {
    await append({ kind: 'profile', body: { handle: wanted, name }, about: wanted });
    account.session = await api.session();
  }
}

async function makeKey(): Promise<StoredKey> {
  const key: StoredKey = { id: 'signing', pair: await generateKey(), createdMs: Date.now(), channel: null };
  await keys.put(key);
  // The browser may say no; the settings page says so and asks again.
  await navigator.storage?.persist?.().catch(() => false);
  return key;
}

/** The channel that the node knows for this key, when an earlier try was accepted and its answer lost. */
async function channelOf(key: StoredKey): Promise<string | null> {
  try {
    return (await api.keyState(toBase64url(await publicKeyBytes(key.pair)))).channel;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

async function found(key: StoredKey, invitation: string | null): Promise<string> {
  const node = account.node ?? (await api.node());
  const publicKey = await publicKeyBytes(key.pair);
  const receipt = await append({
    kind: 'genesis',
    body: {
      home: { origin: node.origin, key: fromBase64url(node.log_key) },
      keys: [{ key: publicKey, scopes: ['comment', 'keys', 'publish'] }],
    },
    invitation,
  });
  return receipt.id;
}

/** Signs a statement around the node's nonce, for the address that this page is connected to. */
async function openSession(key: CryptoKeyPair, channel: string): Promise<Session> {
  const challenge = await api.challenge();
  const { statement, sig } = await buildSession({
    origin: location.origin,
    channel,
    nonce: fromBase64url(challenge.nonce),
    expires: Math.min(nowMs() + 50_000, challenge.expires_at),
    key,
  });
  return api.signIn({ statement: toBase64url(statement), sig: toBase64url(sig) });
}

/** Null when this browser has no key, or a key that this node doesn't know. */
export async function signInByKey(): Promise<Session | null> {
  const key = await keys.get();
  if (!key) return null;
  const channel = key.channel ?? (await channelOf(key));
  if (!channel) return null;
  const session = await openSession(key.pair, channel);
  account.mark(true);
  return session;
}

/** Ends the session; the key stays, and the browser no longer signs in by itself. */
export async function signOut(): Promise<void> {
  account.mark(false);
  // Gone from this page while the node still holds it would be a session that only looks ended.
  await untilAnswered(() => api.signOut()).catch(() => undefined);
  account.session = null;
}

export const hasKey = async (): Promise<boolean> => {
  const key = await keys.get().catch(() => undefined);
  return Boolean(key?.channel);
};

export interface KeyFacts {
  fingerprint: string;
  createdMs: number;
  persistent: boolean;
}

export async function keyFacts(): Promise<KeyFacts | null> {
  const key = await keys.get();
  if (!key) return null;
  const bytes = await publicKeyBytes(key.pair);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const hex = Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0'));
  return {
    fingerprint: hex.join('').replace(/(.{4})(?=.)/g, '$1 '),
    createdMs: key.createdMs,
    persistent: (await navigator.storage?.persisted?.()) ?? false,
  };
}
