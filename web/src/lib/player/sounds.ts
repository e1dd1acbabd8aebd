//! The sounds of a stream, and which one this viewer wants to hear: remembered by its language, since every film names
//! its tracks differently. What the playlist says of them was checked with it; still, it is shown as plain words.

import { languageTag, plain } from './plain';

export interface Sound {
  label: string;
  /** BCP 47; empty when it isn't known. */
  language: string;
}

const REMEMBERED = 'pinreel-sound';

/** By the tracks of a playlist's one group, in their order. */
export const soundsOf = (tracks: { name: string; lang?: string }[]): Sound[] =>
  tracks.map(({ name, lang = '' }, place) => ({
    label: plain(name) || `Sound ${place + 1}`,
    language: languageTag(lang),
  }));

/** The place of the same track, else of one in its language, else of one in that language as it is spoken elsewhere. */
export function placeOf({ label, language }: Sound, sounds: Sound[]): number {
  const find = (matches: (sound: Sound) => boolean) => sounds.findIndex(matches);
  const same = find((sound) => sound.label === label && sound.language === language);
  if (same >= 0 || !language) return same;
  const exact = find((sound) => sound.language === language);
  return exact >= 0 ? exact : find((sound) => primary(sound.language) === primary(language));
}

const primary = (language: string): string => language.split('-')[0]!.toLowerCase();

export function rememberSound({ language }: Sound): void {
  if (!language) return;
  try {
    localStorage.setItem(REMEMBERED, language);
  } catch {
    // It holds for this visit.
  }
}

/** What was chosen of another film. */
export function rememberedSound(): Sound | null {
  try {
    const language = languageTag(localStorage.getItem(REMEMBERED) ?? '');
    return language ? { label: '', language } : null;
  } catch {
    return null;
  }
}
