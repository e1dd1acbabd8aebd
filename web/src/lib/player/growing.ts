//! The files of a stream that is still being made. The node signs what there is; each revision must be its key's, of the
//! source that the channel signed, and only add to the one before: what was played can't become something else.
//! Playlists are written here, from what is signed; hls.js asks for them again and again until the end is signed.

import { type Cid, sameBytes, sameCid } from '../content/cid';
import {
  addsTo,
  EMPTY_CHAIN,
  extend,
  fromBase64url,
  type Growing,
  Link,
  type Piece,
  verifyGrowing,
} from '../records';
import { BadRoot, type FetchOptions, Origins } from './origins';
import { type Checked, checkedAt, type Files, isRefusal, type VerifiedTree } from './tree';

/** What the claim's records say about the stream. */
export interface Expected {
  /** The source that the channel signed. */
  source: string;
  /** The keys of the node that is the channel's home. */
  nodeKeys: Uint8Array[];
}

/** As the node answers it. */
interface Answer {
  statement: string;
  sig: string;
  first: number;
  steps: { cid: string; ticks: number }[][];
}

/** An answer holds at most so many steps; a stream of four days has fewer answers. */
const MAX_ANSWERS = 100;
/** Both playlists are asked for at about the same time: one look serves both. */
const FRESH_MS = 500;

export class GrowingTree implements Files {
  readonly origins: Origins;
  #growing: Growing | null = null;
  #steps: Piece[][] = [];
  #chain = EMPTY_CHAIN;
  #looking: Promise<void> | null = null;
  #lookedAt = -Infinity;

  /** `base`: where the node answers for it; segments are below. */
  constructor(
    readonly base: string,
    readonly expected: Expected,
    readonly fetcher: typeof fetch = (...args) => fetch(...args),
    readonly freshMs = FRESH_MS,
  ) {
    this.origins = new Origins([base], fetcher);
  }

  async file(path: string, options: FetchOptions = {}): Promise<Checked> {
    if (!path.endsWith('.m3u8'))
      return checkedAt(path, Promise.resolve(this.#cidOf(path)), this.origins, options);
    await this.#look();
    const text = path === 'master.m3u8' ? this.#master() : this.#media(path.slice(0, path.indexOf('/')));
    return { bytes: new TextEncoder().encode(text), base: this.base, blocks: 0 };
  }

  /** Whether a finished stream holds the segments that were shown of this one. */
  async isIn(tree: VerifiedTree): Promise<boolean> {
    const shown = this.#growing?.renditions ?? [];
    const same = async (path: string, { cid }: Link) => sameCid(await tree.cidOf(path), cid);
    for (const [place, { name, init }] of shown.entries()) {
      if (!(await same(`${name}/init.mp4`, init))) return false;
      for (const [number, step] of this.#steps.entries()) {
        if (!(await same(`${name}/${segment(number)}`, step[place]!.cid))) return false;
      }
    }
    return true;
  }

  /** Whether there is more of it than so many seconds, or will never be. Without an answer there isn't yet. */
  async reaches(seconds: number): Promise<boolean> {
    try {
      await this.#look();
    } catch (error) {
      if (isRefusal(error)) throw error;
    }
    if (!this.#growing) return false;
    const { timescale } = this.#growing.renditions[0]!;
    const ticks = this.#steps.reduce((sum, step) => sum + step[0]!.ticks, 0);
    return this.#growing.ended || ticks / timescale > seconds;
  }

  /** The newest revision. When none can be had, what is known already stays: it isn't the last, or the page hears it. */
  async #look(): Promise<void> {
    if (this.#growing?.ended || performance.now() - this.#lookedAt < this.freshMs) return;
    this.#looking ??= this.#update().finally(() => (this.#looking = null));
    try {
      await this.#looking;
    } catch (error) {
      if (isRefusal(error) || !this.#growing) throw error;
    }
  }

  async #update(): Promise<void> {
    const steps = [...this.#steps];
    let chain = this.#chain;
    for (let asked = 0; asked < MAX_ANSWERS; asked++) {
      const answer = await this.#ask(steps.length);
      const growing = await this.#check(answer);
      for (const step of answer.steps.slice(0, growing.segments - steps.length)) {
        const pieces = piecesOf(step, growing.renditions.length);
        steps.push(pieces);
        chain = await extend(chain, pieces);
      }
      if (steps.length < growing.segments && answer.steps.length > 0) continue;
      if (!sameBytes(chain, growing.chain)) throw new BadRoot('the node contradicts what it signed before');
      [this.#growing, this.#steps, this.#chain] = [growing, steps, chain];
      this.#lookedAt = performance.now();
      return;
    }
    throw new BadRoot('the node never comes to the end of what it signed');
  }

  async #ask(after: number): Promise<Answer> {
    const response = await this.fetcher(`${this.base}?after=${after}`, { cache: 'no-store' });
    // 204: it is complete, or taken back. The page hears of both.
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    return (await response.json()) as Answer;
  }

  async #check(answer: Answer): Promise<Growing> {
    let growing: Growing;
    try {
      growing = await verifyGrowing(fromBase64url(answer.statement), fromBase64url(answer.sig));
    } catch (error) {
      throw new BadRoot(`the node's word for it does not hold: ${(error as Error).message}`);
    }
    const { source, nodeKeys } = this.expected;
    if (!nodeKeys.some((key) => sameBytes(key, growing.key)))
      throw new BadRoot('it is signed by another key than the node’s');
    if (growing.source.toString() !== source) throw new BadRoot('it was made from another source');
    if (this.#growing && !addsTo(growing, this.#growing))
      throw new BadRoot('the node takes back what it signed before');
    return growing;
  }

  #cidOf(path: string): Cid {
    const [name, leaf] = path.split('/');
    const place = this.#growing?.renditions.findIndex((rendition) => rendition.name === name) ?? -1;
    const number = Number(/^seg-(\d{5})\.m4s$/.exec(leaf ?? '')?.[1] ?? -1);
    const cid =
      leaf === 'init.mp4' ? this.#growing?.renditions[place]?.init : this.#steps[number]?.[place]?.cid;
    if (!cid) throw new BadRoot(`the stream has no ${path}`);
    return cid.cid;
  }

  #master(): string {
    const renditions = this.#growing?.renditions ?? [];
    const picture = renditions.find(({ height }) => height !== undefined);
    const sound = renditions.find(({ height }) => height === undefined);
    const main = picture ?? sound;
    const codecs = renditions.map((rendition) => rendition.codecs).join(',');
    const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS'];
    let about = `BANDWIDTH=${this.#bandwidth()},CODECS="${codecs}"`;
    if (picture) about += `,RESOLUTION=${picture.width}x${picture.height}`;
    if (picture && sound) {
      lines.push(
        `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,URI="${sound.name}/media.m3u8"`,
      );
      about += ',AUDIO="audio"';
    }
    return [...lines, `#EXT-X-STREAM-INF:${about}`, `${main?.name}/media.m3u8`, ''].join('\n');
  }

  /** Nobody chooses by it: there is one. It isn't signed, since the size of what isn't made yet isn't known. */
  #bandwidth(): number {
    return this.#growing?.renditions.some(({ height }) => height !== undefined) ? 1_500_000 : 128_000;
  }

  #media(name: string): string {
    const renditions = this.#growing?.renditions ?? [];
    const place = renditions.findIndex((rendition) => rendition.name === name);
    const seconds = this.#steps.map((step) => step[place]!.ticks / renditions[place]!.timescale);
    // It grows with the first segments, which are short: so the next ones are asked for soon.
    const target = seconds.reduce((most, length) => Math.max(most, Math.round(length)), 1);
    return [
      ...['#EXTM3U', '#EXT-X-VERSION:7', `#EXT-X-TARGETDURATION:${target}`, '#EXT-X-MEDIA-SEQUENCE:0'],
      ...['#EXT-X-PLAYLIST-TYPE:EVENT', '#EXT-X-INDEPENDENT-SEGMENTS', '#EXT-X-MAP:URI="init.mp4"'],
      ...seconds.map((length, number) => `#EXTINF:${length.toFixed(6)},\n${segment(number)}`),
      ...(this.#growing?.ended ? ['#EXT-X-ENDLIST'] : []),
      '',
    ].join('\n');
  }
}

function piecesOf(step: Answer['steps'][number], count: number): Piece[] {
  try {
    if (step.length === count) return step.map(({ cid, ticks }) => ({ cid: new Link(cid), ticks }));
  } catch {
    // As wrong as one too few.
  }
  throw new BadRoot('the node names segments that are none');
}

const segment = (number: number): string => `seg-${String(number).padStart(5, '0')}.m4s`;
