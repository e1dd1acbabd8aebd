//! Where the reader is: the address decides the page, back brings the scroll back, a new page takes the focus.
//! Each history entry has a key; a page may keep what it has loaded under it, so that back asks for nothing.

import type { Component } from 'svelte';

import { pageData } from '../page-data';
import { match, notFound, type Params, type Route } from './routes';

interface Entry {
  key: string;
}

class Router {
  url = $state.raw(new URL(location.href));
  route = $state.raw<Route>(notFound);
  params = $state.raw<Params>({});
  page = $state.raw<Component<{ params: Params }> | null>(null);
  /** A page's code is on its way. */
  busy = $state(false);
  /** The code of a page could not be had: the node was updated, or the line is down. */
  failed = $state(false);
  key = $state('');
  /** This isn't the page that the tab was opened with. */
  moved = false;

  readonly #scroll = new Map<string, number>();
  readonly #kept = new Map<string, unknown>();
  #turn = 0;

  start(): void {
    history.scrollRestoration = 'manual';
    document.addEventListener('click', (event) => this.#onClick(event));
    addEventListener('popstate', () => {
      this.#leave();
      void this.#enter(true);
    });
    addEventListener('pagehide', () => this.#leave());
    if (!(history.state as Entry | null)?.key) history.replaceState(entry(), '');
    void this.#enter(false);
  }

  go(to: string, { replace = false } = {}): void {
    const url = new URL(to, location.href);
    if (url.origin !== location.origin) return location.assign(url);
    this.#leave();
    if (replace) history.replaceState(entry(), '', url);
    else history.pushState(entry(), '', url);
    void this.#enter(false);
  }

  /** Changes the query without leaving the page. */
  setQuery(name: string, value: string | null): void {
    const url = new URL(location.href);
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
    history.replaceState(history.state, '', url);
    this.url = url;
  }

  keep(name: string, value: unknown): void {
    this.#kept.set(`${this.key} ${name}`, value);
  }

  kept<T>(name: string): T | undefined {
    return this.#kept.get(`${this.key} ${name}`) as T | undefined;
  }

  #leave(): void {
    this.#scroll.set(this.key, scrollY);
  }

  async #enter(back: boolean): Promise<void> {
    const turn = ++this.#turn;
    const first = this.page === null;
    this.moved = !first;
    const url = new URL(location.href);
    // The server has said what is wrong with this address: no page's code is needed to repeat it.
    const wrong = first && pageData.page?.kind === 'error';
    const { route, params } = wrong ? { route: notFound, params: {} } : match(url.pathname);
    this.busy = true;
    this.failed = false;
    try {
      const module = await route.load();
      if (turn !== this.#turn) return;
      this.key = (history.state as Entry | null)?.key ?? '';
      Object.assign(this, { url, route, params, page: module.default });
    } catch {
      if (turn === this.#turn) this.failed = true;
      return;
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
    if (first) return;
    // The new page is in the document after Svelte's next flush; what it kept is drawn with it.
    requestAnimationFrame(() => {
      scrollTo({ top: back ? (this.#scroll.get(this.key) ?? 0) : 0, behavior: 'instant' });
      document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true });
    });
  }

  #onClick(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link?.href || link.target || link.hasAttribute('download')) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || match(url.pathname).route === notFound) return;
    if (url.pathname === location.pathname && url.hash) return;
    event.preventDefault();
    this.go(link.href);
  }
}

const entry = (): Entry => ({ key: Math.random().toString(36).slice(2) });

export const router = new Router();
