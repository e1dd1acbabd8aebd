//! What a playback root holds to read: its captions, by the master playlist, and its chapters. Both come out of checked
//! files; still, what doesn't have the form that it should is left out. Pure.

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
  return lines.flatMap((line) => {
    const said = (name: string) => new RegExp(`[,:]${name}="([^"]*)"`).exec(line)?.[1] ?? '';
    const folder = /^(s\d{1,2})\/media\.m3u8$/.exec(said('URI'))?.[1];
    const label = said('NAME');
    return folder && label ? [{ label, language: said('LANGUAGE'), path: `${folder}/captions.vtt` }] : [];
  });
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
    return typeof start_ms === 'number' && typeof title === 'string' ? [{ at: start_ms / 1000, title }] : [];
  });
  return chapters.sort((a, b) => a.at - b.at);
}

/** The one that this time is in. */
export const chapterAt = (chapters: Chapter[], time: number): Chapter | undefined =>
  chapters.findLast(({ at }) => at <= time + 0.05);
