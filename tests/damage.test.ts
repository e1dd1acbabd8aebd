// Files that somebody, or the disk, changed under a node: noticed, told, and mended by whoever has them still.

import assert from 'node:assert/strict';
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Cli, type Published } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { makeRandomFile } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';
import { blobFile, flipBit } from './lib/store.ts';
import { until } from './lib/wait.ts';

interface Verified {
  ok: boolean;
}

const cli = new Cli();

/** What a node gives for a file, or the status of its refusal. */
async function given(node: PinreelNode, source: string): Promise<Buffer | number> {
  const answer = await fetch(`${node.url}/ipfs/${source}`);
  return answer.status === 200 ? Buffer.from(await answer.arrayBuffer()) : answer.status;
}

test('what was damaged or lost is mended by publishing the file again', async () => {
  const node = await PinreelNode.start({ transcoder: false });
  const own = new Cli();
  const file = makeRandomFile(join(freshFolder('rescue'), 'file.bin'), 5 << 20);
  const publish = (slug: string) => own.json<Published>('publish', file, '--node', node.url, '--slug', slug);
  const { source } = await publish('one');
  const whole = readFileSync(file);
  assert.deepEqual(await given(node, source), whole);

  flipBit(blobFile(node.data, source));
  const verified = await cli.run('store', 'verify', '--data', node.data, '--json');
  assert.equal(verified.code, 1);
  assert.equal(await given(node, source), 500);
  await publish('two');
  assert.deepEqual(await given(node, source), whole, 'damaged');

  rmSync(blobFile(node.data, source));
  await until('the loss to be noticed', async () => (await given(node, source)) === 500);
  await publish('three');
  assert.deepEqual(await given(node, source), whole, 'lost');

  rmSync(blobFile(node.data, source));
  await node.stop();
  const again = await PinreelNode.start({ data: node.data, port: node.port, transcoder: false });
  assert.equal(await given(again, source), 404);
  await publish('four');
  assert.deepEqual(await given(again, source), whole, 'lost before the start');
  await again.stop();
});

test('a stored file that was cut, or that another took the place of, is noticed while the node runs', async () => {
  const node = await PinreelNode.start({ transcoder: false });
  const file = makeRandomFile(join(freshFolder('stray'), 'file.bin'), 5 << 20);
  const { source } = await new Cli().json<Published>('publish', file, '--node', node.url);
  const path = blobFile(node.data, source);
  const whole = readFileSync(file);
  for (let n = 0; n < 2; n += 1) assert.deepEqual(await given(node, source), whole);
  truncateSync(path, 1_000_000);
  await until('the cut to be noticed', async () => (await given(node, source)) === 500);
  const { damaged } = await cli.json<{ damaged: number }>('store', 'stat', '--data', node.data);
  assert.ok(damaged >= 4, `${damaged} leaves from the cut on`);

  writeFileSync(`${path}.new`, whole);
  renameSync(`${path}.new`, path);
  assert.ok((await cli.json<Verified>('store', 'verify', '--data', node.data)).ok);
  assert.deepEqual(await given(node, source), whole);
  await node.stop();
});
