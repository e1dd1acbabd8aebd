// What the vectors can't say: keys, other codecs, other places to run.
import { createHash, generateKeyPairSync, sign as nodeSign } from 'node:crypto';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { fromBase64url, toBase64url } from './base64url';
import { decode, Link, type ValueMap } from './cbor';
import { sha512, verify as verifySlowly } from './ed25519';
import { generateKey, KeysUnavailable, publicKeyBytes, verify } from './keys';
import { buildRecord, signedUnder, verifyRecord, type VerifiedOf } from './record';
import { withSuffix } from './names';

afterEach(() => {
  vi.unstubAllGlobals();
});

const home = { origin: 'pinreel.example', key: new Uint8Array(32).fill(9) };
const at = 1_700_000_000_000;
const file = 'bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e';

async function founded() {
  const key = await generateKey();
  const keys = [{ key: await publicKeyBytes(key), scopes: ['comment' as const, 'keys' as const, 'publish' as const] }];
  const genesis = await buildRecord({ kind: 'genesis', seq: 0, at, body: { home, keys }, key });
  return { key, genesis };
}

async function published() {
  const { key, genesis } = await founded();
  const place = { channel: genesis.id, keys: genesis.id, seq: 1, prev: genesis.id, at, key };
  const source = { cid: new Link(file), bytes: 5, media_type: 'video/mp4' };
  const body = { name: 'first', title: 'First', source, visibility: 'public' as const, comments: 'open' as const };
  return { key, genesis, stream: await buildRecord({ ...place, kind: 'stream', body }) };
}

describe('keys', () => {
  test('a signing key cannot be exported', async () => {
    const key = await generateKey();
    expect(key.privateKey.extractable).toBe(false);
    await expect(crypto.subtle.exportKey('pkcs8', key.privateKey)).rejects.toThrow();
    expect((await publicKeyBytes(key)).length).toBe(32);
  });

  test('without WebCrypto no key is made, and the reason is said', async () => {
    vi.stubGlobal('crypto', {});
    await expect(generateKey()).rejects.toThrow(KeysUnavailable);
  });
});

describe('records', () => {
  test('a channel is founded and publishes under its genesis', async () => {
    const { genesis, stream } = await published();
    const founder = (await verifyRecord(genesis.header, genesis.body)) as VerifiedOf<'genesis'>;
    const record = await verifyRecord(stream.header, stream.body);
    expect(record.channel).toBe(founder.id);
    expect(signedUnder(record, founder)).toBe(true);
    const stranger = await founded();
    const foreign = (await verifyRecord(stranger.genesis.header, stranger.genesis.body)) as VerifiedOf<'genesis'>;
    expect(signedUnder(record, foreign)).toBe(false);
    const grants = [{ ...founder.body.keys[0]!, scopes: ['comment' as const] }];
    expect(signedUnder(record, { ...founder, body: { ...founder.body, keys: grants } })).toBe(false);
  });

  test('every flipped bit is refused', async () => {
    const { stream } = await published();
    for (const part of ['header', 'body'] as const) {
      for (let bit = 0; bit < stream[part].length * 8; bit += 5) {
        const bent = { header: stream.header.slice(), body: stream.body.slice() };
        bent[part][bit >> 3]! ^= 1 << (bit & 7);
        await expect(verifyRecord(bent.header, bent.body), `${part} bit ${bit}`).rejects.toThrow();
      }
    }
  });

  test('two records of the same words differ by their salt', async () => {
    const [a, b] = [await published(), await published()];
    const salt = (bytes: Uint8Array) => (decode(bytes, { bytes: 65_536, depth: 8, values: 999 }) as ValueMap).salt;
    expect(salt(a.stream.body)).not.toEqual(salt(b.stream.body));
  });

  test('a body that breaks its rules is not signed', async () => {
    const { key, genesis } = await founded();
    const place = { channel: genesis.id, keys: genesis.id, seq: 1, prev: genesis.id, at, key };
    const body = { handle: 'Not Normal', name: 'x' };
    await expect(buildRecord({ ...place, kind: 'profile', body })).rejects.toMatchObject({ fault: 'field_rule' });
  });
});

describe('without WebCrypto', () => {
  test('records are verified all the same', async () => {
    const { stream } = await published();
    vi.stubGlobal('crypto', {});
    expect((await verifyRecord(stream.header, stream.body)).kind).toBe('stream');
    stream.header[stream.header.length - 1]! ^= 1;
    await expect(verifyRecord(stream.header, stream.body)).rejects.toThrow();
  });

  test('a WebCrypto that doesn’t know Ed25519 is replaced', async () => {
    const { stream } = await published();
    const digest = crypto.subtle.digest.bind(crypto.subtle);
    const importKey = () => Promise.reject(new DOMException('no such algorithm', 'NotSupportedError'));
    vi.stubGlobal('crypto', { subtle: { digest, importKey } });
    expect((await verifyRecord(stream.header, stream.body)).id).toBe(stream.id);
  });

  test('SHA-512 is the real one, at each length around a block', () => {
    for (const length of [0, 1, 55, 63, 64, 111, 112, 119, 120, 127, 128, 129, 300]) {
      const message = Uint8Array.from({ length }, (_, index) => (index * 7) & 255);
      expect(Buffer.from(sha512(message))).toEqual(createHash('sha512').update(message).digest());
    }
  });

  test('Ed25519 agrees with OpenSSL', async () => {
    for (let round = 0; round < 5; round++) {
      const { privateKey, publicKey } = generateKeyPairSync('ed25519');
      const raw = fromBase64url(publicKey.export({ format: 'jwk' }).x as string);
      const message = Uint8Array.of(round);
      const signature = new Uint8Array(nodeSign(null, message, privateKey));
      expect(verifySlowly(message, signature, raw)).toBe(true);
      expect(verifySlowly(Uint8Array.of(round + 1), signature, raw)).toBe(false);
      expect(await verify('record', message, signature, raw), 'the purpose is missing').toBe(false);
    }
  });
});

test('base64url has one spelling', () => {
  for (const length of [0, 1, 2, 3, 31, 32, 20_000]) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 11) & 255);
    expect(fromBase64url(toBase64url(bytes))).toEqual(bytes);
  }
  for (const text of ['AA==', 'A', 'AB', '+/', 'A A']) expect(() => fromBase64url(text)).toThrow();
});

test('a suffix keeps a slug within its length', () => {
  expect(withSuffix('x'.repeat(80), 12)).toBe(`${'x'.repeat(77)}-12`);
});
