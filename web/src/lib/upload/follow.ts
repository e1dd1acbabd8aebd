//! Follows an upload's state: server-sent events, and polling where a proxy swallows them.

import { api, ApiError, uploadPath } from '../api/client';
import type { Problem, Upload } from '../api/types';

const POLL_MS = 2500;
/** EventSource comes back by itself; after so many failures in a row polling is the better way. */
const FAULTS_BEFORE_POLLING = 2;

export interface Follower {
  upload(upload: Upload): void;
  gone(problem: Problem): void;
}

export function follow(id: string, follower: Follower): () => void {
  let stopped = false;
  let faults = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const source = new EventSource(uploadPath(id, '/events'));

  source.addEventListener('upload', (event) => {
    faults = 0;
    follower.upload(JSON.parse((event as MessageEvent<string>).data) as Upload);
  });
  source.onerror = () => {
    if (stopped || ++faults < FAULTS_BEFORE_POLLING) return;
    source.close();
    void poll();
  };

  async function poll(): Promise<void> {
    try {
      const upload = await api.upload(id);
      if (!stopped) follower.upload(upload);
    } catch (error) {
      const gone = error instanceof ApiError && [401, 403, 404, 410].includes(error.status);
      if (gone && !stopped) return follower.gone(error.problem);
    }
    if (!stopped) timer = setTimeout(() => void poll(), POLL_MS);
  }

  return () => {
    stopped = true;
    source.close();
    clearTimeout(timer);
  };
}

/** Nothing more will happen to it by itself. */
export function settled({ state, job }: Upload): boolean {
  return state === 'stored' && job !== null && job.state !== 'queued' && job.state !== 'running';
}
