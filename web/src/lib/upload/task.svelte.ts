//! One upload on this page: the bytes on their way, what the server does with them, and what is written about it.
//! The server's word counts: after a reload a task is rebuilt from its `Upload`, and only the file is asked for.

import { type DetailedError, Upload as TusUpload } from 'tus-js-client';

import { api, ApiError, uploadPath } from '../api/client';
import type { Job, Problem, Upload } from '../api/types';
import { Draft } from './draft.svelte';
import { follow, settled } from './follow';
import { hashFile, type Hashing } from './hash';
import { Meter } from './meter';

/** `away`: on the server, unfinished, and its file isn't here; `offline`: waits for the network. */
export type Phase = 'waiting' | 'sending' | 'paused' | 'offline' | 'away' | 'stored' | 'failed';

const RETRY_DELAYS_MS = [0, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000, 60_000];
const NEVER_RETRY = new Set([400, 401, 403, 404, 410, 413, 415, 507]);

export class UploadTask {
  readonly draft: Draft;
  phase = $state<Phase>('waiting');
  upload = $state.raw<Upload | null>(null);
  sentBytes = $state(0);
  rate = $state<number | null>(null);
  leftMs = $state<number | null>(null);
  hashedBytes = $state(0);
  /** The CID as this browser computes it. */
  localCid = $state<string | null>(null);
  problem = $state.raw<Problem | null>(null);
  publishedAt = $state<string | null>(null);
  fileName: string;
  mediaType: string;
  sizeBytes: number;

  #file: File | null = null;
  #tus: TusUpload | null = null;
  #hashing: Hashing | null = null;
  #unfollow: (() => void) | null = null;
  readonly #meter = new Meter();
  readonly #changed: () => void;

  constructor(from: { file: File } | { upload: Upload }, changed: () => void) {
    this.#changed = changed;
    if ('file' in from) {
      const { file } = from;
      this.#file = file;
      [this.fileName, this.mediaType, this.sizeBytes] = [file.name, file.type, file.size];
      this.draft = new Draft(file.name);
    } else {
      const { upload } = from;
      [this.fileName, this.mediaType, this.sizeBytes] = [
        upload.file_name,
        upload.media_type,
        upload.size_bytes,
      ];
      this.draft = new Draft(upload.file_name);
      this.draft.load(upload.id);
      this.phase = upload.state === 'stored' ? 'stored' : 'away';
      this.#take(upload);
    }
  }

  get id(): string | null {
    return this.upload?.id ?? null;
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

  async cancel(): Promise<void> {
    this.#hashing?.stop();
    this.#unfollow?.();
    await this.#tus?.abort(false).catch(() => undefined);
    if (!this.id) return;
    const url = this.#tus?.url ?? uploadPath(this.id);
    await TusUpload.terminate(url, { retryDelays: null }).catch(() => undefined);
    Draft.forget(this.id);
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

  saveDraft(): void {
    if (this.id) this.draft.save(this.id);
  }

  stop(): void {
    this.#unfollow?.();
    this.#unfollow = null;
  }

  #make(file: File, url: string | null): TusUpload {
    const tus = new TusUpload(file, {
      endpoint: uploadPath('').replace(/\/$/, ''),
      uploadUrl: url,
      metadata: { filename: file.name, filetype: file.type || 'application/octet-stream' },
      retryDelays: RETRY_DELAYS_MS,
      storeFingerprintForResuming: false, // The server lists a channel's unfinished uploads.
      onUploadUrlAvailable: () => void this.#created(tus.url),
      onProgress: (sent, total) => this.#progress(sent, total),
      onShouldRetry: (error) => this.#shouldRetry(error),
      onSuccess: () => void this.#arrived(),
      onError: (error) => this.#failed(error),
    });
    return tus;
  }

  async #created(url: string | null): Promise<void> {
    const id = url?.split('/').pop();
    if (!id || this.id) return;
    const upload = await api.upload(id).catch(() => null);
    if (upload && !this.id) this.#take(upload);
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
    if (NEVER_RETRY.has(status)) return false;
    if (status === 0) this.phase = 'offline';
    this.rate = this.leftMs = null;
    this.#meter.reset();
    return true;
  }

  async #arrived(): Promise<void> {
    this.phase = 'stored';
    this.sentBytes = this.sizeBytes;
    this.rate = this.leftMs = null;
    const id = this.id ?? this.#tus?.url?.split('/').pop();
    this.#tus = null;
    this.#changed();
    if (!id) return;
    const upload = await api.upload(id).catch(() => null);
    if (upload) this.#take(upload);
    this.saveDraft();
  }

  #failed(error: Error | DetailedError): void {
    this.#tus = null;
    this.rate = this.leftMs = null;
    this.problem = problemOfTus(error);
    // The line was down for longer than all retries: what is there stays, and goes on when asked.
    this.phase = this.problem.code === 'offline' ? 'offline' : 'failed';
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

  #take(upload: Upload): void {
    this.upload = upload;
    if (this.phase !== 'sending') this.sentBytes = upload.offset_bytes;
    if (upload.state !== 'stored') return;
    this.phase = 'stored';
    if (settled(upload)) this.stop();
    else this.#unfollow ??= follow(upload.id, this.#follower());
  }

  #follower() {
    return {
      upload: (upload: Upload) => this.#take(upload),
      gone: (problem: Problem) => {
        this.problem = problem;
        this.phase = 'failed';
      },
    };
  }
}

/** tus-js-client wraps the server's answer; its body is our own problem+json. */
function problemOfTus(error: Error | DetailedError): Problem {
  const response = 'originalResponse' in error ? error.originalResponse : null;
  if (!response) {
    return {
      status: 0,
      code: 'offline',
      title: 'The connection was lost',
      detail: 'What has arrived is kept. Go on when you are connected again.',
    };
  }
  try {
    return JSON.parse(response.getBody()) as Problem;
  } catch {
    const status = response.getStatus();
    return { status, code: `http_${status}`, title: `The server answered ${status}`, detail: error.message };
  }
}
