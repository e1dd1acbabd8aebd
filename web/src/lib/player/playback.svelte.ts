//! One playback: hls.js on a video element, fed only with checked bytes, and the state that the page shows.
//! What was verified before a wrong segment may play; where that segment would begin, the stream is torn down, the
//! picture is cleared, and the message says why. A wrong playlist or folder ends it at once.
//! Deliberately absent: any path by which a byte from the network reaches the element unchecked, but for
//! browsers without Media Source Extensions, where `mode` is "native" and the badge must say "not verified".

import Hls, { type HlsConfig, type MediaAttachingData } from 'hls.js';

import { CaptionsTrack } from './captions';
import { GrowingTree } from './growing';
import { type Span, verifyingLoader, VIRTUAL_BASE } from './loader';
import { type OriginReport, Origins } from './origins';
import { bufferedAfter, goOnAt, NEAR_S, type Place, placeIn } from './place';
import { placeOf, rememberedSound, rememberSound, type Sound, soundsOf } from './sounds';
import { fresh, sameStream, type Stream } from './stream';
import { type Captions, captionsIn, type Chapter, chaptersIn } from './texts';
import { type Checked, type Files, isRefusal, VerifiedTree } from './tree';

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
/** Of a stream that is still being made: what comes after it may be better. */
const AHEAD_GROWING_S = 30;

/** Between two looks for a growing stream to come to where the viewer was. */
const LOOK_AGAIN_MS = 2000;

/** As `NEAR_S`, of a picture that has stalled. */
const NEAR_STALLED_S = 0.5;

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

  /** What the stream offers to hear. */
  sounds = $state.raw<Sound[]>([]);
  /** The place of the one that is heard, or about to be; -1 before it is known. */
  heard = $state(-1);

  /** What the stream offers to read. */
  captions = $state.raw<Captions[]>([]);
  /** The place of those that are shown; -1 for none. */
  shown = $state(-1);
  /** Those that the stream itself has. */
  chapters = $state.raw<Chapter[]>([]);

  #files: Files | null = null;
  readonly #track = new CaptionsTrack();
  #hls: Hls | null = null;
  #video: HTMLVideoElement | null = null;
  #mediaRecoveries = 0;
  #wantedSound: Sound | null = rememberedSound();
  #stream: Stream | null = null;
  /** Segments that were refused and haven't been reached. */
  #ahead: (Span & { path: string; detail: string })[] = [];
  #stoppedAt = 0;
  /** Where the viewer was in what can't be played any more, until there is as much again. */
  #left: Place | null = null;

  /**
   * Plays a stream; the finished one of what was growing goes on where that is, without a break. Another one of the same
   * publication goes on where the viewer was. Whether there is something to go on with.
   */
  show(video: HTMLVideoElement, stream: Stream): boolean {
    const before = this.#stream;
    const goesOn = this.#left !== null || (before !== null && video.currentTime > 0);
    if (this.#video === video && before && sameStream(before, stream)) return goesOn;
    if (this.#video === video && before instanceof GrowingTree && !(stream instanceof GrowingTree)) {
      void this.#finish(video, before, stream);
    } else {
      this.attach(video, stream);
    }
    return goesOn;
  }

  /** Plays from `at` seconds on; by default from where the viewer was, or the stream begins. */
  attach(video: HTMLVideoElement, stream: Stream, at = -1): void {
    this.detach();
    this.#stream = stream;
    this.fault = null;
    this.state = 'loading';
    this.verifiedSegments = this.verifiedBytes = this.verifiedBlocks = 0;
    this.#video = video;
    if (!Hls.isSupported()) return this.#native(video, stream);
    try {
      const left = at < 0 ? this.#left : null;
      if (stream instanceof GrowingTree && left) return void this.#startOnceThere(video, stream, left);
      const tree = stream instanceof GrowingTree ? stream : this.#tree(video, stream);
      this.#start(video, tree, left?.at ?? (tree === stream ? Math.max(at, 0) : at));
      if (left) goOnAt(video, left);
      this.#left = null;
    } catch (error) {
      this.#refuse((error as Error).message);
    }
  }

  /** What is made anew needs its time to come to where the viewer was. */
  async #startOnceThere(video: HTMLVideoElement, growing: GrowingTree, left: Place): Promise<void> {
    const isCurrent = () => this.#stream === growing && this.#video === video;
    try {
      while (isCurrent() && !(await growing.reaches(left.at))) await lookAgain();
      if (!isCurrent()) return;
      this.#start(video, growing, left.at);
      goOnAt(video, left);
      this.#left = null;
    } catch (error) {
      if (isCurrent()) this.#refuse((error as Error).message);
    }
  }

  #tree(video: HTMLVideoElement, { root, bases }: { root: string; bases: string[] }): VerifiedTree {
    const tree = new VerifiedTree(root, new Origins(bases));
    tree.prefetchFolders().catch(() => undefined); // The loader meets the same error, and reports it.
    void this.#showPoster(tree, video);
    return tree;
  }

  /** hls.js can't add qualities to a stream that it plays: another one takes the element over, with what it holds. */
  async #finish(video: HTMLVideoElement, growing: GrowingTree, stream: Exclude<Stream, GrowingTree>) {
    this.#stream = stream;
    try {
      const tree = this.#tree(video, stream);
      // Without an answer nothing is known against it; each of its files is checked all the same.
      const holds = await growing.isIn(tree).catch((error: unknown) => !isRefusal(error));
      if (this.#stream !== stream || this.#video !== video) return;
      if (!holds) return this.#refuse('the finished stream does not hold what was played');
      if (this.fault?.code === 'unverified_bytes') return; // Whoever tries again tries the finished one.
      if (!this.#hls && !this.fault) return this.attach(video, stream);
      if (this.fault || !this.#hls) return this.attach(video, stream, video.currentTime);
      const held = this.#hls.transferMedia();
      this.#hls.destroy();
      this.#ahead = [];
      this.#start(video, tree, video.currentTime, held);
    } catch (error) {
      this.#refuse((error as Error).message);
    }
  }

  detach(): void {
    this.#leave();
    this.#hls?.destroy();
    this.#hls = null;
    this.#video = null;
    this.#stream = null;
    this.#ahead = [];
    this.#files = null;
    this.#track.remove();
    this.shown = -1;
    this.captions = [];
    this.chapters = [];
    this.sounds = [];
    this.heard = -1;
    const { poster } = this;
    this.poster = null;
    // The element may be about to read it: an address that is gone would be an error in the console.
    if (poster) setTimeout(() => URL.revokeObjectURL(poster), 10_000);
  }

  /**
   * Shows captions, checked like all else; -1 shows none. What people should know if it can't be done.
   */
  async read(index: number): Promise<string | null> {
    const [video, files, captions] = [this.#video, this.#files, this.captions[index]];
    this.#track.remove();
    this.shown = captions ? index : -1;
    if (!video || !files || !captions) return null;
    try {
      const { bytes } = await files.file(captions.path);
      if (this.#files !== files || this.shown !== index) return null;
      this.#track.show(video, captions, bytes);
      return null;
    } catch (error) {
      if (this.#files !== files || this.shown !== index) return null;
      this.shown = -1;
      return isRefusal(error)
        ? 'These captions are not the ones that were published'
        : 'No server sends these captions right now';
    }
  }

  choose(level: number): void {
    this.wanted = level;
    if (this.#hls) this.#hls.nextLevel = level;
  }

  /** Lets another sound be heard. What was loaded of the one before is played until there is some of it. */
  listen(index: number): void {
    const sound = this.sounds[index];
    if (!sound) return;
    this.#wantedSound = sound;
    rememberSound(sound);
    if (this.#hls) this.#hls.nextAudioTrack = index;
  }

  retry(): void {
    const [hls, video, code] = [this.#hls, this.#video, this.fault?.code];
    if (code === 'unverified_bytes' && video && this.#stream) {
      this.attach(video, fresh(this.#stream), this.#stoppedAt);
      video.play().catch(() => undefined); // Refused without a gesture: the play button is there.
    } else if (code === 'unreachable' && hls) {
      this.fault = null;
      this.state = 'loading';
      if (this.levels.length === 0) hls.loadSource(`${VIRTUAL_BASE}master.m3u8`);
      else hls.startLoad();
    }
  }

  /** The picture has moved, or can't go on: is what comes next a segment that was refused? */
  reach(stalled: boolean): void {
    const video = this.#video;
    if (!video || this.fault || this.#ahead.length === 0) return;
    const near = stalled ? NEAR_STALLED_S : NEAR_S;
    const at = video.currentTime;
    for (const { from, to, detail } of this.#ahead) {
      if (at >= from - near && at < to && bufferedAfter(video) <= near) return this.#refuse(detail);
    }
  }

  /** `held`: the element's own source and buffers, from the one who played before. */
  #start(video: HTMLVideoElement, tree: Files, at: number, held: MediaAttachingData | null = null): void {
    const { origins } = tree;
    this.#files = tree;
    this.origins = origins.reports;
    const tell = () => (this.origins = origins.reports.map((report) => ({ ...report })));
    const events = {
      checked: (path: string, file: Checked) => {
        if (path.endsWith('.m4s') && this.verifiedSegments++ === 0) void this.#findChapters(tree);
        if (path === 'master.m3u8') this.captions = captionsIn(new TextDecoder().decode(file.bytes));
        this.verifiedBytes += file.bytes.length;
        this.verifiedBlocks += file.blocks;
        tell();
      },
      refused: (path: string, error: Error, span: Span | null) => {
        tell();
        const detail = `${path}: ${error.message}`;
        if (!span) return this.#refuse(detail);
        this.#ahead.push({ ...span, path, detail });
        this.reach(!video.paused && video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA);
      },
      dropped: (path: string) => (this.#ahead = this.#ahead.filter((other) => other.path !== path)),
    };
    const hls = new Hls({ ...CONFIG, startPosition: at, loader: verifyingLoader(tree, events) });
    this.#hls = hls;
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      this.levels = hls.levels.map(({ height, bitrate }, index) => ({ index, height, bandwidth: bitrate }));
      if (this.state === 'loading') this.state = 'paused';
      this.wanted = -1;
    });
    this.#followSounds(hls, held !== null);
    hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => (this.current = level));
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (data.details === Hls.ErrorDetails.BUFFER_STALLED_ERROR) this.reach(true);
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
    const ahead = tree instanceof GrowingTree ? AHEAD_GROWING_S : AHEAD_S;
    const eager = () => (hls.config.maxMaxBufferLength = ahead);
    if (video.paused) video.addEventListener('play', eager, { once: true });
    else eager();
    hls.attachMedia(held ?? video);
    hls.loadSource(`${VIRTUAL_BASE}master.m3u8`);
  }

  /** `held`: the element holds another stream's sound already, which must make room if it isn't the wanted one. */
  #followSounds(hls: Hls, held: boolean): void {
    hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, (_, { audioTracks }) => {
      this.sounds = soundsOf(audioTracks);
      const wanted = this.#wantedSound ? placeOf(this.#wantedSound, this.sounds) : -1;
      // hls.js chooses by itself where nobody did, once it has told of them.
      if (wanted < 0) return;
      if (!held) return void (hls.audioTrack = wanted);
      hls.nextAudioTrack = wanted;
      // hls.js clears what it loaded itself, and what is held wasn't: it would be heard again by whoever goes back.
      hls.once(Hls.Events.AUDIO_TRACK_SWITCHED, () => {
        const endOffset = (this.#video?.currentTime ?? 0) - NEAR_STALLED_S;
        if (endOffset > 0)
          hls.trigger(Hls.Events.BUFFER_FLUSHING, { startOffset: 0, endOffset, type: 'audio' });
      });
    });
    hls.on(Hls.Events.AUDIO_TRACK_SWITCHING, (_, { id }) => (this.heard = id));
  }

  /** Once there is something to see: a list of chapters is worth no wait. */
  async #findChapters(tree: Files): Promise<void> {
    if (!(tree instanceof VerifiedTree)) return;
    const file = await tree.beside('chapters.json').catch(() => null);
    if (file && this.#files === tree) this.chapters = chaptersIn(new TextDecoder().decode(file.bytes));
  }

  /** Without its picture a stream still plays. */
  async #showPoster(tree: VerifiedTree, video: HTMLVideoElement): Promise<void> {
    const file = await tree.poster().catch(() => null);
    if (file && this.#video === video) this.poster = URL.createObjectURL(new Blob([file.bytes]));
  }

  #native(video: HTMLVideoElement, stream: Stream): void {
    this.mode = 'native';
    if (stream instanceof GrowingTree) {
      // Its playlists are made in this page: a browser's own player can't ask for them.
      return this.#fail({
        code: 'unplayable',
        message: 'This browser can play it once it is complete.',
        detail: '',
      });
    }
    video.src = `${stream.bases[0]}/master.m3u8`;
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
    const [video, hls] = [this.#video, this.#hls];
    this.#stoppedAt = video?.currentTime ?? 0;
    this.#hls = null;
    queueMicrotask(() => {
      hls?.destroy();
      video?.pause();
      video?.removeAttribute('src');
      video?.load();
    });
  }

  /** Remembers where the viewer is, unless a fault has stopped the picture, which remembered it then. */
  #leave(): void {
    if (this.#video && !this.fault) this.#left = placeIn(this.#video) ?? this.#left;
  }

  #fail(fault: PlaybackFault): void {
    this.#leave();
    this.fault = fault;
    this.state = 'error';
    this.#video?.pause();
  }
}

const lookAgain = () => new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
