//! A playback root made by the libraries of the IPFS project, for tests: what our own decoder is held to.

import * as dagPb from '@ipld/dag-pb';
import { UnixFS } from 'ipfs-unixfs';
import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { sha256 } from 'multiformats/hashes/sha2';

export const LEAF = 1024 * 1024;

interface Built {
  cid: CID;
  size: number;
  /** Path below the root → what a gateway answers for it, with `?format=raw` for the block. */
  answers: Map<string, Uint8Array<ArrayBuffer>>;
}

const bytesOf = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes);

async function buildFile(bytes: Uint8Array): Promise<Built> {
  const answers = new Map([['', bytesOf(bytes)]]);
  const leaves: { cid: CID; size: number }[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += LEAF) {
    const leaf = bytes.subarray(at, at + LEAF);
    leaves.push({ cid: CID.createV1(raw.code, await sha256.digest(leaf)), size: leaf.length });
  }
  if (leaves.length === 1) return { cid: leaves[0]!.cid, size: bytes.length, answers };
  const data = new UnixFS({ type: 'file', blockSizes: leaves.map(({ size }) => BigInt(size)) }).marshal();
  const links = leaves.map(({ cid, size }) => ({ Name: '', Hash: cid, Tsize: size }));
  return node(data, links, bytes.length, answers);
}

async function node(
  data: Uint8Array,
  links: dagPb.PBLink[],
  size: number,
  answers: Built['answers'],
): Promise<Built> {
  const block = dagPb.encode({ Data: data, Links: links });
  answers.set('?format=raw', bytesOf(block));
  return { cid: CID.createV1(dagPb.code, await sha256.digest(block)), size: size + block.length, answers };
}

export type Tree = { [name: string]: Uint8Array | Tree };

export async function build(tree: Uint8Array | Tree): Promise<Built> {
  if (tree instanceof Uint8Array) return buildFile(tree);
  const answers: Built['answers'] = new Map();
  const links: dagPb.PBLink[] = [];
  let size = 0;
  for (const name of Object.keys(tree).sort()) {
    const child = await build(tree[name]!);
    for (const [path, bytes] of child.answers) answers.set(`/${name}${path}`, bytes);
    links.push({ Name: name, Hash: child.cid, Tsize: child.size });
    size += child.size;
  }
  return node(new UnixFS({ type: 'directory' }).marshal(), links, size, answers);
}

/** A `fetch` over several made-up origins. An origin may answer with a function of its own. */
export type Origin = (path: string, signal: AbortSignal) => Promise<Response> | Response;

export function fetcher(origins: Record<string, Origin>): { fetch: typeof fetch; asked: string[] } {
  const asked: string[] = [];
  const fake = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const url = String(input);
    asked.push(url);
    const base = Object.keys(origins).find((origin) => url.startsWith(origin));
    if (!base) throw new TypeError('Failed to fetch');
    return origins[base]!(url.slice(base.length), init?.signal ?? new AbortController().signal);
  };
  return { fetch: fake as typeof fetch, asked };
}

export const honest =
  (built: Built): Origin =>
  (path) => {
    const bytes = built.answers.get(path);
    return bytes ? new Response(bytes) : new Response('not held', { status: 404 });
  };

/** Flips one bit in the answers to `path`. */
export const lying =
  (built: Built, path: string, at = 0): Origin =>
  (asked) => {
    const bytes = built.answers.get(asked);
    if (!bytes) return new Response('not held', { status: 404 });
    const copy = Uint8Array.from(bytes);
    if (asked === path) copy[at]! ^= 1;
    return new Response(copy);
  };

export const dead: Origin = () => Promise.reject(new TypeError('Failed to fetch'));

/** Answers nothing until it is aborted. */
export const silent: Origin = (_, signal) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
