// The command line's whole path, over every real clip: publish, resolve, verify, and playback by FFmpeg.

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Cli, oneLine, type Published, type Resolved } from './lib/cli.ts';
import { realClip } from './lib/env.ts';
import { freshFolder } from './lib/folders.ts';
import { decode, makeClip, makeRandomFile, probeStreams } from './lib/media.ts';
import { PinreelNode } from './lib/node.ts';

const REAL_CLIPS = [
  'big_buck_bunny_0_30.webm',
  'bigbuckbunny.mp4',
  'bikes.mp4',
  'chaplin.mp4',
  'fire2.mp4',
  'no_duration.webm',
  'smpte-2997.mp4',
  'with-attached-pic.mp3',
  'world.mp4',
];
/** How far a rendition may be from its source's own length, in seconds. */
const LENGTH_TOLERANCE_S = 0.1;
/** One AAC frame at 44.1 kHz: sound can only be cut there. */
const AUDIO_FRAME_S = 1024 / 44_100;

let node: PinreelNode;
let cli: Cli;

before(async () => {
  node = await PinreelNode.start();
  cli = new Cli();
});
after(() => node.stop());

interface Playlist {
  name: string;
  starts: number[];
  durations: number[];
  segments: string[];
}

async function text(path: string): Promise<string> {
  const response = await fetch(node.url + path);
  assert.equal(response.status, 200, `${path}: ${response.status}`);
  return response.text();
}

/** The media playlists that a master names, each with its segments' starts. */
async function playlists(root: string): Promise<Playlist[]> {
  const master = await text(`/ipfs/${root}/master.m3u8`);
  const names = new Set<string>();
  for (const line of master.split('\n')) {
    const isGroup = line.startsWith('#EXT-X-MEDIA:');
    const uri = isGroup ? /URI="([^"]+)"/.exec(line)?.[1] : line.startsWith('#') ? undefined : line.trim();
    if (uri) names.add(uri);
  }
  return Promise.all(
    [...names].map(async (name) => {
      const lines = (await text(`/ipfs/${root}/${name}`)).split('\n');
      const durations = lines.flatMap((line) =>
        line.startsWith('#EXTINF:') ? [Number.parseFloat(line.slice(8))] : [],
      );
      const starts = durations.map((_, n) => durations.slice(0, n).reduce((sum, each) => sum + each, 0));
      return {
        name,
        durations,
        starts,
        segments: lines.filter((line) => line !== '' && !line.startsWith('#')),
      };
    }),
  );
}

/** Everything that a finished publication must hold for any HLS player. */
async function checkPlayback(clip: string, root: string): Promise<void> {
  const lists = await playlists(root);
  assert.ok(lists.length > 0, 'the master names at least one playlist');
  const video = lists.filter((list) => list.name.startsWith('v'));
  for (const list of lists) {
    const [reference] = video.length > 0 ? video : lists;
    assert.equal(
      list.starts.length,
      reference!.starts.length,
      `${list.name} has as many segments as ${reference!.name}`,
    );
    list.starts.forEach((start, n) => {
      const tolerance = list.name.startsWith('v') ? 0.000_01 : AUDIO_FRAME_S;
      const apart = Math.abs(start - reference!.starts[n]!);
      assert.ok(apart <= tolerance, `${list.name}: segment ${n} starts ${apart} s from ${reference!.name}'s`);
    });
  }
  const sourceStreams = (await probeStreams(clip)).filter((stream) => stream.disposition.attached_pic === 0);
  for (const list of lists) {
    const kind = list.name.startsWith('v') ? 'video' : 'audio';
    const ours = await decode(`${node.url}/ipfs/${root}/${list.name}`, kind === 'video' ? 'v:0' : 'a:0');
    assert.equal(ours.errors, '', `${list.name} decodes without a word`);
    const source = sourceStreams.find((stream) => stream.codec_type === kind);
    assert.ok(source, `${list.name} has a stream in the source`);
    const theirs = await decode(clip, `${source.index}`);
    const length = ours.end - ours.start;
    const wanted = theirs.end - theirs.start;
    assert.ok(
      Math.abs(length - wanted) <= LENGTH_TOLERANCE_S,
      `${list.name} is ${length} s long, its source ${wanted} s`,
    );
  }
}

for (const name of REAL_CLIPS) {
  test(`${name} is published by one command and plays in FFmpeg`, async (t) => {
    const clip = realClip(name);
    if (!clip) return t.skip(`SKIPPED: ${name} isn't on this machine`);
    const published = await cli.json<Published>(
      'publish',
      clip,
      '--node',
      node.url,
      '--title',
      name,
      '--wait',
      'complete',
    );
    assert.equal(published.state, 'complete');
    assert.ok(published.root);
    const resolved = await cli.json<Resolved>('resolve', published.url, '--node', node.url);
    assert.equal(resolved.claim, published.claim);
    assert.equal(resolved.root, published.root);
    assert.equal(resolved.source.cid, published.source);
    assert.equal(resolved.source.bytes, statSync(clip).size);
    assert.deepEqual(resolved.origins, [node.url]);
    const source = await fetch(`${node.url}/ipfs/${published.source}`);
    assert.deepEqual(Buffer.from(await source.arrayBuffer()), readFileSync(clip));
    await checkPlayback(clip, published.root);
  });
}

test('a clip made on the spot gets a ladder, and the same words resolve in every form', async () => {
  const clip = await makeClip(join(freshFolder('clip'), 'über den Wolken.mp4'), 5);
  const published = await cli.json<Published>('publish', clip, '--node', node.url, '--wait', 'complete');
  assert.equal(published.state, 'complete');
  const again = await Promise.all(
    [published.url, published.watch, published.claim, `/c/${published.claim}`, `/${published.url}`].map(
      (form) => cli.json<Resolved>('resolve', form, '--node', node.url),
    ),
  );
  for (const resolved of again) assert.equal(resolved.claim, published.claim);
  assert.deepEqual(
    again[0]!.renditions.map((rendition) => rendition.height),
    [360, 240],
  );
  await checkPlayback(clip, published.root!);
  const page = await (await fetch(published.watch)).text();
  assert.match(page, /<title>[^<]*Wolken/);
  assert.match(page, /property="og:title"/);
});

test('a transport stream is called one, whatever its name means elsewhere', async () => {
  const clip = await makeClip(join(freshFolder('clip'), 'broadcast.ts'), 1);
  const published = await cli.json<Published>('publish', clip, '--node', node.url, '--wait', 'complete');
  assert.equal(published.state, 'complete');
  const resolved = await cli.json<Resolved>('resolve', published.url, '--node', node.url);
  assert.equal(resolved.source.media_type, 'video/mp2t');
});

describe('what is not a video', () => {
  test('any other file is published as it is', async () => {
    const file = makeRandomFile(join(freshFolder('file'), 'archive.bin'), 3_000_000);
    const published = await cli.json<Published>('publish', file, '--node', node.url, '--wait', 'complete');
    assert.equal(published.state, 'file');
    assert.equal(published.root, null);
    const bytes = await (await fetch(`${node.url}/ipfs/${published.source}`)).arrayBuffer();
    assert.deepEqual(Buffer.from(bytes), readFileSync(file));
  });

  test('a video that cannot be read fails with a sentence, and may be tried again', async () => {
    const clip = await makeClip(join(freshFolder('clip'), 'whole.mp4'), 2);
    const broken = join(freshFolder('clip'), 'broken.mp4');
    const bytes = readFileSync(clip);
    bytes.fill(0, 64);
    writeFileSync(broken, bytes);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const { code, stdout } = await cli.run(
        'publish',
        broken,
        '--node',
        node.url,
        '--wait',
        'complete',
        '--json',
      );
      assert.equal(code, 1, stdout);
      const { error } = oneLine<{ error: { code: string; message: string } }>(stdout);
      assert.match(error.code, /^[a-z_]+$/);
      assert.match(error.message, /^[A-Z].*[.!]/);
    }
    assert.match(node.log, /WARN .*transcoding failed/);
    assert.doesNotMatch(node.log, /WARN .*failed.*program="transcoder"/, 'told once, by the node');
  });
});

test('verify rechecks everything as a stranger, and answers in one line', async () => {
  const answer = await cli.json<{ ok: boolean; records: number; channels: number; withheld: number }>(
    'verify',
    '--node',
    node.url,
  );
  assert.equal(answer.ok, true);
  assert.equal(answer.channels, 2, "the creator's channel and the node's own");
  assert.ok(answer.records > 4);
  assert.equal(answer.withheld, 0);
});

test('a lost answer, a second run: the same file is not uploaded twice, and gets a slug of its own', async () => {
  const folder = freshFolder('twice');
  const clip = await makeClip(join(folder, 'twice.mp4'), 1);
  const first = await cli.json<Published>('publish', clip, '--node', node.url, '--wait', 'complete');
  copyFileSync(clip, join(folder, 'twice-again.mp4'));
  const second = await cli.json<Published>(
    'publish',
    clip,
    '--node',
    node.url,
    '--title',
    'twice',
    '--wait',
    'complete',
  );
  assert.equal(second.source, first.source);
  assert.equal(second.root, first.root);
  assert.notEqual(second.claim, first.claim);
  assert.notEqual(second.url, first.url);
});

test('what is not there is answered with its own code', async () => {
  const cases: [string, string][] = [
    ['@nobody-here/clip', 'channel_unknown'],
    ['@nobody-here', 'channel_unknown'],
    ['/c/bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy', 'not_found'],
  ];
  for (const [address, code] of cases) {
    const finished = await cli.run('resolve', address, '--node', node.url, '--json');
    assert.equal(finished.code, 1, address);
    assert.equal(oneLine<{ error: { code: string } }>(finished.stdout).error.code, code, address);
  }
});
