//! Canonical DAG-CBOR, the part of it that records use: what decodes here re-encodes to the same bytes. Strict and
//! bounded, since the bytes may be anybody's. No floats, no tags but links, integers within ±(2^53 - 1).

import { type Cid, decodeCid, encodeCid, formatCid, parseCid } from '../content/cid';
import type { Bytes } from './base64url';
import { RecordFault } from './fault';

/** A CID inside a value; a class, so that no map can pass for one. */
export class Link {
  readonly cid: Cid;

  constructor(cid: Cid | string) {
    this.cid = typeof cid === 'string' ? parseCid(cid) : cid;
  }

  toString(): string {
    return formatCid(this.cid);
  }
}

export type ValueMap = { [key: string]: Value | undefined };
export type Value = null | boolean | number | string | Uint8Array | Link | Value[] | ValueMap;

export interface Limits {
  bytes: number;
  /** Lists and maps inside one another; a plain value has depth 0. */
  depth: number;
  /** Values in all, keys not counted. */
  values: number;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function refuse(fault: string): never {
  throw new RecordFault(`cbor_${fault}`, `not canonical DAG-CBOR: ${fault.replaceAll('_', ' ')}`);
}

/** Canonical order of map keys: shorter first, then by bytes. */
function keyOrder(a: Uint8Array, b: Uint8Array): number {
  let order = a.length - b.length;
  for (let at = 0; order === 0 && at < a.length; at++) order = a[at]! - b[at]!;
  return order;
}

export function encode(value: Value): Bytes {
  const out: number[] = [];
  write(out, value);
  return Uint8Array.from(out);
}

function write(out: number[], value: Value): void {
  if (value === null) out.push(0xf6);
  else if (typeof value === 'boolean') out.push(value ? 0xf5 : 0xf4);
  else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) refuse(Number.isInteger(value) ? 'int_too_large' : 'float');
    head(out, value < 0 ? 1 : 0, value < 0 ? -1 - value : value);
  } else if (typeof value === 'string') string(out, 3, textBytes(value));
  else if (value instanceof Uint8Array) string(out, 2, value);
  else if (value instanceof Link) {
    head(out, 6, 42);
    string(out, 2, [0, ...encodeCid(value.cid)]);
  } else if (Array.isArray(value)) {
    head(out, 4, value.length);
    for (const item of value) write(out, item);
  } else {
    const entries = Object.entries(value).filter((entry): entry is [string, Value] => entry[1] !== undefined);
    const sorted = entries.map(([key, item]) => [textBytes(key), item] as const);
    sorted.sort((a, b) => keyOrder(a[0], b[0]));
    head(out, 5, sorted.length);
    for (const [key, item] of sorted) {
      string(out, 3, key);
      write(out, item);
    }
  }
}

function textBytes(text: string): Uint8Array {
  if (/\p{Surrogate}/u.test(text)) refuse('text_not_utf8');
  return new TextEncoder().encode(text);
}

function string(out: number[], major: number, bytes: ArrayLike<number>): void {
  head(out, major, bytes.length);
  for (let at = 0; at < bytes.length; at++) out.push(bytes[at]!);
}

/** A major type and its argument in the shortest form. */
function head(out: number[], major: number, argument: number): void {
  const size = argument < 24 ? 0 : argument < 0x100 ? 1 : argument < 0x10000 ? 2 : argument < 2 ** 32 ? 4 : 8;
  out.push((major << 5) | (size ? 24 + Math.log2(size) : argument));
  for (let at = size - 1; at >= 0; at--) out.push(Math.floor(argument / 2 ** (8 * at)) % 256);
}

/** The one value in `bytes`, if they are its canonical form and within `limits`. */
export function decode(bytes: Uint8Array, limits: Limits): Value {
  if (bytes.length > limits.bytes) refuse('too_large');
  let at = 0;
  let valuesLeft = limits.values;
  const value = read(limits.depth);
  if (at !== bytes.length) refuse('trailing');
  return value;

  function take(length: number): Uint8Array {
    if (length > bytes.length - at) refuse('truncated');
    return bytes.subarray(at, (at += length));
  }

  /** Major type and argument; floats, indefinite lengths and long forms are refused here. */
  function readHead(): [major: number, argument: number] {
    const first = take(1)[0]!;
    const major = first >> 5;
    const info = first & 31;
    if (major === 7 && info >= 25 && info <= 27) refuse('float');
    if (info < 24) return [major, info];
    if (info > 27) refuse(info === 31 ? 'indefinite' : 'simple_unknown');
    const size = 2 ** (info - 24);
    const argument = take(size).reduce((sum, byte) => sum * 256 + byte, 0);
    const least = size === 1 ? (major === 7 ? 32 : 24) : 2 ** (4 * size);
    if (argument < least) refuse('not_shortest');
    return [major, argument];
  }

  function readText(length: number): string {
    try {
      return utf8.decode(take(length));
    } catch (error) {
      if (error instanceof RecordFault) throw error;
      return refuse('text_not_utf8');
    }
  }

  function read(depthLeft: number): Value {
    if (valuesLeft-- === 0) refuse('too_many_values');
    const [major, argument] = readHead();
    switch (major) {
      case 0:
        return argument <= Number.MAX_SAFE_INTEGER ? argument : refuse('int_too_large');
      case 1:
        return argument < Number.MAX_SAFE_INTEGER ? -1 - argument : refuse('int_too_large');
      case 2:
        return take(argument).slice();
      case 3:
        return readText(argument);
      case 4:
        return readList(argument, depthLeft);
      case 5:
        return readMap(argument, depthLeft);
      case 6:
        return argument === 42 ? readLink() : refuse('tag_unknown');
      default:
        return argument === 22 ? null : argument === 20 || argument === 21 ? argument === 21 : refuse('simple_unknown');
    }
  }

  function readList(length: number, depthLeft: number): Value[] {
    if (depthLeft === 0) refuse('too_deep');
    const items: Value[] = [];
    while (items.length < length) items.push(read(depthLeft - 1));
    return items;
  }

  function readMap(length: number, depthLeft: number): ValueMap {
    if (depthLeft === 0) refuse('too_deep');
    const map = Object.create(null) as ValueMap;
    let last: Uint8Array | undefined;
    for (let count = 0; count < length; count++) {
      const [major, argument] = readHead();
      if (major !== 3) refuse('key_not_text');
      const start = at;
      const name = readText(argument);
      const key = bytes.subarray(start, at);
      const order = last ? keyOrder(last, key) : -1;
      if (order >= 0) refuse(order === 0 ? 'key_twice' : 'key_order');
      last = key;
      map[name] = read(depthLeft - 1);
    }
    return map;
  }

  function readLink(): Link {
    const [major, argument] = readHead();
    if (major !== 2) refuse('link_wrong');
    const link = take(argument);
    if (link[0] !== 0) refuse('link_wrong');
    try {
      return new Link(decodeCid(link.slice(1)));
    } catch {
      return refuse('link_wrong');
    }
  }
}
