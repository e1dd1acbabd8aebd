// Debian's own Chromium, with a fresh profile for each visitor.

import { after } from 'node:test';

import { type BrowserContext, chromium, type Page } from 'playwright-core';

import { chromiumBin } from './env.ts';
import { freshFolder } from './folders.ts';

const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

export interface Visitor {
  context: BrowserContext;
  page: Page;
  /** What the pages said to the console as errors, and what they threw. */
  complaints: string[];
}

export async function visitor(
  options: { width?: number; height?: number; dark?: boolean } = {},
): Promise<Visitor> {
  const context = await chromium.launchPersistentContext(freshFolder('chromium'), {
    executablePath: chromiumBin,
    headless: true,
    args: QUIET,
    viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
    colorScheme: options.dark ? 'dark' : 'light',
  });
  after(() => context.close());
  const page = context.pages()[0] ?? (await context.newPage());
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`);
  });
  return { context, page, complaints };
}

/** Makes a channel in this browser, from a page that asks for one. */
export async function chooseName(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.locator('form button[type=submit]').click();
}

/** The player's own account of itself. */
export async function player(page: Page): Promise<{ state: string; verified: number; error: string | null }> {
  const element = page.locator('[data-player]');
  return {
    state: (await element.getAttribute('data-state')) ?? '',
    verified: Number(await element.getAttribute('data-verified-segments')),
    error: await element.getAttribute('data-error'),
  };
}

/** Starts playback as the play button does; the page may have begun by itself, which takes the button away. */
export async function play(page: Page): Promise<void> {
  await page.locator('[data-player] video').evaluate(async (video: HTMLVideoElement) => {
    if (video.paused) await video.play().catch(() => undefined);
  });
}
