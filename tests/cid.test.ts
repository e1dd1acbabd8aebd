// `pinreel cid` gives what a real Kubo's `ipfs add -r` gives, and stores nothing.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { Cli, oneLine } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { Kubo } from './lib/kubo.ts';
import { makeRandomFile } from './lib/media.ts';

interface Line {
  path: string;
  cid: string;
}

async function cids(...args: string[]): Promise<Map<string, string>> {
  const finished = await new Cli().run('cid', ...args, '--json');
  assert.equal(finished.code, 0, finished.stderr);
  const lines = finished.stdout.trimEnd().split('\n');
  return new Map(lines.map((line) => oneLine<Line>(line)).map(({ path, cid }) => [path, cid]));
}

/** What `ipfs add` prints for each file and folder, by path below `base`. */
async function kuboCids(
  kubo: Kubo,
  base: string,
  name: string,
  ...flags: string[]
): Promise<Map<string, string>> {
  const out = await kubo.run('add', '-r', '--only-hash', '--progress=false', ...flags, join(base, name));
  const found = out.split('\n').map((line) => /^added (\S+) (.*)$/.exec(line));
  return new Map(found.map((match) => [join(base, match![2]!), match![1]!]));
}

function makeTree(base: string): void {
  const root = join(base, 'tree');
  mkdirSync(join(root, 'nested', 'empty'), { recursive: true });
  mkdirSync(join(root, '.hidden-folder'));
  for (const [name, bytes] of [
    ['one', 1],
    ['leaf', 1 << 20],
    ['leaves', (9 << 20) + 1],
    ['nested/zero', 0],
  ] as const) {
    makeRandomFile(join(root, name), bytes);
  }
  writeFileSync(join(root, '.hidden'), 'hidden');
  writeFileSync(join(root, '.hidden-folder', 'within'), 'within');
  writeFileSync(join(root, 'nested', 'with spaces & ünïcode 影片.m4s'), 'named');
  symlinkSync('one', join(root, 'link'));
  symlinkSync('../nowhere', join(root, 'nested', 'dangling'));
}

test('a tree of files, folders and links has the CIDs of ipfs add', async () => {
  const base = freshFolder('cid');
  makeTree(base);
  const kubo = await Kubo.init();
  for (const flags of [[], ['--hidden']]) {
    const expected = await kuboCids(kubo, base, 'tree', ...flags);
    assert.ok(expected.size >= 10);
    assert.deepEqual([...(await cids(join(base, 'tree'), ...flags))].sort(), [...expected].sort());
  }
  const link = await cids(join(base, 'tree', 'link'));
  assert.deepEqual(
    [...link.values()],
    [await kubo.run('add', '--only-hash', '--quieter', join(base, 'tree', 'link'))],
  );
  assert.deepEqual(await cids(join(base, 'tree')), await cids(join(base, 'tree'), '--threads', '1'));
});

test('folders around the threshold of sharding have the CIDs of ipfs add', async () => {
  const base = freshFolder('cid');
  const kubo = await Kubo.init();
  for (const count of [4000, 4766, 6000]) {
    const folder = join(base, String(count));
    mkdirSync(folder);
    for (let n = 0; n < count; n += 1)
      writeFileSync(join(folder, `seg-${String(n).padStart(7, '0')}`), String(n % 7));
    const expected = (await kuboCids(kubo, base, String(count))).get(folder);
    assert.equal((await cids(folder)).get(folder), expected, `${count} entries`);
  }
});

test('the shared vectors, from files on the disk', async (t) => {
  const path = join(import.meta.dirname, '../../shared/conformance/cids.json');
  if (!existsSync(path)) {
    console.error('SKIPPED: there is no shared/conformance/cids.json beside the repository');
    t.skip('no shared/conformance');
    return;
  }
  const { files } = JSON.parse(readFileSync(path, 'utf8')) as { files: { bytes: number; cid: string }[] };
  const base = freshFolder('cid');
  const small = files.filter(({ bytes }) => bytes <= 64 << 20);
  assert.ok(small.length > 5);
  const pattern = Buffer.from(Array.from({ length: 251 }, (_, i) => i));
  for (const { bytes } of small) writeFileSync(join(base, `${bytes}.bin`), Buffer.alloc(bytes, pattern));
  const found = await cids(...small.map(({ bytes }) => join(base, `${bytes}.bin`)));
  for (const { bytes, cid } of small)
    assert.equal(found.get(join(base, `${bytes}.bin`)), cid, `${bytes} bytes`);
});

test('what cannot be hashed ends with 1 and a sentence', async () => {
  const finished = await new Cli().run('cid', '/nowhere/at/all', '--json');
  assert.equal(finished.code, 1);
  assert.match(oneLine<{ error: { message: string } }>(finished.stdout).error.message, /nowhere/);
});

test('a name with a newline is one line, and one that is not UTF-8 is told', async () => {
  const base = Buffer.from(freshFolder('cid'));
  const named = (name: Buffer) => Buffer.concat([base, Buffer.from('/'), name]);
  writeFileSync(named(Buffer.from('two\nlines')), 'x');
  const lines = await new Cli().run('cid', named(Buffer.from('two\nlines')).toString());
  assert.match(lines.stdout, /^baf\S+ {2}.*two\\nlines\n$/);
  writeFileSync(named(Buffer.from([0xff])), 'x');
  const folder = await new Cli().run('cid', base.toString());
  assert.equal(folder.code, 1);
  assert.match(folder.stderr, /not UTF-8/);
});
