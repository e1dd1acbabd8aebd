// Words by somebody who means harm, in every place that takes some: nothing in them runs, nothing of them leaves its
// place, and no page becomes wider than a small phone's screen.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { chooseName, visitor } from './lib/browser.ts';
import { freshFolder } from './lib/folders.ts';
import { makeClip } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';
import { until } from './lib/wait.ts';

const LONG = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'.repeat(2);
const FAMILY = '👩‍👩‍👧‍👦';
const NAME = `<b onclick=ran()>Ada</b> ${'W'.repeat(60)}`;
const TITLE = `<script>ran()</script><img src=x onerror=ran()>\u202egnp.exe ${FAMILY} ${LONG}`.slice(0, 190);
const FILE_NAME = `"><img src=x onerror=ran()> ${'x'.repeat(80)}.mp4`;
const DESCRIPTION = `# <script>ran()</script>${LONG}

<img src=x onerror="ran()"><svg onload="ran()"></svg><iframe src="javascript:parent.ran()"></iframe>
[one](javascript:ran()) [two](data:text/html,<script>opener.ran()</script>) [three](vbscript:ran)
<a href="javascript:ran()">four</a> <a href="https://example.org/" onclick="ran()">five</a>
<style>main { display: none }</style> <base href="https://evil.example/">
<form action="https://evil.example/"><input name="key"><button>Sign in</button></form>
<div id="main" class="skip" style="position: fixed; inset: 0; z-index: 9">over everything</div>

${LONG}${LONG} https://example.org/${LONG}${LONG}

\u202enever closed ${FAMILY.repeat(90)}

| a | b | c | d | e | ${LONG} |
|---|---|---|---|---|---|
| 1 | 2 | 3 | 4 | 5 | ${LONG} |

\`\`\`
${LONG}${LONG}
\`\`\`

![pixel](https://tracker.example/pixel.gif)
`;

test('hostile words stay words', async (t) => {
  const node = await PinreelNode.start();
  const { page, complaints, context } = await visitor({ width: 320, height: 640 });
  let ran = 0;
  const elsewhere: string[] = [];
  await context.exposeFunction('ran', () => void (ran += 1));
  page.on('request', (request) => {
    const url = request.url();
    if (!/^(data|blob):/.test(url) && !url.startsWith(node.url)) elsewhere.push(url);
  });

  /** Looks at a page as it stands. */
  const check = async (what: string) => {
    await t.test(what, async () => {
      await until('the skeletons to go', async () => (await page.locator('.skeleton:visible').count()) === 0);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wider <= 0, `${wider} px wider than the screen`);
      assert.equal(ran, 0, 'nothing ran');
      assert.deepEqual(elsewhere, [], 'nothing was asked of anybody else');
      assert.deepEqual(complaints, []);
    });
  };

  await page.goto(`${node.url}/upload`);
  await chooseName(page, NAME);
  const clip = await makeClip(join(freshFolder('hostile'), FILE_NAME), 2);
  await page.getByLabel('Files to upload').setInputFiles(clip);
  await page.getByLabel('Title').fill(TITLE);
  await page.getByLabel('Description').fill(DESCRIPTION);
  await page.getByLabel('Tags').fill(`<i>x</i>, ${LONG}, \u202ex`);
  await page.locator('[data-player]').waitFor({ timeout: 120_000 });
  await check('the upload');
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.waitForURL(/\/@/);
  const watch = page.url();
  await page.locator('.prose').waitFor();
  await check('the watch page');

  // What is left of the description: words, and one link that leads where it says.
  const links = page.locator('.prose a[href]');
  assert.deepEqual(await links.evaluateAll((all) => all.map((link) => link.getAttribute('href'))), [
    'https://example.org/',
  ]);
  assert.equal(
    await page.locator('.prose').locator('script, style, img, iframe, form, input, svg').count(),
    0,
  );
  assert.equal(
    await page.locator('.prose [onclick], .prose [style], .prose [id], .prose [class]').count(),
    0,
  );
  for (const name of ['one', 'two', 'three', 'four'])
    await page.locator('.prose a', { hasText: name }).click();
  assert.equal(page.url(), watch, 'a link without an address leads nowhere');
  assert.doesNotMatch(await page.locator('h1').innerText(), /[\u202a-\u202e]/);
  assert.doesNotMatch(await page.title(), /[\u202a-\u202e]/);

  for (const address of ['/', '/uploads', '/settings', new URL(watch).pathname.split('/')[1]!]) {
    await page.goto(new URL(address, `${node.url}/`).href);
    await page.locator('h1').first().waitFor();
    await check(address);
  }
  await node.stop();
});
