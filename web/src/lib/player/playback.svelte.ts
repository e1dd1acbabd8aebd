//! One playback: hls.js on a video element, fed only with checked bytes, and the state that the page shows.
//! A refusal is final: the stream is torn down, the picture is cleared, and the message says why.
//! Deliberately absent: any path by which a byte from the network reaches the element unchecked, but for
//! browsers without Media Source Extensions, where `mode` is "native" and the badge must say "not verified".

import Hls, { type HlsConfig } from 'hls.js';

import { verifyingLoader, VIRTUAL_BASE } from './loader';
import { type OriginReport, Origins } from './origins';
import { type Checked, VerifiedTree } from './tree';

export type PlaybackState = 'idle' | 'loading' | 'playing' | 'paused' | 'buffering' | 'ended' | 'error';

/** `unverified_bytes`: someone sent other bytes than were signed. `unreachable`: nobody sent any. */
export type PlaybackFault = {
  code: 'unverified_bytes' | 'unreachable' | 'unplayable';
  message: string;
  detail: string;
};

export interface Level {
  index: number;
  height: number;
  bandwidth: number;
}

/** Until someone presses play, the first segment is enough: it shows a frame and costs little. */
const AHEAD_BEFORE_PLAY_S = 0.5;
/** Two minutes ahead is plenty, and bounds memory. */
const AHEAD_S = 120;

const CONFIG: Partial<HlsConfig> = {
  enableWorker: false, // Fragments are CMAF already: there is nothing to transmux.
  lowLatencyMode: false,
  id3TrackController: undefined as never, // Compiled out, like other things that CMAF has no use for.
  backBufferLength: 60,
  maxBufferLength: 30,
  maxMaxBufferLength: AHEAD_BEFORE_PLAY_S,
  abrEwmaDefaultEstimate: 3_000_000,
  startFragPrefetch: true,
  capLevelToPlayerSize: true,
};

export class Playback {
  state = $state<PlaybackState>('idle');
  fault = $state.raw<PlaybackFault | null>(null);
  mode = $state<'verified' | 'native'>('verified');
  levels = $state.raw<Level[]>([]);
  /** The level that was asked for; -1 is automatic. */
  wanted = $state(-1);
  current = $state(-1);
  verifiedSegments = $state(0);
  verifiedBytes = $state(0);
  verifiedBlocks = $state(0);
  origins = $state.raw<OriginReport[]>([]);

  /** Checked like everything else, so an address of this page's own. */
  poster = $state<string | null>(null);

  #hls: Hls | null = null;
  #video: HTMLVideoElement | null = null;
  #mediaRecoveries = 0;

  attach(video: HTMLVideoElement, root: string, bases: string[]): void {
    this.detach();
    this.fault = null;
    this.state = 'loading';
    this.verifiedSegments = this.verifiedBytes = this.verifiedBlocks = 0;
    this.#video = video;
    if (!Hls.isSupported()) return this.#native(video, bases);
    try {
      const origins = new Origins(bases);
      const tree = new VerifiedTree(root, origins);
      tree.prefetchFolders().catch(() => undefined); // The loader meets the same error, and reports it.
      void this.#showPoster(tree, video);
      this.#start(video, tree, origins);
    } catch (error) {
      this.#refuse((error as Error).message);
    }
  }

  detach(): void {
    this.#hls?.destroy();
    this.#hls = null;
    this.#video = null;
    const { poster } = this;
    this.poster = null;
    // The element may be about to read it: an address that is gone would be an error in the console.
    if (poster) setTimeout(() => URL.revokeObjectURL(poster), 10_000);
  }

  choose(level: number): void {
    this.wanted = level;
    if (this.#hls) this.#hls.nextLevel = level;
  }

  retry(): void {
    if (!this.#hls || this.fault?.code !== 'unreachable') return;
    this.fault = null;
    this.state = 'loading';
    if (this.levels.length === 0) this.#hls.loadSource(`${VIRTUAL_BASE}master.m3u8`);
    else this.#hls.startLoad();
  }

  #start(video: HTMLVideoElement, tree: VerifiedTree, origins: Origins): void {
    const events = {
      checked: (path: string, file: Checked) => {
        if (path.endsWith('.m4s')) this.verifiedSegments++;
        this.verifiedBytes += file.bytes.length;
        this.verifiedBlocks += file.blocks;
        this.origins = origins.reports.map((report) => ({ ...report }));
      },
      refused: (path: string, error: Error) => this.#refuse(`${path}: ${error.message}`),
    };
    const hls = new Hls({ ...CONFIG, loader: verifyingLoader(tree, events) });
    this.#hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      this.levels = hls.levels.map(({ height, bitrate }, index) => ({ index, height, bandwidth: bitrate }));
      if (this.state === 'loading') this.state = 'paused';
    });
    hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => (this.current = level));
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (!data.fatal || this.fault) return;
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR && this.#mediaRecoveries++ < 2)
        return hls.recoverMediaError();
      const reachable = data.type !== Hls.ErrorTypes.NETWORK_ERROR;
      this.#fail(
        reachable
          ? {
              code: 'unplayable',
              message: 'This browser cannot play the stream.',
              detail: `${data.details}: ${data.error.message}`,
            }
          : {
              code: 'unreachable',
              message: 'No server is answering right now.',
              detail: data.response?.text ?? data.error.message,
            },
      );
    });
    const eager = () => (hls.config.maxMaxBufferLength = AHEAD_S);
    if (video.paused) video.addEventListener('play', eager, { once: true });
    else eager();
    hls.attachMedia(video);
    hls.loadSource(`${VIRTUAL_BASE}master.m3u8`);
  }

  /** Without its picture a stream still plays. */
  async #showPoster(tree: VerifiedTree, video: HTMLVideoElement): Promise<void> {
    const file = await tree.poster().catch(() => null);
    if (file && this.#video === video) this.poster = URL.createObjectURL(new Blob([file.bytes]));
  }

  #native(video: HTMLVideoElement, bases: string[]): void {
    this.mode = 'native';
    video.src = `${bases[0]}/master.m3u8`;
    video.addEventListener(
      'error',
      () => this.#fail({ code: 'unplayable', message: 'This browser cannot play the stream.', detail: '' }),
      { once: true },
    );
  }

  /** Wrong bytes: nothing more is played, and what the element still holds goes too. */
  #refuse(detail: string): void {
    this.#fail({
      code: 'unverified_bytes',
      message: 'Stopped: the bytes that arrived are not the ones that were published.',
      detail,
    });
    const video = this.#video;
    queueMicrotask(() => {
      this.#hls?.destroy();
      this.#hls = null;
      video?.pause();
      video?.removeAttribute('src');
      video?.load();
    });
  }

  #fail(fault: PlaybackFault): void {
    this.fault = fault;
    this.state = 'error';
    this.#video?.pause();
  }
}
