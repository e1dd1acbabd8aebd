import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { sha256, sha256Fallback } from './sha256';

/** Lengths around the padding's turns, and one of many blocks. */
const LENGTHS = [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 1000, 70_001];

describe('sha256', () => {
  for (const length of LENGTHS) {
    it(`hashes ${length} bytes as node does, by both ways`, async () => {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 31) % 256);
      const expected = createHash('sha256').update(bytes).digest('hex');
      expect(Buffer.from(sha256Fallback(bytes)).toString('hex')).toBe(expected);
      expect(Buffer.from(await sha256(bytes)).toString('hex')).toBe(expected);
    });
  }
});
