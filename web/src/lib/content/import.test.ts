import { describe, expect, it } from 'vitest';

import { formatCid } from './cid';
import { importFile, LEAF_BYTES } from './import';

/** Measured with `ipfs add` of Kubo 0.42 under profile unixfs-v1-2025; byte i of a file is i mod 251. */
const KUBO: [number, string][] = [
  [0, 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku'],
  [1, 'bafkreidogqfzz75tpkmjzjke425xqcrmpcib2p5tg44hnbirumdbpl5adu'],
  [5, 'bafkreiaixnpf23vkyecj5xqispjq5ubcwgsntnnurw2bjby7khe4wnjihu'],
  [1000, 'bafkreicojquuwmy7piqjti3zx3buxh47ya64i2vumxmzr5gwqpnfgsd6nu'],
  [1048575, 'bafkreielkxdkfu2eicjkgfuykayoada6n6dar2xzclejnxxhyn2niqhnce'],
  [1048576, 'bafkreidddocae7lltzjlkooe5a3tmiwsgazn7logjvqk7bzttsidpzhxne'],
  [1048577, 'bafybeidjogjfwuhbzwopgd4bn3skcf5m6oz72xshywcndzxgqb623nfclu'],
  [2097152, 'bafybeihakzyqh6ih4iwgqily25hqovthaujdkbcfybornyhhbpoa63jwri'],
  [3145735, 'bafybeidf5ibbwfq6vjf5gbu2zzqt2xzzq5kanx6iygbjb6nb5xjutqe6vm'],
];

const patterned = (length: number) => new Blob([Uint8Array.from({ length }, (_, i) => i % 251)]);

describe('importFile', () => {
  it.each(KUBO)('gives %i bytes the CID that Kubo gives', async (length, cid) => {
    const found = await importFile(patterned(length));
    expect(found && formatCid(found)).toBe(cid);
  });

  it('reports progress, and stops when it is told to', async () => {
    const seen: number[] = [];
    const file = patterned(3 * LEAF_BYTES);
    await importFile(file, (done) => seen.push(done));
    expect(seen).toEqual([LEAF_BYTES, 2 * LEAF_BYTES, 3 * LEAF_BYTES]);
    expect(await importFile(file, undefined, () => true)).toBeNull();
  });
});
