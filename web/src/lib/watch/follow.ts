//! Looks at a claim now and then while its stream or its preview isn't complete, so that the page shows what has become of it;
//! rarely while it couldn't be made, for somebody may have it tried again.

import { api } from '../api/client';
import { pause } from '../api/patience';
import type { Claim } from '../api/types';

/** Between two looks while there is nothing to see, while it plays already, and while it is given up. */
const WAITING_MS = 2000;
const PLAYING_MS = 5000;
const FAILED_MS = 30_000;

/** Whether there will be a root by itself. */
export function isUnfinished({ root, job }: Claim): boolean {
  return root === null && (job?.state === 'queued' || job?.state === 'running' || job?.state === 'complete');
}

/** Whether there will be a picture of it by itself, or a word why there is none. */
export function awaitsPreview({ preview }: Claim): boolean {
  return preview?.state === 'queued' || preview?.state === 'running';
}

/** How long to wait before the next look; null where nothing will change by itself. */
export function paceOf(claim: Claim, playing: boolean): number | null {
  if (isUnfinished(claim) || awaitsPreview(claim)) return playing ? PLAYING_MS : WAITING_MS;
  return claim.root === null && claim.job?.state === 'failed' ? FAILED_MS : null;
}

/**
 * Tells of each new look until it is stopped. A look that fails is followed by the next; offline, the page says so. A tab
 * that nobody sees doesn't look for what is given up.
 */
export function followClaim(id: string, paceMs: number, onlook: (claim: Claim) => void): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  void (async () => {
    for (;;) {
      await pause(paceMs, signal);
      if (paceMs >= FAILED_MS) await untilVisible(signal);
      const fresh = await api.claim(id, signal).catch(() => null);
      if (signal.aborted) return;
      if (fresh) onlook(fresh);
    }
  })().catch(() => undefined); // Stopped in a pause.
  return () => stop.abort();
}

/** Rejects when it is called off. */
function untilVisible(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (!signal.aborted && document.visibilityState !== 'visible') return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
    look();
  });
}
