// The vectors that the Rust crate is held to, read by the twin: same bytes, same words for what is refused.
import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { addressPath, formatAddress, parseLocated } from './address';
import { fromBase64url, toBase64url } from './base64url';
import { decode, encode, Link, type Limits, type Value, type ValueMap } from './cbor';
import * as fallback from './ed25519';
import { addsTo, EMPTY_CHAIN, extend, type Growing, verifyGrowing } from './growing';
import { isUsableKey, messageFor, verify } from './keys';
import type { Kind } from './kinds';
import { isNormalName, parseName, slugFromTitle } from './names';
import { buildRecord, type Draft, verifyRecord } from './record';
import { buildSession } from './session';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Case = { [key: string]: string };

function vectors<T>(name: string): T {
  const file = new URL(`../../../../crates/records/vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

const fromHex = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
const toHex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Bytes stand as `{"$bytes"}`, links as `{"$link"}`. */
function fromJson(json: Json): Value {
  if (json === null || typeof json !== 'object') return json;
  if (Array.isArray(json)) return json.map(fromJson);
  if (typeof json.$bytes === 'string') return fromBase64url(json.$bytes);
  if (typeof json.$link === 'string') return new Link(json.$link);
  const map = Object.create(null) as ValueMap;
  for (const [key, value] of Object.entries(json)) map[key] = fromJson(value);
  return map;
}

/** The word for what `attempt` throws; fails if it doesn't. */
async function refusal(attempt: () => unknown): Promise<{ fault?: string; code?: string }> {
  try {
    await attempt();
  } catch (error) {
    return error as { fault?: string; code?: string };
  }
  throw new Error('it was accepted');
}

/** A key pair from a seed, which WebCrypto takes as PKCS #8. */
async function keyFromSeed(seed: string): Promise<CryptoKeyPair> {
  const pkcs8 = new Uint8Array([...fromHex('302e020100300506032b657004220420'), ...fromBase64url(seed)]);
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
  const jwk = await crypto.subtle.exportKey('jwk', privateKey);
  const point = { kty: 'OKP', crv: 'Ed25519', x: jwk.x };
  const publicKey = await crypto.subtle.importKey('jwk', point, 'Ed25519', true, ['verify']);
  return { privateKey, publicKey };
}

describe('cbor', () => {
  const file = vectors<{ limits: Limits; valid: { hex: string; value: Json }[]; invalid: Case[] }>('cbor.json');

  test.each(file.valid)('$hex', ({ hex, value }) => {
    const read = decode(fromHex(hex), file.limits);
    expect(read).toEqual(fromJson(value));
    expect(toHex(encode(read))).toBe(hex);
    expect(toHex(encode(fromJson(value)))).toBe(hex);
  });

  test.each(file.invalid)('$why', async ({ hex, error }) => {
    const refused = await refusal(() => decode(fromHex(hex!), file.limits));
    expect(refused.fault).toBe(error);
    expect(refused.code).toBe('record_malformed');
  });

  test('what has no canonical form is not written', async () => {
    for (const value of [1.5, 2 ** 53, NaN, Infinity, '\ud800']) {
      expect((await refusal(() => encode(value))).fault).toMatch(/^cbor_/);
    }
    expect(toHex(encode({ b: undefined, a: -0 }))).toBe('a1616100');
  });
});

describe('records', () => {
  interface Valid extends Case {
    seq: never;
    at: never;
    fields: never;
  }
  const file = vectors<{ valid: Valid[]; invalid: Case[] }>('records.json');
  const known = file.valid.filter(({ kind }) => kind !== 'future-kind');

  test.each(file.valid)('$kind $id', async ({ header, body, id, kind, fields }) => {
    const record = await verifyRecord(fromBase64url(header!), fromBase64url(body!));
    expect(record.id).toBe(id);
    expect(record.kind).toBe(kind === 'future-kind' ? 'unknown' : kind);
    expect(record.body).toEqual(fromJson(fields));
  });

  test.each(known)('$kind $id built anew', async (valid) => {
    const { seed, kind, channel, keys, seq, prev, at, fields } = valid;
    const built = await buildRecord({
      ...{ channel, keys, seq, prev, at, kind: kind as Kind },
      body: fromJson(fields) as unknown as Draft<Kind>['body'],
      key: await keyFromSeed(seed!),
    });
    expect(built.id).toBe(valid.id);
    expect(toBase64url(built.header)).toBe(valid.header);
    expect(toBase64url(built.body)).toBe(valid.body);
  });

  test.each(file.invalid)('refused: $why', async ({ header, body, code, error }) => {
    const refused = await refusal(() => verifyRecord(fromBase64url(header!), fromBase64url(body!)));
    expect([refused.code, refused.fault]).toEqual([code, error]);
  });
});

describe('signatures', () => {
  interface SignatureCase extends Case {
    holds: never;
    usable: never;
  }
  const { cases } = vectors<{ cases: SignatureCase[] }>('signatures.json');

  test.each(cases)('$why', async ({ key, payload, signature, holds, usable }) => {
    const [keyBytes, sig] = [fromBase64url(key!), fromBase64url(signature!)];
    expect(isUsableKey(keyBytes)).toBe(usable);
    expect(await verify('record', fromBase64url(payload!), sig, keyBytes)).toBe(holds);
    // The fallback alone agrees wherever the caller's check lets it be asked.
    if (usable && isUsableKey(sig.subarray(0, 32))) {
      expect(fallback.verify(messageFor('record', fromBase64url(payload!)), sig, keyBytes)).toBe(holds);
    }
  });
});

describe('sessions', () => {
  const { valid } = vectors<{ valid: (Case & { expires: never })[] }>('sessions.json');

  test.each(valid)('$origin', async ({ seed, origin, channel, nonce, expires, statement, sig }) => {
    const draft = { origin: origin!, channel: channel!, nonce: fromBase64url(nonce!), expires };
    const built = await buildSession({ ...draft, key: await keyFromSeed(seed!) });
    expect(toBase64url(built.statement)).toBe(statement);
    expect(toBase64url(built.sig)).toBe(sig);
  });
});

describe('growing streams', () => {
  interface Signed {
    statement: string;
    sig: string;
  }
  const file = vectors<{
    chain: { step: { cid: string; ticks: number }[]; chain: string }[];
    valid: (Signed & { revision: number; segments: number; ended: boolean; names: string[] } & Case)[];
    invalid: (Signed & Case)[];
    next: { why: string; before: Signed; after: Signed; adds: boolean }[];
  }>('growing.json');
  const read = ({ statement, sig }: Signed): Promise<Growing> =>
    verifyGrowing(fromBase64url(statement), fromBase64url(sig));

  test('the chain', async () => {
    let chain = EMPTY_CHAIN;
    for (const { step, chain: expected } of file.chain) {
      chain = await extend(chain, step.map(({ cid, ticks }) => ({ cid: new Link(cid), ticks })));
      expect(toBase64url(chain)).toBe(expected);
    }
  });

  test.each(file.valid)('revision $revision', async (valid) => {
    const growing = await read(valid);
    const { revision, segments, ended, source } = growing;
    expect([revision, segments, ended, source.toString()]).toEqual([
      ...[valid.revision, valid.segments, valid.ended, valid.source],
    ]);
    expect(toBase64url(growing.chain)).toBe(valid.chain);
    expect(toBase64url(growing.key)).toBe(valid.key);
    expect(growing.renditions.map(({ name }) => name)).toEqual(valid.names);
  });

  test.each(file.invalid)('refused: $why', async (invalid) => {
    const { code } = await refusal(() => read(invalid));
    expect(invalid.code === 'signature_wrong').toBe(code === 'signature_wrong');
  });

  test.each(file.next)('$why: $adds', async ({ before, after, adds }) => {
    expect(addsTo(await read(after), await read(before))).toBe(adds);
  });
});

describe('names and addresses', () => {
  const file = vectors<{
    names: { valid: Case[]; invalid: Case[] };
    slugs: { title: string; slug: string | null }[];
    addresses: { valid: Case[]; invalid: Case[] };
  }>('names.json');

  test.each(file.names.valid)('$input', ({ input, normal }) => {
    expect(parseName(input!)).toBe(normal);
    expect(isNormalName(normal!)).toBe(true);
  });

  test.each(file.names.invalid)('refused: $input', async ({ input, error }) => {
    expect((await refusal(() => parseName(input!))).code).toBe(error);
  });

  test.each(file.slugs)('$title', ({ title, slug }) => {
    expect(slugFromTitle(title)).toBe(slug);
  });

  test.each(file.addresses.valid)('$input', ({ input, text, path, node, ...named }) => {
    const located = parseLocated(input!);
    expect(located.node).toBe(node);
    expect(located.address).toEqual(named);
    expect(formatAddress(located.address)).toBe(text);
    expect(addressPath(located.address)).toBe(path);
    expect(parseLocated(text!)).toEqual({ address: located.address });
    expect(parseLocated(path!)).toEqual({ address: located.address });
  });

  test.each(file.addresses.invalid)('refused: $input', async ({ input, error }) => {
    expect((await refusal(() => parseLocated(input!))).code).toBe(error);
  });
});
