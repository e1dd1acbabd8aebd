//! What the server inlined for this address. Good for the first view only: `take` hands it out once.

import type { PageData } from './api/types';

function read(): PageData {
  const text = document.getElementById('data')?.textContent;
  try {
    if (text) return JSON.parse(text) as PageData;
  } catch {
    // A page without data loads it itself.
  }
  return { node: null, session: null, page: null };
}

export const pageData = read();

type Kinds = NonNullable<PageData['page']>;

/** The inlined page if it is of this kind, and whatever else holds; then it is gone. */
export function take<K extends Kinds['kind']>(kind: K): Extract<Kinds, { kind: K }> | null {
  const page = pageData.page;
  if (page?.kind !== kind) return null;
  pageData.page = null;
  return page as Extract<Kinds, { kind: K }>;
}
