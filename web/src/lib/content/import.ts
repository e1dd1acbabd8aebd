//! The CID that a file will have as UnixFS under profile unixfs-v1-2025: raw leaves of 1 MiB, a balanced tree
//! of 1,024 links a node. Reads the file once, leaf by leaf, and keeps only links: 36 bytes a MiB.

import { type Cid, DAG_PB, encodeCid, RAW } from './cid';
import { sha256 } from './sha256';

export const LEAF_BYTES = 1024 * 1024;
export const LINKS_PER_NODE = 1024;

interface Part {
  cid: Cid;
  /** Bytes of the file below this node. */
  bytes: number;
  /** Bytes of all blocks below and including this node: dag-pb's Tsize. */
  total: number;
}

export async function importFile(
  file: Blob,
  progress?: (doneBytes: number) => void,
  cancelled?: () => boolean,
): Promise<Cid | null> {
  let level: Part[] = [];
  for (let at = 0; at < file.size || at === 0; at += LEAF_BYTES) {
    if (cancelled?.()) return null;
    const leaf = new Uint8Array(await file.slice(at, at + LEAF_BYTES).arrayBuffer());
    level.push({ cid: { codec: RAW, digest: await sha256(leaf) }, bytes: leaf.length, total: leaf.length });
    progress?.(Math.min(at + LEAF_BYTES, file.size));
  }
  while (level.length > 1) {
    const above: Part[] = [];
    for (let at = 0; at < level.length; at += LINKS_PER_NODE) {
      above.push(await join(level.slice(at, at + LINKS_PER_NODE)));
    }
    level = above;
  }
  return level[0]!.cid;
}

async function join(parts: Part[]): Promise<Part> {
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const block = encodeFileNode(parts, bytes);
  const total = block.length + parts.reduce((sum, part) => sum + part.total, 0);
  return { cid: { codec: DAG_PB, digest: await sha256(block) }, bytes, total };
}

function varint(value: number): number[] {
  const out: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) out.push((value % 128) | 128);
  return [...out, value];
}

/** dag-pb puts links before data, and writes a link's empty name; UnixFS's blocksizes are unpacked. */
function encodeFileNode(parts: Part[], bytes: number): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  for (const part of parts) {
    const cid = encodeCid(part.cid);
    const link = [0x0a, ...varint(cid.length), ...cid, 0x12, 0, 0x18, ...varint(part.total)];
    out.push(0x12, ...varint(link.length), ...link);
  }
  const data = [0x08, 2, 0x18, ...varint(bytes), ...parts.flatMap((part) => [0x20, ...varint(part.bytes)])];
  out.push(0x0a, ...varint(data.length), ...data);
  return Uint8Array.from(out);
}
