//! Looks at a claim now and then while its stream or its preview isn't complete, so that the page shows what has become of it.

import { api } from '../api/client';
import { pause } from '../api/patience';
import type { Claim } from '../api/types';

/** Between two looks while there is nothing to see, and while it plays already. */
const WAITING_MS = 2000;
const PLAYING_MS = 5000;

/** Whether there will be a root by itself. */
export function isUnfinished({ root, job }: Claim): boolean {
  return root === null && (job?.state === 'queued' || job?.state === 'running' || job?.state === 'complete');
}

/** Whether there will be a picture of it by itself, or a word why there is none. */
export function awaitsPreview({ preview }: Claim): boolean {
  return preview?.state === 'queued' || preview?.state === 'running';
}

/** Tells of each new look until it is stopped. A look that fails is followed by the next; offline, the page says so. */
export function followClaim(id: string, playing: boolean, onlook: (claim: Claim) => void): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  void (async () => {
    for (;;) {
      await pause(playing ? PLAYING_MS : WAITING_MS, signal);
      const fresh = await api.claim(id, signal).catch(() => null);
      if (signal.aborted) return;
      if (fresh) onlook(fresh);
    }
  })().catch(() => undefined); // Stopped in a pause.
  return () => stop.abort();
}
