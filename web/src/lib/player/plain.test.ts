import { describe, expect, it } from 'vitest';

import { languageTag, plain } from './plain';

describe('words from a stream', () => {
  it.each([
    ['a\nb\u0000', 'a b'],
    ['a\u0085b\u2028c', 'a b c'],
    ['שלום a', 'שלום a'],
    ['👩\u200d🚀', '👩\u200d🚀'],
    [' \u200b ', ''],
  ])('%j is shown as %j', (text, shown) => {
    expect(plain(text)).toBe(shown);
  });

  const between = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
  const turning = [...between(0x202a, 0x202e), ...between(0x2066, 0x2069), 0x200e, 0x200f, 0x061c];
  it.each(turning)('the mark %i turns nothing', (mark) => {
    expect(plain(`cat${String.fromCodePoint(mark)}4pm.exe`)).toBe('cat4pm.exe');
  });

  it('are bounded, and no character is cut in two', () => {
    expect(plain('x'.repeat(1_000_000))).toHaveLength(200);
    expect([...plain('🚀'.repeat(300))]).toEqual(Array.from({ length: 200 }, () => '🚀'));
  });
});

it('takes for a language what has the form of one', () => {
  const tags = ['de-AT', '', 'e n', '"', 'x'.repeat(36)];
  expect(tags.map(languageTag)).toEqual(['de-AT', '', '', '', '']);
});
