// What a creator puts beside a film: captions, chapters and a poster, by command line and by browser, up to what a viewer
// sees and what was signed.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { chooseName, play, visitor } from './lib/browser.ts';
import { Cli, oneLine, type Published } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { makeClip } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';
import { until } from './lib/wait.ts';

let node: PinreelNode;
let folder: string;
let clip: string;

const SRT = [
  '1',
  '00:00:00,000 --> 00:00:30,000',
  '<i>Grüße</i> <script>alert(1)</script>',
  '',
  '2',
  '00:00:30,000 --> 00:00:40,000',
  'Ende',
  '',
].join('\n');

before(async () => {
  node = await PinreelNode.start();
  folder = freshFolder('beside');
  clip = await makeClip(join(folder, 'film.mp4'), 40, ['-vf', 'scale=320:180', '-r', '10']);
  writeFileSync(join(folder, 'film.de.srt'), Buffer.from(SRT, 'latin1'));
  writeFileSync(join(folder, 'film.md'), 'Words.\r\n0:00 Begin\r\n0:15 Middle\r\n0:30 End\r\n');
  writeFileSync(join(folder, 'film.en.vtt'), 'WEBVTT\n\n00:00.000 --> 00:40.000\nHello\n');
  writeFileSync(join(folder, 'bad.fr.srt'), '1\n00:00:01,000 --> soon\nBonjour\n');
});
after(() => node.stop());

const file = (name: string) => join(folder, name);

async function text(path: string): Promise<string> {
  const response = await fetch(node.url + path);
  assert.equal(response.status, 200, `${path}: ${response.status}`);
  return response.text();
}

test('publish --captions --poster --description: in the folder that is approved, and in what is signed', async () => {
  const cli = new Cli();
  const args = [
    'publish',
    clip,
    '--node',
    node.url,
    '--channel',
    '@cli',
    '--title',
    'Film',
    '--wait',
    'complete',
  ];
  const bad = await cli.run(...args, '--captions', file('bad.fr.srt'), '--json');
  assert.equal(bad.code, 1, bad.stdout + bad.stderr);
  const { error } = oneLine<{ error: { code: string; message: string } }>(bad.stdout);
  assert.equal(error.code, 'companion_unusable');
  assert.match(error.message, /^bad\.fr\.srt, line 2: /);

  const beside = [
    '--captions',
    file('film.de.srt'),
    '--captions',
    `en-GB=${file('film.en.vtt')}`,
    '--poster',
    '0:05',
    '--description',
    file('film.md'),
  ];
  const published = await cli.json<Published>(...args, ...beside);
  const master = await text(`/ipfs/${published.root}/master.m3u8`);
  assert.match(master, /TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="German",LANGUAGE="de"/);
  assert.match(master, /NAME="English \(GB\)",LANGUAGE="en-GB"/);
  assert.match(master, /RESOLUTION=\S+,SUBTITLES="subtitles"/);
  const german = await text(`/ipfs/${published.root}/s0/captions.vtt`);
  assert.match(german, /\n<i>Grüße<\/i> ?(alert\(1\))?\n/);
  assert.doesNotMatch(german, /script/);
  const page = await node.json(`/api/v1/claims/${published.claim}`);
  assert.deepEqual([page.root, page.root_by, page.unfinished], [published.root, 'channel', false]);
  assert.match(page.poster, /^\/ipfs\/bafk/);
  assert.match(page.description_html, /Words\./);
  const poster = await fetch(node.url + page.poster);
  assert.deepEqual([poster.status, poster.headers.get('content-type')], [200, 'image/jpeg']);
  const { body } = page.record as { body: string };
  const signed = Buffer.from(body, 'base64url').toString('latin1');
  assert.ok(signed.includes('captions') && signed.includes('en-GB'), 'the captions are in the record');
  assert.ok(signed.includes('chapters') && signed.includes('Middle'), 'and so are the chapters');
  const verified = await cli.run('verify', '--node', node.url);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
});

/** What the captions show at this moment. */
const cue = (page: Page): Promise<string> =>
  page.locator('video').evaluate((video: HTMLVideoElement) => {
    const shown = Array.from(video.textTracks as ArrayLike<TextTrack>).filter(
      ({ mode }) => mode === 'showing',
    );
    const cues = shown.flatMap((track) => Array.from((track.activeCues ?? []) as ArrayLike<VTTCue>));
    return cues.map(({ text }) => text).join('|');
  });

test('the upload page: captions, a frame, chapters; and a viewer reads them', async () => {
  const { page, complaints } = await visitor();
  await page.goto(`${node.url}/upload`);
  await chooseName(page, 'Browser');
  await page.getByLabel('Files to upload').setInputFiles(clip);
  await page.getByTestId('captions-file').setInputFiles([file('film.de.srt'), file('bad.fr.srt')]);
  await page.getByText('bad.fr.srt, line 2:').waitFor();
  await page.getByRole('button', { name: 'Remove captions 2, bad.fr.srt' }).click();
  const language = page.getByLabel('Language of film.de.srt');
  assert.equal(await language.inputValue(), 'de');
  await language.fill('de-AT');
  await language.press('Enter');
  await until('its label to follow', async () => {
    const label = await page.getByLabel('What players call film.de.srt').inputValue();
    return label === 'Austrian German';
  });
  await page.getByLabel('Description').fill('Words.\n0:00 Begin\n0:15 Middle');
  await page.getByText('there must be at least 3').waitFor();
  await page.getByLabel('Description').fill('Words.\n0:00 Begin\n0:15 Middle\n0:30 End');
  await page.getByText('Its times become 3 chapters.').waitFor();
  await page.getByLabel('Picture at').fill('soon');
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.getByText('Give a time like 1:23').waitFor();
  await page.getByLabel('Picture at').fill('0:20');
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.locator('[data-poster=ready]').waitFor();
  await page.locator('[data-companion=ready]').waitFor();
  await page
    .getByLabel('When')
    .selectOption('complete')
    .catch(() => undefined); // It may be complete by now.
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.waitForURL(/@browser/, { timeout: 60_000 });

  await page.locator('video').evaluate((video: HTMLVideoElement) => void (video.muted = true));
  await play(page);
  const captions = page.getByRole('button', { name: 'Captions (c)' });
  await captions.waitFor();
  await page.keyboard.press('c');
  await until('the captions', async () => /Grüße/.test(await cue(page)));
  assert.equal(await captions.getAttribute('aria-pressed'), 'true');
  await page.keyboard.press('c');
  await until('no captions', async () => (await cue(page)) === '');
  await page.getByRole('button', { name: 'Quality, speed and captions' }).click();
  await page.getByLabel('Austrian German').check();
  await until('the captions again', async () => /Grüße/.test(await cue(page)));
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Chapters' }).focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await until('the last chapter', async () => {
    const at = await page.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime);
    return at >= 30 && /Ende/.test(await cue(page));
  });
  assert.match((await page.getByLabel('Position').getAttribute('aria-valuetext')) ?? '', /, End$/);
  assert.deepEqual(complaints, []);
});
