// Takes the pictures that the README shows: home, upload in progress, the watch page wide and on a phone.
//   bin/test must have built everything; then: npm run screenshots -- FOLDER

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

import { chooseName, play, player, visitor } from './lib/browser.ts';
import { Cli, type Published } from './lib/cli.ts';
import { realClip } from './lib/env.ts';
import { PinreelNode } from './lib/node.ts';
import { until } from './lib/wait.ts';

const folder = resolve(process.argv[2] ?? 'screenshots');
const CLIPS: [string, string][] = [
  ['chaplin.mp4', 'Chaplin in the ring'],
  ['fire2.mp4', 'By the fire'],
  ['world.mp4', 'The world turns'],
  ['bikes.mp4', 'Rush hour on two wheels'],
  ['big_buck_bunny_0_30.webm', 'Big Buck Bunny: the opening'],
];

test('screenshots', async () => {
  mkdirSync(folder, { recursive: true });
  const node = await PinreelNode.start();
  const cli = new Cli();
  let last: Published | undefined;
  for (const [name, title] of CLIPS) {
    const clip = realClip(name);
    if (clip)
      last = await cli.json(
        'publish',
        clip,
        '--node',
        node.url,
        '--channel',
        '@reel',
        '--title',
        title,
        '--wait',
        'complete',
      );
  }
  if (!last) throw new Error('the real clips are needed for this');

  const wide = await visitor({ width: 1280, height: 860 });
  await wide.page.goto(node.url);
  await wide.page.locator('img').first().waitFor();
  await wide.page.waitForLoadState('networkidle');
  await wide.page.screenshot({ path: join(folder, 'home.png') });

  const watch = async (page: typeof wide.page, name: string) => {
    await page.goto(last.watch);
    await page.locator('video').evaluate((video: HTMLVideoElement) => void (video.muted = true));
    await play(page);
    await until('some seconds', () =>
      page.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime > 4),
    );
    await page.screenshot({ path: join(folder, name) });
    if ((await player(page)).error) throw new Error('playback failed');
  };
  await watch(wide.page, 'watch.png');

  const uploading = await visitor({ width: 1280, height: 860 });
  await uploading.page.goto(`${node.url}/upload`);
  await chooseName(uploading.page, 'Ada Lovelace');
  const network = await uploading.context.newCDPSession(uploading.page);
  await network.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 20,
    downloadThroughput: -1,
    uploadThroughput: 150_000,
  });
  await uploading.page.getByLabel('Files to upload').setInputFiles(realClip('smpte-2997.mp4')!);
  await uploading.page.getByText(/left/).first().waitFor();
  await uploading.page.screenshot({ path: join(folder, 'upload.png'), fullPage: true });
  await network.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: -1,
  });
  await uploading.page
    .getByText(/p\b.*%|×/)
    .first()
    .waitFor({ timeout: 60_000 })
    .catch(() => undefined);
  await uploading.page.screenshot({ path: join(folder, 'transcoding.png'), fullPage: true });

  const phone = await visitor({ width: 390, height: 844, dark: true });
  await watch(phone.page, 'phone.png');
  await node.stop();
});
