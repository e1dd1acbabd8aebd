//! Which handles can be had. To be asked before a channel is founded for one: a genesis that is in the log stays there.

import { api, ApiError } from '../api/client';
import { withSuffix } from '../records/names';

/** How many of its like are looked at when a handle is taken. */
const MAX_LIKE = 20;

/** Throws `handle_taken`, with a free one as its `suggestion`, unless this one can be had. */
export async function requireFree(handle: string): Promise<void> {
  if (await isFree(handle)) return;
  const suggestion = await firstLike(handle);
  const taken = `@${handle}, or one that looks like it, belongs to another channel`;
  throw new ApiError({
    status: 409,
    code: 'handle_taken',
    title: 'The handle is taken',
    detail: suggestion ? `${taken}; @${suggestion} is free.` : `${taken}; choose another.`,
    suggestion,
  });
}

const isFree = async (handle: string): Promise<boolean> => (await api.handle(handle)).free;

async function firstLike(handle: string): Promise<string | null> {
  for (let number = 2; number <= MAX_LIKE; number++) {
    const like = withSuffix(handle, number);
    if (await isFree(like)) return like;
  }
  return null;
}
