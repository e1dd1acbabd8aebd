// The whole path in a real browser: upload through the page, see it advance, preview, publish, and watch it to the end
// with every segment verified. Then flipped bits in the store: what was verified before one plays, and there it stops.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { AxeBuilder } from '@axe-core/playwright';

import { chooseName, play, player, visitor } from './lib/browser.ts';
import { Cli } from './lib/cli.ts';
import { realClip } from './lib/env.ts';
import { freshFolder } from './lib/folders.ts';
import { makeClip } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';
import { blobFile, flipBit } from './lib/store.ts';
import { until } from './lib/wait.ts';

test('a clip goes from a drop to a verified last frame; then a flipped bit is refused', async (t) => {
  const real = realClip('bigbuckbunny.mp4');
  if (!real) t.diagnostic('SKIPPED: bigbuckbunny.mp4 is not here; a clip made on the spot stands in');
  const clip = real ?? (await makeClip(join(freshFolder('clip'), 'bigbuckbunny.mp4'), 6));
  const node = await PinreelNode.start();

  const creator = await visitor();
  const { page } = creator;
  await page.goto(`${node.url}/upload`);
  await chooseName(page, 'Ada Lovelace');
  const [card, picker] = [
    page.locator('[data-upload], [data-phase]').first(),
    page.getByLabel('Files to upload'),
  ];
  await picker.setInputFiles(clip);
  await card.getByLabel('Title').fill('Big Buck Bunny');
  await until('progress of the transcoding, by rung', () => page.getByRole('progressbar').count(), 60_000);

  // The private preview: the creator's alone.
  await page.locator('[data-player]').waitFor({ timeout: 300_000 });
  const uploads = await page.evaluate(async () => (await fetch('/api/v1/uploads')).json());
  const { id, root } = uploads.items[0];
  assert.equal(
    (await fetch(`${node.url}/ipfs/${root}/master.m3u8`)).status,
    404,
    'nothing unpublished is served',
  );
  assert.ok(
    [401, 403, 404].includes((await fetch(`${node.url}/api/v1/uploads/${id}/preview/master.m3u8`)).status),
  );
  await play(page);
  await until('the preview to play', async () => (await player(page)).verified > 0);

  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.waitForURL(/@ada-lovelace\/big-buck-bunny/, { timeout: 60_000 });
  assert.deepEqual(creator.complaints, []);
  const watch = page.url();
  await creator.context.close();

  // A stranger watches it to the end.
  const viewer = await visitor();
  let segments = 0;
  viewer.page.on('response', (response) => {
    if (/\.(m4s)(\?|$)/.test(response.url()) && !response.url().includes('format=raw')) segments += 1;
  });
  await viewer.page.goto(watch);
  assert.match(await viewer.page.title(), /Big Buck Bunny/);
  await play(viewer.page);
  await until('the last frame', async () => (await player(viewer.page)).state === 'ended', 180_000);
  const seen = await player(viewer.page);
  assert.equal(seen.error, null);
  assert.ok(segments > 0);
  assert.equal(seen.verified, segments, 'each segment that came was verified');
  const played = await viewer.page.locator('video').evaluate((video: HTMLVideoElement) => ({
    time: video.currentTime,
    length: video.duration,
    frames: video.getVideoPlaybackQuality().totalVideoFrames,
  }));
  assert.ok(played.length > 1 && played.length - played.time < 0.2);
  assert.ok(played.frames > 20, `${played.frames} frames were shown`);
  assert.equal(await viewer.page.getByTestId('badge').innerText(), 'Bytes checked');
  // By the handle, which only one channel has; anybody can take the display name beside it.
  assert.match(
    await viewer.page.getByTestId('approval').innerText(),
    /^Approved by @ada-lovelace\s+\(Ada Lovelace\)$/,
  );
  assert.deepEqual(viewer.complaints, []);
  await viewer.context.close();

  // One bit of each rendition's second segment turns on the disk.
  const { url } = await node.json(`/api/v1/resolve?url=${encodeURIComponent(new URL(watch).pathname)}`);
  assert.ok(url);
  const second = await segmentOf(node, root, 1);
  for (const file of second.files) flipBit(file);
  const deceived = await visitor();
  await deceived.page.goto(watch);
  await play(deceived.page);
  await until('playback to refuse', async () => (await player(deceived.page)).error === 'unverified_bytes');
  const at = await deceived.page.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime);
  assert.ok(at <= 1.2, `nothing of the wrong segment was shown, playback stood at ${at} s`);
  assert.ok(await deceived.page.getByRole('alert').first().isVisible());
  await deceived.context.close();
  for (const file of second.files) flipBit(file);

  // One of a later segment: what was verified before it plays, then it stops; and goes on once the bytes are right.
  const later = await segmentOf(node, root, 3);
  for (const file of later.files) flipBit(file);
  const patient = await visitor();
  await patient.page.goto(watch);
  await patient.page.locator('video').evaluate((video: HTMLVideoElement) => {
    const seen = window as unknown as { furthest: number };
    seen.furthest = 0;
    video.addEventListener('timeupdate', () => (seen.furthest = Math.max(seen.furthest, video.currentTime)));
  });
  await play(patient.page);
  await until('playback to refuse', async () => (await player(patient.page)).error === 'unverified_bytes');
  const furthest = await patient.page.evaluate(() => (window as unknown as { furthest: number }).furthest);
  assert.ok(
    furthest > later.from - 0.5 && furthest < later.from + 0.1,
    `it played up to ${furthest} s, where the wrong segment begins at ${later.from} s`,
  );
  assert.match(await patient.page.getByTestId('origins').innerText(), /\d+ right, \d+ wrong/);
  assert.equal(await patient.page.getByTestId('badge').innerText(), 'Wrong bytes refused');
  // On a phone the whole message is there, the way on included; and it can be read.
  await patient.page.setViewportSize({ width: 360, height: 740 });
  const again = patient.page.getByRole('button', { name: 'Try again' });
  const [button, frame] = [
    await again.boundingBox(),
    await patient.page.locator('[data-player]').boundingBox(),
  ];
  assert.ok(button!.y + button!.height <= frame!.y + frame!.height, 'the button is inside of the frame');
  const { violations } = await new AxeBuilder({ page: patient.page }).analyze();
  assert.deepEqual(
    violations.map(({ id }) => id),
    [],
  );
  for (const file of later.files) flipBit(file);
  await again.click();
  await until('the last frame', async () => (await player(patient.page)).state === 'ended', 180_000);
  assert.equal((await player(patient.page)).error, null);
  await node.stop();
});

/** Where a segment begins, in seconds, and the file of the store that holds it, for each rendition of the picture. */
async function segmentOf(
  node: PinreelNode,
  root: string,
  index: number,
): Promise<{ from: number; files: string[] }> {
  const text = async (path: string) => (await fetch(`${node.url}/ipfs/${root}/${path}`)).text();
  const files: string[] = [];
  let from = 0;
  for (const [, folder] of (await text('master.m3u8')).matchAll(/^(v\d+)\/media\.m3u8$/gm)) {
    const playlist = await text(`${folder}/media.m3u8`);
    const lengths = [...playlist.matchAll(/^#EXTINF:([\d.]+)/gm)].map(([, seconds]) => Number(seconds));
    assert.ok(lengths.length > index, `${folder} has ${lengths.length} segments`);
    from = lengths.slice(0, index).reduce((sum, seconds) => sum + seconds, 0);
    const path = `/ipfs/${root}/${folder}/seg-${String(index).padStart(5, '0')}.m4s`;
    const answer = await fetch(node.url + path, { method: 'HEAD' });
    files.push(blobFile(node.data, answer.headers.get('etag')!.replaceAll('"', '')));
  }
  assert.ok(files.length > 0);
  return { from, files };
}

test('the page says who made the renditions, when the creator has not approved them', async () => {
  const node = await PinreelNode.start();
  const clip = await makeClip(join(freshFolder('clip'), 'early.mp4'), 3);
  const cli = new Cli();
  const published = await cli.json<{ claim: string; watch: string }>(
    'publish',
    clip,
    '--node',
    node.url,
    '--wait',
    'no',
  );
  await until(
    'the rendition',
    async () => (await node.json(`/api/v1/claims/${published.claim}`)).root,
    120_000,
  );
  const { page } = await visitor();
  await page.goto(published.watch);
  await play(page);
  await until('the first segment', async () => (await player(page)).verified > 0);
  // A player that began with the growing stream goes over to the whole one by itself.
  await until('who made them', async () =>
    /^Transcoded by .+ from a source signed by @/.test(await page.getByTestId('approval').innerText()),
  );
  await node.stop();
});
