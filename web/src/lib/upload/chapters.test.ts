import { expect, it } from 'vitest';

import { chaptersOf } from './chapters';

const found = (description: string, durationMs: number | null = null) => {
  const { chapters, why } = chaptersOf(description, durationMs);
  return why ?? chapters.map(({ at_ms, title }) => `${at_ms / 1000} ${title}`).join(' | ');
};

it.each<[string, string, number | null, string]>([
  [
    'a plain list',
    '0:00 Intro\n1:23 The first part\n1:02:03 The end',
    null,
    '0 Intro | 83 The first part | 3723 The end',
  ],
  [
    'words around it',
    'About this film.\n\n0:00 A\n0:10 B\n0:20 C\n\nSee 1:30 below.',
    null,
    '0 A | 10 B | 20 C',
  ],
  ['bullets, brackets, dashes', '- [0:00] A\n* (00:30) – B\n3. 01:00: C', null, '0 A | 30 B | 60 C'],
  ['minutes beyond an hour', '0:00 A\n70:00 B\n90:00 C', null, '0 A | 4200 B | 5400 C'],
  ['windows line ends', '0:00 A\r\n0:10 B\r\n0:20 C\r\n', null, '0 A | 10 B | 20 C'],
  ['no list', 'Nothing here.', null, ''],
  ['one time is no list', '0:00 is when it begins', null, ''],
  ['a line without a title counts for nothing', '0:00 A\n0:05\n0:10 B\n0:20 C', null, '0 A | 10 B | 20 C'],
  ['no time at all', '0:00 A\n0:99 B\n1:2 C', null, ''],
  ['a score isn’t a time', '0:00:00:1 A\n12:345 B', null, ''],
  ['late begin', '0:01 A\n0:20 B\n0:40 C', null, 'the first must begin at 0:00'],
  ['two', '0:00 A\n0:20 B', null, 'there must be at least 3'],
  ['backwards', '0:00 A\n0:40 B\n0:20 C', null, 'each must begin later than the one before'],
  ['twice', '0:00 A\n0:20 B\n0:20 C', null, 'each must begin later than the one before'],
  ['too short', '0:00 A\n0:09 B\n0:40 C', null, 'each must be at least 10 seconds long'],
  ['the last too short', '0:00 A\n0:20 B\n0:40 C', 45_000, 'each must be at least 10 seconds long'],
  ['behind the end', '0:00 A\n0:20 B\n0:40 C', 40_000, 'one begins after the end'],
  ['within the film', '0:00 A\n0:20 B\n0:40 C', 50_000, '0 A | 20 B | 40 C'],
])('%s', (_, description, durationMs, expected) => {
  expect(found(description, durationMs)).toBe(expected);
});

it('keeps titles and lists within what a record takes', () => {
  const long = chaptersOf(`0:00 ${'ä'.repeat(300)}\n0:10 a\u0007b\u202e\n0:20 C`, null).chapters;
  expect(long.map(({ title }) => title)).toEqual(['ä'.repeat(100), 'a b', 'C']);
  const many = Array.from({ length: 201 }, (_, n) => `${n}:00 Part`).join('\n');
  expect(found(many)).toBe('there may be 200 at most');
});
