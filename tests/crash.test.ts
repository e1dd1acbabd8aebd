// kill -9 at six named points of upload → transcode → publish. Nothing acknowledged is lost, nothing half-done is
// visible, and the same command, run again after a restart, ends with a published clip.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { Cli, type Published, type Resolved } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { makeClip } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';
import { ended } from './lib/process.ts';

const FAULT_POINTS = [
  'upload.after-append',
  'upload.after-blob',
  'upload.after-row',
  'transcode.after-file',
  'transcode.after-root',
  'publish.after-commit',
];

for (const point of FAULT_POINTS) {
  test(`killed at ${point}, a publication still ends published`, async () => {
    const clip = await makeClip(join(freshFolder('clip'), 'crash.mp4'), 4);
    const cli = new Cli();
    const doomed = await PinreelNode.start({ env: { PINREEL_FAULT: point } });
    const publishing = cli.json<Published>('publish', clip, '--node', doomed.url, '--wait', 'complete');
    publishing.catch(() => undefined);

    const { signal } = await ended(doomed.child);
    assert.equal(signal, 'SIGKILL', `the fault point was reached\n${doomed.log}`);

    const node = await doomed.again();
    const early = await node.json('/api/v1/publications');
    for (const card of early.items) {
      const { root } = await cli.json<Resolved>('resolve', card.url, '--node', node.url);
      if (root) assert.equal((await fetch(`${node.url}/ipfs/${root}/master.m3u8`)).status, 200);
    }

    // The command rides over the restart by itself, or is simply run again.
    const published = await publishing.catch(() =>
      cli.json<Published>('publish', clip, '--node', node.url, '--wait', 'complete'),
    );
    assert.equal(published.state, 'complete');
    const resolved = await cli.json<Resolved>('resolve', published.url, '--node', node.url);
    assert.equal(resolved.root, published.root);
    assert.equal((await fetch(`${node.url}/ipfs/${published.root}/master.m3u8`)).status, 200);
    const list = await node.json('/api/v1/publications');
    assert.equal(list.items.length, 1, 'published once, not twice');
    const verified = await cli.json<{ ok: boolean }>('verify', '--node', node.url);
    assert.equal(verified.ok, true);
    await node.stop();
  });
}
