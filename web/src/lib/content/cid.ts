//! CIDs as Pinreel uses them: version 1, base32 lower case, sha2-256; codec raw, dag-pb or dag-cbor. Anything
//! else is refused. Two CIDs are compared by their bytes, never by their text.

export const RAW = 0x55;
export const DAG_PB = 0x70;
export const DAG_CBOR = 0x71;

export type Codec = typeof RAW | typeof DAG_PB | typeof DAG_CBOR;

export interface Cid {
  codec: Codec;
  /** The SHA-256 of the block. */
  digest: Uint8Array;
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const BYTES = 36;

export class CidError extends Error {}

export function parseCid(text: string): Cid {
  if (!/^b[a-z2-7]{58}$/.test(text)) throw new CidError(`not a CIDv1 in base32: ${text.slice(0, 80)}`);
  const bytes = new Uint8Array(BYTES);
  let buffer = 0;
  let bits = 0;
  let at = 0;
  for (const character of text.slice(1)) {
    buffer = ((buffer << 5) | ALPHABET.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits >= 8) bytes[at++] = (buffer >> (bits -= 8)) & 0xff;
  }
  if (buffer & ((1 << bits) - 1)) throw new CidError(`trailing bits in ${text}`);
  return decodeCid(bytes);
}

export function decodeCid(bytes: Uint8Array): Cid {
  const codec = bytes[1];
  const known = codec === RAW || codec === DAG_PB || codec === DAG_CBOR;
  if (bytes.length !== BYTES || bytes[0] !== 1 || !known || bytes[2] !== 0x12 || bytes[3] !== 32) {
    throw new CidError('not a CIDv1 with sha2-256 and a codec that Pinreel uses');
  }
  return { codec, digest: bytes.subarray(4) };
}

export function encodeCid(cid: Cid): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  bytes.set([1, cid.codec, 0x12, 32]);
  bytes.set(cid.digest, 4);
  return bytes;
}

export function formatCid(cid: Cid): string {
  let text = 'b';
  let buffer = 0;
  let bits = 0;
  for (const byte of encodeCid(cid)) {
    buffer = ((buffer << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) text += ALPHABET[(buffer >> (bits -= 5)) & 31];
  }
  return bits ? text + ALPHABET[(buffer << (5 - bits)) & 31] : text;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export const sameCid = (a: Cid, b: Cid): boolean => a.codec === b.codec && sameBytes(a.digest, b.digest);
