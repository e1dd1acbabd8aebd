//! Going on by itself: a request that fails because the network or the node is away for a while is asked again, with
//! growing pauses, and at once when the browser is back on a network. What the node has refused is never asked again.

import { ApiError } from './client';
import { connection } from './connection.svelte';
import type { Problem } from './types';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** Worth asking again: nobody answered, or whoever did was not able to. 501 and 507 stay as they are. */
export function isPassing({ status }: Pick<Problem, 'status'>): boolean {
  return (
    status === 0 || status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 507)
  );
}

/** What to say meanwhile. */
export const waitingWords = ({ status }: Problem): string =>
  status === 0 && !connection.online
    ? 'No network. This goes on by itself when it is back.'
    : 'The node does not answer right now. This goes on by itself when it does.';

export const pauseMs = (failures: number): number =>
  Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);

/** Sleeps, but no longer than until the browser is back on a network. Rejects when it is called off. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      signal?.removeEventListener('abort', done);
      if (signal?.aborted) reject(signal.reason as Error);
      else resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener('online', done);
    signal?.addEventListener('abort', done);
    if (signal?.aborted) done();
  });
}

interface Patience {
  signal?: AbortSignal | undefined;
  /** Told why it waits, and null once it doesn't any more. */
  waiting?: (problem: Problem | null) => void;
}

/** Asks until there is an answer or a refusal, which is thrown. */
export async function untilAnswered<T>(
  ask: () => Promise<T>,
  { signal, waiting }: Patience = {},
): Promise<T> {
  let failures = 0;
  try {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof ApiError) || !isPassing(error)) throw error;
        if (++failures === 1) connection.unanswered++;
        waiting?.(error.problem);
        await pause(pauseMs(failures), signal);
      }
    }
  } finally {
    if (failures) {
      connection.unanswered--;
      waiting?.(null);
    }
  }
}
