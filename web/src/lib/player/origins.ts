//! Where bytes come from: a list of addresses that all claim to hold the same content, none of them trusted.
//! What always holds: `fetch` returns only what its `check` accepted. An origin that is wrong or dead is put
//! behind the others for the session; one that is slow to answer gets company, and the first right answer wins.
//! A wrong answer may be the browser's own copy of one: when nobody else is right, its origin is asked past the cache.

export interface OriginReport {
  base: string;
  /** Answers that passed their check. */
  good: number;
  /** Answers whose bytes did not hash to what was asked for. */
  wrong: number;
  /** The same, but earlier in this visit: it is asked after the others. */
  wrongBefore: number;
  /** Requests that failed or timed out. */
  dead: number;
}

/** Thrown by a check: the bytes are not what the CID says. */
export class WrongBytes extends Error {}

/** What the root itself names is not a playable folder: no origin could do better. */
export class BadRoot extends Error {}

/** No origin gave the right bytes. `wrong` tells a lie from a line that is down. */
export class NoOrigin extends Error {
  constructor(
    readonly path: string,
    readonly wrong: boolean,
    readonly reasons: string[],
  ) {
    super(`${path}: ${reasons.join('; ') || 'no origin is known'}`);
  }
}

export interface Progress {
  /** Response headers have come. */
  first(): void;
  bytes(loaded: number, total: number): void;
}

export interface FetchOptions {
  signal?: AbortSignal | undefined;
  progress?: Progress | undefined;
}

/** An origin that is asked, perhaps for the second time. */
interface Turn {
  report: OriginReport;
  again: boolean;
}

export type Check<T> = (bytes: Uint8Array<ArrayBuffer>, base: string) => Promise<T>;

/** An origin that hasn't begun to answer by then gets a competitor. */
export const HEDGE_AFTER_MS = 800;
/** Nothing new for this long: the request is dead. */
export const STALL_MS = 15_000;

const REMEMBERED = 'pinreel-origin-faults';

export class Origins {
  readonly reports: OriginReport[];
  readonly #fetch: typeof fetch;

  constructor(bases: string[], fetcher: typeof fetch = (...args) => fetch(...args)) {
    const faults = recall();
    this.#fetch = fetcher;
    this.reports = [...new Set(bases)].map((base) => ({
      base,
      good: 0,
      wrong: 0,
      wrongBefore: faults[base] ?? 0,
      dead: 0,
    }));
  }

  /** Best first: those that never lied, then those that answered, in the order given. */
  ranked(): OriginReport[] {
    const lies = (report: OriginReport) => report.wrong + report.wrongBefore;
    return [...this.reports].sort((a, b) => lies(a) - lies(b) || Math.min(a.dead, 3) - Math.min(b.dead, 3));
  }

  async fetch<T>(path: string, check: Check<T>, options: FetchOptions = {}): Promise<T> {
    const waiting: Turn[] = this.ranked().map((report) => ({ report, again: false }));
    const reasons: string[] = [];
    let wrong = false;
    const stop = new AbortController();
    const onAbort = () => stop.abort(options.signal?.reason);
    options.signal?.addEventListener('abort', onAbort, { once: true });
    if (options.signal?.aborted) onAbort();

    try {
      return await new Promise<T>((resolve, reject) => {
        let running = 0;
        stop.signal.addEventListener('abort', () => reject(abortError()), { once: true });
        const next = () => {
          const turn = waiting.shift();
          if (!turn) {
            if (running === 0) reject(new NoOrigin(path, wrong, reasons));
            return;
          }
          const { report } = turn;
          running++;
          let begun = false;
          const hedge = setTimeout(() => begun || next(), HEDGE_AFTER_MS);
          const progress: Progress = {
            first: () => {
              begun = true;
              options.progress?.first();
            },
            bytes: (loaded, total) => options.progress?.bytes(loaded, total),
          };
          this.#one(turn, path, stop.signal, progress)
            .then((bytes) => check(bytes, report.base))
            .then(
              (value) => {
                report.good++;
                resolve(value);
              },
              (error: unknown) => {
                running--;
                if (stop.signal.aborted) return;
                // The check needed something else first (the folder above), and that failed as a whole.
                if (error instanceof NoOrigin || error instanceof BadRoot) return reject(error);
                if (!turn.again) {
                  const lied = this.#blame(report, error);
                  if (lied) waiting.push({ report, again: true });
                  wrong ||= lied;
                  reasons.push(
                    `${hostOf(report.base)}: ${error instanceof Error ? error.message : 'failed'}`,
                  );
                }
                next();
              },
            )
            .finally(() => clearTimeout(hedge));
        };
        next();
      });
    } finally {
      options.signal?.removeEventListener('abort', onAbort);
      stop.abort();
    }
  }

  #blame(report: OriginReport, error: unknown): boolean {
    if (!(error instanceof WrongBytes)) {
      report.dead++;
      return false;
    }
    report.wrong++;
    remember(report.base);
    return true;
  }

  async #one({ report, again }: Turn, path: string, signal: AbortSignal, progress: Progress) {
    const stall = new AbortController();
    let timer = setTimeout(() => stall.abort(), STALL_MS);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => stall.abort(), STALL_MS);
    };
    try {
      const any = AbortSignal.any([signal, stall.signal]);
      const response = await this.#fetch(report.base + path, {
        signal: any,
        credentials: 'same-origin',
        cache: again ? 'reload' : 'default',
      });
      if (!response.ok) throw new Error(`answered ${response.status}`);
      progress.first();
      alive();
      return await read(response, (loaded, total) => {
        alive();
        progress.bytes(loaded, total);
      });
    } catch (error) {
      if (stall.signal.aborted) throw new Error('stopped answering', { cause: error });
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** No file of a playback root is larger; an origin that sends more is cut off. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

async function read(response: Response, progress: (loaded: number, total: number) => void) {
  const total = Number(response.headers.get('content-length') ?? 0);
  const pieces: Uint8Array[] = [];
  let loaded = 0;
  const reader = response.body?.getReader();
  for (let piece = await reader?.read(); reader && piece && !piece.done; piece = await reader.read()) {
    pieces.push(piece.value);
    loaded += piece.value.length;
    if (loaded > MAX_FILE_BYTES) throw new WrongBytes('sent more than any segment holds');
    progress(loaded, total);
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

export const hostOf = (base: string): string => {
  try {
    return new URL(base, location.href).host;
  } catch {
    return base;
  }
};

const abortError = () => new DOMException('aborted', 'AbortError');

function recall(): Record<string, number> {
  try {
    return JSON.parse(sessionStorage.getItem(REMEMBERED) ?? '{}') as Record<string, number>;
  } catch {
    return {};
  }
}

function remember(base: string): void {
  try {
    const faults = recall();
    faults[base] = (faults[base] ?? 0) + 1;
    sessionStorage.setItem(REMEMBERED, JSON.stringify(faults));
  } catch {
    // A frame without storage forgets; it still checks.
  }
}
