//! One upload on this page: the bytes on their way, what the server does with them, and what is written about it.
//! The server's word counts: after a reload a task is rebuilt from its `Upload`, and only the file is asked for.

import { type DetailedError, Upload as TusUpload } from 'tus-js-client';

import { api, ApiError, OFFLINE, uploadPath } from '../api/client';
import { isPassing } from '../api/patience';
import type { CompanionQuery, Job, Problem, Upload } from '../api/types';
import { guessOf } from '../ui/media-kind';
import { Draft, type When } from './draft.svelte';
import { follow, settled } from './follow';
import { hashFile, type Hashing } from './hash';
import { Meter } from './meter';

/** `away`: on the server, unfinished, and its file isn't here; `offline`: waits for the network. */
export type Phase = 'waiting' | 'sending' | 'paused' | 'offline' | 'away' | 'stored' | 'failed';

const RETRY_DELAYS_MS = [0, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000];
/** Once these are used up, for as long as the page is open. */
const LATER_MS = 60_000;
/** Somebody else holds it, or says to be somewhere else in the file: that passes too. */
const WORTH_A_RETRY = new Set([409, 423]);
const GONE = new Set([404, 410]);

export class UploadTask {
  readonly draft: Draft;
  phase = $state<Phase>('waiting');
  /** Given by the node with the upload's address, before anything else is known of it. */
  id = $state<string | null>(null);
  upload = $state.raw<Upload | null>(null);
  sentBytes = $state(0);
  rate = $state<number | null>(null);
  leftMs = $state<number | null>(null);
  hashedBytes = $state(0);
  /** The CID as this browser computes it. */
  localCid = $state<string | null>(null);
  problem = $state.raw<Problem | null>(null);
  /** Why nothing is heard of it right now; it goes on by itself. */
  waiting = $state.raw<Problem | null>(null);
  /** Its record is being signed, or is signed and on its way. */
  publishing = $state(false);
  fileName: string;
  /** A guess until the node has seen the bytes. */
  mediaType = $state('');
  sizeBytes: number;

  #file: File | null = null;
  #tus: TusUpload | null = null;
  #hashing: Hashing | null = null;
  #unfollow: (() => void) | null = null;
  #later: ReturnType<typeof setTimeout> | undefined;
  /** Called at the next change. */
  #waiting: (() => void)[] = [];
  readonly #meter = new Meter();
  readonly #changed: () => void;

  constructor(from: { file: File } | { upload: Upload }, changed: () => void) {
    this.#changed = changed;
    if ('file' in from) {
      const { file } = from;
      this.#file = file;
      [this.fileName, this.mediaType, this.sizeBytes] = [file.name, guessOf(file), file.size];
      this.draft = new Draft(file.name);
    } else {
      const { upload } = from;
      [this.fileName, this.sizeBytes] = [upload.file_name, upload.size_bytes];
      this.draft = new Draft(upload.file_name);
      this.draft.load(upload.id);
      this.phase = upload.state === 'stored' ? 'stored' : 'away';
      this.#take(upload);
    }
  }

  get job(): Job | null {
    return this.upload?.job ?? null;
  }

  get source(): string | null {
    return this.upload?.source ?? null;
  }

  /** Both sides have hashed the file and disagree: what arrived isn't what was chosen. */
  get differs(): boolean {
    return this.localCid !== null && this.source !== null && this.localCid !== this.source;
  }

  start(): void {
    if (!this.#file || this.phase === 'sending') return;
    clearTimeout(this.#later);
    if (this.problem && GONE.has(this.problem.status)) this.#forget(); // It is sent anew, as another upload.
    this.phase = navigator.onLine ? 'sending' : 'offline';
    this.problem = null;
    this.#meter.reset();
    this.#hash(this.#file);
    const url = this.#tus?.url ?? (this.id ? uploadPath(this.id) : null);
    void this.#tus?.abort(); // It may be sleeping between two tries.
    this.#tus = this.#make(this.#file, url);
    this.#tus.start();
    this.#changed();
  }

  async pause(): Promise<void> {
    clearTimeout(this.#later);
    this.phase = 'paused';
    this.rate = this.leftMs = null;
    this.#changed();
    await this.#tus?.abort();
  }

  /** The same file again, after a reload. Its hash is compared at the end, so a wrong one can't slip in. */
  resumeWith(file: File): void {
    this.#file = file;
    this.start();
  }

  /** Deletes it on the node too. False when the node couldn't be asked: then it is still there, and says so. */
  async cancel(): Promise<boolean> {
    if (this.phase === 'sending' || this.phase === 'offline') await this.pause();
    if (this.id) {
      try {
        await TusUpload.terminate(uploadPath(this.id), { retryDelays: null });
      } catch (error) {
        const problem = problemOfTus(error as Error | DetailedError);
        if (!GONE.has(problem.status)) {
          this.problem = { ...problem, title: 'It could not be removed', detail: CANNOT_REMOVE };
          return false;
        }
      }
      Draft.forget(this.id);
    }
    this.#hashing?.stop();
    this.stop();
    return true;
  }

  async retryJob(): Promise<void> {
    if (!this.id) return;
    try {
      await api.retryUpload(this.id);
      this.#take(await api.upload(this.id));
      this.problem = null;
    } catch (error) {
      if (error instanceof ApiError) this.problem = error.problem;
    }
  }

  /** Waits until its stream is as far as wanted. False: it never gets there by itself, or the wait was called off. */
  async untilReady(when: When, signal: AbortSignal): Promise<boolean> {
    for (;;) {
      if (signal.aborted) return false;
      const ready = isReady(when, this.job, this.upload?.unfinished ?? false);
      if (ready !== null) return ready;
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  /** Puts captions or a picture beside it, or says which frame is its poster. */
  async addCompanion(asked: CompanionQuery, file: File | null = null): Promise<void> {
    if (!this.id) return;
    await api.addCompanion(this.id, asked, file);
    await this.#look();
  }

  async describeCompanion(companion: string, language: string, label: string): Promise<void> {
    if (!this.id) return;
    await api.describeCompanion(this.id, companion, { language: language || null, label });
    await this.#look();
  }

  async removeCompanion(companion: string): Promise<void> {
    if (!this.id) return;
    await api.removeCompanion(this.id, companion);
    await this.#look();
  }

  async #look(): Promise<void> {
    if (this.id) this.#take(await api.upload(this.id));
  }

  saveDraft(): void {
    if (this.id) this.draft.save(this.id);
  }

  stop(): void {
    clearTimeout(this.#later);
    this.#unfollow?.();
    this.#unfollow = null;
  }

  #make(file: File, url: string | null): TusUpload {
    const tus = new TusUpload(file, {
      // With both, an error where the upload's offset is asked for would make it start another one.
      endpoint: url ? null : uploadPath('').replace(/\/$/, ''),
      uploadUrl: url,
      metadata: { filename: file.name, filetype: guessOf(file) || 'application/octet-stream' },
      retryDelays: RETRY_DELAYS_MS,
      storeFingerprintForResuming: false, // The server lists a channel's unfinished uploads.
      onUploadUrlAvailable: () => this.#created(tus),
      onProgress: (sent, total) => this.#progress(sent, total),
      onShouldRetry: (error) => this.#shouldRetry(error),
      onSuccess: () => this.#arrived(),
      onError: (error) => this.#failed(error),
    });
    return tus;
  }

  #created(tus: TusUpload): void {
    tus.options.endpoint = null;
    this.id ??= tus.url?.split('/').pop() ?? null;
    this.saveDraft();
  }

  #progress(sent: number, total: number): void {
    this.#meter.add(performance.now(), sent);
    if (this.phase === 'offline') this.phase = 'sending';
    this.sentBytes = sent;
    this.rate = this.#meter.rate;
    this.leftMs = this.#meter.leftMs(total);
  }

  #shouldRetry(error: DetailedError): boolean {
    const status = error.originalResponse?.getStatus() ?? 0;
    if (!isPassing({ status }) && !WORTH_A_RETRY.has(status)) return false;
    if (isPassing({ status })) this.phase = 'offline';
    if (status === 0) void this.#lookAtFile();
    this.rate = this.leftMs = null;
    this.#meter.reset();
    return true;
  }

  /** The node has every byte. What it makes of them is heard by following it, however long that takes. */
  #arrived(): void {
    this.phase = 'stored';
    this.sentBytes = this.sizeBytes;
    this.rate = this.leftMs = null;
    this.id ??= this.#tus?.url?.split('/').pop() ?? null;
    this.#tus = null;
    this.#changed();
    this.saveDraft();
    this.#follow();
  }

  /** A file that was moved or changed fails like a line that is down, and would be tried again for ever. */
  async #lookAtFile(): Promise<void> {
    const file = this.#file;
    try {
      await file?.slice(0, 1).arrayBuffer();
    } catch {
      if (this.#file !== file) return;
      await this.pause();
      this.#hashing?.stop();
      this.#file = this.#hashing = null;
      this.problem = UNREADABLE;
      this.phase = 'away';
    }
  }

  #failed(error: Error | DetailedError): void {
    this.#tus = null;
    this.rate = this.leftMs = null;
    const problem = problemOfTus(error);
    if (isPassing(problem)) {
      // Away for longer than all retries: what has arrived stays, and it goes on from there.
      this.phase = 'offline';
      this.#later = setTimeout(() => this.start(), LATER_MS);
    } else {
      this.problem = problem;
      this.phase = 'failed';
    }
    this.#changed();
  }

  #hash(file: File): void {
    if (this.#hashing) return;
    this.#hashing = hashFile(file, (done) => (this.hashedBytes = done));
    this.#hashing.cid.then(
      (cid) => (this.localCid = cid),
      () => undefined, // The server's own hash still stands.
    );
  }

  #forget(): void {
    if (this.id) Draft.forget(this.id);
    this.id = this.upload = this.#tus = null;
    this.sentBytes = 0;
  }

  #take(upload: Upload): void {
    this.id = upload.id;
    this.upload = upload;
    this.mediaType = upload.media_type;
    this.waiting = null;
    this.#waiting.splice(0).forEach((wake) => wake());
    if (this.phase !== 'sending') this.sentBytes = upload.offset_bytes;
    if (upload.state !== 'stored') return;
    this.phase = 'stored';
    if (settled(upload)) this.stop();
    else this.#follow();
  }

  #follow(): void {
    if (!this.id) return;
    this.#unfollow ??= follow(this.id, {
      upload: (upload) => this.#take(upload),
      waiting: (problem) => (this.waiting = problem),
      gone: (problem) => {
        this.stop();
        this.problem = problem;
        this.phase = 'failed';
      },
    });
  }
}

/** Null while it isn't known. */
export function isReady(when: When, job: Job | null, unfinished = false): boolean | null {
  if (when === 'now' || job === null || job.state === 'none') return true;
  if (job.state === 'complete') return when === 'playable' || !unfinished ? true : null;
  if (job.state === 'failed') return false;
  return when === 'playable' && job.playable ? true : null;
}

const UNREADABLE: Problem = {
  status: 422,
  code: 'file_unreadable',
  title: 'The file can no longer be read',
  detail: 'It was moved, changed or deleted since you chose it. Choose it again to go on where it stopped.',
};
const CANNOT_REMOVE = 'The node could not be asked to delete it. It is still there; try again in a moment.';

/** tus-js-client wraps the server's answer; its body is our own problem+json. */
function problemOfTus(error: Error | DetailedError): Problem {
  const response = 'originalResponse' in error ? error.originalResponse : null;
  if (!response) return OFFLINE;
  try {
    return JSON.parse(response.getBody()) as Problem;
  } catch {
    const status = response.getStatus();
    return { status, code: `http_${status}`, title: `The server answered ${status}`, detail: error.message };
  }
}
