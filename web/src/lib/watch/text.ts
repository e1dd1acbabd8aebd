//! The beginning of a text, out of blocks that were checked against the file's CID: of a long one only the first is fetched.
//! It is text and nothing else, whatever is written in it.

import { formatCid, parseCid, RAW } from '../content/cid';
import { decodeNode, NodeError } from '../content/unixfs';
import { BadRoot, type FetchOptions, type Origins } from '../player/origins';
import { checkBlock } from '../player/tree';

export const SHOWN_BYTES = 64 * 1024;

const TEXTS = /^(text\/.+|application\/(json|xml|x-yaml|toml))$/;

export const isText = (mediaType: string): boolean => TEXTS.test(mediaType);

export interface Beginning {
  text: string;
  /** Whether the file goes on. */
  more: boolean;
}

/** Reads the beginning of the file `cid`; `originsOf` knows where a block may be. */
export async function beginningOf(
  cid: string,
  originsOf: (cid: string) => Origins,
  options: FetchOptions = {},
): Promise<Beginning> {
  const file = parseCid(cid);
  const block = (of: string, path: string) =>
    originsOf(of).fetch(
      path,
      async (bytes) => {
        await checkBlock(bytes, parseCid(of));
        return bytes;
      },
      options,
    );
  if (file.codec === RAW) return cut(await block(cid, ''), false);
  try {
    const node = decodeNode(await block(cid, '?format=raw'));
    if (node.kind !== 'file') throw new BadRoot('a folder where a file should be');
    const [first] = node.leaves;
    return first
      ? cut(await block(formatCid(first.cid), ''), node.leaves.length > 1)
      : cut(node.inline, false);
  } catch (error) {
    if (error instanceof NodeError) throw new BadRoot(error.message);
    throw error;
  }
}

/** As text: UTF-8, or UTF-16 that says so. What is cut off inside a character ends before it. */
export function cut(bytes: Uint8Array<ArrayBuffer>, goesOn: boolean): Beginning {
  const more = goesOn || bytes.length > SHOWN_BYTES;
  const [a, b] = bytes;
  const encoding = a === 0xff && b === 0xfe ? 'utf-16le' : a === 0xfe && b === 0xff ? 'utf-16be' : 'utf-8';
  const text = new TextDecoder(encoding).decode(bytes.subarray(0, SHOWN_BYTES), { stream: more });
  return { text, more };
}
