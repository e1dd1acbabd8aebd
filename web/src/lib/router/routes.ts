//! Every page, its address, and the code that it needs. One table: the longest match is the first one.

import type { Component } from 'svelte';

import Missing from '../../pages/Missing.svelte';

export type Params = Record<string, string>;
type PageModule = { default: Component<{ params: Params }> };

export interface Route {
  name: string;
  pattern: RegExp;
  load: () => Promise<PageModule>;
}

const NAME = '[\\p{L}\\p{N}_-]{1,80}';
const page = (name: string, path: string, load: () => Promise<unknown>): Route => ({
  name,
  pattern: new RegExp(`^${path}/?$`, 'u'),
  load: load as Route['load'],
});

export const routes: Route[] = [
  page('home', '', () => import('../../pages/Home.svelte')),
  page('upload', '/upload', () => import('../../pages/Upload.svelte')),
  page('uploads', '/uploads', () => import('../../pages/Uploads.svelte')),
  page('signin', '/signin', () => import('../../pages/SignIn.svelte')),
  page('settings', '/settings', () => import('../../pages/Settings.svelte')),
  page('operator', '/operator', () => import('../../pages/Operator.svelte')),
  page('jobs', '/operator/jobs', () => import('../../pages/Jobs.svelte')),
  page('claim', '/c/(?<claim>b[a-z2-7]{58})', () => import('../../pages/Watch.svelte')),
  page('channel', `/@(?<handle>${NAME})(?<origin>@[a-z0-9.-]+)?`, () => import('../../pages/Channel.svelte')),
  page(
    'watch',
    `/@(?<handle>${NAME})(?<origin>@[a-z0-9.-]+)?/(?<slug>${NAME}(:[0-9a-f]+)?)`,
    () => import('../../pages/Watch.svelte'),
  ),
];

export const notFound: Route = page('missing', '.*', async () => ({ default: Missing }));

export function match(pathname: string): { route: Route; params: Params } {
  const path = decoded(pathname);
  for (const route of routes) {
    const found = route.pattern.exec(path);
    if (found) return { route, params: { ...found.groups } };
  }
  return { route: notFound, params: {} };
}

/** Null bytes and half escapes match nothing. */
function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return '\0';
  }
}
