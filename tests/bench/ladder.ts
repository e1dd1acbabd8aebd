// A whole ladder from one decode, against one ffmpeg command that splits, and against PeerTube's way: a process and a
// decode for each rung. And how soon the first segment can be watched, against PeerTube's whole transcode.

import { join } from 'node:path';

import { Cli, type Published } from '../lib/cli.ts';
import { realClip, transcoderBin } from '../lib/env.ts';
import { freshFolder } from '../lib/folders.ts';
import { PinreelNode } from '../lib/node.ts';
import { ok } from '../lib/process.ts';
import { until } from '../lib/wait.ts';
import { type Comparison, median } from './compare.ts';
import { type Took, took } from './took.ts';

const SECONDS = 60;
const FIRST_SECONDS = 30;
const RUNS = 2;
const FIRST_RUNS = 3;
const MOST_OF_ONE_COMMAND = 1.05;
const LEAST_OF_PEERTUBE = 1.45;
const MOST_FIRST_S = 5;
const LEAST_SOONER = 5;
/** The rung that a node shows while it makes the others of 1080p. */
const QUICK_RUNG = 'v480';

interface Rung {
  width: number;
  height: number;
  /** What its size allows at 30 frames a second. */
  kbit: number;
}

const RUNGS: Rung[] = [
  { width: 1920, height: 1080, kbit: 6200 },
  { width: 1280, height: 720, kbit: 3000 },
  { width: 854, height: 480, kbit: 1500 },
];
/** Those that a node makes besides, unless told otherwise. */
const SMALLER: Rung[] = [
  { width: 640, height: 360, kbit: 900 },
  { width: 426, height: 240, kbit: 450 },
];

/** 1080p at 30 frames a second, with groups too long to be copied: real pictures where they are at hand. */
async function makeSource(path: string, seconds: number): Promise<string> {
  const real = realClip('big_buck_bunny_0_30.webm');
  const input = real
    ? ['-stream_loop', '-1', '-t', String(seconds), '-i', real]
    : ['-f', 'lavfi', '-i', `testsrc2=size=1920x1080:rate=30:duration=${seconds},noise=alls=6:allf=t`];
  await ok('ffmpeg', [
    '-v', 'error', '-y', ...input, '-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`, '-map', '0:v', '-map', '1:a',
    '-vf', 'scale=1920:1080', '-r', '30', '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '18', '-g', '300', '-pix_fmt', 'yuv420p',
    '-c:a', 'aac', path,
  ], { timeoutMs: 600_000 }); // prettier-ignore
  return path;
}

function ours(clip: string, out: string): Promise<Took> {
  const preset = {
    ladder: RUNGS.map((rung) => rung.height),
    crf: 23,
    max_kbits_per_second: null,
    max_frame_rate: 60,
    max_hours: 12,
  };
  return took(transcoderBin, ['transcode', clip, out, '--json', '--preset', JSON.stringify(preset)]);
}

/** What a rung is made with in both of the others' ways. */
const x264 = (n: string, { kbit }: Rung) => [
  `-c:v${n}`, 'libx264', `-preset:v${n}`, 'veryfast', `-crf:v${n}`, '23', `-maxrate:v${n}`, `${kbit}k`, `-bufsize:v${n}`, `${2 * kbit}k`,
  `-pix_fmt:v${n}`, 'yuv420p',
]; // prettier-ignore
/** What our encoder chooses otherwise: see its source. */
const OURS = 'trellis=1:aq-mode=2:aq-strength=0.8:rc-lookahead=20:subme=1';

function oneCommand(clip: string, out: string): Promise<Took> {
  const labels = RUNGS.map((_, n) => `[s${n}]`);
  const scaled = RUNGS.map(({ width, height }, n) => `[s${n}]scale=${width}:${height}[o${n}]`);
  return took('ffmpeg', [
    '-v', 'error', '-y', '-i', clip, '-filter_complex', [`[0:v]split=${RUNGS.length}${labels.join('')}`, ...scaled].join(';'),
    ...RUNGS.flatMap((_, n) => ['-map', `[o${n}]`]), '-map', '0:a', ...RUNGS.flatMap((rung, n) => [...x264(`:${n}`, rung), `-x264-params:v:${n}`, OURS]),
    '-force_key_frames', 'expr:gte(t,n_forced*2)', '-sc_threshold', '0', '-c:a', 'aac', '-b:a', '128k', `${out}.mkv`,
  ]); // prettier-ignore
}

/** Each rung by itself, with the options that PeerTube gives. */
async function peerTube(clip: string, out: string, rungs: Rung[]): Promise<Took> {
  const sum = { cpu: 0, wall: 0 };
  for (const rung of rungs) {
    const each = await took('ffmpeg', [
      '-v', 'error', '-y', '-i', clip, '-map_metadata', '-1', ...x264('', rung), '-bf', '16', '-b_strategy', '1', '-g', '60', '-r', '30',
      '-vf', `scale=${rung.width}:${rung.height}`, '-c:a', 'aac', '-b:a', '128k', '-f', 'hls', '-hls_time', '4', '-hls_list_size', '0',
      '-hls_playlist_type', 'vod', '-hls_segment_type', 'fmp4', '-hls_flags', 'single_file', '-hls_segment_filename',
      `${out}-${rung.height}.mp4`, `${out}-${rung.height}.m3u8`,
    ]); // prettier-ignore
    sum.cpu += each.cpu;
    sum.wall += each.wall;
  }
  return sum;
}

const spread = (values: number[]) => `${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)}`;

export async function ladder(): Promise<Comparison[]> {
  const folder = freshFolder('bench-ladder');
  const clip = await makeSource(join(folder, 'clip.mp4'), SECONDS);
  const [own, one, peer]: [Took[], Took[], Took[]] = [[], [], []];
  for (let run = 0; run < RUNS; run += 1) {
    own.push(await ours(clip, join(folder, `ours-${run}`)));
    one.push(await oneCommand(clip, join(folder, `one-${run}`)));
    peer.push(await peerTube(clip, join(folder, `peertube-${run}`), RUNGS));
  }
  const of = (side: Took[], what: keyof Took) => median(side.map((each) => each[what]));
  const ratios = (other: Took[], what: keyof Took) => own.map((each, n) => each[what] / other[n]![what]);
  const clipNote = `${SECONDS} s of 1080p30 to 1080/720/480 and AAC, ${RUNS} pairs`;
  const compared = (
    name: string,
    other: Took[],
    what: keyof Took,
    most: number,
    note: string,
  ): Comparison => {
    const ratio = median(ratios(other, what));
    return {
      name,
      ours: of(own, what),
      peer: of(other, what),
      unit: what === 'cpu' ? 'CPU s' : 's',
      ratio,
      goal: `≤ ${most.toFixed(2)}`,
      ok: ratio <= most,
      note: `${clipNote}, ${note}; ratios ${spread(ratios(other, what))}`,
    };
  };
  const walls = `wall ${of(own, 'wall').toFixed(1)} s against ${of(one, 'wall').toFixed(1)} s`;
  const cpus = `CPU ${of(own, 'cpu').toFixed(1)} s against ${of(peer, 'cpu').toFixed(1)} s`;
  return [
    compared('ladder', one, 'cpu', MOST_OF_ONE_COMMAND, `peer one ffmpeg command with split; ${walls}`),
    compared(
      'ladder-peertube',
      peer,
      'wall',
      1 / LEAST_OF_PEERTUBE,
      `peer a process and a decode for each rung; ${cpus}`,
    ),
  ];
}

export async function firstSegment(): Promise<Comparison[]> {
  const folder = freshFolder('bench-first');
  const node = await PinreelNode.start({ env: { RUST_LOG: 'warn' } });
  const own: number[] = [];
  try {
    for (let run = 0; run < FIRST_RUNS; run += 1) {
      // Another source each time, so that nothing is known yet.
      const clip = await makeSource(join(folder, `clip-${run}.mp4`), FIRST_SECONDS - run);
      const begun = performance.now();
      const published = await new Cli().json<Published>(
        'publish',
        clip,
        '--node',
        node.url,
        '--wait',
        'playable',
      );
      const growing = `${node.url}/api/v1/claims/${published.claim}/growing`;
      const answer = await fetch(`${growing}/${QUICK_RUNG}/seg-00000.m4s`);
      if (answer.status !== 200) throw new Error(`the first segment: ${answer.status}`);
      await answer.arrayBuffer();
      own.push((performance.now() - begun) / 1000);
      const isWhole = async () => (await node.json(`/api/v1/claims/${published.claim}`)).root !== null;
      await until('the whole', isWhole, 600_000);
    }
  } finally {
    await node.stop();
  }
  const peer = await peerTube(join(folder, 'clip-0.mp4'), join(folder, 'peertube'), [...RUNGS, ...SMALLER]);
  const ratio = median(own) / peer.wall;
  return [
    {
      name: 'first-segment',
      ours: median(own),
      peer: peer.wall,
      unit: 's',
      ratio,
      goal: `≤ ${(1 / LEAST_SOONER).toFixed(2)}, and ours ≤ ${MOST_FIRST_S} s`,
      ok: ratio <= 1 / LEAST_SOONER && median(own) <= MOST_FIRST_S,
      note:
        `${FIRST_SECONDS} s of 1080p30, the whole of \`publish\` with its upload until a segment is fetched (${spread(own)} s), ` +
        `peer PeerTube's whole transcode of the same ladder`,
    },
  ];
}
