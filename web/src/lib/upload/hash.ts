//! Starts the hashing worker for a file. Stopping it is ending the worker.

import type { HashMessage } from './hash.worker';

export interface Hashing {
  cid: Promise<string>;
  stop(): void;
}

export function hashFile(file: File, progress: (doneBytes: number) => void): Hashing {
  const worker = new Worker(new URL('./hash.worker.ts', import.meta.url), { type: 'module' });
  const cid = new Promise<string>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<HashMessage>) => {
      if ('cid' in data) resolve(data.cid);
      else if ('error' in data) reject(new Error(data.error));
      else progress(data.done);
    };
    worker.onerror = () => reject(new Error('the hashing worker could not start'));
    worker.postMessage(file);
  }).finally(() => worker.terminate());
  cid.catch(() => undefined);
  return { cid, stop: () => worker.terminate() };
}
