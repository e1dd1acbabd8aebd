// Every page: no accessibility fault that axe knows, in light and in dark, wide and on a phone, with nothing wider than
// the screen; and the errors that a wrong address deserves.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { AxeBuilder } from '@axe-core/playwright';

import { chooseName, visitor } from './lib/browser.ts';
import { Cli, type Published } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { makeClip } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';
import { until } from './lib/wait.ts';

let node: PinreelNode;
let published: Published;

before(async () => {
  node = await PinreelNode.start();
  const clip = await makeClip(join(freshFolder('clip'), 'pages.mp4'), 3);
  published = await new Cli().json<Published>(
    'publish',
    clip,
    '--node',
    node.url,
    '--channel',
    '@pages',
    '--wait',
    'complete',
  );
});
after(() => node.stop());

const SCREENS = [
  { width: 1280, height: 900, dark: false },
  { width: 375, height: 740, dark: true },
  { width: 320, height: 640, dark: false },
];

for (const screen of SCREENS) {
  test(`pages at ${screen.width} px, ${screen.dark ? 'dark' : 'light'}`, async (t) => {
    const { page, complaints } = await visitor(screen);
    await page.goto(`${node.url}/signin`);
    await chooseName(page, `Visitor ${screen.width}`);
    await page.waitForURL((url) => url.pathname !== '/signin').catch(() => undefined);
    const addresses = [
      '/',
      '/upload',
      '/uploads',
      '/settings',
      '/signin',
      '/@pages',
      new URL(published.watch).pathname,
      `/c/${published.claim}`,
    ];
    for (const address of addresses) {
      await t.test(address, async () => {
        complaints.length = 0;
        const response = await page.goto(node.url + address);
        assert.equal(response?.status(), 200);
        await page.locator('h1').first().waitFor();
        await until(
          'the skeletons to go',
          async () => (await page.locator('.skeleton:visible').count()) === 0,
        );
        const { violations } = await new AxeBuilder({ page }).analyze();
        assert.deepEqual(
          violations.map(({ id, nodes }) => `${id}: ${nodes.map((each) => each.html).join(' ')}`),
          [],
        );
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(wider <= 0, `${wider} px wider than the screen`);
        assert.deepEqual(complaints, []);
      });
    }
  });
}

test('a wrong address has the right status and a way on', async () => {
  const { page } = await visitor();
  for (const address of ['/@nobody/nothing', '/@nobody', '/no-such-page', '/@pages/nothing']) {
    const response = await page.goto(node.url + address);
    assert.equal(response?.status(), 404, address);
    await page.locator('main a').first().waitFor();
  }
});

test('the one-time link makes its first opener the operator, and nobody after', async () => {
  const link = node.operatorLink();
  assert.ok(link, node.log);
  const first = await visitor();
  await first.page.goto(link);
  await chooseName(first.page, 'The Operator');
  await until('the operator’s page', async () => {
    const answer = await first.page.evaluate(async () => (await fetch('/api/v1/operator/status')).status);
    return answer === 200;
  });
  // What was published waits for a Kubo that isn't there: the page says how to set one up, and offers no vain retry.
  const pins = first.page.getByRole('region', { name: 'Pins on IPFS' });
  assert.match(await pins.innerText(), /No Kubo is set up[^]*--ipfs[^]*--kubo-api[^]*not pinned/);
  assert.equal(await pins.getByRole('button').count(), 0);
  const second = await visitor();
  await second.page.goto(link);
  // Nobody gets another handle than they saw: a taken one is said before anything is made.
  await second.page.getByLabel('Name', { exact: true }).fill('The Operator');
  await second.page.getByLabel('Handle').focus();
  await second.page.getByRole('button', { name: 'Use @the-operator-2' }).click();
  await second.page.getByText('/@the-operator-2').waitFor();
  await second.page.locator('form button[type=submit]').click();
  await second.page.getByRole('alert').first().waitFor();
  await until('the second visitor to be signed in', async () => {
    const session = await second.page.evaluate(async () => (await fetch('/api/v1/session')).json());
    return session.handle === 'the-operator-2';
  });
  assert.equal(await second.page.evaluate(async () => (await fetch('/api/v1/operator/status')).status), 403);
});

test('on a phone the player shows how far it is, and of how much', async () => {
  const { page } = await visitor({ width: 360, height: 640 });
  await page.goto(published.watch);
  const time = page.locator('[data-player] .time');
  await until('both times', async () => /^0:0\d\s*\/ 0:03$/.test(await time.innerText()));
  const [shown, bar] = [await time.boundingBox(), await page.locator('[data-player]').boundingBox()];
  assert.ok(shown!.width > 40 && shown!.x + shown!.width < bar!.x + bar!.width);
});
