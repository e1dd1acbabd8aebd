// Pictures at varying times in a real player: a clock in the picture agrees with the time at which the player stands.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { visitor } from './lib/browser.ts';
import { Cli, type Published } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { PinreelNode } from './lib/node.ts';
import { ok } from './lib/process.ts';

const SECONDS = 14;
const POINTS = 20;
/** A bar grows from left to right, once in the whole clip: the clock. */
const CLOCK = `color=gray:size=1024x128:rate=60:duration=${SECONDS},geq=lum='if(lt(X/W,T/${SECONDS}),235,16)':cb=128:cr=128`;
/** Of the clock: a column of pixels is 14 ms, and an edge may be washed out over two. */
const TOLERANCE_S = 0.045;

const CLIPS: [name: string, kept: string, codec: string[]][] = [
  // Nine pictures a second, then sixty, then three in two seconds; reordered.
  [
    'steps.mp4',
    'if(lt(t,5),not(mod(n,7)),if(lt(t,9),1,not(mod(n,40))))',
    ['libx264', '-qp', '10', '-bf', '3'],
  ],
  ['random.webm', 'gt(random(1),0.6)', ['libvpx', '-deadline', 'realtime', '-crf', '4', '-b:v', '4M']],
  // A screen that is captured when something changes.
  ['screen.mkv', 'lt(mod(t,3.7),0.5)', ['libx264', '-qp', '10']],
];

let node: PinreelNode;
before(async () => {
  node = await PinreelNode.start();
});
after(() => node.stop());

for (const [name, kept, codec] of CLIPS) {
  test(`${name}: a clock in the picture agrees with the player's`, async () => {
    const clip = join(freshFolder('clock'), name);
    await ok('ffmpeg', [
      '-v', 'error', '-y', '-f', 'lavfi', '-i', CLOCK, '-vf', `select='${kept}',format=yuv420p`,
      '-vsync', 'vfr', '-c:v', ...codec, clip,
    ]); // prettier-ignore
    const [begins, shown] = await times(clip);
    const published = await new Cli().json<Published>(
      'publish', clip, '--node', node.url, '--wait', 'complete',
    ); // prettier-ignore

    const viewer = await visitor();
    await viewer.page.goto(published.watch);
    await ready(viewer.page);
    for (let n = 0; n < POINTS; n++) {
      const at = ((n + 0.5) / POINTS) * shown.at(-1)!;
      const clock = (await clockAt(viewer.page, at)) - begins;
      // The source's picture of that time; beside a change, either.
      const right = [at - TOLERANCE_S, at, at + TOLERANCE_S].map((time) =>
        shown.findLast((shown) => shown <= time),
      );
      assert.ok(
        right.some((time) => Math.abs((time ?? 0) - clock) <= TOLERANCE_S),
        `at ${at.toFixed(3)} s the picture's clock says ${clock.toFixed(3)}, where the source has ${right.join(', ')}`,
      );
    }
    assert.deepEqual(viewer.complaints, []);
    await viewer.context.close();
  });
}

/** When a clip's first picture is shown, and all of them from then on, in seconds. */
async function times(clip: string): Promise<[begins: number, shown: number[]]> {
  const { stdout } = await ok('ffprobe', [
    '-v', 'error', '-select_streams', 'v:0', '-show_entries', 'frame=best_effort_timestamp_time', '-of', 'csv=p=0', clip,
  ]); // prettier-ignore
  const all = stdout
    .split('\n')
    .map(Number.parseFloat)
    .filter((time) => !Number.isNaN(time));
  const begins = all[0]!;
  return [begins, all.map((time) => time - begins)];
}

/** Lets the player begin, and halts it. */
async function ready(page: Page): Promise<void> {
  await page.locator('[data-player] video').evaluate(async (video: HTMLVideoElement) => {
    video.muted = true;
    await video.play();
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    video.pause();
  });
}

/** Seeks, waits for the picture, and reads the clock in it. */
async function clockAt(page: Page, at: number): Promise<number> {
  const part = await page.locator('[data-player] video').evaluate(async (video: HTMLVideoElement, at) => {
    const seeked = new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
    video.currentTime = at;
    await seeked;
    // The picture comes with one of the next ones that the page draws.
    for (let n = 0; n < 5; n++) await new Promise(requestAnimationFrame);
    const canvas = document.createElement('canvas');
    canvas.width = 1024;
    canvas.height = 1;
    const context = canvas.getContext('2d')!;
    context.drawImage(video, 0, video.videoHeight / 2, video.videoWidth, 1, 0, 0, 1024, 1);
    const { data } = context.getImageData(0, 0, 1024, 1);
    let bright = 0;
    for (let x = 0; x < 1024; x++) if (data[x * 4]! > 128) bright += 1;
    return bright / 1024;
  }, at);
  return part * SECONDS;
}
