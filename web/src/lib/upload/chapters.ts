//! Chapters from the times that a description lists, one in a line: "0:00 Intro", "1:23 The first part" …
//! The rules are those that people know from elsewhere: the first begins at 0:00, there are at least three, each later
//! than the one before, each at least ten seconds long. They win over chapters that the file itself has. Pure.

export interface Chapter {
  at_ms: number;
  title: string;
}

export interface Found {
  /** Empty when there are none. */
  chapters: Chapter[];
  /** Why a list of times makes none; null when there is no such list. */
  why: string | null;
}

const LEAST = 3;
/** What a record takes. */
const MOST = 200;
const TITLE_CHARS = 100;
const SHORTEST_MS = 10_000;

/** A bullet or a number, a time that may stand in brackets, and the title. */
const LINE = /^\s*(?:[-*+•–—]\s+|\d{1,3}[.)]\s+)?[([]?(?:(\d{1,3}):)?(\d{1,3}):(\d{2})[)\]]?(?!\d|:\d)(.*)$/;

export function chaptersOf(description: string, durationMs: number | null): Found {
  const listed = description.split(/\r?\n/).flatMap(chapterIn);
  const why = listed.length < 2 ? null : faultOf(listed, durationMs);
  return { chapters: listed.length < LEAST || why ? [] : listed, why };
}

function chapterIn(line: string): Chapter[] {
  const [, hours = '0', minutes, seconds, rest = ''] = LINE.exec(line) ?? [];
  if (minutes === undefined || Number(seconds) > 59 || (Number(hours) > 0 && Number(minutes) > 59)) return [];
  const plain = rest.replace(/\p{Cc}+/gu, ' ').replace(/[\u202d\u202e]/g, '');
  const title = plain.replace(/^[\s\-–—:|.]+/u, '').trim();
  if (!title) return [];
  const s = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return [{ at_ms: s * 1000, title: [...title].slice(0, TITLE_CHARS).join('').trim() }];
}

function faultOf(listed: Chapter[], durationMs: number | null): string | null {
  const lengths = listed.map(({ at_ms }, at) => (listed[at + 1]?.at_ms ?? durationMs ?? Infinity) - at_ms);
  if (listed[0]!.at_ms !== 0) return 'the first must begin at 0:00';
  if (listed.length < LEAST) return `there must be at least ${LEAST}`;
  if (listed.length > MOST) return `there may be ${MOST} at most`;
  if (durationMs !== null && listed.some(({ at_ms }) => at_ms >= durationMs))
    return 'one begins after the end';
  if (lengths.some((length) => length <= 0)) return 'each must begin later than the one before';
  if (lengths.some((length) => length < SHORTEST_MS)) return 'each must be at least 10 seconds long';
  return null;
}
