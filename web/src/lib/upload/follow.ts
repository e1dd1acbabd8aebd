//! Follows an upload's state until its owner stops: server-sent events, and looking now and then, which finds out what
//! events didn't tell, because a proxy holds them back, the line went dead, or the node was started anew.
//! What always holds: it ends only by `stop` or by `gone`; whatever else fails is tried again, and said to `waiting`.

import { api, ApiError, uploadPath } from '../api/client';
import { pause, untilAnswered } from '../api/patience';
import type { Job, Problem, Upload } from '../api/types';

/** Between two looks while no events come. */
const POLL_MS = 2500;
/** Between two looks while they do: nothing changes for long while a job waits for its turn. */
const QUIET_MS = 15_000;
/** A proxy that answers events with an error this often in a row won't let them through. */
const REFUSALS = 3;

export interface Follower {
  upload(upload: Upload): void;
  /** Why nothing is heard right now; null when it is over. */
  waiting(problem: Problem | null): void;
  gone(problem: Problem): void;
}

export function follow(id: string, follower: Follower): () => void {
  const following = new Following(id, follower);
  void following.run();
  return () => following.stop();
}

class Following {
  readonly #id: string;
  readonly #follower: Follower;
  readonly #stop = new AbortController();
  #source: EventSource | null = null;
  #refusals = 0;
  /** Events come through. */
  #heard = false;
  /** Ends the pause before the next look. */
  #wake = new AbortController();

  constructor(id: string, follower: Follower) {
    this.#id = id;
    this.#follower = follower;
  }

  stop(): void {
    this.#stop.abort();
    this.#source?.close();
  }

  async run(): Promise<void> {
    const { signal } = this.#stop;
    try {
      while (!signal.aborted) {
        if (!this.#isOpen() && this.#refusals < REFUSALS) this.#listen();
        await this.#quiet();
        if (signal.aborted) return;
        const waiting = (problem: Problem | null) => this.#follower.waiting(problem);
        const upload = await untilAnswered(() => api.upload(this.#id, signal), { signal, waiting });
        this.#follower.upload(upload);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.stop();
      if (!(error instanceof ApiError)) throw error;
      this.#follower.gone(error.problem);
    }
  }

  #isOpen(): boolean {
    return this.#source !== null && this.#source.readyState !== EventSource.CLOSED;
  }

  #listen(): void {
    const source = (this.#source = new EventSource(uploadPath(this.#id, '/events')));
    source.addEventListener('upload', (event) => {
      this.#refusals = 0;
      this.#follower.upload(JSON.parse((event as MessageEvent<string>).data) as Upload);
      this.#wake.abort('heard');
    });
    // Either it comes back by itself, or it was refused and is closed: a look tells what is the matter.
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) this.#refusals++;
      this.#wake.abort('fault');
    };
  }

  /** Until it is time to look. Each event puts that off; a fault brings it forward. */
  async #quiet(): Promise<void> {
    for (;;) {
      this.#wake = new AbortController();
      const any = AbortSignal.any([this.#stop.signal, this.#wake.signal]);
      try {
        return await pause(this.#heard ? QUIET_MS : POLL_MS, any);
      } catch {
        this.#heard = this.#wake.signal.reason === 'heard';
        if (this.#stop.signal.aborted || !this.#heard) return;
      }
    }
  }
}

/** Nothing more will happen to it by itself. */
export function settled({ state, job, preview, unfinished }: Upload): boolean {
  const isOver = (one: { state: Job['state'] }) => one.state !== 'queued' && one.state !== 'running';
  return (
    state === 'stored' && !unfinished && job !== null && isOver(job) && (preview === null || isOver(preview))
  );
}
