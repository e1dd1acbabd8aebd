// A film in two languages: which one is heard is chosen in the player, by keyboard and on a phone, and is the one that is
// heard of the next film as well. Its two sounds are tones, so that what is heard can be told.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { play, player, visitor } from './lib/browser.ts';
import { Cli, type Published } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { ok } from './lib/process.ts';
import { PinreelNode } from './lib/node.ts';
import { until } from './lib/wait.ts';

const ENGLISH_HZ = 440;
const POLISH_HZ = 1320;
/** How far a measured tone may be off: the analyser's own steps are of 23 Hz. */
const NEAR_HZ = 60;
const SECONDS = 40;

let node: PinreelNode;
let folder: string;
/** Where the film with a picture and two sounds is watched. */
let first: string;

before(async () => {
  node = await PinreelNode.start();
  folder = freshFolder('sounds');
  first = (await publish(await makeFilm('two.mkv', drawn('320x180')), 'complete')).watch;
});
after(() => node.stop());

/** `picture`: what it is drawn by, or nothing for sound alone. */
async function makeFilm(name: string, picture: string[]): Promise<string> {
  const path = join(folder, name);
  const tone = (hz: number) => [
    '-f',
    'lavfi',
    '-i',
    `sine=frequency=${hz}:sample_rate=48000:duration=${SECONDS}`,
  ];
  await ok('ffmpeg', [
    ...['-v', 'error', '-y', ...tone(ENGLISH_HZ), ...tone(POLISH_HZ), ...picture],
    ...['-map', '0', '-map', '1', ...(picture.length > 0 ? ['-map', '2'] : [])],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '150', '-c:a', 'aac'],
    ...['-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=pol', path],
  ]);
  return path;
}

const drawn = (size: string) => ['-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=15:duration=${SECONDS}`];

const publish = (path: string, wait: string): Promise<Published> =>
  new Cli().json<Published>('publish', path, '--node', node.url, '--wait', wait);

/** The loudest tone of what the element plays, in Hz. */
const tone = (page: Page): Promise<number> =>
  page.locator('video').evaluate(async (video: HTMLVideoElement) => {
    const kept = window as unknown as { ear?: AnalyserNode };
    if (!kept.ear) {
      const context = new AudioContext();
      kept.ear = new AnalyserNode(context, { fftSize: 2048, smoothingTimeConstant: 0 });
      context.createMediaElementSource(video).connect(kept.ear).connect(context.destination);
      await context.resume();
    }
    const loud = new Float32Array(kept.ear.frequencyBinCount);
    kept.ear.getFloatFrequencyData(loud);
    const most = Math.max(...loud);
    return most > -80 ? (loud.indexOf(most) * kept.ear.context.sampleRate) / kept.ear.fftSize : 0;
  });

const hear = (page: Page, hz: number): Promise<unknown> =>
  until(`a tone of ${hz} Hz`, async () => Math.abs((await tone(page)) - hz) < NEAR_HZ);

/** Has the page count what a viewer would notice of a break. */
async function watchClosely(page: Page): Promise<() => Promise<{ breaks: string[]; verified: number }>> {
  await page.locator('video').evaluate((video: HTMLVideoElement) => {
    const seen = { breaks: [] as string[], at: video.currentTime };
    (window as unknown as { seen: typeof seen }).seen = seen;
    for (const name of ['emptied', 'seeking', 'waiting', 'pause'])
      video.addEventListener(name, () => seen.breaks.push(name));
    video.addEventListener('timeupdate', () => {
      if (video.currentTime < seen.at || video.currentTime > seen.at + 2) seen.breaks.push('a jump');
      seen.at = video.currentTime;
    });
  });
  return async () => ({
    breaks: await page.evaluate(() => (window as unknown as { seen: { breaks: string[] } }).seen.breaks),
    verified: (await player(page)).verified,
  });
}

const menuOf = (page: Page) => page.getByRole('button', { name: 'Quality, speed and sound' });

test('the other language is chosen by keyboard, and heard without a break; back again on a phone', async () => {
  const { page, complaints } = await visitor();
  let segments = 0;
  const asked: string[] = [];
  page.on('response', (response) => {
    const { pathname, search } = new URL(response.url());
    if (!response.ok() || !pathname.endsWith('.m4s') || search) return;
    segments += 1;
    asked.push(pathname.split('/').slice(-2).join('/'));
  });
  await page.goto(first);
  await play(page);
  await hear(page, ENGLISH_HZ);
  assert.ok(!asked.some((path) => path.startsWith('a1/')), 'one sound is loaded at a time');

  const noticed = await watchClosely(page);
  await menuOf(page).focus();
  await page.keyboard.press('Enter');
  const [english, polish] = [
    page.getByRole('radio', { name: 'English', exact: true }),
    page.getByRole('radio', { name: 'Polish', exact: true }),
  ];
  await until('the sounds', async () => english.isChecked());
  await english.focus();
  await page.keyboard.press('ArrowDown');
  await hear(page, POLISH_HZ);
  assert.ok(await polish.isChecked());
  assert.ok(asked.some((path) => path.startsWith('a1/')));
  assert.deepEqual((await noticed()).breaks, [], 'nobody noticed the change but by ear');

  // What is behind was loaded in the other language.
  await page.locator('video').evaluate((video: HTMLVideoElement) => (video.currentTime = 0));
  await until('the beginning', () =>
    page.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime > 0.3 && !video.seeking),
  );
  await hear(page, POLISH_HZ);
  assert.ok(Math.abs((await tone(page)) - ENGLISH_HZ) > NEAR_HZ);

  await page.setViewportSize({ width: 360, height: 740 });
  await page.keyboard.press('Escape');
  await menuOf(page).click();
  await english.click();
  await hear(page, ENGLISH_HZ);
  await polish.click();
  await hear(page, POLISH_HZ);
  const panel = await page.locator('.panel').boundingBox();
  const frame = await page.locator('[data-player]').boundingBox();
  assert.ok(panel!.x >= frame!.x && panel!.y >= frame!.y, 'the menu is inside of the frame');
  const { verified } = await player(page);
  assert.equal(verified, segments, 'each segment that came was verified');
  assert.equal(await page.getByTestId('badge').innerText(), 'Bytes checked');
  assert.deepEqual(complaints, []);
});

test('what was chosen of one film is heard of the next, as soon as that is complete', async () => {
  const { page, complaints } = await visitor();
  await page.goto(first);
  await play(page);
  await menuOf(page).click();
  await page.getByRole('radio', { name: 'Polish', exact: true }).check();
  await hear(page, POLISH_HZ);

  const { watch, claim } = await publish(await makeFilm('early.mkv', drawn('1280x720')), 'playable');
  await until('three segments', async () => {
    const growing = await node.json(`/api/v1/claims/${claim}/growing`);
    return growing.steps.length >= 3;
  });
  const child = node.transcoding();
  assert.ok(child, 'it is still transcoding');
  process.kill(child, 'SIGSTOP');
  await page.goto(watch);
  await play(page);
  await hear(page, ENGLISH_HZ);
  assert.equal(await menuOf(page).count(), 0, 'there is one sound yet');
  const noticed = await watchClosely(page);
  process.kill(child, 'SIGCONT');
  await until('the menu', () => menuOf(page).count(), 120_000);
  await hear(page, POLISH_HZ);
  await menuOf(page).click();
  assert.ok(await page.getByRole('radio', { name: 'Polish', exact: true }).isChecked());
  const { breaks } = await noticed();
  // A short stream runs dry while its transcoder is halted.
  assert.deepEqual(
    breaks.filter((name) => name !== 'waiting'),
    [],
  );
  // What is behind was loaded in the other language.
  await page.locator('video').evaluate((video: HTMLVideoElement) => (video.currentTime = 0));
  await until('the beginning', () =>
    page.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime > 0.3 && !video.seeking),
  );
  await hear(page, POLISH_HZ);
  assert.ok(
    await page.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime < 3),
    'at once',
  );
  assert.equal((await player(page)).error, null);
  assert.deepEqual(complaints, []);
});

test('sound alone in two languages', async () => {
  const { page, complaints } = await visitor();
  const { watch } = await publish(await makeFilm('alone.mka', []), 'complete');
  await page.goto(watch);
  await play(page);
  await hear(page, ENGLISH_HZ);
  await page.getByRole('button', { name: / and sound$/ }).click();
  await page.getByRole('radio', { name: 'Polish', exact: true }).check();
  await hear(page, POLISH_HZ);
  await page.getByRole('radio', { name: 'English', exact: true }).check();
  await hear(page, ENGLISH_HZ);
  assert.deepEqual(complaints, []);
});
