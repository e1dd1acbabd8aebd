//! Appends a record to this browser's chain: asks the node where the key stands, builds and signs the next header,
//! keeps it, sends it. What always holds: a signed record is stored before it is sent and forgotten only when the
//! node has taken or refused it, so no wish is signed twice because an answer was lost.

import { api, ApiError } from '../api/client';
import type { Receipt } from '../api/types';
import { buildRecord, type Draft, toBase64url, publicKeyBytes } from '../records';
import type { Bodies, Kind } from '../records/kinds';
import { keys, type StoredKey, unsent, type Unsent } from './store';

export interface Wish<K extends Kind> {
  kind: K;
  body: Omit<Bodies[K], 'salt'>;
  /** Two wishes about the same thing are one, as long as the first has no answer. */
  about?: string | null;
  invitation?: string | null;
}

/** What this clock is off by, once the node has said so. */
let clockOffsetMs = 0;
/** The node moved on between its answer and our record, or the clock is off: worth one more try. */
const WORTH_A_RETRY = new Set(['chain_broken', 'chain_conflict', 'keys_stale', 'clock_skew']);

export const nowMs = (): number => Date.now() + clockOffsetMs;

/** One signer at a time, also between tabs: a chain has one head. */
export async function append<K extends Kind>(wish: Wish<K>): Promise<Receipt> {
  return await navigator.locks.request('pinreel-sign', async () => {
    const key = await keys.get();
    if (!key) throw new Error('This browser holds no signing key.');
    const answered = await sendUnsent();
    const before = answered.find(
      ({ record }) => record.kind === wish.kind && record.about === (wish.about ?? null),
    );
    if (before) return before.receipt;
    try {
      return await signAndSend(wish, key);
    } catch (error) {
      if (!(error instanceof ApiError) || !WORTH_A_RETRY.has(error.code)) throw error;
      const { now_ms: now } = error.problem;
      if (typeof now === 'number') clockOffsetMs = now - Date.now();
      return signAndSend(wish, key);
    }
  });
}

async function signAndSend<K extends Kind>(wish: Wish<K>, key: StoredKey): Promise<Receipt> {
  const built = await buildRecord(await draftOf(wish, key));
  const record: Unsent = {
    record: built.id,
    header: toBase64url(built.header),
    body: toBase64url(built.body),
    kind: wish.kind,
    about: wish.about ?? null,
  };
  const id = await unsent.add(record);
  return send({ ...record, id }, wish.invitation);
}

async function draftOf<K extends Kind>({ kind, body }: Wish<K>, key: StoredKey): Promise<Draft<K>> {
  const draft = { kind, body, key: key.pair, at: nowMs() };
  if (kind === 'genesis') return { ...draft, seq: 0 };
  const state = await api.keyState(toBase64url(await publicKeyBytes(key.pair)));
  const { channel, keys: newest, head } = state;
  return head
    ? { ...draft, channel, keys: newest, seq: head.seq + 1, prev: head.id }
    : { ...draft, channel, keys: newest, seq: 0 };
}

async function send(record: Required<Unsent>, invitation?: string | null): Promise<Receipt> {
  const { header, body } = record;
  try {
    const receipt = await api.appendRecord(invitation ? { header, body, invitation } : { header, body });
    await unsent.remove(record.id);
    return receipt;
  } catch (error) {
    const refused = error instanceof ApiError && error.status >= 400 && error.status < 500;
    if (refused && error.status !== 401 && error.status !== 429) await unsent.remove(record.id);
    throw error;
  }
}

/** Sends again what got no answer. The node answers a record that it has with the first receipt. */
async function sendUnsent(): Promise<{ record: Unsent; receipt: Receipt }[]> {
  const answered = [];
  for (const record of await unsent.all()) {
    try {
      answered.push({ record, receipt: await send(record) });
    } catch (error) {
      // Refused: it was never accepted, and is gone. Anything else stops here, before a second one is signed.
      if (!(error instanceof ApiError) || error.status === 0 || error.status >= 500) throw error;
    }
  }
  return answered;
}
