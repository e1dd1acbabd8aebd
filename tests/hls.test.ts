// Apple's rules for authors of HLS, as far as they can be read off the files: see docs/hls.md.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Cli, type Published } from './lib/cli.ts';
import { freshFolder } from './lib/folders.ts';
import { ok } from './lib/process.ts';
import { PinreelNode } from './lib/node.ts';

const PLAYLIST = 'application/vnd.apple.mpegurl';
/** How far a rate may be from the measured one. */
const RATE_TOLERANCE = 0.1;
/** How far a segment may exceed the target duration, in seconds. */
const OVERRUN_S = 0.5;
const KEYFRAMES_S = 2;

let node: PinreelNode;
let cli: Cli;
let folder: string;

before(async () => {
  node = await PinreelNode.start();
  cli = new Cli();
  folder = freshFolder('hls');
});
after(() => node.stop());

type Attributes = Record<string, string>;

/** A tag's attributes, unquoted. */
function attributes(line: string): Attributes {
  const pairs = line.slice(line.indexOf(':') + 1).matchAll(/([A-Z-]+)=("[^"]*"|[^,]*)/g);
  return Object.fromEntries([...pairs].map((pair) => [pair[1]!, pair[2]!.replaceAll('"', '')]));
}

interface Segment {
  uri: string;
  seconds: number;
  /** Of the whole, or of the range. */
  bytes: number;
}

interface Media {
  text: string;
  target: number;
  init: string;
  segments: Segment[];
}

interface Variant extends Attributes {
  uri: string;
}

interface Master {
  text: string;
  variants: Variant[];
  keyframes: Attributes[];
  groups: Attributes[];
}

async function publish(name: string, ...args: string[]): Promise<string> {
  const path = join(folder, name);
  await ok('ffmpeg', ['-v', 'error', '-y', ...args, path]);
  const published = await cli.json<Published>('publish', path, '--node', node.url, '--wait', 'complete');
  assert.equal(published.state, 'complete');
  return `${node.url}/ipfs/${published.root}`;
}

async function playlist(address: string): Promise<string> {
  const response = await fetch(address);
  assert.equal(response.headers.get('content-type'), PLAYLIST, address);
  return response.text();
}

async function master(root: string): Promise<Master> {
  const text = await playlist(`${root}/master.m3u8`);
  const lines = text.split('\n');
  const of = (tag: string) => lines.filter((line) => line.startsWith(`${tag}:`)).map(attributes);
  const variants = lines.flatMap((line, n) =>
    line.startsWith('#EXT-X-STREAM-INF:') ? [{ ...attributes(line), uri: lines[n + 1]! } as Variant] : [],
  );
  return { text, variants, keyframes: of('#EXT-X-I-FRAME-STREAM-INF'), groups: of('#EXT-X-MEDIA') };
}

async function media(address: string): Promise<Media> {
  const text = await playlist(address);
  const lines = text.split('\n');
  const segments: Segment[] = [];
  let seconds = 0;
  let range: number | undefined;
  for (const line of lines) {
    if (line.startsWith('#EXTINF:')) seconds = Number.parseFloat(line.slice(8));
    if (line.startsWith('#EXT-X-BYTERANGE:')) range = Number.parseInt(line.slice(17), 10);
    if (line === '' || line.startsWith('#')) continue;
    const uri = new URL(line, address).href;
    const head = await fetch(uri, { method: 'HEAD' });
    segments.push({ uri, seconds, bytes: range ?? Number(head.headers.get('content-length')) });
    range = undefined;
  }
  const init = /#EXT-X-MAP:URI="([^"]+)"/.exec(text)?.[1];
  return {
    text,
    target: Number(/#EXT-X-TARGETDURATION:(\d+)/.exec(text)![1]),
    init: init ? new URL(init, address).href : '',
    segments,
  };
}

/** Bits a second: the average, and the peak over runs of 0.5 to 1.5 target durations (RFC 8216 §4.1). */
function measured({ segments, target }: Media): { average: number; peak: number } {
  const rate = (run: Segment[]) =>
    (8 * run.reduce((sum, each) => sum + each.bytes, 0)) / run.reduce((sum, each) => sum + each.seconds, 0);
  let peak = 0;
  for (let from = 0; from < segments.length; from++) {
    for (let to = from + 1; to <= segments.length; to++) {
      const run = segments.slice(from, to);
      const seconds = run.reduce((sum, each) => sum + each.seconds, 0);
      if (seconds >= target * 0.5 && seconds <= target * 1.5) peak = Math.max(peak, rate(run));
    }
  }
  return { average: rate(segments), peak: Math.max(peak, rate(segments)) };
}

function near(told: string | undefined, is: number, what: string): void {
  assert.ok(Math.abs(Number(told) - is) <= is * RATE_TOLERANCE, `${what}: told ${told}, measured ${is}`);
}

async function bytes(address: string, length?: number): Promise<Buffer> {
  const headers: Record<string, string> = length ? { range: `bytes=0-${length - 1}` } : {};
  return Buffer.from(await (await fetch(address, { headers })).arrayBuffer());
}

/** What ffprobe says of the packets or frames of bytes behind their header. */
async function probe(header: Buffer, body: Buffer, entries: string): Promise<Record<string, string>[]> {
  const path = join(folder, 'part.mp4');
  writeFileSync(path, Buffer.concat([header, body]));
  const { stdout } = await ok('ffprobe', ['-v', 'quiet', '-show_entries', entries, '-of', 'json', path]);
  return (JSON.parse(stdout) as Record<string, Record<string, string>[]>)[`${entries.split('=')[0]}s`]!;
}

function checkWhole(list: Media, name: string): void {
  assert.match(list.text, /^#EXTM3U\n#EXT-X-VERSION:7\n/, name);
  assert.match(list.text, /\n#EXT-X-PLAYLIST-TYPE:VOD\n/, name);
  assert.match(list.text, /\n#EXT-X-ENDLIST\n$/, name);
  for (const segment of list.segments) {
    assert.ok(segment.seconds <= list.target + OVERRUN_S, `${segment.uri} takes ${segment.seconds} s`);
  }
}

/** What holds for every publication with a picture. */
async function checkPicture(root: string, isEncoded: boolean): Promise<void> {
  const { text, variants, keyframes, groups } = await master(root);
  assert.match(text, /\n#EXT-X-INDEPENDENT-SEGMENTS\n/);
  assert.ok(variants.length > 0);
  assert.equal(keyframes.length, variants.length, 'each variant has its keyframes for who looks for a place');
  const sounds = await Promise.all(
    groups.filter((group) => group['TYPE'] === 'AUDIO').map((group) => media(`${root}/${group['URI']}`)),
  );
  const dearest = (of: 'average' | 'peak') => Math.max(0, ...sounds.map((sound) => measured(sound)[of]));
  const targets = new Set(sounds.map((sound) => sound.target));
  for (const variant of variants) {
    const list = await media(`${root}/${variant.uri}`);
    checkWhole(list, variant.uri);
    targets.add(list.target);
    const rates = measured(list);
    near(variant['BANDWIDTH'], rates.peak + dearest('peak'), `${variant.uri} BANDWIDTH`);
    near(
      variant['AVERAGE-BANDWIDTH'],
      rates.average + dearest('average'),
      `${variant.uri} AVERAGE-BANDWIDTH`,
    );
    assert.equal(variant['CLOSED-CAPTIONS'], 'NONE');
    assert.match(list.text, /\n#EXT-X-INDEPENDENT-SEGMENTS\n/);

    const header = await bytes(list.init);
    const [stream] = await probe(
      header,
      await bytes(list.segments[0]!.uri),
      'stream=width,height,profile,level',
    );
    assert.equal(variant['RESOLUTION'], `${stream!['width']}x${stream!['height']}`);
    assert.ok(['High', 'Main', 'Constrained Baseline'].includes(stream!['profile']!), stream!['profile']);
    assert.ok(Number(stream!['level']) <= 52, `level ${stream!['level']}`);
    const level = Number(stream!['level']).toString(16).padStart(2, '0');
    assert.match(variant['CODECS']!, new RegExp(`^avc1\\.[0-9a-f]{4}${level}(,mp4a\\.40\\.2)?$`));
    assert.equal(variant['CODECS']!.includes('mp4a'), sounds.length > 0);

    let start = 0;
    let frames = 0;
    for (const segment of list.segments) {
      const packets = await probe(header, await bytes(segment.uri), 'packet=pts_time,flags');
      const first = packets[0]!;
      assert.ok(first['flags']!.includes('K'), `${segment.uri} begins with a keyframe`);
      assert.ok(Math.abs(Number(first['pts_time']) - start) < 0.001, `${segment.uri} begins at ${start} s`);
      const keys = packets
        .filter((packet) => packet['flags']!.includes('K'))
        .map((packet) => Number(packet['pts_time']));
      const gaps = [...keys.slice(1), start + segment.seconds].map((at, n) => at - keys[n]!);
      if (isEncoded)
        assert.ok(
          gaps.every((gap) => gap <= KEYFRAMES_S + 1 / Number(variant['FRAME-RATE'])),
          `${segment.uri}: ${gaps.join(' ')}`,
        );
      start += segment.seconds;
      frames += packets.length;
    }
    const rate = Number(variant['FRAME-RATE']);
    assert.ok(
      Math.abs(rate - frames / start) < 0.05 && rate <= 60,
      `${rate} frames a second, ${frames / start} counted`,
    );

    const own = keyframes.find((each) => each['RESOLUTION'] === variant['RESOLUTION'])!;
    const stills = await media(`${root}/${own['URI']}`);
    checkWhole(stills, own['URI']!);
    assert.match(stills.text, /\n#EXT-X-I-FRAMES-ONLY\n/);
    assert.equal(own['CODECS'], variant['CODECS']!.split(',')[0]);
    near(
      own['BANDWIDTH'],
      Math.max(...stills.segments.map((each) => (8 * each.bytes) / each.seconds)),
      own['URI']!,
    );
    assert.deepEqual(
      stills.segments.map((each) => [each.uri, each.seconds]),
      list.segments.map((each) => [each.uri, each.seconds]),
    );
    for (const still of stills.segments) {
      const pictures = await probe(header, await bytes(still.uri, still.bytes), 'frame=pict_type,key_frame');
      assert.deepEqual(
        pictures.map((picture) => picture['pict_type']),
        ['I'],
        still.uri,
      );
    }
  }
  assert.equal(targets.size, 1, 'variants and sounds share a target duration');
}

test('an encoded ladder with two languages and subtitles', async () => {
  const texts = join(folder, 'texts.srt');
  writeFileSync(texts, '1\n00:00:01,000 --> 00:00:03,000\nHello\n');
  const root = await publish(
    'two-languages.mkv',
    ...['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=30000/1001:duration=15'],
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=15'],
    ...['-f', 'lavfi', '-i', 'sine=frequency=880:sample_rate=48000:duration=15'],
    ...['-i', texts, '-map', '0', '-map', '1', '-map', '2', '-map', '3'],
    ...['-c:v', 'mpeg4', '-q:v', '4', '-c:a', 'flac', '-c:s', 'srt'],
    ...[
      '-metadata:s:a:0',
      'language=eng',
      '-metadata:s:a:1',
      'language=pol',
      '-metadata:s:s:0',
      'language=eng',
    ],
  );
  await checkPicture(root, true);
  const { groups, variants } = await master(root);
  const sounds = groups.filter((group) => group['TYPE'] === 'AUDIO');
  assert.deepEqual(
    sounds.map((group) => group['LANGUAGE']),
    ['en', 'pl'],
  );
  assert.equal(sounds.filter((group) => group['DEFAULT'] === 'YES').length, 1);
  assert.equal(new Set(sounds.map((group) => group['NAME'])).size, 2);
  assert.ok(sounds.every((group) => group['AUTOSELECT'] === 'YES' && group['CHANNELS'] === '2'));
  const written = groups.filter((group) => group['TYPE'] === 'SUBTITLES');
  assert.deepEqual([written.length, written[0]!['LANGUAGE'], written[0]!['DEFAULT']], [1, 'en', 'NO']);
  assert.ok(
    variants.every((variant) => variant['AUDIO'] === 'audio' && variant['SUBTITLES'] === 'subtitles'),
  );
  const list = await media(`${root}/${written[0]!['URI']}`);
  checkWhole(list, 'subtitles');
  assert.match((await bytes(list.segments[0]!.uri)).toString(), /^WEBVTT\n/);
});

test('a source that is its own top rendition', async () => {
  const root = await publish(
    'fits.mp4',
    ...['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=50:duration=13'],
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=13'],
    ...[
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-g',
      '100',
      '-flags',
      '+cgop',
      '-pix_fmt',
      'yuv420p',
      '-c:a',
      'aac',
    ],
  );
  await checkPicture(root, false);
});

test('sound alone', async () => {
  const root = await publish(
    'sound.flac',
    '-f',
    'lavfi',
    '-i',
    'sine=frequency=440:sample_rate=44100:duration=15',
  );
  const { variants, keyframes } = await master(root);
  assert.deepEqual([variants.length, keyframes.length, variants[0]!['CODECS']], [1, 0, 'mp4a.40.2']);
  const list = await media(`${root}/${variants[0]!.uri}`);
  checkWhole(list, 'sound');
  const rates = measured(list);
  near(variants[0]!['BANDWIDTH'], rates.peak, 'BANDWIDTH');
  near(variants[0]!['AVERAGE-BANDWIDTH'], rates.average, 'AVERAGE-BANDWIDTH');
});
