//! Something that a page loads: loading, ready or failed, kept for the way back. A component draws the three.

import { ApiError } from '../api/client';
import type { Problem } from '../api/types';
import { router } from './router.svelte';

export class Resource<T> {
  value = $state.raw<T | null>(null);
  problem = $state.raw<Problem | null>(null);
  loading = $state(true);
  readonly #name: string;
  readonly #load: (signal: AbortSignal) => Promise<T>;
  #stop: AbortController | null = null;

  /** `first` is what the server already put into the page. */
  constructor(name: string, load: (signal: AbortSignal) => Promise<T>, first?: T | null) {
    this.#name = name;
    this.#load = load;
    const known = router.kept<T>(name) ?? first;
    if (known !== undefined && known !== null) this.set(known);
    else void this.reload();
  }

  set(value: T): void {
    this.value = value;
    this.problem = null;
    this.loading = false;
    router.keep(this.#name, value);
  }

  async reload(): Promise<void> {
    this.#stop?.abort();
    const stop = (this.#stop = new AbortController());
    this.loading = true;
    try {
      const value = await this.#load(stop.signal);
      if (!stop.signal.aborted) this.set(value);
    } catch (error) {
      if (stop.signal.aborted) return;
      this.problem = problemFrom(error);
      this.loading = false;
    }
  }

  stop(): void {
    this.#stop?.abort();
  }
}

export function problemFrom(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return { status: 0, code: 'failed', title: 'Something went wrong', detail };
}
