// An upload of more than 100 MB that is cut twice, by a reload and by the network, ends with the right CID.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { chooseName, visitor } from './lib/browser.ts';
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
  let sent = 0;
  page.on('request', (request) => {
    if (request.method() === 'PATCH') sent = Math.max(sent, Number(request.headers()['upload-offset'] ?? 0));
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
  const again = page.locator('[data-phase] input[type=file], [data-upload] input[type=file]').first();
  await again.setInputFiles(file);
  await until('it to go on', async () => (await offset()) > before);
  assert.ok(sent >= FILE_BYTES / 4, `it went on at ${sent}, not from the start`);

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
