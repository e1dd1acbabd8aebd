//! All uploads of this visit, two of them sending at a time. Lives outside of the page, so that going to another
//! one doesn't stop anything.

import { api } from '../api/client';
import type { NodeInfo, Upload } from '../api/types';
import { refusalOf } from './limits';
import { UploadTask } from './task.svelte';

const SENDING_AT_ONCE = 2;

class Queue {
  tasks = $state<UploadTask[]>([]);
  /** Files that were turned down before a byte was sent, each with its reason. */
  refused = $state<{ name: string; reason: string }[]>([]);

  constructor() {
    addEventListener('online', () => this.#resumeAll());
    addEventListener('beforeunload', (event) => {
      if (this.tasks.some(isBusy)) event.preventDefault();
    });
  }

  add(files: Iterable<File>, node: NodeInfo | null): void {
    this.refused = [];
    const fresh: UploadTask[] = [];
    for (const file of files) {
      const reason = refusalOf(file, node);
      const unfinished = this.tasks.find((task) => task.phase === 'away' && isSame(task, file));
      if (reason) this.refused.push({ name: file.name, reason });
      else if (unfinished) unfinished.resumeWith(file);
      else fresh.push(new UploadTask({ file }, () => this.#pump()));
    }
    this.tasks = [...fresh, ...this.tasks];
    this.#pump();
  }

  /** What the server holds of this channel and nobody has published yet. */
  async recall(): Promise<void> {
    const { items } = await api.uploads();
    for (const upload of items) {
      if (!upload.claim && !this.tasks.some((task) => task.id === upload.id)) this.adopt(upload);
    }
  }

  adopt(upload: Upload): UploadTask {
    const task = new UploadTask({ upload }, () => this.#pump());
    this.tasks.push(task);
    return task;
  }

  async remove(task: UploadTask): Promise<void> {
    if (!(await task.cancel())) return;
    this.tasks = this.tasks.filter((other) => other !== task);
    this.#pump();
  }

  /** Published, or put aside: off this page, still on the server. */
  release(task: UploadTask): void {
    task.stop();
    this.tasks = this.tasks.filter((other) => other !== task);
  }

  #pump(): void {
    const sending = this.tasks.filter((task) => task.phase === 'sending' || task.phase === 'offline').length;
    const waiting = this.tasks.filter((task) => task.phase === 'waiting');
    for (const task of waiting.slice(0, Math.max(0, SENDING_AT_ONCE - sending))) task.start();
  }

  #resumeAll(): void {
    for (const task of this.tasks) if (task.phase === 'offline') task.start();
  }
}

/** Leaving now would lose something. */
const isBusy = ({ phase, publishing }: UploadTask): boolean =>
  phase === 'sending' || phase === 'offline' || publishing;

const isSame = (task: UploadTask, file: File): boolean =>
  task.sizeBytes === file.size && task.fileName === file.name;

export const queue = new Queue();
