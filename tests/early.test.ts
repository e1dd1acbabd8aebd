// Watched before it is complete: the first segments of one quality as soon as they exist, each verified; then all
// qualities at the same position. The transcoder is halted where a test wants to look, so no clip has to be long.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { chooseName, play, player, visitor } from './lib/browser.ts';
import { Cli, type Published } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { makeClip } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';
import { blobFile, flipBit } from './lib/store.ts';
import { until } from './lib/wait.ts';

interface Growing {
  statement: string;
  first: number;
  steps: { cid: string; ticks: number }[][];
}

/** Groups of more than 4 s, so that it must be encoded: in 720, 480, 360 and 240. */
const SIZE = ['-vf', 'scale=1280:720', '-r', '15', '-g', '150'];
const SECONDS = 40;

let clip: string;
let node: PinreelNode;

before(async () => {
  clip = await makeClip(join(freshFolder('clip'), 'early.mp4'), SECONDS, SIZE);
  node = await PinreelNode.start();
});
after(() => node.stop());

const growingOf = (claim: string): Promise<Growing> => node.json(`/api/v1/claims/${claim}/growing`);

/** Halts the transcoding where it is; gives what makes it go on. */
function halt(): () => void {
  const child = node.transcoding();
  assert.ok(child, 'it is still transcoding');
  process.kill(child, 'SIGSTOP');
  return () => process.kill(child, 'SIGCONT');
}

/** Has the page count whatever a viewer would notice of a break. */
async function watchClosely(
  page: Page,
): Promise<() => Promise<{ emptied: number; jumps: number; at: number; height: number }>> {
  await page.locator('video').evaluate((video: HTMLVideoElement) => {
    const seen = { emptied: 0, jumps: 0, at: video.currentTime };
    (window as unknown as { seen: typeof seen }).seen = seen;
    video.addEventListener('emptied', () => (seen.emptied += 1));
    video.addEventListener('seeking', () => (seen.jumps += 1));
    video.addEventListener('timeupdate', () => {
      if (video.currentTime < seen.at) seen.jumps += 1;
      seen.at = video.currentTime;
    });
  });
  return () =>
    page.locator('video').evaluate((video: HTMLVideoElement) => ({
      ...(window as unknown as { seen: { emptied: number; jumps: number; at: number } }).seen,
      height: video.videoHeight,
    }));
}

test('it plays before it is complete, and all qualities take over where it stands', async () => {
  const published = await new Cli().json<Published>(
    'publish',
    clip,
    '--node',
    node.url,
    '--wait',
    'playable',
  );
  const early = await until('three segments', async () => {
    const growing = await growingOf(published.claim);
    return growing.steps.length >= 3 && growing;
  });
  const goOn = halt();
  assert.deepEqual([published.state, published.root], ['playable', null]);
  const api = `${node.url}/api/v1/claims/${published.claim}`;
  const state = await node.json(`/api/v1/claims/${published.claim}`);
  assert.deepEqual([state.job.state, state.job.playable, state.root], ['running', true, null]);
  assert.equal(
    (await fetch(`${node.url}/ipfs/${early.steps[0]![0]!.cid}`)).status,
    404,
    'public with the root',
  );
  assert.equal((await fetch(`${api}/growing/v480/init.mp4`)).status, 200);

  // A bit of the second segment turns on the disk: what is before it plays, it doesn't.
  const file = blobFile(node.data, early.steps[1]![0]!.cid);
  flipBit(file);
  const deceived = await visitor();
  await deceived.page.goto(published.watch);
  await play(deceived.page);
  await until('playback to refuse', async () => (await player(deceived.page)).error === 'unverified_bytes');
  const stopped = await deceived.page
    .locator('video')
    .evaluate((video: HTMLVideoElement) => video.currentTime);
  assert.ok(stopped <= 1.2, `it stood at ${stopped} s`);
  await deceived.context.close();
  flipBit(file);

  const viewer = await visitor();
  const { page } = viewer;
  let segments = 0;
  page.on('response', (response) => {
    if (
      response.ok() &&
      /\.m4s$/.test(new URL(response.url()).pathname) &&
      !response.url().includes('format=raw')
    )
      segments += 1;
  });
  await page.goto(published.watch);
  await play(page);
  await until('half a second of it', () =>
    page.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime > 0.5),
  );
  assert.equal(await page.getByTestId('badge').innerText(), 'Bytes checked');
  assert.match(
    await page.getByTestId('approval').innerText(),
    /^Being transcoded by .+ from a source signed by @/,
  );
  assert.equal(await page.locator('video').evaluate((video: HTMLVideoElement) => video.videoHeight), 480);
  const noticed = await watchClosely(page);

  goOn();
  await until('the words for a finished stream', async () =>
    (await page.getByTestId('approval').innerText()).startsWith('Transcoded by '),
  );
  await until('the best quality', async () => (await noticed()).height === 720, 40_000);
  const passed = await noticed();
  assert.deepEqual([passed.emptied, passed.jumps], [0, 0], 'nobody noticed the change');
  await page.locator('video').evaluate((video: HTMLVideoElement) => (video.playbackRate = 4));
  await until('the last frame', async () => (await player(page)).state === 'ended');
  const { at } = await noticed();
  assert.ok(Math.abs(at - SECONDS) < 0.2, `it ended at ${at} s`);
  const seen = await player(page);
  assert.equal(seen.error, null);
  assert.equal(seen.verified, segments, 'each segment that came was verified');
  assert.deepEqual(viewer.complaints, []);
  await viewer.context.close();

  // The root holds what was played, and nothing grows any more.
  const { root } = await node.json(`/api/v1/claims/${published.claim}`);
  for (const [number, [picture, sound]] of early.steps.entries()) {
    for (const [name, { cid }] of Object.entries({ v480: picture!, a0: sound! })) {
      const held = await fetch(`${node.url}/ipfs/${root}/${name}/seg-0000${number}.m4s`, { method: 'HEAD' });
      assert.equal(held.headers.get('etag'), `"${cid}"`);
    }
  }
  assert.equal((await fetch(`${api}/growing`)).status, 204);
});

test('killed in the middle, the node goes on with the same stream, and the viewer with it', async () => {
  // Another source, and long enough to be still in the making when a browser has got here.
  const other = await makeClip(join(freshFolder('clip'), 'killed.mp4'), 3 * SECONDS, SIZE);
  const creator = await visitor();
  await creator.page.goto(`${node.url}/upload`);
  await chooseName(creator.page, 'Grace Hopper');
  await creator.page.getByLabel('Files to upload').setInputFiles(other);
  await creator.page.getByLabel('Title').fill('Killed');
  await creator.page.getByLabel('When').selectOption('as soon as it can be watched');
  await creator.page.getByRole('button', { name: 'Publish', exact: true }).click();
  await creator.page.waitForURL(/@grace-hopper\/killed/, { timeout: 60_000 });
  halt();
  const claim = (await node.json('/api/v1/resolve?url=@grace-hopper/killed')).claim as string;
  await play(creator.page);
  await until('the first segments', async () => (await player(creator.page)).verified > 0);
  const earlier = await growingOf(claim);
  assert.ok(earlier.steps.length > 0);

  await node.kill();
  node = await node.again();
  const kept = await growingOf(claim);
  assert.equal(kept.statement, earlier.statement, 'what was signed still stands');
  const later = await until('more of it', async () => {
    const growing = await growingOf(claim).catch(() => null);
    return growing !== null && growing.steps.length > earlier.steps.length && growing;
  });
  assert.deepEqual(later.steps.slice(0, earlier.steps.length), earlier.steps);
  await until('the whole', async () => (await node.json(`/api/v1/claims/${claim}`)).root !== null);
  await creator.page.locator('video').evaluate((video: HTMLVideoElement) => (video.playbackRate = 8));
  await until('the last frame', async () => (await player(creator.page)).state === 'ended');
  assert.equal((await player(creator.page)).error, null);
  await creator.context.close();
});

test('when the job fails after all, viewers and creator are told, and the file stays', async () => {
  const failing = await makeClip(join(freshFolder('clip'), 'failing.mp4'), SECONDS, [
    ...SIZE,
    '-metadata',
    'title=failing',
  ]);
  const published = await new Cli().json<Published>(
    'publish',
    failing,
    '--node',
    node.url,
    '--wait',
    'playable',
  );
  assert.equal(published.state, 'playable');
  // It must not be done before the viewer is there.
  halt();
  const viewer = await visitor();
  await viewer.page.goto(published.watch);
  await play(viewer.page);
  await until('the first segments', async () => (await player(viewer.page)).verified > 0);
  // Whatever kills a transcoder three times is given up.
  for (const killed = new Set<number>(); killed.size < 3;) {
    const child = await until('another try', () => {
      const running = node.transcoding();
      return running !== undefined && !killed.has(running) && running;
    });
    process.kill(child, 'SIGKILL');
    killed.add(child);
  }
  const reason = viewer.page.getByText(
    'It could not be made into a stream. The transcoder was stopped while it worked on this file.',
  );
  await reason.waitFor({ timeout: 30_000 });
  assert.ok(await viewer.page.getByRole('link', { name: 'Download', exact: true }).isVisible());
  assert.equal((await fetch(`${node.url}/api/v1/claims/${published.claim}/growing`)).status, 204);
  assert.equal((await fetch(`${node.url}/ipfs/${published.source}`, { method: 'HEAD' })).status, 200);
  // What was there for a moment may be taken back while it is asked for.
  const unexpected = viewer.complaints.filter((complaint) => !/404.*\/growing\/[^/]+\/seg-/.test(complaint));
  assert.deepEqual(unexpected, []);
  await viewer.context.close();
});

test('cancelled and tried again, it is watched on from the same place', async () => {
  const again = await makeClip(join(freshFolder('clip'), 'again.mp4'), SECONDS, [
    ...SIZE,
    '-metadata',
    'title=again',
  ]);
  const cli = new Cli();
  const published = await cli.json<Published>('publish', again, '--node', node.url, '--wait', 'playable');
  await until('three segments', async () => (await growingOf(published.claim)).steps.length >= 3);
  halt();
  const { context, page } = await visitor();
  await page.goto(published.watch);
  const video = page.locator('video');
  await video.evaluate((element: HTMLVideoElement) => void (element.muted = true));
  await play(page);
  const place = await until('a second of it', () =>
    video.evaluate(({ currentTime }: HTMLVideoElement) => currentTime > 1 && currentTime),
  );
  const { items } = await cli.json<{ items: { id: string; source: string }[] }>(
    ...['jobs', 'list', '--state', 'all', '--data', node.data],
  );
  const { id } = items.find(({ source }) => source === published.source)!;
  await cli.json('jobs', 'cancel', id, '--data', node.data);
  await page.getByText('It could not be made into a stream.').waitFor();
  await cli.json('jobs', 'retry', id, '--data', node.data);
  await until(
    'it to play again',
    async () => (await video.count()) > 0 && (await player(page)).state === 'playing',
    120_000,
  );
  const now = await video.evaluate(({ currentTime, muted }: HTMLVideoElement) => ({ currentTime, muted }));
  assert.ok(
    now.currentTime >= place && now.currentTime < place + 15,
    `${place} s, then ${now.currentTime} s`,
  );
  assert.ok(now.muted, 'and as loud as before');
  assert.equal((await player(page)).error, null);
  await context.close();
});
