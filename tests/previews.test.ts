// What is neither film nor sound: published as it is, with a preview where one can be made, by command line and by
// browser, wide and on a phone.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { chooseName, visitor } from './lib/browser.ts';
import { Cli, type Published } from './lib/cli.ts';
import { LOCKED, makePdf, makeZip } from './lib/documents.ts';
import { freshFolder } from './lib/folders.ts';
import { PinreelNode } from './lib/node.ts';
import { ok } from './lib/process.ts';
import { until } from './lib/wait.ts';

let node: PinreelNode;
let folder: string;
const cli = new Cli();

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><script>window.ran = true</script></svg>`;
const NOTES = `# Notes\n\n<script>window.ran = true</script>\n${'Grüße, Zeile für Zeile.\n'.repeat(8000)}`;
const CONTAINER = `<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
  <rootfile full-path="book.opf"/></rootfiles></container>`;
const PACKAGE = `<package xmlns="http://www.idpf.org/2007/opf"><manifest>
  <item id="c" href="cover.png" media-type="image/png" properties="cover-image"/></manifest></package>`;

const file = (name: string) => join(folder, name);

const draw = (name: string, ...args: string[]) =>
  ok('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', ...args, '-frames:v', '1', file(name)]);

before(async () => {
  node = await PinreelNode.start();
  folder = freshFolder('previews');
  // Larger than what a page loads by itself.
  await draw('photo.jpg', 'testsrc2=size=2400x1600', '-vf', 'noise=alls=40', '-q:v', '2');
  assert.ok(readFileSync(file('photo.jpg')).length > 1_000_000);
  await draw('small.png', 'color=red:size=400x300');
  await draw('cover.png', 'color=blue:size=600x900');
  writeFileSync(file('paper.pdf'), makePdf());
  writeFileSync(file('locked.pdf'), makePdf(LOCKED));
  const mimetype: [string, Buffer] = ['mimetype', Buffer.from('application/epub+zip')];
  const parts = [
    mimetype,
    ['META-INF/container.xml', Buffer.from(CONTAINER)],
    ['book.opf', Buffer.from(PACKAGE)],
    ['cover.png', readFileSync(file('cover.png'))],
  ] satisfies [string, Buffer][];
  writeFileSync(file('book.epub'), makeZip(parts));
  writeFileSync(file('things.zip'), makeZip([['a.txt', Buffer.from('a')]]));
  writeFileSync(file('drawing.svg'), SVG);
  writeFileSync(file('notes.md'), NOTES);
});
after(() => node.stop());

/** The pages of what was published, by the file's name. */
const pages = new Map<string, string>();

async function publish(name: string): Promise<Published> {
  const args = ['--node', node.url, '--channel', '@files', '--title', name];
  const published = await cli.json<Published>('publish', file(name), ...args);
  pages.set(name, published.watch);
  return published;
}

interface Preview {
  state: string;
  reason: string | null;
  root: string | null;
  width: number | null;
  height: number | null;
  sizes: { width: number; height: number; bytes: number }[];
}

/** A publication's page once its preview is made, or isn't. */
async function settled(
  claim: string,
): Promise<{ poster: string | null; preview: Preview | null; watch: string }> {
  return until(`the preview of ${claim}`, async () => {
    const page = await node.json(`/api/v1/claims/${claim}`);
    const { preview } = page as { preview: Preview | null };
    if (preview && (preview.state === 'queued' || preview.state === 'running')) return undefined;
    return page;
  });
}

test('each kind is published as it is, and pictured where that can be', async () => {
  const pictured: [string, [number, number], number[]][] = [
    ['photo.jpg', [2400, 1600], [320, 640, 1280, 1920]],
    ['small.png', [400, 300], [320, 400]],
    ['paper.pdf', [595, 842], [320, 640, 1280]],
    ['book.epub', [600, 900], [320, 600]],
  ];
  for (const [name, size, widths] of pictured) {
    const published = await publish(name);
    const { poster, preview, watch } = await settled(published.claim);
    assert.equal(preview?.state, 'complete', `${name}: ${preview?.reason}`);
    assert.deepEqual([preview.width, preview.height], size, name);
    assert.deepEqual(
      preview.sizes.map(({ width }) => width),
      widths,
      name,
    );
    for (const { width, bytes } of preview.sizes) {
      const answer: Response = await fetch(`${node.url}/ipfs/${preview.root}/${width}.webp`);
      assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'image/webp'], name);
      assert.equal((await answer.arrayBuffer()).byteLength, bytes, name);
    }
    const linked = widths.find((width) => width >= 1280) ?? widths[widths.length - 1];
    assert.equal(poster, `/ipfs/${preview.root}/${linked}.webp`, name);
    const html = await (await fetch(watch)).text();
    assert.ok(
      html.includes(`property="og:image" content="${node.url}${poster}"`),
      `${name}: ${html.slice(0, 2000)}`,
    );
    const source = await fetch(`${node.url}/ipfs/${published.source}`);
    assert.deepEqual(Buffer.from(await source.arrayBuffer()), readFileSync(file(name)), name);
  }
  const locked = await settled((await publish('locked.pdf')).claim);
  assert.deepEqual([locked.preview?.state, locked.poster], ['failed', null]);
  assert.match(locked.preview?.reason ?? '', /password/);
  for (const name of ['things.zip', 'drawing.svg', 'notes.md'])
    assert.equal((await settled((await publish(name)).claim)).preview, null, name);
  const verified = await cli.run('verify', '--node', node.url);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
});

/** Nothing is wider than the window. */
async function fits(page: Page, name: string): Promise<void> {
  const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide! <= seen!, `${name}: ${wide} in ${seen}`);
}

/** Tab until this is focused. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  await until(`focus on ${name}`, async () => {
    await page.keyboard.press('Tab');
    return name.test((await page.evaluate(() => document.activeElement?.textContent)) ?? '');
  });
}

for (const width of [1280, 360]) {
  test(`the pages, ${width} pixels wide`, async () => {
    const { page, complaints } = await visitor({ width, height: 800 });
    const shots = process.env['PINREEL_TEST_SHOTS'];
    const shot = async (name: string) => {
      await fits(page, name);
      if (shots) await page.screenshot({ path: join(shots, `${name}-${width}.png`) });
    };
    const open = async (name: string) => {
      await page.goto(pages.get(name)!);
      await page.getByRole('heading', { name, level: 1 }).waitFor();
    };
    const shown = page.locator('img[data-preview=shown]');
    const isDrawn = () => shown.evaluate((img: HTMLImageElement) => img.complete && img.naturalWidth > 0);

    await open('photo.jpg');
    await until('the preview', isDrawn);
    const used = await shown.evaluate((img: HTMLImageElement) => img.currentSrc);
    assert.match(used, width === 360 ? /\/640\.webp$|\/320\.webp$/ : /\/1280\.webp$/);
    await page.getByText('2400 × 1600 pixels').waitFor();
    await shot('photo');
    await tabTo(page, /Show the original/);
    await page.keyboard.press('Enter');
    await page.locator('img[data-state=shown]').waitFor();
    await page.locator('[data-badge=checked]').waitFor();

    await open('small.png');
    await page.locator('img[data-state=shown]').waitFor();
    await page.locator('[data-badge=checked]').waitFor();

    await open('paper.pdf');
    await until('the first page', isDrawn);
    await page.getByText('The first page, drawn by').waitFor();
    await shot('paper');
    await tabTo(page, /^\s*Download\s*$/);

    await open('book.epub');
    await until('the cover', isDrawn);

    await open('locked.pdf');
    await page
      .locator('[data-preview=failed]')
      .getByText(/protected by a password/)
      .waitFor();
    await page.getByText('application/pdf').waitFor();
    await shot('locked');

    await open('things.zip');
    await page.getByText('application/zip').waitFor();
    await shot('archive');

    for (const [name, words] of [
      ['notes.md', /<script>window\.ran = true<\/script>/],
      ['drawing.svg', /<svg xmlns=/],
    ] as const) {
      await open(name);
      const text = page.getByRole('region', { name: /^Text of / });
      await text.waitFor();
      assert.match((await text.textContent()) ?? '', words);
      await page.locator('[data-badge=checked]').waitFor();
      assert.equal(await page.evaluate(() => (window as { ran?: boolean }).ran), undefined, name);
      await shot(name);
    }
    await open('notes.md');
    await page.getByText(/^The first .* Download it to read on/).waitFor();

    await page.goto(node.url);
    await until('the cards', async () => {
      const cards = page.locator('article img');
      const drawn = await cards.evaluateAll((all) =>
        all.map((img) => (img as HTMLImageElement).naturalWidth),
      );
      return (
        drawn.length === 4 && (await cards.last().scrollIntoViewIfNeeded(), drawn.every((wide) => wide > 0))
      );
    });
    await shot('cards');
    assert.deepEqual(complaints, []);
  });
}

test('the upload page says how far a preview is, and the page has it', async () => {
  const { page, complaints } = await visitor({ width: 360, height: 800 });
  await page.goto(`${node.url}/upload`);
  await chooseName(page, 'Browser');
  writeFileSync(file('own.pdf'), Buffer.concat([makePdf(), Buffer.from('% another\n')]));
  writeFileSync(file('cut.pdf'), makePdf().subarray(0, 40));
  await page.getByLabel('Files to upload').setInputFiles(file('cut.pdf'));
  await page.locator('[data-preview=failed]').getByText('published all the same').waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByLabel('Files to upload').setInputFiles(file('own.pdf'));
  await page.getByText('Preview ready').waitFor();
  const own = page.locator('img[data-preview=shown]');
  await until('the own preview', () => own.evaluate((img: HTMLImageElement) => img.naturalWidth > 0));
  await fits(page, 'upload');
  const shots = process.env['PINREEL_TEST_SHOTS'];
  if (shots) await page.screenshot({ path: join(shots, 'upload-360.png'), fullPage: true });
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.waitForURL(/@browser/, { timeout: 60_000 });
  await page.locator('img[data-preview=shown]').waitFor();
  assert.deepEqual(complaints, []);
});
