//! Records: building the next one of a key, and verifying one as it travels. Form, signature and body are checked
//! here; its place in the channel is the node's and the command line's to check.

import { DAG_CBOR, formatCid } from '../content/cid';
import { sha256 } from '../content/sha256';
import type { Bytes } from './base64url';
import { decode, encode, Link, type Value, type ValueMap } from './cbor';
import { RecordFault } from './fault';
import { publicKeyBytes, sign, verify } from './keys';
import { type Bodies, type Kind, rules, type Scope } from './kinds';
import * as rule from './schema';

export interface Header {
  v: 1;
  kind: string;
  /** Absent in a genesis. */
  channel?: Link;
  key: Uint8Array;
  keys?: Link;
  seq: number;
  prev?: Link;
  at: number;
  body: Link;
  sig: Uint8Array;
}

export interface VerifiedOf<K extends Kind> {
  /** The id of the record: its header's CID. */
  id: string;
  /** The channel it belongs to: a genesis founds its own. */
  channel: string;
  kind: K;
  header: Header;
  body: Bodies[K];
}

export type Verified =
  | { [K in Kind]: VerifiedOf<K> }[Kind]
  | { id: string; channel: string; kind: 'unknown'; header: Header; body: ValueMap };

/** What a record is built from. Ids are text, as the API answers them. */
export interface Draft<K extends Kind> {
  kind: K;
  /** Left out in a genesis. */
  channel?: string;
  /** The newest key state of the channel; left out in a genesis. */
  keys?: string;
  seq: number;
  /** The key's last record; left out where seq is 0. */
  prev?: string;
  at: number;
  /** Without a salt, a random one is made. */
  body: Omit<Bodies[K], 'salt'> & { salt?: Uint8Array };
  key: CryptoKeyPair;
}

export interface BuiltRecord {
  id: string;
  header: Bytes;
  body: Bytes;
}

const HEADER_LIMITS = { bytes: 1024, depth: 1, values: 16 };
const BODY_LIMITS = { bytes: 64 * 1024, depth: 8, values: 8192 };

const headerRule = rule.map(
  {
    v: rule.int(1, 1),
    kind: rule.match(/^[a-z-]{1,24}$/, '1 to 24 of a-z and -'),
    key: rule.publicKey,
    seq: rule.uint,
    at: rule.uint,
    body: rule.record,
    sig: rule.bytes(64),
  },
  { channel: rule.record, keys: rule.record, prev: rule.record },
  (value, path) => {
    const header = value as ValueMap;
    const genesis = header.kind === 'genesis';
    const first = header.seq === 0;
    if (!header.prev !== first) rule.broken(`${path}.prev`, 'present exactly where seq is above 0');
    if (genesis && !first) rule.broken(`${path}.seq`, 'a genesis is the first record of its key');
    if (genesis !== !header.channel) rule.broken(`${path}.channel`, 'present in every kind but genesis');
    if (genesis !== !header.keys) rule.broken(`${path}.keys`, 'present in every kind but genesis');
  },
);

/** The CID of a header or body, as text. */
export async function recordCid(bytes: Uint8Array): Promise<string> {
  return formatCid({ codec: DAG_CBOR, digest: await sha256(bytes.slice()) });
}

/** The next record of a key, checked as any reader would check it. Keep it before it is sent: a retry is safe. */
export async function buildRecord<K extends Kind>(draft: Draft<K>): Promise<BuiltRecord> {
  const { kind, seq, at, key } = draft;
  const salt = draft.body.salt ?? crypto.getRandomValues(new Uint8Array(16));
  const body = encode({ ...(draft.body as ValueMap), salt });
  const header: ValueMap = {
    v: 1,
    kind,
    channel: draft.channel ? new Link(draft.channel) : undefined,
    key: await publicKeyBytes(key),
    keys: draft.keys ? new Link(draft.keys) : undefined,
    seq,
    prev: draft.prev ? new Link(draft.prev) : undefined,
    at,
    body: new Link(await recordCid(body)),
  };
  header.sig = await sign('record', encode(header), key);
  const built = { header: encode(header), body };
  const { id } = await verifyRecord(built.header, built.body);
  return { id, ...built };
}

/** Checks in this order: the header's form, the signature, the body's hash, the body's form. Throws a RecordFault. */
export async function verifyRecord(headerBytes: Uint8Array, bodyBytes: Uint8Array): Promise<Verified> {
  const value = decode(headerBytes, HEADER_LIMITS);
  headerRule(value, 'header');
  const header = value as unknown as Header;
  const payload = encode({ ...(value as ValueMap), sig: undefined });
  if (!(await verify('record', payload, header.sig, header.key))) {
    throw new RecordFault('signature_wrong', 'the signature isn’t the key’s over this header');
  }
  if ((await recordCid(bodyBytes)) !== header.body.toString()) {
    throw new RecordFault('body_mismatch', 'the body’s hash isn’t the one that the header names');
  }
  const id = await recordCid(headerBytes);
  const body = readBody(header.kind, bodyBytes);
  const kind = Object.hasOwn(rules, header.kind) ? header.kind : 'unknown';
  return { id, channel: header.channel?.toString() ?? id, kind, header, body } as unknown as Verified;
}

function readBody(kind: string, bytes: Uint8Array): Value {
  const value = decode(bytes, BODY_LIMITS);
  if (Object.hasOwn(rules, kind)) rules[kind as Kind](value, kind);
  else {
    const plain = typeof value === 'object' && value !== null && !(value instanceof Link);
    const { salt, ...rest } = (plain && !Array.isArray(value) ? value : {}) as ValueMap;
    rule.map({ salt: rule.bytes(16) })(plain ? { salt } : value, kind);
    return { salt, ...rest };
  }
  return value;
}

/** Whether a genesis founds the record's channel and lets the record's key sign in a scope. */
export function signedUnder(record: Verified, genesis: VerifiedOf<'genesis'>, scope: Scope = 'publish'): boolean {
  const key = record.header.key;
  const grant = genesis.body.keys.find((grant) => grant.key.every((byte, at) => byte === key[at]));
  return record.channel === genesis.id && grant !== undefined && grant.scopes.includes(scope);
}
