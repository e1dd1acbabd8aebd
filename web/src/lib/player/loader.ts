//! The loader that hls.js gets for playlists and fragments alike: every answer comes out of a `VerifiedTree`.
//! hls.js retries what is merely unreachable (code 503); a refusal is reported to the player, which stops.

import type {
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderContext,
  LoaderStats,
  HlsConfig,
} from 'hls.js';

import { isRefusal, type Checked, type VerifiedTree } from './tree';

export interface LoaderEvents {
  checked(path: string, file: Checked): void;
  refused(path: string, error: Error): void;
}

/** Playlists are addressed below this; it is never fetched, only taken off again. */
export const VIRTUAL_BASE = 'https://root.invalid/';

export function verifyingLoader(
  tree: VerifiedTree,
  events: LoaderEvents,
): new (config: HlsConfig) => Loader<LoaderContext> {
  return class VerifyingLoader implements Loader<LoaderContext> {
    context: LoaderContext | null = null;
    stats: LoaderStats = freshStats();
    readonly #stop = new AbortController();
    #callbacks: LoaderCallbacks<LoaderContext> | null = null;

    destroy(): void {
      this.#callbacks = null;
      this.abort();
    }

    abort(): void {
      if (this.stats.loading.end) return;
      this.stats.aborted = true;
      this.#stop.abort();
      if (this.context) this.#callbacks?.onAbort?.(this.stats, this.context, null);
      this.#callbacks = null;
    }

    load(
      context: LoaderContext,
      _config: LoaderConfiguration,
      callbacks: LoaderCallbacks<LoaderContext>,
    ): void {
      this.context = context;
      this.#callbacks = callbacks;
      this.stats.loading.start = performance.now();
      void this.#run(context);
    }

    async #run(context: LoaderContext): Promise<void> {
      const path = pathOf(context);
      try {
        if (path === null) throw new TypeError('an address outside of the root');
        const file = await tree.file(path, { signal: this.#stop.signal, progress: this.#progress() });
        this.#finish(context, path, file);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const refusal = isRefusal(error) || error instanceof TypeError;
        if (refusal) events.refused(path ?? context.url, error as Error);
        const text = error instanceof Error ? error.message : 'failed';
        this.#callbacks?.onError({ code: refusal ? 422 : 503, text }, context, null, this.stats);
      }
    }

    #progress() {
      const { stats } = this;
      return {
        first: () => (stats.loading.first ||= performance.now()),
        bytes: (loaded: number, total: number) => {
          stats.loaded = loaded;
          stats.total = total;
        },
      };
    }

    #finish(context: LoaderContext, path: string, file: Checked): void {
      const { stats } = this;
      stats.loading.end = Math.max(performance.now(), (stats.loading.first ||= stats.loading.start));
      stats.loaded = stats.total = file.bytes.length;
      events.checked(path, file);
      const binary = context.responseType === 'arraybuffer';
      const data = binary ? file.bytes.buffer : new TextDecoder().decode(file.bytes);
      this.#callbacks?.onSuccess({ url: context.url, data, code: 200 }, stats, context, null);
    }
  };
}

/** The path below the root, or null for an address that a playlist had no business to name. */
export function pathOf(context: Pick<LoaderContext, 'url' | 'rangeEnd'>): string | null {
  if (!context.url.startsWith(VIRTUAL_BASE) || context.rangeEnd) return null;
  const path = context.url.slice(VIRTUAL_BASE.length);
  return /[?#]|(^|\/)\.\.?(\/|$)|^\/|\/\//.test(path) || path === '' ? null : decodeURIComponent(path);
}

function freshStats(): LoaderStats {
  const timing = () => ({ start: 0, first: 0, end: 0 });
  return {
    aborted: false,
    loaded: 0,
    retry: 0,
    total: 0,
    chunkCount: 0,
    bwEstimate: 0,
    loading: timing(),
    parsing: { start: 0, end: 0 },
    buffering: timing(),
  };
}
