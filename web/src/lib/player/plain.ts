//! Words from a stream as they may be shown: one bounded line that reads as it is. The twin of `server/src/text.rs`. Pure.

/** Control characters, the ends of lines among them. */
const CONTROL = /[\p{Cc}\u2028\u2029]+/gu;
/** Marks that turn the direction of text, joiners of nothing, and the like: they make words look like other words. */
const INVISIBLE =
  /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

export const MOST_CHARS = 200;

export function plain(text: string, most = MOST_CHARS): string {
  // Cut before it is looked at, so that no title is too long to be read; a character takes two units at most.
  const line = text
    .slice(0, 8 * most)
    .replace(CONTROL, ' ')
    .replace(INVISIBLE, '')
    .trim();
  return [...line].slice(0, most).join('').trim();
}

/** A BCP 47 tag, or nothing. */
export const languageTag = (text: string): string => (/^[A-Za-z0-9-]{1,35}$/.test(text) ? text : '');
