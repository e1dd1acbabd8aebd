//! Speed and time left from a stream of (when, how much): an average over the last seconds, so that it neither
//! jumps nor lags. Pure: the clock is passed in.

const WINDOW_MS = 6000;

export class Meter {
  #samples: { at: number; done: number }[] = [];

  add(at: number, done: number): void {
    const last = this.#samples.at(-1);
    if (last && done < last.done) this.reset(); // A retry went back to what the server holds.
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && at - this.#samples[0]!.at > WINDOW_MS) this.#samples.shift();
  }

  reset(): void {
    this.#samples = [];
  }

  /** Per second, or null while it can't be told. */
  get rate(): number | null {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.at - first.at < 400) return null;
    return ((last.done - first.done) / (last.at - first.at)) * 1000;
  }

  leftMs(total: number): number | null {
    const { rate } = this;
    const done = this.#samples.at(-1)?.done ?? 0;
    return rate && rate > 0 ? ((total - done) / rate) * 1000 : null;
  }
}
