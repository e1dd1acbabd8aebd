import { describe, expect, it } from 'vitest';

import { age, bytes, clock, percent, plural, shortId, timeLeft } from './format';

describe('format', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [1_049_000_000, '1.0 GB'],
    [2e15, '2000 TB'],
  ])('%i bytes: %s', (count, text) => expect(bytes(count)).toBe(text));

  it.each([
    [0, '0:00'],
    [59_999, '0:59'],
    [60_000, '1:00'],
    [3_729_000, '1:02:09'],
    [-5, '0:00'],
  ])('%i ms on the clock: %s', (ms, text) => expect(clock(ms)).toBe(text));

  it.each([
    [0, 'a moment'],
    [31_000, '35 s'],
    [61_000, '2 min'],
    [3_600_000, '1 h 0 min'],
  ])('%i ms left: %s', (ms, text) => expect(timeLeft(ms)).toBe(text));

  it('tells an age in the largest unit that fits', () => {
    const now = 1_800_000_000_000;
    expect(age(now - 20_000, now)).toBe('just now');
    expect(age(now - 3 * 3_600_000, now)).toBe('3 hours ago');
    expect(age(now - 86_400_000, now)).toBe('yesterday');
    expect(age(now + 5000, now)).toBe('just now');
  });

  it('never says 100 % before the end', () => {
    expect(percent(0.999)).toBe('99 %');
    expect(percent(1)).toBe('100 %');
    expect(percent(1.2)).toBe('100 %');
  });

  it('shortens ids and counts things', () => {
    expect(shortId('bafkreihdwdcefgh4dqkjv67', 4)).toBe('bafk…jv67');
    expect(shortId('short', 4)).toBe('short');
    expect(plural(1, 'block')).toBe('1 block');
    expect(plural(1200, 'block')).toBe('1,200 blocks');
  });
});
