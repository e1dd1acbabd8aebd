import { expect, it } from 'vitest';

import { timeFrom } from './time';

it.each<[string, number | null]>([
  ['1:23', 83],
  ['01:02:03.5', 3723.5],
  ['12.5', 12.5],
  [' 90 ', 90],
  ['0:07,25', 7.25],
  ['90:00', 5400],
  ['1:60', null],
  ['1:60:00', null],
  ['', null],
  ['soon', null],
  ['-1', null],
  ['1:2:3:4', null],
])('%s', (text, seconds) => expect(timeFrom(text)).toBe(seconds));
