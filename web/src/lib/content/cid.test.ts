import { CID } from 'multiformats/cid';
import { describe, expect, it } from 'vitest';

import { CidError, decodeCid, encodeCid, formatCid, parseCid, RAW, sameCid } from './cid';

const SOME = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';

describe('cid', () => {
  it('reads and writes what multiformats does', () => {
    for (const text of [SOME, 'bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354']) {
      const cid = parseCid(text);
      const oracle = CID.parse(text);
      expect(cid.codec).toBe(oracle.code);
      expect(Buffer.from(encodeCid(cid))).toEqual(Buffer.from(oracle.bytes));
      expect(formatCid(cid)).toBe(text);
      expect(sameCid(cid, decodeCid(oracle.bytes))).toBe(true);
    }
  });

  it('tells codecs apart', () => {
    const cid = parseCid(SOME);
    expect(cid.codec).toBe(RAW);
    expect(sameCid(cid, { codec: 0x70, digest: cid.digest })).toBe(false);
  });

  it.each([
    ['', 'empty'],
    ['QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n', 'version 0'],
    [SOME.toUpperCase(), 'upper case'],
    [SOME.slice(0, -1), 'too short'],
    [`${SOME.slice(0, -1)}v`, 'bits after the end'],
    ['bafkqaaa', 'an identity hash'],
    [`${SOME}/../x`, 'a path'],
  ])('refuses %s (%s)', (text) => {
    expect(() => parseCid(text)).toThrow(CidError);
  });
});
