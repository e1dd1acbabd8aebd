// Every root of a publication is imported into a real Kubo and pinned there; a Kubo that is away delays nothing.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Cli, type Published } from './lib/cli.ts';
import { kuboBin } from './lib/env.ts';
import { freshFolder } from './lib/folders.ts';
import { Kubo } from './lib/kubo.ts';
import { makeClip } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';
import { ok } from './lib/process.ts';
import { until } from './lib/wait.ts';

interface Pin {
  root: string;
  role: 'source' | 'hls';
  state: 'pending' | 'pinned' | 'failed';
}

async function pinsOf(node: PinreelNode, claim: string): Promise<Pin[]> {
  return (await node.json(`/api/v1/claims/${claim}`)).pins;
}

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('a publication made while Kubo is away is pinned when it comes back, with equal bytes', async () => {
  const kubo = await Kubo.init();
  const node = await PinreelNode.start({ env: { KUBO_API: kubo.api } });
  const cli = new Cli();
  const clip = await makeClip(join(freshFolder('clip'), 'pinned.mp4'), 6);
  const published = await cli.json<Published>('publish', clip, '--node', node.url, '--wait', 'complete');
  assert.equal(published.state, 'complete', 'Kubo being away delays nothing');
  // The renditions are announced in a moment of their own.
  const waiting = await until('both pins to be wanted', async () => {
    const pins = await pinsOf(node, published.claim);
    return pins.length === 2 && pins;
  });
  assert.deepEqual(waiting.map((pin) => pin.role).sort(), ['hls', 'source']);
  assert.ok(waiting.every((pin) => pin.state !== 'pinned'));

  await kubo.start();
  await until(
    'both roots to be pinned',
    async () => (await pinsOf(node, published.claim)).every((pin) => pin.state === 'pinned'),
    120_000,
  );
  for (const root of [published.source, published.root!]) {
    assert.match(
      await kubo.run('pin', 'ls', '--type', 'recursive', '--names', root),
      new RegExp(`^${root} recursive .+`),
    );
    // Everything below it is there: an offline walk of the whole DAG finds each block.
    await kubo.run('refs', '--recursive', root);
  }
  const theirs = await ok(kuboBin, ['cat', published.source], { env: { IPFS_PATH: kubo.repo } });
  assert.ok(theirs.stdout.length > 0);
  const out = join(freshFolder('out'), 'source');
  await kubo.run('get', '-o', out, published.source);
  assert.equal(digest(readFileSync(out)), digest(readFileSync(clip)));
  const tree = join(freshFolder('out'), 'hls');
  await kubo.run('get', '-o', tree, published.root!);
  for (const name of ['master.m3u8', 'poster.jpg', 'v360/init.mp4', 'v360/seg-00000.m4s', 'a0/media.m3u8']) {
    const ours = Buffer.from(await (await fetch(`${node.url}/ipfs/${published.root}/${name}`)).arrayBuffer());
    assert.equal(digest(readFileSync(join(tree, name))), digest(ours), name);
  }
  assert.equal(await kubo.cidOf(clip), published.source, "the source's CID is what `ipfs add` gives it");
  await node.stop();
  await kubo.stop();
});

test('--ipfs runs a Kubo of the node’s own, and ends it', async () => {
  const bin = freshFolder('bin');
  await ok('ln', ['-s', kuboBin, join(bin, 'ipfs')]);
  const node = await PinreelNode.start({
    args: ['--ipfs'],
    env: { PATH: `${bin}:${process.env['PATH']}`, PINREEL_IPFS_OFFLINE: '1' },
  });
  const clip = await makeClip(join(freshFolder('clip'), 'own.mp4'), 2);
  const published = await new Cli().json<Published>(
    'publish',
    clip,
    '--node',
    node.url,
    '--wait',
    'complete',
  );
  await until(
    'both roots to be pinned',
    async () => {
      const pins = await pinsOf(node, published.claim);
      return pins.length === 2 && pins.every((pin) => pin.state === 'pinned');
    },
    120_000,
  );
  assert.equal(await node.stop(), 0);
});
