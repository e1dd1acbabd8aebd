import { describe, expect, it } from 'vitest';

import { guessOf } from './media-kind';

describe('guessOf', () => {
  it.each([
    ['a.ts', 'text/vnd.trolltech.linguist', 'video/mp2t'],
    ['A.MTS', '', 'video/mp2t'],
    ['a.mkv', '', 'video/x-matroska'],
    ['a.webm', 'video/webm', 'video/webm'],
    ['ts', 'application/pdf', 'application/pdf'],
    ['notes.unheard-of', '', ''],
  ])('%s, to the browser %s → %s', (name, type, guess) => expect(guessOf({ name, type })).toBe(guess));
});
