//! Handles and slugs: one normal form (NFKC, full case folding, NFKC again), one alphabet, one length. The twin of
//! `crates/records/src/names.rs`. The node has the last word: a browser's Unicode tables may be older than its.

export const MAX_NAME_CHARS = 80;
const MAX_INPUT_BYTES = 2048;

export class NameError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'NameError';
    this.code = code;
  }
}

/** Letters, marks and numbers of any script, `-` and `_`, but for those that leave no trace on the page. */
const NAME = /^(?:(?!\p{Default_Ignorable_Code_Point})[\p{Alphabetic}\p{M}\p{N}_-])+$/u;

/** The name that `text` means, in normal form. Throws a NameError. */
export function parseName(text: string): string {
  if (new TextEncoder().encode(text).length > MAX_INPUT_BYTES) throw tooLong();
  const normal = normalise(text);
  if (normal === '') throw new NameError('name_empty', 'A name has at least one character.');
  if (!NAME.test(normal) || normalise(normal) !== normal) {
    throw new NameError('name_character', 'A name consists of letters, digits, - and _.');
  }
  if (/^\p{M}/u.test(normal) || !/[\p{Alphabetic}\p{N}]/u.test(normal)) {
    throw new NameError('name_no_letter', 'A name has at least one letter or digit.');
  }
  if ([...normal].length > MAX_NAME_CHARS) throw tooLong();
  return normal;
}

function tooLong(): NameError {
  return new NameError('name_too_long', `A name has at most ${MAX_NAME_CHARS} characters.`);
}

/** Whether `text` is a name and already in its normal form, as records hold it. */
export function isNormalName(text: string): boolean {
  try {
    return parseName(text) === text;
  } catch {
    return false;
  }
}

/** A slug for a title, or null if nothing is left of it: runs of anything but letters, digits and `_` become `-`. */
export function slugFromTitle(title: string): string | null {
  let slug = '';
  for (const c of normalise([...title].slice(0, 512).join(''))) {
    const atStart = slug === '' || slug.endsWith('-');
    if (c !== '-' && NAME.test(c) && !(atStart && /\p{M}/u.test(c))) slug += c;
    else if (!atStart) slug += '-';
  }
  slug = cut(slug.replace(/-+$/, ''), MAX_NAME_CHARS);
  return isNormalName(slug) ? slug : null;
}

/** `base-2` and so on for a slug that is taken. */
export function withSuffix(base: string, number: number): string {
  const suffix = `-${number}`;
  return cut(base, MAX_NAME_CHARS - suffix.length) + suffix;
}

function cut(text: string, most: number): string {
  return [...text].slice(0, most).join('').replace(/-+$/, '');
}

function normalise(text: string): string {
  return Array.from(text.normalize('NFKC'), fold).join('').normalize('NFKC');
}

/** Full case folding of one character, derived from the case mappings; see the Rust twin for why and the exceptions. */
function fold(c: string): string {
  if (/[a-z0-9_\-\u0131\u13a0-\u13f5]/.test(c)) return c;
  if (/[\u13f8-\u13fd\uab70-\uabbf]/.test(c)) return c.toUpperCase();
  // The last step one by one, or a final sigma would come out.
  return Array.from(c.toLowerCase().toUpperCase(), (upper) => upper.toLowerCase()).join('');
}
