import * as dagPb from '@ipld/dag-pb';
import { UnixFS } from 'ipfs-unixfs';
import { CID } from 'multiformats/cid';
import { describe, expect, it } from 'vitest';

import { formatCid } from './cid';
import { decodeNode, MAX_BLOCK_BYTES, NodeError } from './unixfs';

const A = CID.parse('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku');
const B = CID.parse('bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu');

const block = (data: UnixFS | Uint8Array, links: [string, CID, number][] = []): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(
    dagPb.encode({
      Data: data instanceof UnixFS ? data.marshal() : data,
      Links: links.map(([Name, Hash, Tsize]) => ({ Name, Hash, Tsize })),
    }),
  );

const file = (sizes: bigint[]) => new UnixFS({ type: 'file', blockSizes: sizes });
const folder = () => new UnixFS({ type: 'directory' });

describe('decodeNode', () => {
  it('reads a folder', () => {
    const node = decodeNode(
      block(folder(), [
        ['a0', A, 5],
        ['master.m3u8', B, 7],
      ]),
    );
    if (node.kind !== 'directory') throw new Error('not a folder');
    expect([...node.links].map(([name, cid]) => [name, formatCid(cid)])).toEqual([
      ['a0', A.toString()],
      ['master.m3u8', B.toString()],
    ]);
  });

  it('reads an empty folder', () => {
    expect(decodeNode(block(folder()))).toEqual({ kind: 'directory', links: new Map() });
  });

  it('reads a file of leaves, in their order', () => {
    const node = decodeNode(
      block(file([1_048_576n, 12n]), [
        ['', A, 1_048_576],
        ['', B, 12],
      ]),
    );
    if (node.kind !== 'file') throw new Error('not a file');
    expect(node.bytes).toBe(1_048_588);
    expect(node.leaves.map((leaf) => leaf.bytes)).toEqual([1_048_576, 12]);
    expect(formatCid(node.leaves[1]!.cid)).toBe(B.toString());
  });

  it('reads a file within its node', () => {
    const node = decodeNode(block(new UnixFS({ type: 'file', data: Uint8Array.of(1, 2, 3) })));
    expect(node).toMatchObject({ kind: 'file', bytes: 3, leaves: [] });
  });

  const faults: [string, Uint8Array<ArrayBuffer>][] = [
    ['nothing', new Uint8Array(0)],
    ['noise', Uint8Array.from({ length: 40 }, (_, i) => i * 7)],
    ['a block over 2 MiB', new Uint8Array(MAX_BLOCK_BYTES + 1)],
    ['a cut block', block(folder(), [['a', A, 5]]).slice(0, -3)],
    ['an endless number', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)],
    ['a sharded folder', block(new UnixFS({ type: 'hamt-sharded-directory', fanout: 256n, hashType: 34n }))],
    ['a symlink', block(new UnixFS({ type: 'symlink', data: Uint8Array.of(47) }))],
    [
      'sizes that do not match the leaves',
      block(file([5n]), [
        ['', A, 5],
        ['', B, 5],
      ]),
    ],
    ['sizes that do not add up', block(Uint8Array.of(0x08, 2, 0x18, 9, 0x20, 5), [['', A, 5]])],
    ['an entry without a name', block(folder(), [['', A, 5]])],
    [
      'an entry twice',
      block(folder(), [
        ['a', A, 5],
        ['a', B, 5],
      ]),
    ],
  ];
  it.each(faults)('refuses %s', (_, bytes) => {
    expect(() => decodeNode(bytes)).toThrow(NodeError);
  });

  it('refuses a link to a foreign hash', () => {
    const cid = CID.parse('QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n');
    expect(() => decodeNode(block(folder(), [['a', cid, 5]]))).toThrow();
  });
});
