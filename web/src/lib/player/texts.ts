//! What a playback root holds to read: its captions, by the master playlist, and its chapters. Both come out of checked
//! files, which say nothing but who made them: what doesn't have the form that it should is left out, and words are shown
//! as they read. No two have the same path or time, since lists go by those. Pure.

import { languageTag, plain } from './plain';

export interface Captions {
  label: string;
  /** BCP 47; empty when it isn't known. */
  language: string;
  /** The WebVTT file, below the root. */
  path: string;
}

/** In seconds. */
export interface Chapter {
  at: number;
  title: string;
}

/** More are no list for people. */
const MOST = 1000;

export function captionsIn(master: string): Captions[] {
  const lines = master.split('\n').filter((line) => line.startsWith('#EXT-X-MEDIA:TYPE=SUBTITLES'));
  const found = lines.flatMap((line) => {
    const said = (name: string) => new RegExp(`[,:]${name}="([^"]*)"`).exec(line)?.[1] ?? '';
    const folder = /^(s\d{1,2})\/media\.m3u8$/.exec(said('URI'))?.[1];
    const label = plain(said('NAME'));
    const language = languageTag(said('LANGUAGE'));
    return folder && label ? [{ label, language, path: `${folder}/captions.vtt` }] : [];
  });
  return firstOf(found, ({ path }) => path);
}

/** From `chapters.json`. */
export function chaptersIn(json: string): Chapter[] {
  let listed: unknown;
  try {
    listed = JSON.parse(json);
  } catch {
    return [];
  }
  if (!Array.isArray(listed)) return [];
  const chapters = (listed as Partial<Record<string, unknown>>[]).slice(0, MOST).flatMap((one) => {
    const { start_ms, title } = one ?? {};
    if (typeof start_ms !== 'number' || typeof title !== 'string') return [];
    return start_ms >= 0 && Number.isFinite(start_ms) ? [{ at: start_ms / 1000, title: plain(title) }] : [];
  });
  return firstOf(chapters, ({ at }) => at).sort((a, b) => a.at - b.at);
}

/** The first for each key. */
function firstOf<Item>(items: Item[], keyOf: (item: Item) => unknown): Item[] {
  const seen = new Set();
  return items.filter((item) => {
    const key = keyOf(item);
    return !seen.has(key) && seen.add(key);
  });
}

/** The one that this time is in. */
export const chapterAt = (chapters: Chapter[], time: number): Chapter | undefined =>
  chapters.findLast(({ at }) => at <= time + 0.05);
