// The operator's import: blocks that others made, in shapes that Pinreel itself never makes.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Cli, oneLine } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { Kubo } from './lib/kubo.ts';
import { makeRandomFile } from './lib/media.ts';
import { freePort, PinreelNode } from './lib/node.ts';

interface Imported {
  roots: string[];
  blocks: number;
  bytes: number;
}

/** A file that a real Kubo chunked into 256-byte dag-pb leaves under a CIDv0, as a CAR. */
async function foreignCar(folder: string): Promise<{ file: string; car: string; root: string }> {
  const kubo = await Kubo.init();
  const file = makeRandomFile(join(folder, 'foreign.bin'), 100_000);
  const root = await kubo.run(
    'add',
    '--quieter',
    '--cid-version=0',
    '--raw-leaves=false',
    '--chunker=size-256',
    file,
  );
  const car = join(folder, 'foreign.car');
  await kubo.export(root, car);
  return { file, car, root };
}

test('a foreign CAR is imported, while the node runs and while it does not, and served', async () => {
  const { file, car, root } = await foreignCar(freshFolder('car'));
  const cli = new Cli();
  const node = await PinreelNode.start({ transcoder: false });
  const before = await fetch(`${node.url}/ipfs/${root}`);
  assert.equal(before.status, 404);
  const running = await cli.json<Imported>('import', car, '--data', node.data);
  assert.deepEqual(running.roots.length, 1);
  assert.ok(running.blocks > 390);
  const served = Buffer.from(await (await fetch(`${node.url}/ipfs/${root}`)).arrayBuffer());
  assert.deepEqual(served, readFileSync(file));
  await node.stop();
  const stopped = await cli.json<Imported>('store', 'import', car, '--data', node.data);
  assert.deepEqual(stopped.roots, running.roots);
  const again = await PinreelNode.start({ data: node.data, port: await freePort(), transcoder: false });
  assert.equal((await fetch(`${again.url}/ipfs/${root}`)).status, 200);
  await again.stop();
});

test('a CAR with a wrong hash or a cut end is refused, with the place', async () => {
  const folder = freshFolder('car');
  const { car, file } = await foreignCar(folder);
  const bytes = readFileSync(car);
  const cli = new Cli();
  const node = await PinreelNode.start({ transcoder: false });
  const flipped = Buffer.from(bytes);
  // Somewhere in the payload of a leaf, far behind the header.
  const at = flipped.indexOf(readFileSync(file).subarray(1024, 1056));
  assert.ok(at > 0);
  flipped[at]! ^= 1;
  writeFileSync(join(folder, 'flipped.car'), flipped);
  writeFileSync(join(folder, 'cut.car'), bytes.subarray(0, bytes.length - 7));
  for (const name of ['flipped.car', 'cut.car']) {
    const finished = await cli.run('import', join(folder, name), '--data', node.data, '--json');
    assert.equal(finished.code, 1, name);
    const { message } = oneLine<{ error: { message: string } }>(finished.stdout).error;
    assert.match(message, /Qm\w{44}.* at byte \d+/, name);
  }
  // Several at once: it is said of each what became of it, and the good one is taken.
  const names = ['cut.car', 'foreign.car', 'flipped.car'].map((name) => join(folder, name));
  for (const runs of [true, false]) {
    if (!runs) await node.stop();
    const several = await cli.run('import', ...names, '--data', node.data, '--json');
    assert.equal(several.code, 1);
    const { roots, files } = oneLine<{
      roots: string[];
      files: { file: string; roots?: string[]; error?: { code: string } }[];
    }>(several.stdout);
    assert.deepEqual([roots.length, files.map(({ file }) => file)], [1, names]);
    assert.deepEqual(
      files.map(({ error }) => error?.code),
      ['car_refused', undefined, 'car_refused'],
    );
    const told = await cli.run('import', ...names, '--data', node.data);
    assert.equal(told.code, 1);
    assert.equal(told.stdout.match(/^Refused: .*(cut|flipped)\.car: /gm)?.length, 2, told.stdout);
  }
});

test('an import into a folder that is no node makes nothing there', async () => {
  const car = makeRandomFile(join(freshFolder('car'), 'never-opened.car'), 100);
  const mistyped = join(freshFolder('mistyped'), 'data');
  const { code, stdout } = await new Cli().run('import', car, '--data', mistyped, '--json');
  assert.equal(code, 1);
  assert.match(oneLine<{ error: { message: string } }>(stdout).error.message, /No node has its data in/);
  assert.ok(!existsSync(mistyped));
});

test('a published file of any size has the CID that a real Kubo gives it', async () => {
  const folder = freshFolder('cids');
  const kubo = await Kubo.init();
  const node = await PinreelNode.start({ transcoder: false });
  const cli = new Cli();
  for (const bytes of [1, 262_144, 1_048_576, 1_048_577, 5_000_000]) {
    const file = makeRandomFile(join(folder, `${bytes}.bin`), bytes);
    const { source } = await cli.json<{ source: string }>('publish', file, '--node', node.url);
    assert.equal(source, await kubo.cidOf(file), `${bytes} bytes`);
    const served = Buffer.from(await (await fetch(`${node.url}/ipfs/${source}`)).arrayBuffer());
    assert.equal(
      createHash('sha256').update(served).digest('hex'),
      createHash('sha256').update(readFileSync(file)).digest('hex'),
    );
  }
  await node.stop();
});
