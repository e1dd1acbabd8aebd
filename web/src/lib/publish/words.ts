//! What people type and paste, made to fit the rules for words in records: control characters and direction overrides
//! come along unseen, and nobody who meant nothing by them should have to find them. Pure.

/** One line of at most so many characters; empty when nothing is left. */
export const line = (text: string, most: number): string =>
  cut(text.replace(/\p{Cc}+/gu, ' ').replace(/[\u202d\u202e]/g, ''), most);

/** Several of them: line feeds and tabs stay. */
export const lines = (text: string, most: number): string =>
  cut(text.replace(/\r\n?/g, '\n').replace(/[^\P{Cc}\n\t]/gu, ''), most);

/** By characters: half of one would be none. */
const cut = (text: string, most: number): string => [...text.trim()].slice(0, most).join('').trim();
