//! Who is here: the node, and the session if there is one. Small, since every page needs it; the code that
//! holds keys and signs is loaded when a key is there or about to be made.

import { api } from '../api/client';
import { untilAnswered } from '../api/patience';
import type { NodeInfo, Session } from '../api/types';
import { pageData } from '../page-data';

/** Set while this browser holds a signing key and its owner hasn't signed out. */
const MARK = 'pinreel-key';

class Account {
  node = $state.raw<NodeInfo | null>(pageData.node);
  session = $state.raw<Session | null>(pageData.session);
  /** The session is settled: it is there, or it isn't and won't come by itself. */
  ready = $state(false);
  #starting: Promise<void> | null = null;

  start(): Promise<void> {
    return (this.#starting ??= this.#start());
  }

  async #start(): Promise<void> {
    if (!this.node) {
      this.node = await untilAnswered(() => api.node()).catch(() => null);
      this.session ??= this.node?.signed_in ?? null;
    }
    if (!this.session && this.hasMark()) {
      const actions = await import('./actions').catch(() => null);
      // A node that is away isn't a node that doesn't know this key: it is waited for.
      const signIn = () => actions?.signInByKey() ?? Promise.resolve(null);
      this.session = await untilAnswered(signIn).catch(() => null);
    }
    this.ready = true;
    if (this.session && this.hasMark() && this.pendingApprovals().length > 0) {
      // What couldn't be approved now is on the next visit.
      const approvals = await import('../publish/approve').catch(() => null);
      await approvals?.approvePending();
    }
  }

  hasMark(): boolean {
    return read(MARK) === '1';
  }

  mark(on: boolean): void {
    write(MARK, on ? '1' : null);
  }

  /** Claims published before their renditions were ready; the next visit signs their approval. */
  pendingApprovals(): string[] {
    return read(APPROVALS)?.split(' ').filter(Boolean) ?? [];
  }

  setPendingApprovals(claims: string[]): void {
    write(APPROVALS, claims.length ? claims.join(' ') : null);
  }
}

const APPROVALS = 'pinreel-approvals';

function read(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function write(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // Without storage nothing is remembered; the server still knows what was published.
  }
}

export const account = new Account();
