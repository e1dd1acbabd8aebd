//! Reads dag-pb nodes that hold UnixFS: a folder's entries, a file's leaves. Input is hostile: everything is
//! bounded by the block's own length, the sizes must add up, and what isn't understood is refused.
//! Deliberately absent: HAMT folders, symlinks, files of more than one level of leaves (over 1 GiB).

import { type Cid, decodeCid, RAW } from './cid';

export const MAX_BLOCK_BYTES = 2 * 1024 * 1024;

export interface Link {
  cid: Cid;
  name: string;
}

export interface Leaf {
  cid: Cid;
  bytes: number;
}

export type Node =
  | { kind: 'directory'; links: Map<string, Cid> }
  | { kind: 'file'; bytes: number; leaves: Leaf[]; inline: Uint8Array<ArrayBuffer> };

export class NodeError extends Error {}

type Field = { number: number; value: number; bytes: Uint8Array<ArrayBuffer> };

const NOTHING = new Uint8Array(0);

/** The fields of a protobuf message, in their order; only varints and byte strings exist in these formats. */
function* fields(block: Uint8Array<ArrayBuffer>): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; scale < 2 ** 53; scale *= 128) {
      const byte = block[at++];
      if (byte === undefined) throw new NodeError('the block ends inside a number');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
    }
    throw new NodeError('a number is too large');
  };
  while (at < block.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    if (key % 8 === 0) yield { number, value: varint(), bytes: NOTHING };
    else if (key % 8 === 2) {
      const length = varint();
      if (at + length > block.length) throw new NodeError('a field runs past the end of its block');
      yield { number, value: 0, bytes: block.subarray(at, (at += length)) };
    } else throw new NodeError('a field of a type that dag-pb and UnixFS do not have');
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decodeLink(bytes: Uint8Array<ArrayBuffer>): Link {
  let cid: Cid | undefined;
  let name = '';
  for (const field of fields(bytes)) {
    if (field.number === 1) cid = decodeCid(field.bytes);
    else if (field.number === 2) name = utf8.decode(field.bytes);
    else if (field.number !== 3) throw new NodeError('an unknown field in a link');
  }
  if (!cid) throw new NodeError('a link without a CID');
  return { cid, name };
}

export function decodeNode(block: Uint8Array<ArrayBuffer>): Node {
  if (block.length > MAX_BLOCK_BYTES) throw new NodeError('the block is larger than 2 MiB');
  const links: Link[] = [];
  let data: Uint8Array<ArrayBuffer> | undefined;
  for (const field of fields(block)) {
    if (field.number === 2) links.push(decodeLink(field.bytes));
    else if (field.number === 1 && !data) data = field.bytes;
    else throw new NodeError('an unknown or repeated field in a node');
  }
  if (!data) throw new NodeError('a node without UnixFS data');
  return decodeUnixFs(data, links);
}

function decodeUnixFs(data: Uint8Array<ArrayBuffer>, links: Link[]): Node {
  let type = -1;
  let bytes = 0;
  let inline = NOTHING;
  const sizes: number[] = [];
  for (const field of fields(data)) {
    if (field.number === 1) type = field.value;
    else if (field.number === 2) inline = field.bytes;
    else if (field.number === 3) bytes = field.value;
    else if (field.number === 4) sizes.push(field.value);
  }
  if (type === 1) return directory(links);
  if (type !== 2)
    throw new NodeError(type === 5 ? 'a sharded folder, not supported yet' : 'not a file or folder');
  if (sizes.length !== links.length) throw new NodeError('a file whose sizes do not match its leaves');
  if (sizes.reduce((sum, size) => sum + size, inline.length) !== bytes) {
    throw new NodeError('a file whose parts do not add up to its size');
  }
  if (links.some((link) => link.cid.codec !== RAW))
    throw new NodeError('a file deeper than one level of leaves');
  return { kind: 'file', bytes, inline, leaves: links.map(({ cid }, i) => ({ cid, bytes: sizes[i]! })) };
}

function directory(links: Link[]): Node {
  const entries = new Map<string, Cid>();
  for (const { name, cid } of links) {
    if (!name || entries.has(name)) throw new NodeError('a folder with an unnamed or repeated entry');
    entries.set(name, cid);
  }
  return { kind: 'directory', links: entries };
}
