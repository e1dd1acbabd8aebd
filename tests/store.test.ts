// The operator's commands: on a running node through its socket, and on a stopped node's folder.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type ClientRequest, request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';

import { Cli, oneLine } from './lib/cli.ts';
import { pinreelBin } from './lib/env.ts';
import { freshFolder } from './lib/folders.ts';
import { Kubo } from './lib/kubo.ts';
import { makeRandomFile } from './lib/media.ts';
import { freePort, PinreelNode } from './lib/node.ts';
import { ended, ok, run } from './lib/process.ts';
import { blobFile, flipBit } from './lib/store.ts';
import { until } from './lib/wait.ts';

interface Verified {
  ok: boolean;
  repaired: number;
  damaged: { file: string; leaf: string; offset: number }[];
  missing: string[];
}
interface Pin {
  cid: string;
  owner: string;
  reason: string;
}

const cli = new Cli();

/** A command that says no: its one line of JSON. */
async function refused(...args: string[]): Promise<{ code: string; message: string }> {
  const finished = await cli.run(...args, '--json');
  assert.equal(finished.code, 1, finished.stdout + finished.stderr);
  return oneLine<{ error: { code: string; message: string } }>(finished.stdout).error;
}

/** The folder of a node that ran once. */
async function stoppedNode(): Promise<string> {
  const node = await PinreelNode.start({ transcoder: false });
  await node.stop();
  return node.data;
}

/** A node's folder in which a folder of files lies that a real Kubo put into a CAR. */
async function imported(kubo: Kubo, data: string, ...files: string[]): Promise<string> {
  const folder = freshFolder('files');
  for (const file of files) makeRandomFile(join(folder, file), 3_000_000);
  const root = await kubo.run('add', '-r', '--quieter', folder);
  const car = join(freshFolder('car'), 'kubo.car');
  await kubo.export(root, car);
  const { roots } = await cli.json<{ roots: string[] }>('import', car, '--data', data);
  assert.deepEqual(roots, [root]);
  return root;
}

/** Asks a node for a slow verification, as the command does, and gives the request once it has told of its first bytes. */
function firstProgress(socketPath: string): Promise<ClientRequest> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'node', 'content-type': 'application/json' };
    const asked = request({ socketPath, path: '/store', method: 'POST', headers }, (answer) => {
      answer.once('data', () => resolve(asked));
      answer.on('error', () => undefined); // It is broken off.
    });
    asked.once('error', reject).end(JSON.stringify({ verify: { mib_per_second: 1 } }));
  });
}

test('pins, collection, export and erasure, while the node runs and while it does not', async () => {
  const kubo = await Kubo.init();
  const node = await PinreelNode.start({ transcoder: false });
  const root = await imported(kubo, node.data, 'a', 'b');
  const store = <T>(...args: string[]) => cli.json<T>('store', ...args, '--data', node.data);
  for (const runs of [true, false]) {
    if (!runs) await node.stop();
    const pins = (await store<{ pins: Pin[] }>('pins')).pins.filter(({ cid }) => cid === root);
    assert.deepEqual(
      pins.map(({ owner, reason }) => [owner, reason]),
      [['import', 'kubo.car']],
    );
    assert.deepEqual(await store('pin', root, '--reason', 'mine'), { cid: root, new: true });
    assert.deepEqual(await store('unpin', root), { cid: root, owner: 'operator' });
    assert.equal((await refused('store', 'unpin', root, '--data', node.data)).code, 'pin_absent');
    const stat = await store<{ node_runs: boolean; blocks: number; free_bytes: number }>('stat');
    assert.equal(stat.node_runs, runs);
    assert.ok(stat.blocks >= 9 && stat.free_bytes > 0);
    assert.equal((await store<Verified>('verify')).ok, true);
    const gc = await store<{ removed_blocks: number; fresh_bytes: number }>('gc', '--grace', '0');
    assert.deepEqual([gc.removed_blocks, gc.fresh_bytes], [0, 0]);

    const car = join(freshFolder('export'), 'out.car');
    await store('export', root, '-o', car);
    const piped = await ok('sh', [
      '-c',
      '"$0" store export "$1" --data "$2" | cmp - "$3"',
      pinreelBin,
      root,
      node.data,
      car,
    ]);
    assert.equal(piped.stdout, '');
    const other = await Kubo.init();
    await other.run('dag', 'import', '--pin-roots=false', car);
    assert.match(await other.run('ls', root), / a\n.* b$/);
  }
  const usage = await cli.run('store', 'erase', root, '--data', node.data);
  assert.equal(usage.code, 2);
  assert.match(usage.stderr, /never takes these bytes again/);
  for (const wrong of [
    ['export', 'zzz'],
    ['pin', 'zzz'],
  ])
    assert.equal((await cli.run('store', ...wrong, '--data', node.data)).code, 2);
  await store('unpin', root, '--owner', 'import');
  await store('erase', root, '--yes');
  assert.equal((await refused('store', 'pin', root, '--data', node.data)).code, 'erased');
  assert.equal(
    (await refused('store', 'export', root, '-o', '/dev/null', '--data', node.data)).code,
    'not_held',
  );
});

test('an export whose reader leaves ends quietly, and one that fails leaves no file', async () => {
  const data = await stoppedNode();
  const root = await imported(await Kubo.init(), data, 'a', 'b', 'c');
  const exitCode = join(freshFolder('ended'), 'code');
  const piped = await ok('sh', [
    '-c',
    '{ "$0" store export "$1" --data "$2"; echo "$?" >&3; } 3> "$3" | head -c 1000 | wc -c',
    pinreelBin,
    root,
    data,
    exitCode,
  ]);
  assert.match(piped.stdout, /^\s*1000\s*$/);
  assert.equal(piped.stderr, '');
  assert.equal(readFileSync(exitCode, 'utf8'), '1\n', 'what came is not the whole');
  const folder = freshFolder('export');
  const missing = 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku';
  assert.equal(
    (await refused('store', 'export', missing, '-o', join(folder, 'x.car'), '--data', data)).code,
    'not_held',
  );
  assert.deepEqual(readdirSync(folder), []);
  // A pipe by name is written to and stays a pipe; a link's file is replaced, and the link stays.
  const named = await ok('sh', [
    '-c',
    'mkfifo "$3/pipe" && ln -s real.car "$3/link.car" && : > "$3/real.car"; cat "$3/pipe" > "$3/read.car" & \
     "$0" store export "$1" -o "$3/pipe" --data "$2" > /dev/null && "$0" store export "$1" -o "$3/link.car" --data "$2" > /dev/null; \
     wait; test -p "$3/pipe" && test -L "$3/link.car" && cmp "$3/read.car" "$3/real.car" && echo same',
    pinreelBin,
    root,
    data,
    folder,
  ]);
  assert.equal(named.stdout, 'same\n');
});

test('an import from a pipe, and two commands at once on a stopped node', async () => {
  const kubo = await Kubo.init();
  const data = await stoppedNode();
  const root = await imported(kubo, data, 'a');
  const car = join(freshFolder('car'), 'again.car');
  await kubo.export(root, car);
  const importing = spawn(pinreelBin, ['import', '-', '--data', data, '--json'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const bytes = readFileSync(car);
  let out = '';
  importing.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  importing.stdin.write(bytes.subarray(0, 1000));
  await until('the import to have the folder', () => {
    const open = readdirSync(`/proc/${importing.pid}/fd`).map((fd) =>
      readlinkSync(`/proc/${importing.pid}/fd/${fd}`),
    );
    return open.some((path) => path.endsWith('index.redb'));
  });
  const error = await refused('store', 'stat', '--data', data);
  assert.equal(error.code, 'data_folder_in_use');
  assert.match(error.message, /Another pinreel uses/);
  importing.stdin.end(bytes.subarray(1000));
  const { code } = await ended(importing);
  assert.equal(code, 0);
  assert.deepEqual(oneLine<{ roots: string[] }>(out).roots, [root]);
});

test('damage is found, told and mended from another node', async () => {
  const healthy = await PinreelNode.start({ transcoder: false });
  const clip = makeRandomFile(join(freshFolder('clip'), 'clip.bin'), 5_000_000);
  const { source } = await cli.json<{ source: string }>('publish', clip, '--node', healthy.url);
  const car = join(freshFolder('car'), 'clip.car');
  await cli.json('store', 'export', source, '-o', car, '--data', healthy.data);

  const node = await PinreelNode.start({ transcoder: false });
  const own = await cli.json<{ source: string }>('publish', clip, '--node', node.url);
  assert.equal(own.source, source);
  const blob = blobFile(node.data, source);
  flipBit(blob);
  const found = await cli.run('store', 'verify', '--data', node.data, '--json');
  assert.equal(found.code, 1);
  const verified = oneLine<Verified>(found.stdout);
  assert.deepEqual(
    verified.damaged.map(({ file, offset }) => [file, offset]),
    [[source, 0]],
  );
  assert.equal((await fetch(`${node.url}/ipfs/${verified.damaged[0]!.leaf}`)).ok, false);
  const broken = await refused('store', 'export', source, '-o', '/dev/null', '--data', node.data);
  assert.equal(broken.code, 'damaged');
  assert.ok(broken.message.includes(verified.damaged[0]!.leaf), broken.message);
  const repaired = await cli.json<Verified>(
    'store',
    'verify',
    '--repair-from',
    healthy.url,
    '--data',
    node.data,
  );
  assert.deepEqual([repaired.ok, repaired.repaired], [true, 1]);
  assert.ok(readFileSync(blob).equals(readFileSync(clip)), 'the file is whole again');

  // A blob cut short is set aside by the next start; what it was comes back block by block.
  await node.stop();
  truncateSync(blob, 1_234_567);
  const cut = await cli.run('store', 'verify', '--data', node.data, '--json');
  assert.equal(cut.code, 1);
  assert.equal(oneLine<Verified>(cut.stdout).missing.length, 5, 'the leaves; their tree is in the index');
  const again = await cli.json<Verified>(
    'store',
    'verify',
    '--repair-from',
    healthy.url,
    '--data',
    node.data,
  );
  assert.equal(again.ok, true);
  const restarted = await PinreelNode.start({ data: node.data, port: await freePort(), transcoder: false });
  const served = await (await fetch(`${restarted.url}/ipfs/${source}`)).arrayBuffer();
  assert.ok(Buffer.from(served).equals(readFileSync(clip)), `${served.byteLength} bytes came`);
  await Promise.all([restarted.stop(), healthy.stop()]);
});

test('a verification whose client is gone harms nothing', async () => {
  const node = await PinreelNode.start({ transcoder: false });
  const clip = makeRandomFile(join(freshFolder('clip'), 'clip.bin'), 20_000_000);
  await cli.json('publish', clip, '--node', node.url);
  const verifying = await firstProgress(node.path('run', 'node.sock'));
  verifying.destroy();
  assert.equal((await cli.json<Verified>('store', 'verify', '--data', node.data)).ok, true);
  const started = performance.now();
  assert.equal(await node.stop(), 0);
  assert.ok(performance.now() - started < 10_000, 'nothing of it holds the node up');
});

test('a garbage index names the command that mends it, and that command does', async () => {
  const node = await PinreelNode.start({ transcoder: false });
  const clip = makeRandomFile(join(freshFolder('clip'), 'clip.bin'), 2_500_000);
  const { source } = await cli.json<{ source: string }>('publish', clip, '--node', node.url);
  assert.equal((await refused('store', 'rebuild', '--data', node.data)).code, 'node_runs');
  await cli.json('store', 'pin', source, '--data', node.data);
  await node.stop();
  const healthy = await cli.json<{ whole: boolean; pins: number }>('store', 'rebuild', '--data', node.data);
  assert.equal(healthy.whole, true);
  assert.ok(healthy.pins > 0);

  writeFileSync(node.path('content', 'index.redb'), 'this is no index');
  const refusal = await refused('store', 'stat', '--data', node.data);
  assert.equal(refusal.code, 'index_damaged');
  assert.match(refusal.message, /pinreel store rebuild/);
  const failing = await PinreelNode.launch({ data: node.data, transcoder: false });
  await assert.rejects(failing.ready(), /pinreel store rebuild/);
  // The new index is in its place; that the old one couldn't be read is a no.
  const ended = await cli.run('store', 'rebuild', '--data', node.data, '--json');
  assert.equal(ended.code, 1);
  const rebuilt = oneLine<{ files: number; old_index: string; whole: boolean }>(ended.stdout);
  assert.ok(rebuilt.files >= 1 && !rebuilt.whole && existsSync(rebuilt.old_index));
  const again = await PinreelNode.start({ data: node.data, port: await freePort(), transcoder: false });
  // What the tables say is published is public again.
  const served = await until('the publication', async () => {
    const response = await fetch(`${again.url}/ipfs/${source}`);
    return response.ok && response;
  });
  assert.ok(Buffer.from(await served.arrayBuffer()).equals(readFileSync(clip)));
  await again.stop();
});

test('on a full disk what looks and what makes room works', async (t) => {
  const disk = freshFolder('small-disk');
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=400m', 'tmpfs', disk]);
  if (mounted.code !== 0) return t.skip(`SKIPPED: no small disk can be mounted here: ${mounted.stderr}`);
  const kubo = await Kubo.init();
  try {
    const data = join(disk, 'data');
    mkdirSync(data);
    const root = await imported(kubo, data, 'one', 'two');
    const kept = await imported(kubo, data, 'three');
    await run('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=64k']);
    assert.equal(statfsSync(disk).bavail, 0, 'nothing is left');

    for (const command of [['stat'], ['pins'], ['verify'], ['gc']]) {
      await cli.json('store', ...command, '--data', data);
    }
    const car = join(freshFolder('car'), 'full.car');
    await cli.json('store', 'export', root, '-o', car, '--data', data);
    assert.match((await refused('import', car, '--data', data)).code, /disk_full/);
    await cli.json('store', 'unpin', root, '--owner', 'import', '--data', data);
    await cli.json('store', 'gc', '--grace', '0', '--data', data);
    await cli.json('store', 'gc', '--grace', '0', '--data', data);
    const { pins } = await cli.json<{ pins: Pin[] }>('store', 'pins', '--data', data);
    assert.deepEqual(
      pins.map((pin) => pin.cid),
      [kept],
    );
    rmSync(join(disk, 'ballast'));
    await cli.json('import', car, '--data', data);
  } finally {
    await ok('umount', ['--lazy', disk]);
  }
});

test('a node comes up on a full disk, gives what it has and takes nothing', async (t) => {
  const disk = freshFolder('full-disk');
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=700m,mode=755', 'tmpfs', disk]);
  if (mounted.code !== 0) return t.skip(`SKIPPED: no small disk can be mounted here: ${mounted.stderr}`);
  const kubo = await Kubo.init();
  try {
    const data = join(disk, 'data');
    mkdirSync(data);
    const root = await imported(kubo, data, 'one');
    const before = await PinreelNode.start({ data, transcoder: false });
    await before.stop();
    await run('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=4k']);
    assert.equal(statfsSync(disk).bavail, 0, 'nothing is left');

    const node = await PinreelNode.start({ data, transcoder: false });
    assert.match(node.log, /disk that holds .* is full.*gives what it has, and takes nothing/);
    assert.equal((await fetch(`${node.url}/ipfs/${root}/one`)).status, 200);
    const clip = join(freshFolder('clip'), 'clip.mp4');
    makeRandomFile(clip, 1_000_000);
    assert.equal((await refused('publish', clip, '--node', node.url)).code, 'disk_full');
    const { pins, stale } = await cli.json<{ pins: Pin[]; stale: null }>('store', 'pins', '--data', data);
    assert.ok(stale === null && pins.some((pin) => pin.cid === root));
    await node.stop();
  } finally {
    await ok('umount', ['--lazy', disk]);
  }
});

test('a folder that is no node’s is told, and completions and pages come', async () => {
  const nowhere = join(freshFolder('none'), 'typo');
  assert.equal((await refused('store', 'stat', '--data', nowhere)).code, 'data_folder');
  assert.ok(!existsSync(nowhere));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = await ok(pinreelBin, ['completions', shell]);
    assert.match(stdout, /repair-from/, shell);
  }
  const folder = join(freshFolder('man'), 'man1');
  await ok(pinreelBin, ['man', folder]);
  const pages = readdirSync(folder);
  for (const page of ['pinreel.1', 'pinreel-cid.1', 'pinreel-store-verify.1'])
    assert.ok(pages.includes(page), page);
});
