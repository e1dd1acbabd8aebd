// Everything by keyboard: each stop can be seen, none is a trap, Escape closes what was opened and gives the focus back,
// and the player does what its keys say.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { chooseName, visitor } from './lib/browser.ts';
import { Cli, type Published } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { makeClip } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';
import { until } from './lib/wait.ts';

const MOST_STOPS = 60;

let node: PinreelNode;
let watch: string;

before(async () => {
  node = await PinreelNode.start();
  const clip = await makeClip(join(freshFolder('clip'), 'keys.mp4'), 12);
  const args = [clip, '--node', node.url, '--channel', '@keys', '--wait', 'complete'];
  watch = (await new Cli().json<Published>('publish', ...args)).watch;
});
after(() => node.stop());

interface Stop {
  name: string;
  /** It, or the field around it, is outlined. */
  shown: boolean;
}

const focused = (page: Page): Promise<Stop | null> =>
  page.evaluate(() => {
    const element = document.activeElement as HTMLElement | null;
    if (!element || element === document.body) return null;
    const outlined = (each: Element | null) => {
      const style = each && getComputedStyle(each);
      return Boolean(style && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2);
    };
    const words = element.getAttribute('aria-label') ?? element.textContent ?? '';
    const label = (element as HTMLInputElement).labels?.[0]?.textContent ?? '';
    const { width, left, right } = element.getBoundingClientRect();
    return {
      name: `${element.tagName} ${(words || label).trim().slice(0, 40)}`,
      shown:
        width > 0 && left < innerWidth && right > 0 && (outlined(element) || outlined(element.parentElement)),
    };
  });

/** Presses Tab until the focus leaves the page, and gives the stops on the way. */
async function stops(page: Page): Promise<Stop[]> {
  const seen: Stop[] = [];
  while (seen.length <= MOST_STOPS) {
    await page.keyboard.press('Tab');
    const stop = await focused(page);
    if (!stop) return seen;
    seen.push(stop);
  }
  throw new Error(`the focus is caught: ${seen.slice(-4).map(({ name }) => name)}`);
}

async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let pressed = 0; pressed < MOST_STOPS; pressed++) {
    await page.keyboard.press('Tab');
    const stop = await focused(page);
    if (stop && name.test(stop.name)) return;
  }
  throw new Error(`Tab doesn't reach ${name}`);
}

test('each stop of each page can be seen, and none is a trap', async (t) => {
  const { page } = await visitor();
  await page.goto(`${node.url}/signin`);
  await page.getByLabel('Name', { exact: true }).waitFor();
  assert.ok(
    (await stops(page)).some(({ name }) => name.startsWith('INPUT')),
    'the name can be reached',
  );
  await page.goto(node.operatorLink()!);
  await chooseName(page, 'By Keyboard');
  await page.getByRole('button', { name: 'Make an invitation' }).waitFor();
  const wanted: [string, RegExp][] = [
    ['/', /^A keys/],
    ['/upload', /^BUTTON Choose files/],
    [new URL(watch).pathname, /^SUMMARY Claim/],
    ['/uploads', /^A Upload/],
    ['/settings', /^BUTTON Sign out/],
    ['/operator', /^BUTTON Make an invitation/],
    ['/operator/jobs', /^BUTTON Invite a worker/],
    ['/@keys', /^BUTTON Copy link/],
  ];
  for (const [address, reached] of wanted) {
    await t.test(address, async () => {
      await page.goto(node.url + address);
      await page.locator('h1').first().waitFor();
      await until('the skeletons to go', async () => (await page.locator('.skeleton:visible').count()) === 0);
      const seen = await stops(page);
      assert.equal(seen[0]?.name, 'A Skip to the content');
      assert.ok(
        seen.some(({ name }) => reached.test(name)),
        `${reached} among ${seen.map(({ name }) => name).join(', ')}`,
      );
      assert.deepEqual(
        seen.filter(({ shown }) => !shown).map(({ name }) => name),
        [],
        'stops that cannot be seen',
      );
    });
  }

  await t.test('the account menu', async () => {
    await page.goto(node.url);
    await tabTo(page, /Account/);
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Your uploads' }).waitFor();
    await page.keyboard.press('Tab');
    assert.match((await focused(page))!.name, /^A Your channel/);
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Your uploads' }).waitFor({ state: 'hidden' });
    assert.match((await focused(page))!.name, /Account/);
  });
});

test('a job that leaves the list leaves the focus to the next; none is ended by one press', async () => {
  // On a node where nothing is worked on, so that jobs stay where they are.
  const idle = await PinreelNode.start({ transcoder: false });
  const cli = new Cli();
  for (const name of ['first', 'second']) {
    const clip = await makeClip(join(freshFolder('clip'), `${name}.mp4`), 2, ['-metadata', `title=${name}`]);
    await cli.json('publish', clip, '--node', idle.url, '--channel', '@jobs', '--wait', 'no');
  }
  const { page, complaints } = await visitor();
  await page.goto(idle.operatorLink()!);
  await chooseName(page, 'Jobs By Keyboard');
  await page.getByRole('button', { name: 'Make an invitation' }).waitFor();
  await page.goto(`${idle.url}/operator/jobs`);
  const focusIs = (name: RegExp) =>
    until(`the focus on ${name}`, async () => name.test((await focused(page))?.name ?? ''));
  const listed = (state: string) => page.locator(`[data-job][data-state=${state}]`).count();
  await until('both jobs', async () => (await listed('queued')) === 2);
  const names = await page.locator('[data-job] h2').allInnerTexts();

  await tabTo(page, /Cancel…/);
  await page.keyboard.press('Enter');
  await focusIs(/Leave it/);
  await page.keyboard.press('Enter');
  await focusIs(new RegExp(`Cancel….*${names[0]}`));
  assert.equal(await listed('queued'), 2, 'a second press of the same key ends nothing');
  for (const next of [new RegExp(`Cancel….*${names[1]}`), /^P Nothing waits/]) {
    await page.keyboard.press('Enter');
    await focusIs(/Leave it/);
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await focusIs(next);
  }

  await page.goto(`${idle.url}/operator/jobs?state=failed`);
  await until('both jobs', async () => (await listed('failed')) === 2);
  // The last one: there is none after it.
  await page
    .getByRole('button', { name: /^Try again/ })
    .last()
    .focus();
  await page.keyboard.press('Enter');
  await until('one to be left', async () => (await listed('failed')) === 1);
  await focusIs(/Try again/);
  await page.keyboard.press('Enter');
  await focusIs(/^P No job has failed/);
  assert.deepEqual(complaints, []);
  await idle.stop();
});

test('the player’s menu opens, closes by Escape or by going on, and gives the focus back', async () => {
  const { page } = await visitor();
  await page.goto(watch);
  const speed = page.getByRole('radio', { name: '1.5×' });
  await tabTo(page, /Quality and speed/);
  await page.keyboard.press('Enter');
  await speed.waitFor();
  await page.keyboard.press('Tab');
  assert.match((await focused(page))!.name, /^INPUT/);
  await page.keyboard.press('Escape');
  await speed.waitFor({ state: 'hidden' });
  assert.match((await focused(page))!.name, /Quality and speed/);
  await page.keyboard.press('Enter');
  await speed.waitFor();
  await tabTo(page, /Full screen/);
  await speed.waitFor({ state: 'hidden' });
});

test('the player does what its keys say', async () => {
  const { page } = await visitor();
  await page.goto(watch);
  await page.locator('[data-state=paused]').waitFor();
  const video = page.locator('video');
  const is = (what: string, holds: (video: HTMLVideoElement) => boolean) =>
    until(what, () => video.evaluate(holds));
  await page.keyboard.press('k');
  await is('playback', (element) => !element.paused);
  await page.keyboard.press('k');
  await is('a pause', (element) => element.paused);
  await page.keyboard.press('5');
  await is('the middle', (element) => Math.abs(element.currentTime - element.duration / 2) < 0.3);
  await page.keyboard.press('ArrowRight');
  await is('5 s on', (element) => Math.abs(element.currentTime - element.duration / 2 - 5) < 0.3);
  await page.keyboard.press('j');
  await is('10 s back', (element) => element.currentTime < 2);
  await page.keyboard.press('m');
  await is('silence', (element) => element.muted);
  await page.keyboard.press('f');
  await until('full screen', () => page.evaluate(() => document.fullscreenElement !== null));
  await page.keyboard.press('f');
  await until('the page again', () => page.evaluate(() => document.fullscreenElement === null));
  await tabTo(page, /^SECTION Player/);
  await page.keyboard.press('End');
  await is('the end', (element) => element.duration - element.currentTime < 0.3);
  await page.keyboard.press('ArrowDown');
  await is('less volume', (element) => element.volume < 1);
});
