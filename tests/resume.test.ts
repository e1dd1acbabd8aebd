// An upload of more than 100 MB that is cut twice, by a reload and by the network, ends with the right CID. And whatever
// answer is lost on the way to the publication, the page goes on by itself.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { chooseName, visitor, type Visitor } from './lib/browser.ts';
import { freshFolder } from './lib/folders.ts';
import { Kubo } from './lib/kubo.ts';
import { makeRandomFile } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';
import { until } from './lib/wait.ts';

const FILE_BYTES = 120_000_000;
const SLOW_BYTES_PER_SECOND = 12_000_000;

test('reloaded in mid-upload and cut off the network, it goes on where it stopped', async () => {
  const node = await PinreelNode.start({ transcoder: false });
  const file = makeRandomFile(join(freshFolder('large'), 'large.bin'), FILE_BYTES);
  const wanted = await (await Kubo.init()).cidOf(file);

  const { page, context } = await visitor();
  const network = await context.newCDPSession(page);
  const slow = {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: SLOW_BYTES_PER_SECOND,
  };
  await network.send('Network.emulateNetworkConditions', slow);
  let resumedAt: number[] = [];
  page.on('request', (request) => {
    if (request.method() === 'PATCH') resumedAt.push(Number(request.headers()['upload-offset'] ?? 0));
  });

  const offset = async () => {
    const { items } = await page.evaluate(async () => (await fetch('/api/v1/uploads')).json());
    return (items[0]?.offset_bytes ?? 0) as number;
  };

  await page.goto(`${node.url}/upload`);
  await chooseName(page, 'Grace Hopper');
  await page.getByLabel('Files to upload').setInputFiles(file);
  const before = await until('a third to arrive', async () =>
    (await offset()) > FILE_BYTES / 3 ? offset() : false,
  );
  assert.ok(before < FILE_BYTES);

  await page.reload();
  resumedAt = [];
  const again = page.locator('[data-phase] input[type=file], [data-upload] input[type=file]').first();
  await again.setInputFiles(file);
  const first = await until('it to go on', () => (resumedAt.length > 0 ? resumedAt[0]! : false));
  assert.ok(first >= before, `it went on at ${first}, where the node was at ${before} or further`);
  await until('more to arrive', async () => (await offset()) > first);

  await network.send('Network.emulateNetworkConditions', { ...slow, offline: true });
  await until('the page to say so', () => page.getByText(/network/i).count());
  await network.send('Network.emulateNetworkConditions', { ...slow, uploadThroughput: -1 });

  await page.getByRole('button', { name: 'Publish', exact: true }).click({ timeout: 120_000 });
  await page.waitForURL(/@grace-hopper\//, { timeout: 60_000 });
  const resolved = await node.json(`/api/v1/resolve?url=${encodeURIComponent(new URL(page.url()).pathname)}`);
  assert.equal(resolved.source.cid, wanted);
  assert.equal(resolved.source.bytes, FILE_BYTES);
  await node.stop();
});

/** What the page asks about one upload: its state, once or as events. */
const ABOUT_AN_UPLOAD = /\/api\/v1\/uploads\/[^/?]+(\/events)?$/;

/** Sends a small file, and loses the line after its last byte: what the page asks from then on has no answer. */
async function arriveUnheard(node: PinreelNode, name: string): Promise<Visitor> {
  const came = await visitor();
  const { page } = came;
  await page.goto(`${node.url}/upload`);
  await chooseName(page, name);
  await page.route(ABOUT_AN_UPLOAD, (route) =>
    route.request().method() === 'GET' ? route.abort('internetdisconnected') : route.continue(),
  );
  const file = makeRandomFile(join(freshFolder('small'), 'small.bin'), 300_000);
  await page.getByLabel('Files to upload').setInputFiles(file);
  await until('the node to have it', async () =>
    page.evaluate(async () => {
      const { items } = await (await fetch('/api/v1/uploads')).json();
      return items[0]?.state === 'stored';
    }),
  );
  await page.getByTestId('waiting').waitFor();
  assert.match(await page.getByTestId('waiting').innerText(), /goes on by itself/);
  assert.ok(await publishButton(came).isDisabled());
  return came;
}

const publishButton = ({ page }: Visitor) => page.getByRole('button', { name: 'Publish', exact: true });

test('when the network drops just after the last byte, the page says so and goes on once it is back', async () => {
  const node = await PinreelNode.start({ transcoder: false });
  const came = await arriveUnheard(node, 'Last Byte');
  await came.page.unroute(ABOUT_AN_UPLOAD);
  await until('the button', async () => publishButton(came).isEnabled());
  assert.equal(await came.page.getByTestId('waiting').count(), 0);
  await publishButton(came).click();
  await came.page.waitForURL(/@last-byte\//);
  await node.stop();
});

test('when the node is killed just after the last byte, the page goes on with the one started next', async () => {
  const first = await PinreelNode.start({ transcoder: false });
  const came = await arriveUnheard(first, 'Next Node');
  await first.kill();
  await came.page.unroute(ABOUT_AN_UPLOAD);
  const second = await first.again({ transcoder: false });
  await until('the button', async () => publishButton(came).isEnabled());
  await publishButton(came).click();
  await came.page.waitForURL(/@next-node\//);
  await second.stop();
});

test('when the answer to Publish is lost, the page asks again, and there is one publication', async () => {
  const node = await PinreelNode.start({ transcoder: false });
  const came = await visitor();
  const { page } = came;
  await page.goto(`${node.url}/upload`);
  await chooseName(page, 'Lost Answer');
  await page
    .getByLabel('Files to upload')
    .setInputFiles(makeRandomFile(join(freshFolder('small'), 'small.bin'), 300_000));
  await until('the button', async () => publishButton(came).isEnabled());

  const sent: string[] = [];
  await page.route('**/api/v1/records', async (route) => {
    sent.push(route.request().postData() ?? '');
    const answer = await route.fetch();
    if (sent.length < 3) await route.abort('internetdisconnected');
    else await route.fulfill({ response: answer });
  });
  await publishButton(came).click();
  await page.getByTestId('unsent').waitFor();
  assert.match(await page.getByTestId('unsent').innerText(), /goes on by itself/);
  await page.waitForURL(/@lost-answer\//);
  assert.equal(sent.length, 3);
  assert.equal(new Set(sent).size, 1, 'the very same record, each time');
  const { items } = await node.json('/api/v1/channels/lost-answer');
  assert.equal(items.length, 1);
  await node.stop();
});
