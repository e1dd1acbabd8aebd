//! Ed25519 keys and signatures, each signature bound to its purpose. Signing keys are made by WebCrypto and can't be
//! extracted; verifying works everywhere, in plain JavaScript where the page has no WebCrypto.

import type { Bytes } from './base64url';

export type Purpose = 'record' | 'session' | 'growing';

/** This page can't make or use signing keys: no secure context, or a browser without Ed25519. */
export class KeysUnavailable extends Error {}

function subtle(): SubtleCrypto | undefined {
  return globalThis.crypto?.subtle as SubtleCrypto | undefined;
}

/** A signing key that never leaves the browser, not even by this page's own wish. */
export async function generateKey(): Promise<CryptoKeyPair> {
  const crypto = subtle();
  if (!crypto) throw new KeysUnavailable('A signing key needs https (or localhost): this page has neither.');
  try {
    return (await crypto.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair;
  } catch (cause) {
    throw new KeysUnavailable('This browser is too old to make an Ed25519 key.', { cause });
  }
}

export async function publicKeyBytes(key: CryptoKeyPair): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.exportKey('raw', key.publicKey));
}

/** What is signed: `pinreel/<purpose>/1`, a zero byte, the payload. */
export function messageFor(purpose: Purpose, payload: Uint8Array): Bytes {
  const prefix = new TextEncoder().encode(`pinreel/${purpose}/1\0`);
  const message = new Uint8Array(prefix.length + payload.length);
  message.set(prefix);
  message.set(payload, prefix.length);
  return message;
}

export async function sign(purpose: Purpose, payload: Uint8Array, key: CryptoKeyPair): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign('Ed25519', key.privateKey, messageFor(purpose, payload)));
}

/** Strict: one encoding of each key and signature, no key or nonce of small order. */
export async function verify(
  purpose: Purpose,
  payload: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): Promise<boolean> {
  if (!isUsableKey(publicKey) || signature.length !== 64 || !isUsableKey(signature.subarray(0, 32))) return false;
  const message = messageFor(purpose, payload);
  const crypto = subtle();
  if (crypto) {
    try {
      const key = await crypto.importKey('raw', publicKey.slice(), 'Ed25519', false, ['verify']);
      return await crypto.verify('Ed25519', key, signature.slice(), message);
    } catch (error) {
      // DataError: not a point. Anything else means that this WebCrypto doesn't know Ed25519.
      if (error instanceof DOMException && error.name === 'DataError') return false;
    }
  }
  const fallback = await import('./ed25519');
  return fallback.verify(message, signature, publicKey);
}

/** The y coordinates of the points of small order, as hex in the key's own byte order. */
const SMALL_ORDER = [
  '00'.repeat(32),
  '01' + '00'.repeat(31),
  'ec' + 'ff'.repeat(30) + '7f',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
];

/** Whether 32 bytes are a y coordinate in its one encoding and not of small order. */
export function isUsableKey(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false;
  const last = bytes[31]! & 0x7f;
  const canonical = bytes[0]! < 0xed || last < 0x7f || bytes.subarray(1, 31).some((byte) => byte !== 0xff);
  const hex = [...bytes.subarray(0, 31), last].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return canonical && !SMALL_ORDER.includes(hex);
}
