//! The files of a playback root by path, each checked against the root's CID before anyone sees a byte.
//! Folders are fetched as blocks and hashed; they name the CID of each file; a small file is one block, a large
//! one is checked leaf by leaf against its node. Bytes are asked for while the folder is still on its way.

import { type Cid, DAG_PB, parseCid, RAW, sameBytes } from '../content/cid';
import { sha256 } from '../content/sha256';
import { decodeNode, type Node } from '../content/unixfs';
import { BadRoot, type FetchOptions, NoOrigin, Origins, WrongBytes } from './origins';

export interface Checked {
  bytes: Uint8Array<ArrayBuffer>;
  /** The origin that sent them. */
  base: string;
  blocks: number;
}

/** Files by path, each checked before anyone sees a byte. */
export interface Files {
  readonly origins: Origins;
  file(path: string, options?: FetchOptions): Promise<Checked>;
}

const RAW_BLOCK = '?format=raw';

export class VerifiedTree implements Files {
  readonly #root: Cid;
  readonly #folders = new Map<string, Promise<Map<string, Cid>>>();

  constructor(
    root: string,
    readonly origins: Origins,
  ) {
    this.#root = parseCid(root);
    if (this.#root.codec !== DAG_PB) throw new BadRoot('the root is not a folder');
  }

  /** The bytes at `path` ("v720/seg-00000.m4s"), or an error: never bytes that were not checked. */
  async file(path: string, options: FetchOptions = {}): Promise<Checked> {
    return checkedAt(path, this.cidOf(path), this.origins, options);
  }

  /** The picture that stands for the stream, if the root has one. */
  async poster(): Promise<Checked | null> {
    const name = [...(await this.#folder('')).keys()].find((entry) =>
      /^poster\.(jpg|png|webp|avif)$/.test(entry),
    );
    return name ? this.file(name) : null;
  }

  /** The file of this name at the root, if there is one. */
  async beside(name: string): Promise<Checked | null> {
    return (await this.#folder('')).has(name) ? this.file(name) : null;
  }

  /** Starts fetching the folders below the root, which the first segments will need. */
  async prefetchFolders(): Promise<void> {
    const root = await this.#folder('');
    for (const [name, cid] of root) if (cid.codec === DAG_PB) this.#folder(name).catch(() => undefined);
  }

  /** What the root says that the file or folder at `path` is. */
  async cidOf(path: string): Promise<Cid> {
    const slash = path.lastIndexOf('/');
    const folder = await this.#folder(path.slice(0, Math.max(slash, 0)));
    const cid = folder.get(path.slice(slash + 1));
    if (!cid) throw new BadRoot(`the root has no ${path}`);
    return cid;
  }

  #folder(path: string): Promise<Map<string, Cid>> {
    let folder = this.#folders.get(path);
    if (!folder) {
      folder = this.#loadFolder(path);
      this.#folders.set(path, folder);
      folder.catch(() => this.#folders.delete(path)); // A line that was down may be up at the next try.
    }
    return folder;
  }

  async #loadFolder(path: string): Promise<Map<string, Cid>> {
    const cid = path ? await this.cidOf(path) : this.#root;
    const address = path && `/${path.split('/').map(encodeURIComponent).join('/')}`;
    const node = await this.#node(cid, address);
    if (node.kind !== 'directory') throw new BadRoot(`${path} is not a folder`);
    return node.links;
  }

  #node(cid: Cid, address: string): Promise<Node> {
    return fetchNode(this.origins, cid, address);
  }
}

/** The file at a path below the origins' addresses; it is fetched while it is still being found out what it must be. */
export async function checkedAt(
  path: string,
  cid: Promise<Cid>,
  origins: Origins,
  options: FetchOptions,
): Promise<Checked> {
  cid.catch(() => undefined); // It is awaited in the check, which a dead origin never reaches.
  const address = `/${path.split('/').map(encodeURIComponent).join('/')}`;
  const node = cid.then((found) => (found.codec === DAG_PB ? fetchNode(origins, found, address) : null));
  node.catch(() => undefined);
  try {
    return await origins.fetch(
      address,
      async (bytes, base) => ({ bytes, base, blocks: await checkFile(bytes, await cid, await node) }),
      options,
    );
  } catch (error) {
    // That the folder is wrong, or names no such file, says more than that nobody sent it.
    if (!options.signal?.aborted && !isRefusal(error)) await cid;
    throw error;
  }
}

/** A file that stands alone, at the origins' address of its own CID. */
export async function checkedFile(
  cid: string,
  origins: Origins,
  options: FetchOptions = {},
): Promise<Checked> {
  const file = parseCid(cid);
  const node = file.codec === DAG_PB ? fetchNode(origins, file, '') : Promise.resolve(null);
  node.catch(() => undefined);
  return origins.fetch(
    '',
    async (bytes, base) => ({ bytes, base, blocks: await checkFile(bytes, file, await node) }),
    options,
  );
}

function fetchNode(origins: Origins, cid: Cid, address: string): Promise<Node> {
  if (cid.codec !== DAG_PB) throw new BadRoot(`${address} is not a node`);
  return origins.fetch(address + RAW_BLOCK, async (block) => {
    await checkBlock(block, cid);
    return decode(block, address);
  });
}

function decode(block: Uint8Array<ArrayBuffer>, address: string): Node {
  try {
    return decodeNode(block);
  } catch (error) {
    throw new BadRoot(`${address || 'the root'}: ${(error as Error).message}`);
  }
}

export async function checkBlock(block: Uint8Array<ArrayBuffer>, cid: Cid): Promise<void> {
  if (!sameBytes(await sha256(block), cid.digest))
    throw new WrongBytes('sent bytes that do not match their hash');
}

async function checkFile(bytes: Uint8Array<ArrayBuffer>, cid: Cid, node: Node | null): Promise<number> {
  if (cid.codec === RAW) {
    await checkBlock(bytes, cid);
    return 1;
  }
  if (node?.kind !== 'file') throw new BadRoot('a folder where a file should be');
  if (bytes.length !== node.bytes)
    throw new WrongBytes(`sent ${bytes.length} bytes instead of ${node.bytes}`);
  if (node.leaves.length === 0) {
    if (!sameBytes(bytes, node.inline)) throw new WrongBytes('sent bytes that do not match their hash');
    return 1;
  }
  let at = 0;
  for (const leaf of node.leaves) await checkBlock(bytes.subarray(at, (at += leaf.bytes)), leaf.cid);
  return node.leaves.length + 1;
}

/** True when someone sent bytes that are not what was signed; false when nothing could be had at all. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof WrongBytes || error instanceof BadRoot || (error instanceof NoOrigin && error.wrong);
