// A 2 GB file goes up and comes down again while the server stays small.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Cli, type Published } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { makeRandomFile } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';

const FILE_BYTES = 2_000_000_000;
const LIMIT_BYTES = 200_000_000;

test('the server stays below 200 MB while 2 GB are uploaded and downloaded', async (t) => {
  const file = makeRandomFile(join(freshFolder('large'), 'large.bin'), FILE_BYTES);
  const node = await PinreelNode.start({ transcoder: false });
  const published = await new Cli().json<Published>('publish', file, '--node', node.url);

  const wanted = createHash('sha256');
  for await (const piece of createReadStream(file)) wanted.update(piece as Buffer);
  const got = createHash('sha256');
  const response = await fetch(`${node.url}/ipfs/${published.source}`);
  for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) got.update(piece);
  assert.equal(got.digest('hex'), wanted.digest('hex'));

  const peak = node.peakBytes();
  t.diagnostic(`the most memory the server had resident: ${(peak / 1e6).toFixed(0)} MB`);
  assert.ok(peak < LIMIT_BYTES, `${peak} bytes`);
  await node.stop();
});
