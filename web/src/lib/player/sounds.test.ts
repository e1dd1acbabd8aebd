// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';

import { placeOf, rememberedSound, rememberSound, soundsOf } from './sounds';

const ENGLISH = { label: 'English', language: 'en' };
const COMMENTARY = { label: 'Commentary', language: 'en' };
const POLISH = { label: 'Polish', language: 'pl' };
const BRAZILIAN = { label: 'Portuguese (BR)', language: 'pt-BR' };
const UNNAMED = { label: 'Sound 5', language: '' };
const SOUNDS = [ENGLISH, COMMENTARY, POLISH, BRAZILIAN, UNNAMED];

it('names sounds as the playlist does, where that is a name', () => {
  const tracks = [
    { name: 'English', lang: 'en' },
    { name: '\u202eo\u0000 ' },
    { name: '\u200b', lang: '"><b' },
  ];
  expect(soundsOf(tracks)).toEqual([
    ENGLISH,
    { label: 'o', language: '' },
    { label: 'Sound 3', language: '' },
  ]);
});

describe('the sound that is wanted', () => {
  it.each([
    [ENGLISH, 0],
    [COMMENTARY, 1],
    [UNNAMED, 4],
    [{ label: '', language: 'pl' }, 2],
    [{ label: 'Polski', language: 'pl' }, 2],
    [{ label: '', language: 'pt-PT' }, 3],
    [{ label: '', language: 'PT' }, 3],
    [{ label: '', language: 'de' }, -1],
    [{ label: 'Other', language: '' }, -1],
  ])('%o has the place %i', (wanted, place) => {
    expect(placeOf(wanted, SOUNDS)).toBe(place);
  });
});

describe('from film to film', () => {
  beforeEach(() => localStorage.clear());

  it('keeps the language, and nothing where it is not known', () => {
    expect(rememberedSound()).toBeNull();
    rememberSound(COMMENTARY);
    rememberSound(UNNAMED);
    expect(rememberedSound()).toEqual({ label: '', language: 'en' });
  });

  it('takes what is no language for nothing', () => {
    localStorage.setItem('pinreel-sound', '<b>');
    expect(rememberedSound()).toBeNull();
  });
});
