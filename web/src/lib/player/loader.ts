//! The loader that hls.js gets for playlists and fragments alike: every answer comes out of checked `Files`.
//! hls.js retries what is merely unreachable (code 503). A file that was refused is never answered: hls.js waits for it
//! while it plays what was verified before, until the player, which was told, calls it off.

import type {
  FragmentLoaderContext,
  Loader,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderContext,
  LoaderStats,
  HlsConfig,
} from 'hls.js';

import { type Checked, type Files, isRefusal } from './tree';

export interface LoaderEvents {
  checked(path: string, file: Checked): void;
  /** `span` is the time that the file would have filled; null for one that all the rest depends on. */
  refused(path: string, error: Error, span: Span | null): void;
  /** Whoever asked for a refused file does without it: another position or quality was chosen. */
  dropped(path: string): void;
}

/** In seconds of the stream. */
export interface Span {
  from: number;
  to: number;
}

/** Playlists are addressed below this; it is never fetched, only taken off again. */
export const VIRTUAL_BASE = 'https://root.invalid/';

export function verifyingLoader(
  tree: Files,
  events: LoaderEvents,
): new (config: HlsConfig) => Loader<LoaderContext> {
  return class VerifyingLoader implements Loader<LoaderContext> {
    context: LoaderContext | null = null;
    stats: LoaderStats = freshStats();
    readonly #stop = new AbortController();
    #callbacks: LoaderCallbacks<LoaderContext> | null = null;
    #refused: string | null = null;

    destroy(): void {
      this.#callbacks = null;
      this.abort();
    }

    abort(): void {
      if (this.stats.loading.end) return;
      this.stats.aborted = true;
      this.#stop.abort();
      if (this.#refused !== null) events.dropped(this.#refused);
      this.#refused = null;
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
        if (isRefusal(error) || error instanceof TypeError) {
          this.#refused = path ?? context.url;
          return events.refused(this.#refused, error as Error, spanOf(context));
        }
        const text = error instanceof Error ? error.message : 'failed';
        this.#callbacks?.onError({ code: 503, text }, context, null, this.stats);
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

function spanOf(context: LoaderContext): Span | null {
  const { frag } = context as Partial<FragmentLoaderContext>;
  if (!frag || typeof frag.sn !== 'number') return null;
  return { from: frag.start, to: frag.start + frag.duration };
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
